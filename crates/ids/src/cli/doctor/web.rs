//! The address that people use: its name, its certificate, what is served there, and what should not be.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, LOCATION, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use futures_util::future::join_all;
use ids_core::ports::Clock;
use ids_net::TrustedRoots;
use serde_json::Value;
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

use super::finding::Finding;
use super::{certificate, clock, machine};
use crate::certificate::believing_connector;
use crate::config::Config;
use crate::http_client::{Answer, Target, get, send};
use crate::system::SystemClock;

/// PostgreSQL, Redis, and the API itself, which a proxy stands in front of.
const CLOSED_PORTS: [u16; 3] = [5432, 6379, 8000];
/// A port that nobody answers at within that time is closed, or filtered.
const KNOCK: Duration = Duration::from_secs(2);

/// Everything about PUBLIC_URL.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.server.public_url else {
        return vec![Finding::not_used(
            "address",
            "PUBLIC_URL is not set; nobody but this machine is expected",
        )];
    };
    let Some(target) = Target::parse(url) else {
        return vec![Finding::fail(
            "address",
            "PUBLIC_URL is no address that a request can be sent to",
            "write it like `https://search.example.org`",
        )];
    };
    let addresses = match resolve(&target).await {
        Ok(addresses) => addresses,
        Err(finding) => return vec![finding],
    };
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut findings = vec![Finding::ok(
        "dns",
        format!("`{}` is {}", target.host, names.join(", ")),
    )];
    let (mut encryption, mut served, ports) = tokio::join!(
        encryption(&target, config.server.production),
        served(&target),
        ports(&addresses)
    );
    findings.append(&mut encryption);
    findings.append(&mut served);
    findings.push(ports);
    findings
}

async fn resolve(target: &Target) -> Result<Vec<IpAddr>, Finding> {
    const WHAT: &str = "dns";
    let found = lookup_host((target.host.as_str(), target.port)).await;
    let mut addresses: Vec<IpAddr> = found
        .map(|all| all.map(|it| it.ip()).collect())
        .unwrap_or_default();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(Finding::fail(
            WHAT,
            format!("the name `{}` of PUBLIC_URL leads nowhere", target.host),
            "make an A record that leads to this server, or correct PUBLIC_URL; a new record may take an hour to be seen",
        ));
    }
    Ok(addresses)
}

/// Certificate and redirect.
async fn encryption(target: &Target, is_production: bool) -> Vec<Finding> {
    const WHAT: &str = "certificate";
    if !target.is_encrypted {
        let found = "PUBLIC_URL is `http`: what people type and upload can be read on its way";
        let hint = "put nginx with a certificate in front, and begin PUBLIC_URL with `https`";
        return vec![match is_production {
            true => Finding::fail(WHAT, found, hint),
            false => Finding::warn(WHAT, found, hint),
        }];
    }
    let roots = match TrustedRoots::System.store_or_mozillas() {
        Ok(roots) => roots,
        Err(error) => {
            let hint = "check the file named by SSL_CERT_FILE";
            return vec![Finding::fail(
                WHAT,
                format!("nobody can be trusted: {error}"),
                hint,
            )];
        }
    };
    let judged = certificate::look(target, roots, SystemClock.now());
    if target.port != 443 {
        // What answers on port 80 of that machine need not be ours.
        return vec![judged.await];
    }
    let (judged, redirected) = tokio::join!(judged, redirect(target, 80));
    vec![judged, redirected]
}

/// Whether `port` sends people on to the encrypted address.
async fn redirect(target: &Target, port: u16) -> Finding {
    const WHAT: &str = "redirect";
    const HINT: &str = "let nginx answer port 80 with `return 301 https://$host$request_uri`";
    let plain = Target {
        is_encrypted: false,
        port,
        authority: target.host.clone(),
        ..target.at("/")
    };
    let answer = match fetch(&plain).await {
        Ok(answer) => answer,
        Err(_) => {
            return Finding::warn(
                WHAT,
                "nobody answers on port 80: who types the name alone may see nothing",
                HINT,
            );
        }
    };
    let location = answer.headers.get(LOCATION).and_then(|it| it.to_str().ok());
    let leads_home = location
        .and_then(Target::parse)
        .is_some_and(|it| it.is_encrypted && it.host.eq_ignore_ascii_case(&target.host));
    match answer.status.as_u16() {
        301 | 308 if leads_home => Finding::ok(WHAT, "http leads to https"),
        300..=399 if leads_home => Finding::warn(
            WHAT,
            format!(
                "http leads to https by {}, which browsers do not remember",
                answer.status.as_u16()
            ),
            HINT,
        ),
        300..=399 => Finding::fail(WHAT, "http leads somewhere else than to PUBLIC_URL", HINT),
        status => Finding::fail(
            WHAT,
            format!("http is answered with {status} instead of being led to https"),
            HINT,
        ),
    }
}

