use std::io;
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
    let tcp = connect_to_any(host, port).await?;
    tcp.set_nodelay(true)?;
    let Some(tls) = tls else {
        return Ok(Box::new(tcp));
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(Box::new(tls.connect(name, tcp).await?))
}

async fn connect_to_any(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut addresses = lookup_host((host, port)).await?.peekable();
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
