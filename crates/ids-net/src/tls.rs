use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, Error};

use crate::TrustedRoots;

/// What makes connections encrypted: rustls over ring, so that no C library for TLS is built or trusted. Reads the
/// machine's certificates from the disk.
///
/// # Errors
/// Given certificates that are none.
pub fn connector(roots: &TrustedRoots) -> Result<TlsConnector, Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots.store_or_mozillas()?)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
