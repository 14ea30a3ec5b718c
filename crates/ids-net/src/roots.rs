use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{Error, RootCertStore};

/// The certificate authorities that are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedRoots {
    /// Those of the machine (also the file named by `SSL_CERT_FILE`).
    System,
    /// Only these certificates, each in DER.
    Only(Vec<Vec<u8>>),
}

impl TrustedRoots {
    /// The certificates: those given, or those of the machine that can be used, which are read from the disk now and
    /// may be none, as in a bare container.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        match self {
            Self::Only(certificates) => certificates.iter().cloned().map(CertificateDer::from).collect(),
            Self::System => {
                let mut usable = RootCertStore::empty();
                let mut certificates = rustls_native_certs::load_native_certs().certs;
                certificates.retain(|certificate| usable.add(certificate.clone()).is_ok());
                certificates
            }
        }
    }

    /// The same to check a server with; empty where the machine has none.
    ///
    /// # Errors
    /// Given certificates that are none.
    pub fn store(&self) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        for certificate in self.certificates() {
            store.add(certificate)?;
        }
        Ok(store)
    }

    /// The same for servers of the open Internet: Mozilla's authorities where the machine has none of its own.
    ///
    /// # Errors
    /// Given certificates that are none.
    pub fn store_or_mozillas(&self) -> Result<RootCertStore, Error> {
        let mut store = self.store()?;
        if *self == Self::System && store.is_empty() {
            tracing::info!("this machine has no certificate authorities of its own; Mozilla's are trusted");
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::TrustedRoots;

    #[test]
    fn a_given_certificate_that_is_none_is_refused() {
        assert!(
            TrustedRoots::Only(vec![b"no certificate".to_vec()])
                .store()
                .is_err()
        );
    }

    #[test]
    fn someone_is_trusted_on_any_machine_but_nobody_else_when_certificates_are_given() {
        assert!(
            !TrustedRoots::System
                .store_or_mozillas()
                .expect("a store")
                .is_empty()
        );
        assert!(
            TrustedRoots::Only(Vec::new())
                .store_or_mozillas()
                .expect("a store")
                .is_empty()
        );
    }
}
