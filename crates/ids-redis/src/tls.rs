//! Whom to trust with `rediss://`: rustls over ring, as everywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ids_net::TrustedRoots;
use redis::TlsCertificates;
use tokio_rustls::rustls::crypto::ring;

/// The trusted certificates in the form the client takes. Reads the machine's from the disk, once: the client would do so
/// for each connection, and fail where one of them cannot be read.
pub(crate) fn certificates(roots: &TrustedRoots) -> TlsCertificates {
    // The client takes the process's provider. Another one that was chosen before stays.
    let _ = ring::default_provider().install_default();
    let certificates = roots.certificates();
    let root_cert = if *roots == TrustedRoots::System && certificates.is_empty() {
        tracing::info!("this machine has no certificate authorities of its own; Mozilla's are trusted");
        // The client's own list (feature `tls-rustls-webpki-roots`).
        None
    } else {
        Some(pem(certificates.iter().map(AsRef::as_ref)))
    };
    TlsCertificates {
        client_tls: None,
        root_cert,
    }
}

fn pem<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        text.push_str(&STANDARD.encode(certificate));
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text.into_bytes()
}
