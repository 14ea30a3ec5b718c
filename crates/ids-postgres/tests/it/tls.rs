//! Encrypted connections: to whom is spoken, and to whom not. The server of the tests has no TLS: one that only shakes hands
//! stands in for it.

use std::sync::Arc;

use ids_core::ports::Clock;
use ids_postgres::{OpenError, PostgresConfig, PostgresLibrary, SslMode, TrustedRoots};
use ids_testkit::ManualClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::library::beside;

// Made for these tests by the commands in that folder: an authority, and a certificate of it for `localhost`.
const AUTHORITY: &[u8] = include_bytes!("../../../ids-models/tests/it/certificates/authority.der");
const SERVER: &[u8] = include_bytes!("../../../ids-models/tests/it/certificates/server.der");
const SERVER_KEY: &[u8] = include_bytes!("../../../ids-models/tests/it/certificates/server.key.der");

/// The first eight bytes of a client that asks for encryption.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// `FATAL` with the code of "the server is starting": what this server says to whoever got so far.
const NOT_NOW: &[u8] = b"E\0\0\0\x1aSFATAL\0C57P03\0Mnot now\0\0";

/// What a client did.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// It sent its name in the clear.
    Plain,
    /// It believed the certificate and sent its name encrypted.
    Encrypted,
    /// It went away.
    Left,
}

/// A server that takes one client: with TLS, or answering that it has none.
async fn server(has_tls: bool) -> (u16, JoinHandle<Came>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = beside(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, has_tls).await.unwrap_or(Came::Left)
    });
    (port, served)
}

async fn serve(mut stream: TcpStream, has_tls: bool) -> std::io::Result<Came> {
    let mut first = [0; 8];
    stream.read_exact(&mut first).await?;
    if first == SSL_REQUEST && has_tls {
        stream.write_all(b"S").await?;
        let mut stream = acceptor().accept(stream).await?;
        stream.read_exact(&mut first).await?;
        stream.write_all(NOT_NOW).await?;
        stream.shutdown().await?;
        return Ok(Came::Encrypted);
    }
    if first == SSL_REQUEST {
        stream.write_all(b"N").await?;
        stream.read_exact(&mut first).await?;
    }
    stream.write_all(NOT_NOW).await?;
    Ok(Came::Plain)
}

fn acceptor() -> TlsAcceptor {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(SERVER_KEY.to_vec()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from_slice(SERVER)], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn came(has_tls: bool, host: &str, ssl_mode: SslMode, roots: &[&[u8]]) -> Came {
    let (port, served) = server(has_tls).await;
    let config = PostgresConfig {
        port,
        ssl_mode,
        roots: TrustedRoots::Only(roots.iter().map(|root| root.to_vec()).collect()),
        ..PostgresConfig::new(host, "ids", "ids")
    };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let refused = PostgresLibrary::open(&config, clock).await.err();
    assert!(
        matches!(refused, Some(OpenError::Unavailable { .. })),
        "{refused:?}"
    );
    served.await.unwrap()
}

#[tokio::test]
async fn each_mode_encrypts_and_believes_as_it_says() {
    use SslMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
    let known: &[&[u8]] = &[AUTHORITY];
    // Another authority: the server's own certificate, which has signed nothing.
    let unknown: &[&[u8]] = &[SERVER];
    for (mode, host, roots, expected) in [
        (Disable, "localhost", known, Came::Plain),
        (Prefer, "127.0.0.1", &[][..], Came::Encrypted),
        (Require, "127.0.0.1", &[][..], Came::Encrypted),
        (VerifyCa, "localhost", known, Came::Encrypted),
        (VerifyCa, "127.0.0.1", known, Came::Encrypted),
        (VerifyCa, "localhost", unknown, Came::Left),
        (VerifyFull, "localhost", known, Came::Encrypted),
        (VerifyFull, "127.0.0.1", known, Came::Left),
        (VerifyFull, "localhost", unknown, Came::Left),
    ] {
        assert_eq!(came(true, host, mode, roots).await, expected, "{mode:?} {host}");
    }
}

#[tokio::test]
async fn without_tls_only_the_modes_that_allow_it_go_on() {
    for mode in SslMode::ALL {
        let expected = match mode {
            SslMode::Disable | SslMode::Prefer => Came::Plain,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Came::Left,
        };
        assert_eq!(
            came(false, "localhost", mode, &[AUTHORITY]).await,
            expected,
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn without_a_known_authority_nothing_can_be_verified() {
    let config = PostgresConfig {
        ssl_mode: SslMode::VerifyFull,
        roots: TrustedRoots::Only(Vec::new()),
        ..PostgresConfig::new("localhost", "ids", "ids")
    };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let refused = PostgresLibrary::open(&config, clock).await.err();
    assert!(
        matches!(refused, Some(OpenError::Certificates { .. })),
        "{refused:?}"
    );
}