/// What the page and the API look like from outside.
async fn served(target: &Target) -> Vec<Finding> {
    const WHAT: &str = "address";
    let (page, health) = (target.at("/"), target.at("/health"));
    let (page, health) = tokio::join!(fetch(&page), fetch(&health));
    let mut findings = Vec::new();
    match &health {
        Ok(health) => {
            findings.push(leads_here(health));
            findings.extend(clock::of_http("PUBLIC_URL", &health.headers));
        }
        Err(error) => findings.push(Finding::fail(
            WHAT,
            format!("PUBLIC_URL does not answer: {error:#}"),
            "start `ids` and the proxy; is the port open in the firewall?",
        )),
    }
    if let Ok(page) = &page {
        findings.push(headers(&page.headers, target.is_encrypted));
    }
    findings
}

/// Whether it is `ids` that answers, of this version, and well.
fn leads_here(health: &Answer) -> Finding {
    const WHAT: &str = "address";
    let body: Value = serde_json::from_slice(&health.body).unwrap_or(Value::Null);
    let (Some(status), Some(version)) = (body["status"].as_str(), body["version"].as_str()) else {
        return Finding::fail(
            WHAT,
            format!(
                "PUBLIC_URL answers with {}, and not as `ids` does",
                health.status.as_u16()
            ),
            "let the proxy pass `/health` on to `ids`; does the name lead to another server?",
        );
    };
    let own = env!("CARGO_PKG_VERSION");
    if status == "unhealthy" || !health.status.is_success() {
        Finding::fail(
            WHAT,
            format!("`ids` {version} answers there and is {status}"),
            "see the other lines",
        )
    } else if status != "healthy" {
        Finding::warn(
            WHAT,
            format!("`ids` {version} answers there and is {status}"),
            "see the other lines",
        )
    } else if version != own {
        Finding::warn(
            WHAT,
            format!("version {version} answers there, and this is {own}"),
            "finish the deployment, or run the doctor of the same version",
        )
    } else {
        Finding::ok(WHAT, format!("`ids` {version} answers there, healthy"))
    }
}

/// The headers that keep browsers careful.
fn headers(headers: &HeaderMap, is_encrypted: bool) -> Finding {
    const WHAT: &str = "headers";
    let text = |name: &HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_ascii_lowercase()
    };
    let policy = text(&CONTENT_SECURITY_POLICY);
    let mut missing = Vec::new();
    if is_encrypted && seconds_of(&text(&STRICT_TRANSPORT_SECURITY)) == 0 {
        missing.push("Strict-Transport-Security");
    }
    if policy.is_empty() {
        missing.push("Content-Security-Policy");
    }
    if text(&X_CONTENT_TYPE_OPTIONS) != "nosniff" {
        missing.push("X-Content-Type-Options: nosniff");
    }
    if !matches!(text(&X_FRAME_OPTIONS).as_str(), "deny" | "sameorigin")
        && !policy.contains("frame-ancestors")
    {
        missing.push("X-Frame-Options or frame-ancestors");
    }
    if missing.is_empty() {
        return Finding::ok(WHAT, "browsers are told to be careful");
    }
    Finding::warn(
        WHAT,
        format!("PUBLIC_URL is served without {}", missing.join(", ")),
        "take them over from deploy/nginx/nginx.conf; `ids` sends all but the first itself, and a proxy must not drop them",
    )
}

/// `max-age` of Strict-Transport-Security.
fn seconds_of(value: &str) -> u64 {
    let ages = value
        .split(';')
        .filter_map(|part| part.trim().strip_prefix("max-age="));
    ages.filter_map(|age| age.trim_matches('"').parse().ok())
        .next()
        .unwrap_or(0)
}

async fn fetch(target: &Target) -> anyhow::Result<Answer> {
    // Judged by its own check; nothing secret is asked for here.
    send(target, &believing_connector()?, get()).await
}

/// Whether the databases and the API itself answer on addresses that others can reach.
async fn ports(public: &[IpAddr]) -> Finding {
    const WHAT: &str = "ports";
    let mut addresses: Vec<IpAddr> = public.iter().copied().filter(|it| !it.is_loopback()).collect();
    // In a container its own address is one of a network between containers, where they are to be reached.
    if !machine::is_container()
        && let Some(own) = own_address().await
        && !addresses.contains(&own)
    {
        addresses.push(own);
    }
    if addresses.is_empty() {
        return Finding::not_used(WHAT, "this machine has no address that others could reach");
    }
    let open = open_ports(&addresses, &CLOSED_PORTS).await;
    if open.is_empty() {
        let list = CLOSED_PORTS.map(|port| port.to_string()).join(", ");
        return Finding::ok(WHAT, format!("{list} are closed to others"));
    }
    let open: Vec<String> = open.iter().map(|it| format!("`{it}`")).collect();
    Finding::warn(
        WHAT,
        format!(
            "{} can be reached on an address that is not this machine's alone",
            open.join(", ")
        ),
        "let it listen on 127.0.0.1 or in a Docker network alone, or close it in the firewall; Docker passes by ufw",
    )
}

