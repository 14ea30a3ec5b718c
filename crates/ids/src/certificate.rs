//! What a server shows when hands are shaken with it, whatever it is worth: for `ids doctor`, which judges it, and for
//! `/metrics`, which tells when it ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ids_core::time::Timestamp;
use ids_http::Metrics;
use ids_net::AnyCertificate;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;
use x509_cert::der::Decode;

use crate::http_client::{Target, server_name};

/// How often the certificate of the public address is looked at, and how soon again when nobody answered: at the start, the proxy
/// in front may wait for this very process.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
const LOOK_AGAIN: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells `metrics` when the certificate at `target` ends, until `stop`.
pub async fn watch(target: Target, metrics: Metrics, stop: CancellationToken) {
    loop {
        let asked = timeout(PATIENCE, ask(&target)).await;
        let ends_at = asked
            .map_err(anyhow::Error::from)
            .flatten()
            .and_then(|shown| shown.ends_at());
        let pause = match ends_at {
            Ok(ends_at) => {
                metrics.set_certificate_end(&target.host, ends_at);
                LOOK_EVERY
            }
            Err(error) => {
                tracing::debug!("the certificate of the public address cannot be looked at: {error:#}");
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// What a server showed.
pub struct Shown {
    /// The server's own first, then those that lead to an authority.
    pub chain: Vec<CertificateDer<'static>>,
}

impl Shown {
    /// When the server's own certificate ends.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ends_at(&self) -> anyhow::Result<Timestamp> {
        let own = self.chain.first().context("the server shows no certificate")?;
        let own = x509_cert::Certificate::from_der(own).context("the certificate cannot be read")?;
        let ends = own.tbs_certificate.validity.not_after.to_unix_duration();
        Ok(Timestamp::from_micros(i64::try_from(ends.as_micros())?))
    }
}

/// Shakes hands with whoever answers, believing anything.
///
/// # Errors
/// When no encrypted connection comes about.
pub async fn ask(target: &Target) -> anyhow::Result<Shown> {
    let tcp = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .with_context(|| format!("`{}` cannot be reached", target.authority))?;
    let stream = believing_connector()?
        .connect(server_name(target)?, tcp)
        .await
        .with_context(|| format!("`{}` does not shake hands", target.authority))?;
    let (_, connection) = stream.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(Shown {
        chain: chain.iter().map(|it| it.clone().into_owned()).collect(),
    })
}

/// For looking at a server whose certificate is judged elsewhere; nothing secret may be sent over it.
///
/// # Errors
/// When the TLS library refuses its own defaults.
pub fn believing_connector() -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
