//! An encrypted connection to the real server.

use std::sync::Arc;

use ids_blobs::TrustedRoots;
use ids_core::ports::{BlobErrorKind, BlobStore};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::support::{Bucket, chain};
use crate::support::{key, put};

// What they are stands beside them.
const AUTHORITY: &[u8] = include_bytes!("../../../../ids-models/tests/it/certificates/authority.der");
const SERVER: &[u8] = include_bytes!("../../../../ids-models/tests/it/certificates/server.der");
const SERVER_KEY: &[u8] = include_bytes!("../../../../ids-models/tests/it/certificates/server.key.der");

/// Stands before the server as a proxy with TLS does, named `localhost`; its port, and what keeps it alive.
async fn encrypted(endpoint: &str) -> (u16, JoinSet<()>) {
    let upstream = endpoint.strip_prefix("http://").unwrap().to_owned();
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
        let mut connections = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            connections.spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else {
                    return;
                };
                let mut server = TcpStream::connect(upstream).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, tasks)
}

#[tokio::test]
async fn a_server_of_a_trusted_authority_is_used_and_no_other() {
    let bucket = Bucket::new().await;
    let (port, _tasks) = encrypted(&bucket.connection.endpoint).await;
    let at = |host: &str, roots: TrustedRoots| {
        bucket.store_with(|config| {
            config.endpoint = Some(format!("https://{host}:{port}"));
            config.roots = roots;
        })
    };
    let trusted = || TrustedRoots::Only(vec![AUTHORITY.to_vec()]);

    let store = at("localhost", trusted());
    let bytes = vec![5; 700_000];
    put(&store, "temp/a", &bytes).await;
    let local = store.open_local(&key("temp/a")).await.unwrap();
    assert!(std::fs::read(local.path()).unwrap() == bytes);

    for (host, roots) in [("127.0.0.1", trusted()), ("localhost", TrustedRoots::System)] {
        let refused = at(host, roots).ping().await.unwrap_err();
        assert_eq!(refused.kind(), BlobErrorKind::Unavailable);
        assert!(chain(&refused).contains("certificate"), "{}", chain(&refused));
    }
}
