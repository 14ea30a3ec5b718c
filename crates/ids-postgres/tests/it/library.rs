//! A library in a schema of its own, which goes with it.

use std::sync::Arc;

use deadpool_postgres::tokio_postgres::{Client, Config, NoTls};
use ids_core::ports::Clock;
use ids_postgres::{PostgresConfig, PostgresLibrary, Secret, SslMode};
use ids_testkit::services::{PostgresConnection, postgres, unique_name};
use ids_testkit::{ManualClock, SequentialIds, Stores};
use tokio::task::JoinHandle;

/// A library, with what a test needs to look at it from outside.
pub struct Library {
    pub library: PostgresLibrary,
    pub clock: Arc<ManualClock>,
    pub schema: Schema,
}

/// The name of a schema of one test, dropped at its end.
pub struct Schema {
    pub name: String,
}

impl Schema {
    pub fn new() -> Self {
        Self {
            name: unique_name("t_"),
        }
    }

    /// The settings of a library in it, as the role that is no superuser.
    pub fn config(&self) -> PostgresConfig {
        PostgresConfig {
            schema: Some(self.name.clone()),
            ..config_of(postgres())
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let name = self.name.clone();
        // A runtime of its own: the test's may be of one thread, which is here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let client = connect(postgres()).await;
                let sql = format!("set client_min_messages = warning; drop schema if exists {name} cascade");
                client.batch_execute(&sql).await.unwrap();
            });
        });
        // A test that fails already must not panic twice.
        let _ = dropped.join();
    }
}

/// The settings of a library on a server, in the schema `public`.
pub fn config_of(server: &PostgresConnection) -> PostgresConfig {
    PostgresConfig {
        port: server.port,
        password: Some(Secret::new(server.password.as_str())),
        ssl_mode: SslMode::Disable,
        ..PostgresConfig::new(&server.host, &server.user, &server.database)
    }
}

/// Runs something beside a test.
#[expect(clippy::disallowed_methods, reason = "it ends with the runtime of its test")]
pub fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn(work)
}

/// A plain connection as the role that is no superuser.
pub async fn connect(server: &PostgresConnection) -> Client {
    connect_as(server, &server.user, &server.password).await
}

/// A plain connection as whoever.
pub async fn connect_as(server: &PostgresConnection, user: &str, password: &str) -> Client {
    let (client, connection) = Config::new()
        .host(&server.host)
        .port(server.port)
        .user(user)
        .password(password)
        .dbname(&server.database)
        .connect(NoTls)
        .await
        .expect("the server answers");
    // It ends when the client is dropped.
    beside(connection);
    client
}

impl Library {
    pub async fn open() -> Self {
        Self::with_pool(4).await
    }

    pub async fn with_pool(pool_size: usize) -> Self {
        let schema = Schema::new();
        let clock = Arc::new(ManualClock::default());
        let config = PostgresConfig {
            pool_size,
            ..schema.config()
        };
        let library = PostgresLibrary::open(&config, Arc::clone(&clock) as Arc<dyn Clock>)
            .await
            .expect("the library opens");
        Self {
            library,
            clock,
            schema,
        }
    }

    /// A plain connection that has the schema in its path.
    pub async fn connect(&self) -> Client {
        let client = connect(postgres()).await;
        let path = format!("set search_path = {}, public", self.schema.name);
        client.batch_execute(&path).await.unwrap();
        client
    }

    pub fn stores(self) -> Stores {
        Stores {
            documents: Arc::new(self.library.clone()),
            chunks: Arc::new(self.library.clone()),
            jobs: Arc::new(self.library.clone()),
            queue: Arc::new(self.library.clone()),
            sessions: Arc::new(self.library.clone()),
            ledger: Arc::new(self.library.clone()),
            organizations: Arc::new(self.library.clone()),
            cleanups: Arc::new(self.library.clone()),
            workers: Arc::new(self.library.clone()),
            backups: Arc::new(self.library.clone()),
            archive: Arc::new(self.library.clone()),
            clock: self.clock,
            ids: Arc::new(SequentialIds::default()),
            keep: Box::new((self.library, self.schema)),
        }
    }
}

/// A library of its own, as the stores of one test.
pub async fn stores() -> Stores {
    Library::open().await.stores()
}
