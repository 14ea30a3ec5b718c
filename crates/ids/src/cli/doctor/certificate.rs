//! The certificate that a server shows: whether its chain leads to a trusted authority, whether it is valid for the name, how
//! long it lasts.

use std::sync::Arc;
use std::time::Duration;

use ids_core::time::Timestamp;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

use super::finding::Finding;
use crate::certificate::{Shown, ask};
use crate::http_client::{Target, server_name};

const WHAT: &str = "certificate";
const DAY: Duration = Duration::from_secs(86_400);
/// Below so many days a renewal that runs by itself has failed for more than a week: those of Let's Encrypt come 30 days before the end.
const WARN_DAYS: u64 = 21;
const FAIL_DAYS: u64 = 7;

/// Judges what the server of `target` shows.
pub(super) async fn look(target: &Target, roots: RootCertStore, now: Timestamp) -> Finding {
    match ask(target).await {
        Ok(shown) => judge(target, &shown, roots, now),
        Err(error) => Finding::fail(
            WHAT,
            format!("{error:#}"),
            "let the proxy serve TLS there; docs/monitoring.md has what to look at",
        ),
    }
}

fn judge(target: &Target, shown: &Shown, roots: RootCertStore, now: Timestamp) -> Finding {
    const RENEW: &str = "renew it and reload nginx; look why the renewal that runs by itself did not";
    let host = &target.host;
    let ends_at = match shown.ends_at() {
        Ok(ends_at) => ends_at,
        Err(error) => return Finding::fail(WHAT, format!("{error:#}"), "install another one"),
    };
    let left = ends_at.since(now);
    let days = left.as_secs() / DAY.as_secs();
    match verify(target, shown, roots, now) {
        Ok(()) => {}
        Err(Error::InvalidCertificate(error)) => {
            return match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    let ago = now.since(ends_at).as_secs() / DAY.as_secs();
                    Finding::fail(WHAT, format!("that of `{host}` expired {ago} days ago"), RENEW)
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Finding::fail(WHAT, "it is not valid yet", "check this machine's clock")
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Finding::fail(
                        WHAT,
                        format!("it is not valid for `{host}`"),
                        format!("ask for one that names `{host}`, or correct PUBLIC_URL"),
                    )
                }
                CertificateError::UnknownIssuer => Finding::fail(
                    WHAT,
                    "its chain leads to no authority that this machine trusts",
                    "serve the whole chain (`fullchain.pem`), not the certificate alone; name an authority of your own by SSL_CERT_FILE",
                ),
                other => Finding::fail(WHAT, format!("it is refused: {other}"), "install another one"),
            };
        }
        Err(error) => {
            return Finding::fail(
                WHAT,
                format!("it cannot be judged: {error}"),
                "install another one",
            );
        }
    }
    let found = format!("valid for `{host}`, {days} days left");
    if days < FAIL_DAYS {
        Finding::fail(WHAT, found, RENEW)
    } else if days < WARN_DAYS {
        Finding::warn(WHAT, found, RENEW)
    } else {
        Finding::ok(WHAT, found)
    }
}

/// As a browser would. The name is looked at last.
fn verify(target: &Target, shown: &Shown, roots: RootCertStore, now: Timestamp) -> Result<(), Error> {
    let (own, others) = shown
        .chain
        .split_first()
        .ok_or_else(|| Error::General("no certificate is shown".to_owned()))?;
    let name = server_name(target).map_err(|error| Error::General(error.to_string()))?;
    let seconds = u64::try_from(now.as_unix_seconds()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let provider = Arc::new(ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Error::General(error.to_string()))?
        .verify_server_cert(own, others, &name, &[], now)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::super::testing::{Made, ends_in, expired, made_by_nobody, not_yet, tls_server, valid};
    use super::look;
    use crate::http_client::Target;
    use crate::system::SystemClock;
    use ids_core::ports::Clock;

    /// What is found at a server with that certificate, called by `host`.
    async fn check(made: Made, host: &str, state: State, words: &str) {
        let roots = made.roots();
        let server = tls_server(made, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let target = Target::parse(&format!("https://{host}:{}", server.port)).unwrap();
        let found = look(&target, roots, SystemClock.now()).await;
        assert_eq!(found.state, state, "{found}");
        assert!(found.detail.contains(words), "{found}");
    }

    #[tokio::test]
    async fn a_good_certificate_is_good_until_it_nears_its_end() {
        check(valid("localhost"), "localhost", State::Ok, "days left").await;
        check(ends_in(20), "localhost", State::Warn, "19 days left").await;
        check(ends_in(6), "localhost", State::Fail, "5 days left").await;
    }

    #[tokio::test]
    async fn a_certificate_that_browsers_refuse_says_why() {
        check(expired(), "localhost", State::Fail, "expired 2 days ago").await;
        check(not_yet(), "localhost", State::Fail, "not valid yet").await;
        check(
            valid("elsewhere.example"),
            "localhost",
            State::Fail,
            "not valid for `localhost`",
        )
        .await;
        check(
            valid("localhost"),
            "127.0.0.1",
            State::Fail,
            "not valid for `127.0.0.1`",
        )
        .await;
        check(made_by_nobody(), "localhost", State::Fail, "no authority").await;
    }

    #[tokio::test]
    async fn a_port_that_speaks_no_tls_is_told() {
        let (port, _server) = super::super::testing::plain_server("HTTP/1.1 400 Bad\r\n\r\n").await;
        let target = Target::parse(&format!("https://localhost:{port}")).unwrap();
        let found = look(&target, valid("localhost").roots(), SystemClock.now()).await;
        assert!(
            found.state == State::Fail && found.detail.contains("shake hands"),
            "{found}"
        );
    }
}
