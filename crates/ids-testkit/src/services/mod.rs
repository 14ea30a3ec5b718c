//! Real servers for tests: PostgreSQL with pgvector, Redis, and an object storage that speaks S3.
//!
//! [`postgres`], [`redis`] and [`s3`] are shared by all test processes of this user: the first one starts the server,
//! and it stops a while after the last one ended. Each test keeps to a name of its own ([`unique_name`]). A test that
//! kills, freezes or wipes takes a private server: [`PrivatePostgres`], [`PrivateRedis`], [`PrivateS3`].
//!
//! All is done by `scripts/test-services.sh`; nothing is left behind even when a test is killed.

mod postgres;
mod private;
mod redis;
mod s3;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

pub use postgres::{PostgresConnection, PrivatePostgres, SharedPostgres, postgres};
pub use redis::{PrivateRedis, SharedRedis, redis};
pub use s3::{PrivateS3, S3Connection, SharedS3, s3};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/test-services.sh");

/// A name that no other test has: `prefix` and 16 hexadecimal digits, fit for a schema, a key prefix, a bucket.
///
/// # Panics
/// Without a source of random numbers.
pub fn unique_name(prefix: &str) -> String {
    let mut random = [0; 8];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .unwrap_or_else(|err| panic!("no random numbers: {err}"));
    format!("{prefix}{:016x}", u64::from_ne_bytes(random))
}

/// A shared server is there as long as somebody holds this.
struct Hold {
    _users: File,
}

impl Hold {
    /// Waits while another process is just stopping that server.
    fn on(name: &str) -> Self {
        let path = registry().join(format!("{name}.users"));
        let users = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .and_then(|file| file.lock_shared().map(|()| file))
            .unwrap_or_else(|err| panic!("`{}` could not be locked: {err}", path.display()));
        Self { _users: users }
    }
}

/// Starts the shared server unless it runs. The hold comes first, so that it does not stop in between.
fn up(name: &str) -> (Hold, Value) {
    let hold = Hold::on(name);
    (hold, ask(&["up", name]))
}

/// Where running servers are written down.
fn registry() -> &'static Path {
    static REGISTRY: OnceLock<PathBuf> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let folder = std::env::var_os("IDS_TEST_SERVICES_DIR").map_or_else(
            || {
                let user = std::fs::metadata("/proc/self").map_or(0, |process| process.uid());
                std::env::temp_dir().join(format!("ids-services-{user}"))
            },
            PathBuf::from,
        );
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&folder)
            .unwrap_or_else(|err| panic!("`{}` could not be made: {err}", folder.display()));
        folder
    })
}

/// The script, told to use our registry.
fn script() -> Command {
    let mut command = Command::new(SCRIPT);
    command
        .env("IDS_TEST_SERVICES_DIR", registry())
        .stdin(Stdio::null());
    command
}

/// What the script answers, which is JSON.
fn ask(arguments: &[&str]) -> Value {
    let output = script()
        .args(arguments)
        .output()
        .unwrap_or_else(|err| panic!("`{SCRIPT}` could not be run: {err}"));
    assert!(
        output.status.success(),
        "`scripts/test-services.sh {}` failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|err| {
        panic!(
            "`scripts/test-services.sh {}` answered no JSON ({err})",
            arguments.join(" ")
        )
    })
}

fn text(connection: &Value, key: &str) -> String {
    connection[key]
        .as_str()
        .unwrap_or_else(|| panic!("the connection has no `{key}`"))
        .to_owned()
}

fn port(connection: &Value) -> u16 {
    connection["port"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())
        .unwrap_or_else(|| panic!("the connection has no `port`"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_shared_postgres_answers() {
        let server = postgres();
        TcpStream::connect((server.host.as_str(), server.port)).unwrap();
    }

    #[test]
    fn two_processes_get_the_same_server() {
        let server = redis();
        // The script, run by itself, is the second process.
        assert_eq!(text(&ask(&["up", "redis"]), "dsn"), server.dsn);
    }

    #[test]
    fn a_shared_object_storage_answers() {
        let server = s3();
        let address = server.endpoint.strip_prefix("http://").unwrap();
        TcpStream::connect(address).unwrap();
    }

    #[test]
    fn names_differ() {
        assert_ne!(unique_name("t_"), unique_name("t_"));
        assert_eq!(unique_name("t_").len(), 18);
    }
}
