use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// Each address of a host but the last gets this long: where IPv6 leads nowhere, IPv4 still has most of the deadline.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(1);

/// A connection, encrypted or not.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to a host, encrypted where `tls` is given. What is written is sent at once: requests are one write or two,
/// and nothing is gained by waiting for more. The deadline of the whole is the caller's.
///
/// # Errors
/// No address of the host answers, or its certificate is not trusted for this name.
pub async fn connect(host: &str, port: u16, tls: Option<&TlsConnector>) -> io::Result<Box<dyn Stream>> {
    connect_at(&resolve(host, port).await?, host, tls).await
}

/// The addresses of a host.
///
/// # Errors
/// It has none, or nobody can be asked.
pub async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((host, port)).await?.collect())
}

/// Connects as [`connect`] does to one of these addresses, which are taken for `host`'s: who has looked at them first can be sure that it
/// is these that are asked.
///
/// # Errors
/// None of them answers, or its certificate is not trusted for this name.
pub async fn connect_at(
    addresses: &[SocketAddr],
    host: &str,
    tls: Option<&TlsConnector>,
) -> io::Result<Box<dyn Stream>> {
    let tcp = connect_to_any(addresses).await?;
    tcp.set_nodelay(true)?;
    let Some(tls) = tls else {
        return Ok(Box::new(tcp));
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(Box::new(tls.connect(name, tcp).await?))
}

async fn connect_to_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut addresses = addresses.iter().peekable();
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    while let Some(address) = addresses.next() {
        let connecting = TcpStream::connect(address);
        let connected = if addresses.peek().is_some() {
            timeout(ADDRESS_PATIENCE, connecting)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        } else {
            connecting.await
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
