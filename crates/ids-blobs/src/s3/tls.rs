//! Encrypted connections: rustls over ring, so that no C library for TLS is built or trusted.

use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::config::{S3ConfigError, TrustedRoots};

/// What makes connections encrypted. Reads the machine's certificates from the disk.
///
/// # Errors
/// Given certificates that are none.
pub(super) fn connector(roots: &TrustedRoots) -> Result<TlsConnector, S3ConfigError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(S3ConfigError::Certificates)?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn store(roots: &TrustedRoots) -> Result<RootCertStore, S3ConfigError> {
    let mut store = RootCertStore::empty();
    match roots {
        TrustedRoots::Only(certificates) => {
            for certificate in certificates {
                store
                    .add(CertificateDer::from_slice(certificate))
                    .map_err(S3ConfigError::Certificates)?;
            }
        }
        TrustedRoots::System => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _) = store.add_parsable_certificates(found.certs);
            if added == 0 {
                tracing::info!(
                    "this machine has no certificate authorities of its own; Mozilla's are trusted"
                );
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
        }
    }
    Ok(store)
}
