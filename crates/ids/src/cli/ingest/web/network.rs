//! Names and connections, as pages are fetched over them.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use ids_net::{Stream, connect_at, resolve};
use tokio_rustls::TlsConnector;

/// What fetching needs of a network. A test has one in which names lead where none does on its machine: to a public address, or each
/// time to another one.
#[async_trait]
pub trait Network: Send + Sync {
    /// The addresses of a host.
    ///
    /// # Errors
    /// It has none, or nobody can be asked.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Connects to one of these addresses, and asks nobody for others.
    ///
    /// # Errors
    /// None of them answers, or its certificate is not trusted for this host.
    async fn connect(
        &self,
        addresses: &[SocketAddr],
        host: &str,
        tls: Option<&TlsConnector>,
    ) -> io::Result<Box<dyn Stream>>;
}

/// The one this machine is in.
pub struct RealNetwork;

#[async_trait]
impl Network for RealNetwork {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        resolve(host, port).await
    }

    async fn connect(
        &self,
        addresses: &[SocketAddr],
        host: &str,
        tls: Option<&TlsConnector>,
    ) -> io::Result<Box<dyn Stream>> {
        connect_at(addresses, host, tls).await
    }
}
