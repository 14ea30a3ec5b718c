//! Servers for tests of what is asked of them: real TLS over loopback, with certificates made on the spot.

use std::sync::Arc;
use std::time::Duration;

use ids_core::ports::Clock;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::system::SystemClock;

/// A certificate, its key, and the authority that is to be trusted.
pub(super) struct Made {
    own: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    authority: CertificateDer<'static>,
}

impl Made {
    /// A machine that trusts its authority and nobody else.
    pub(super) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        roots
    }
}

/// From ten days ago to a year from now.
pub(super) fn valid(name: &str) -> Made {
    make(name, -10, 365)
}

/// Valid for so many days more.
pub(super) fn ends_in(days: i64) -> Made {
    make("localhost", -10, days)
}

/// Since two days.
pub(super) fn expired() -> Made {
    make("localhost", -10, -2)
}

/// From tomorrow on.
pub(super) fn not_yet() -> Made {
    make("localhost", 1, 365)
}

/// By an authority that nobody trusts.
pub(super) fn made_by_nobody() -> Made {
    Made {
        authority: valid("elsewhere.example").authority,
        ..valid("localhost")
    }
}

fn make(name: &str, from_days: i64, to_days: i64) -> Made {
    let mut of_authority = CertificateParams::new(Vec::new()).unwrap();
    let of = format!("authority of {name}");
    of_authority.distinguished_name.push(DnType::CommonName, of);
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority = of_authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(of_authority, authority_key);

    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    let now = SystemClock.now().as_unix_seconds();
    let day = |days: i64| {
        let since_epoch = u64::try_from(now + days * 86_400).unwrap();
        (std::time::UNIX_EPOCH + Duration::from_secs(since_epoch)).into()
    };
    params.not_before = day(from_days);
    params.not_after = day(to_days);
    let key = KeyPair::generate().unwrap();
    let own = params.signed_by(&key, &issuer).unwrap();
    Made {
        own: own.der().clone(),
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        authority: authority.der().clone(),
    }
}

/// A server; it ends when dropped.
pub(super) struct TlsServer {
    pub(super) port: u16,
    _tasks: JoinSet<()>,
}

/// Gives the same reply to every request.
pub(super) async fn tls_server(made: Made, reply: impl Into<String>) -> TlsServer {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.own], made.key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let reply = reply.into();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, &reply).await;
            }
        }
    });
    TlsServer { port, _tasks: tasks }
}

/// The same without encryption; its port, and what keeps it alive.
pub(super) async fn plain_server(reply: &'static str) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, reply).await;
        }
    });
    (port, tasks)
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: &str) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if !stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            // It only shook hands, or speaks no HTTP.
            break;
        }
        if request.first().is_some_and(|first| *first == 0x16) {
            break;
        }
    }
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}
