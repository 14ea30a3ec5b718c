//! `ids ingest https://…`: one page from a server of this machine, and all that a server may do to who asks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::place::{Place, Run, texts};

/// Gives the reply to a path as raw bytes; `None` closes the connection without one.
type Reply = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// A web server on loopback, for as long as the test's process lives.
struct Pages {
    address: String,
    /// The heads of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Pages {
    fn serve(reply: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::serve_over(reply, |stream, answer| answer(Box::new(stream)))
    }

    fn serve_over(
        reply: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
        over: impl Fn(TcpStream, &dyn Fn(Box<dyn Duplex>)) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&asked);
        let reply: Arc<Reply> = Arc::new(reply);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                over(stream, &|stream| answer(stream, &heads, &*reply));
            }
        });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

trait Duplex: Read + Write {}

impl<T: Read + Write> Duplex for T {}

fn answer(stream: Box<dyn Duplex>, heads: &Mutex<Vec<String>>, reply: &Reply) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    if let Some(bytes) = reply(&path) {
        // Who asked may have heard enough.
        let _ = stream.get_mut().write_all(&bytes);
        let _ = stream.get_mut().flush();
    }
}

fn page(kind: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend_from_slice(body);
    reply
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

/// As `SSL_CERT_FILE` has it.
fn pem(certificate: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn ingest(place: &Place, url: &str) -> Run {
    place.ids(&["ingest", "--allow-private", "--json", url])
}

/// The code of the one failure.
fn code(run: &Run) -> String {
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let codes = texts(&run.body()["failed"], "error_code");
    assert_eq!(codes.len(), 1, "{}", run.stdout);
    codes[0].clone()
}

#[test]
fn a_page_is_a_document_known_by_its_address() {
    let text = Arc::new(Mutex::new("A multa é de dez por cento."));
    let said = Arc::clone(&text);
    let pages = Pages::serve(move |path| match path {
        "/moved?x=1" => Some(redirect("leis/8666")),
        "/leis/8666" => {
            let text = said.lock().unwrap();
            let html =
                format!("<!doctype html><meta charset=utf-8><title>Lei de licitações</title><p>{text}");
            Some(page("text/html; charset=utf-8", html))
        }
        "/edital" => Some(page("application/pdf", "O edital, que é texto e não PDF.")),
        _ => None,
    });
    let place = Place::new();
    let url = pages.url("/moved?x=1#art-5");

    let first = ingest(&place, &url).body();
    assert_eq!(first["ingested"], 1, "{first}");
    assert_eq!(first["documents"][0]["path"], url.as_str());
    let document_id = first["documents"][0]["document_id"].as_str().unwrap();
    let document = place.json(&["documents", "show", document_id]);
    assert_eq!(
        (
            &document["title"],
            &document["content_type"],
            &document["filename"]
        ),
        (
            &Value::from("Lei de licitações"),
            &Value::from("text/html"),
            &Value::from("8666.html")
        )
    );
    let heads = pages.asked();
    assert_eq!(heads.len(), 2);
    assert!(
        heads[0].contains(&format!("host: {}\r\n", pages.address)),
        "{heads:?}"
    );
    assert!(
        heads[0].contains("user-agent: ids/") && heads[0].contains("connection: close"),
        "{heads:?}"
    );

    // As it was, the part of the page that was meant is none of its own; then changed.
    let again = ingest(&place, &pages.url("/moved?x=1")).body();
    assert_eq!(texts(&again["skipped"], "reason"), ["unchanged"], "{again}");
    *text.lock().unwrap() = "A multa é de vinte por cento.";
    let changed = ingest(&place, &url).body();
    assert_eq!(changed["documents"][0]["document_id"], document_id);
    let found = place.json(&["search", "vinte", "--mode", "keyword"]);
    assert_eq!(texts(&found["results"], "source"), ["8666.html"]);
    assert_eq!(place.json(&["documents", "list"])["total"], 1);

    // The content tells the type, here too; files may stand beside pages.
    place.write("a.txt", "O prazo do recurso é de quinze dias.");
    let both = place.json(&["ingest", "--allow-private", "a.txt", &pages.url("/edital")]);
    assert_eq!(both["ingested"], 2, "{both}");
}

#[test]
fn private_addresses_are_refused_at_each_hop() {
    let pages = Pages::serve(|_| Some(page("text/html", "<!doctype html>segredo")));
    let place = Place::new();
    let port = pages.address.rsplit(':').next().unwrap().to_owned();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
    ] {
        let run = place.ids(&["ingest", "--json", &format!("http://{host}:{port}/")]);
        assert_eq!(code(&run), "ADDRESS_PRIVATE", "{host}");
    }
    for host in [
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
    ] {
        let run = place.ids(&["ingest", "--json", &format!("http://{host}/latest/meta-data")]);
        assert_eq!(code(&run), "ADDRESS_PRIVATE", "{host}");
    }
    assert!(pages.asked().is_empty(), "nobody was asked");
    for (url, expected) in [
        ("file:///etc/passwd", "ADDRESS_INVALID"),
        ("ftp://example.org/a", "ADDRESS_INVALID"),
        ("http://user:secret@example.org/", "ADDRESS_INVALID"),
        ("http://", "ADDRESS_INVALID"),
    ] {
        let run = place.ids(&["ingest", "--json", url]);
        assert_eq!(code(&run), expected, "{url}");
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    }
    // What may be private is still http.
    let inward = Pages::serve(|_| Some(redirect("file:///etc/passwd")));
    assert_eq!(code(&ingest(&place, &inward.url("/"))), "ADDRESS_INVALID");
    assert_eq!(place.json(&["documents", "list"])["total"], 0);
}

#[test]
fn what_a_server_may_do_wrong_is_a_reason_and_no_document() {
    let large = "x".repeat(3 * 1_024 * 1_024);
    let pages = Pages::serve(move |path| {
        Some(match path {
            "/none" => b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno".to_vec(),
            "/round" => redirect("/round"),
            "/large" => page("text/plain", &large),
            "/growing" => {
                let mut reply = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n".to_vec();
                reply.extend_from_slice(large.as_bytes());
                reply
            }
            "/broken" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec(),
            "/zipped" => b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx".to_vec(),
            "/noise" => b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(),
            "/program" => page("text/html", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0"),
            "/empty" => page("text/html", ""),
            _ => return None,
        })
    });
    let place = Place::new();
    for (path, expected) in [
        ("/none", "FETCH_FAILED"),
        ("/round", "FETCH_FAILED"),
        ("/large", "FILE_TOO_LARGE"),
        ("/growing", "FILE_TOO_LARGE"),
        ("/broken", "FETCH_FAILED"),
        ("/zipped", "FETCH_FAILED"),
        ("/noise", "FETCH_FAILED"),
        ("/program", "UNSUPPORTED_TYPE"),
        ("/empty", "EMPTY_FILE"),
        ("/closes", "FETCH_FAILED"),
    ] {
        let arguments = ["ingest", "--allow-private", "--json", &pages.url(path)];
        let mut command = place.command(&arguments);
        let run = Run::of(&command.env("MAX_FILE_SIZE_MB", "2").output().unwrap());
        assert_eq!(code(&run), expected, "{path}: {}", run.stdout);
    }
    assert_eq!(
        pages
            .asked()
            .iter()
            .filter(|head| head.contains("/round"))
            .count(),
        6
    );
    assert_eq!(place.json(&["documents", "list"])["total"], 0);
}

#[test]
fn an_encrypted_page_comes_from_a_server_that_is_trusted_and_from_no_other() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let pages = Pages::serve_over(
        |_| Some(page("text/plain", "O quórum é de maioria absoluta.")),
        move |stream, answer| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            answer(Box::new(StreamOwned::new(connection, stream)));
        },
    );
    let place = Place::new();
    let authority = place.write("authority.pem", pem(made.cert.der()));
    let port = pages.address.rsplit(':').next().unwrap();
    let fetch = |host: &str| {
        let url = format!("https://{host}:{port}/ata");
        let mut command = place.command(&["ingest", "--allow-private", "--json", &url]);
        Run::of(&command.env("SSL_CERT_FILE", &authority).output().unwrap())
    };

    let run = fetch("localhost");
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(
        texts(&place.json(&["documents", "list"])["documents"], "filename"),
        ["ata.txt"]
    );
    // Trusted for another name; not trusted at all.
    assert_eq!(code(&fetch("127.0.0.1")), "FETCH_FAILED");
    let url = format!("https://localhost:{port}/ata");
    let stranger = place.ids(&["ingest", "--allow-private", "--json", &url]);
    assert_eq!(code(&stranger), "FETCH_FAILED");
}