/// Those that take a connection.
async fn open_ports(addresses: &[IpAddr], ports: &[u16]) -> Vec<SocketAddr> {
    let all = addresses
        .iter()
        .flat_map(|address| ports.iter().map(|port| SocketAddr::new(*address, *port)));
    let knocks = all.map(async |address| {
        let connected = timeout(KNOCK, TcpStream::connect(address)).await;
        matches!(connected, Ok(Ok(_))).then_some(address)
    });
    join_all(knocks).await.into_iter().flatten().collect()
}

/// The address that this machine goes out by. Nothing is sent: connecting a UDP socket only chooses a route.
async fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").await.ok()?;
    // Of the range for documentation, which is nobody's.
    socket.connect("192.0.2.1:9").await.ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use axum::http::{HeaderMap, HeaderName, HeaderValue};
    use tokio::net::TcpListener;

    use super::super::finding::State;
    use super::super::testing::{plain_server, tls_server, valid};
    use super::{headers, open_ports, redirect, resolve, served};
    use crate::http_client::Target;

    const CAREFUL: [(&str, &str); 4] = [
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("content-security-policy", "default-src 'self'"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ];

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn each_header_that_lacks_is_named() {
        assert_eq!(headers(&map(&CAREFUL), true).state, State::Ok);
        for (left_out, _) in CAREFUL {
            let some: Vec<_> = CAREFUL
                .into_iter()
                .filter(|(name, _)| *name != left_out)
                .collect();
            let found = headers(&map(&some), true);
            assert_eq!(found.state, State::Warn, "{left_out}");
            assert!(found.detail.to_ascii_lowercase().contains(left_out), "{found}");
        }
        assert_eq!(
            headers(&map(&CAREFUL[1..]), false).state,
            State::Ok,
            "nothing to remember over http"
        );
        let framed = [
            CAREFUL[0],
            ("content-security-policy", "frame-ancestors 'none'"),
            CAREFUL[2],
        ];
        assert_eq!(headers(&map(&framed), true).state, State::Ok);
        let forgotten = [
            ("strict-transport-security", "max-age=0"),
            CAREFUL[1],
            CAREFUL[2],
            CAREFUL[3],
        ];
        assert_eq!(headers(&map(&forgotten), true).state, State::Warn);
    }

    #[tokio::test]
    async fn plain_http_must_lead_to_the_encrypted_address() {
        let check = async |reply: &'static str, state: State| {
            let (port, _server) = plain_server(reply).await;
            let target = Target::parse("https://localhost").unwrap();
            let found = redirect(&target, port).await;
            assert_eq!(found.state, state, "{reply}: {found}");
        };
        let to = "HTTP/1.1 301 Moved\r\nlocation: https://localhost/\r\ncontent-length: 0\r\n\r\n";
        check(to, State::Ok).await;
        let for_now = "HTTP/1.1 302 Found\r\nlocation: https://localhost/\r\ncontent-length: 0\r\n\r\n";
        check(for_now, State::Warn).await;
        let away = "HTTP/1.1 301 Moved\r\nlocation: https://example.org/\r\ncontent-length: 0\r\n\r\n";
        check(away, State::Fail).await;
        check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", State::Fail).await;
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = nobody.local_addr().unwrap().port();
        drop(nobody);
        let target = Target::parse("https://localhost").unwrap();
        assert_eq!(redirect(&target, port).await.state, State::Warn);
    }

    #[tokio::test]
    async fn an_address_that_leads_to_another_server_is_told() {
        let check = async |body: &str, state: State, words: &str| {
            let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let server = tls_server(valid("localhost"), reply).await;
            let target = Target::parse(&format!("https://localhost:{}", server.port)).unwrap();
            let found = served(&target).await;
            let address = found.iter().find(|it| it.what == "address").unwrap();
            assert_eq!(address.state, state, "{body}: {address}");
            assert!(address.detail.contains(words), "{address}");
        };
        let own = env!("CARGO_PKG_VERSION");
        let well = format!("{{\"status\":\"healthy\",\"version\":\"{own}\"}}");
        check(&well, State::Ok, "healthy").await;
        check(&well.replace("healthy", "degraded"), State::Warn, "degraded").await;
        check(&well.replace("healthy", "unhealthy"), State::Fail, "unhealthy").await;
        check(&well.replace(own, "0.0.1"), State::Warn, "0.0.1").await;
        check("<html>parked</html>", State::Fail, "not as `ids` does").await;
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_is_told() {
        let target = Target::parse("https://nobody.invalid").unwrap();
        let finding = resolve(&target).await.unwrap_err();
        assert!(
            finding.state == State::Fail && finding.detail.contains("nobody.invalid"),
            "{finding}"
        );
        assert!(resolve(&Target::parse("http://127.0.0.1").unwrap()).await.is_ok());
    }

    #[tokio::test]
    async fn a_port_that_answers_is_found() {
        let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = (open.local_addr().unwrap(), open);
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let found = open_ports(&[here], &[open.0.port(), port]).await;
        assert_eq!(found, [SocketAddr::new(here, open.0.port())]);
    }
}
