//! What the clients of every outside server share: a secret that is never shown, whom to trust, and the way to a server,
//! encrypted or not. Knows no protocol and nothing of documents.

mod address;
mod any_certificate;
mod connect;
mod roots;
mod secret;
mod tls;

pub use address::is_public;
pub use any_certificate::AnyCertificate;
pub use connect::{Stream, connect, connect_at, resolve};
pub use roots::TrustedRoots;
pub use secret::Secret;
pub use tls::connector;
