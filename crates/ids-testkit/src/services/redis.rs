//! Redis.

use std::sync::OnceLock;

use super::private::{PrivateServer, Stop};
use super::{Hold, text, up};

/// The server all tests share; a test keeps to a key prefix of its own.
pub struct SharedRedis {
    /// `redis://default:password@127.0.0.1:port`.
    pub dsn: String,
    _hold: Hold,
}

/// The shared server, started when nobody did before. Blocks, for about a second at most once it is installed.
///
/// # Panics
/// When it cannot be installed or started.
pub fn redis() -> &'static SharedRedis {
    static SHARED: OnceLock<SharedRedis> = OnceLock::new();
    SHARED.get_or_init(|| {
        let (hold, connection) = up("redis");
        SharedRedis {
            dsn: text(&connection, "dsn"),
            _hold: hold,
        }
    })
}

/// A server of one test's own.
pub struct PrivateRedis {
    /// `redis://default:password@127.0.0.1:port`, the same after a restart.
    pub dsn: String,
    server: PrivateServer,
}

impl PrivateRedis {
    /// One that forgets all when it ends.
    ///
    /// # Panics
    /// When it cannot be installed or started.
    pub fn volatile() -> Self {
        Self::of("redis")
    }

    /// One that has all on disk before it answers (`appendonly`, `appendfsync always`).
    ///
    /// # Panics
    /// When it cannot be installed or started.
    pub fn persistent() -> Self {
        Self::of("redis-persistent")
    }

    fn of(kind: &str) -> Self {
        let server = PrivateServer::start(kind, Stop::Terminate);
        Self {
            dsn: text(server.connection(), "dsn"),
            server,
        }
    }

    /// Shuts it down in order.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again at the same port.
    pub fn restart(&mut self) {
        self.server.restart();
    }

    /// Kills it and removes what it had on disk; [`Self::restart`] then starts an empty one.
    pub fn wipe(&mut self) {
        self.server.wipe();
    }

    /// Stops its time: connections stay, nothing is answered.
    pub fn freeze(&self) {
        self.server.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.server.thaw();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpStream;

    use super::*;

    /// The last line of the reply to one command.
    fn reply(dsn: &str, command: &str) -> String {
        let (password, address) = dsn
            .strip_prefix("redis://default:")
            .unwrap()
            .split_once('@')
            .unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "AUTH {password}\r\n{command}\r\nQUIT\r\n").unwrap();
        let lines: Vec<String> = BufReader::new(stream).lines().map(Result::unwrap).collect();
        lines[lines.len() - 2].clone()
    }

    #[test]
    fn a_persistent_redis_is_where_it_was_after_a_kill_with_its_data() {
        let mut server = PrivateRedis::persistent();
        assert_eq!(reply(&server.dsn, "SET color blue"), "+OK");

        server.kill();
        assert!(TcpStream::connect(server.dsn.split_once('@').unwrap().1).is_err());
        server.restart();

        assert_eq!(reply(&server.dsn, "GET color"), "blue");
    }

    #[test]
    fn a_volatile_redis_is_where_it_was_after_a_stop_without_its_data() {
        let mut server = PrivateRedis::volatile();
        assert_eq!(reply(&server.dsn, "SET color blue"), "+OK");

        server.stop();
        server.restart();

        assert_eq!(reply(&server.dsn, "GET color"), "$-1");
    }
}
