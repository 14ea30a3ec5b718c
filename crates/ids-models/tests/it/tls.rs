//! Encrypted connections: to whom is spoken, and to whom not.

use std::sync::Arc;
use std::time::Duration;

use ids_core::ports::ChatError;
use ids_models::{OpenAiChatModel, TrustedRoots};
use ids_testkit::contracts::chat_model_contract::{ask, at};
use ids_testkit::{Script, ScriptedModelServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::config;

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.der");
const SERVER: &[u8] = include_bytes!("certificates/server.der");
const SERVER_KEY: &[u8] = include_bytes!("certificates/server.key.der");

const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"choices\": [{\"message\": {\"content\": \"em segredo\"}}]}";

/// A server named `localhost` that answers every request; its port, and what keeps it alive.
async fn server() -> (u16, JoinSet<()>) {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(SERVER_KEY.to_vec()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from_slice(SERVER)], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust us goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = Vec::new();
            while !request.ends_with(b"}") && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            }
            let _ = stream.write_all(REPLY).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, tasks)
}

async fn ask_at(host: &str, port: u16, roots: TrustedRoots) -> Result<String, ChatError> {
    ask_within(Duration::from_secs(30), host, port, roots).await
}

async fn ask_within(
    deadline: Duration,
    host: &str,
    port: u16,
    roots: TrustedRoots,
) -> Result<String, ChatError> {
    let base_url = format!("https://{host}:{port}/v1");
    let mut config = config(&at(base_url, deadline));
    config.roots = roots;
    let model = OpenAiChatModel::new(config).unwrap();
    ask(&model).await.map(|(text, _)| text)
}

#[tokio::test]
async fn a_server_with_a_certificate_of_a_trusted_authority_is_spoken_to() {
    let (port, _server) = server().await;
    let roots = TrustedRoots::Only(vec![AUTHORITY.to_vec()]);
    assert_eq!(ask_at("localhost", port, roots).await.unwrap(), "em segredo");
}

#[tokio::test]
async fn a_server_of_another_name_or_of_an_unknown_authority_gets_no_request() {
    let (port, _server) = server().await;
    let trusted = TrustedRoots::Only(vec![AUTHORITY.to_vec()]);
    for (host, roots) in [("127.0.0.1", trusted), ("localhost", TrustedRoots::System)] {
        let error = ask_at(host, port, roots).await.unwrap_err();
        let ChatError::Unavailable { source, .. } = error else {
            panic!("{error:?}");
        };
        let cause = source.source().unwrap().to_string();
        assert!(cause.contains("certificate"), "{host}: {cause}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_not_spoken_to() {
    let server = ScriptedModelServer::start([Script::raw("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let url = server.base_url();
    let port = url.trim_end_matches("/v1").rsplit(':').next().unwrap();
    // It waits for the end of a request, which an encrypted one has not.
    let deadline = Duration::from_millis(300);
    let error = ask_within(deadline, "localhost", port.parse().unwrap(), TrustedRoots::System)
        .await
        .unwrap_err();
    assert!(matches!(error, ChatError::Unavailable { .. }), "{error:?}");
    assert!(server.requests().is_empty());
}
