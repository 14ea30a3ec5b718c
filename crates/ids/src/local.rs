//! How a command reaches the library of a data directory: through the server that owns it, over a socket in that directory, or by
//! owning the directory itself. Either way it speaks the HTTP API, so that output and rules are the same.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use ids_http::{BuildInfo, HttpOptions};
use tokio::net::{UnixListener, UnixStream};
use tower::ServiceExt;

use crate::compose::{Composed, Outage};
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError, socket_path};
use crate::lifecycle::{Lifecycle, WorkerOptions, Workers};

/// How long a command waits for a server that is starting or a command that is ending.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Bytes that fit into the address of a Unix socket, less one.
const SOCKET_PATH_BYTES: usize = 107;

/// Whether a command brings work for the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It only asks.
    None,
    /// It leaves jobs, which this process does when no server runs.
    Jobs,
}

/// A way to the library.
pub struct Access {
    way: Way,
    tasks: Lifecycle,
}

enum Way {
    /// A server owns the directory.
    Server { socket: PathBuf },
    /// This process does, or the library lies in PostgreSQL, which nobody owns alone. Boxed: it is much larger than the other.
    Own(Box<Own>),
}

struct Own {
    router: Router,
    composed: Composed,
    workers: Option<Workers>,
    /// `None` where the library lies in PostgreSQL: workers elsewhere do the jobs.
    data_dir: Option<DataDir>,
}

impl Own {
    async fn new(config: &Config, data_dir: Option<DataDir>, work: Work) -> anyhow::Result<Self> {
        let composed = Composed::open(config, Outage::Fails).await?;
        let options = HttpOptions {
            health: composed.probes.clone(),
            ..HttpOptions::new(composed.library.clone(), build_info())
        };
        let router = ids_http::local_router(options);
        let workers = match work {
            Work::Jobs if data_dir.is_some() => Some(
                Workers::start(&composed.library, &WorkerOptions::all(config, "command"))
                    .context("the background workers cannot be started")?,
            ),
            Work::Jobs | Work::None => None,
        };
        Ok(Self {
            router,
            composed,
            workers,
            data_dir,
        })
    }
}

impl Access {
    /// Finds the library: in PostgreSQL, through the server of the data directory, or by taking the directory.
    ///
    /// # Errors
    /// When it can be neither reached nor owned.
    pub async fn open(config: &Config, work: Work) -> anyhow::Result<Self> {
        if config.postgres.is_some() {
            return Ok(Self::by(Way::Own(Box::new(Own::new(config, None, work).await?))));
        }
        let mut waited = Duration::ZERO;
        loop {
            match DataDir::own(&config.data_dir) {
                Ok(data_dir) => {
                    let own = Own::new(config, Some(data_dir), work).await?;
                    return Ok(Self::by(Way::Own(Box::new(own))));
                }
                Err(DataDirError::Locked(path)) => {
                    let socket = socket_path(&path);
                    if connect(&socket).await.is_ok() {
                        return Ok(Self::by(Way::Server { socket }));
                    }
                    if waited >= PATIENCE {
                        return Err(DataDirError::Locked(path).into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(LOOK_EVERY).await;
            waited += LOOK_EVERY;
        }
    }

    fn by(way: Way) -> Self {
        Self {
            way,
            tasks: Lifecycle::new(),
        }
    }

    /// Whether another process does the work: a running server, or the workers of PostgreSQL.
    pub fn is_server(&self) -> bool {
        match &self.way {
            Way::Server { .. } => true,
            Way::Own(own) => own.data_dir.is_none(),
        }
    }

    /// Sends a request of the HTTP API (its path begins with `/api/v1/` or `/local/`).
    ///
    /// # Errors
    /// When the server went away.
    pub async fn send(&self, mut request: Request<Body>) -> anyhow::Result<Response<Body>> {
        request
            .headers_mut()
            .insert(header::HOST, HeaderValue::from_static("localhost"));
        match &self.way {
            Way::Own(own) => match own.router.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
            Way::Server { socket } => {
                let gone = "the running server of this data directory went away; try again";
                let stream = connect(socket).await.context(gone)?;
                let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .context(gone)?;
                // Ends with the response's body; a broken connection shows as an error of that.
                self.tasks.spawn(async move {
                    let _ = connection.await;
                });
                let response = sender.send_request(request).await.context(gone)?;
                Ok(response.map(Body::new))
            }
        }
    }

    /// Lets go of the library: what is in hand is given back, the database closed.
    pub async fn close(self) {
        if let Way::Own(own) = self.way {
            let Own {
                router,
                composed,
                workers,
                data_dir: _owned,
            } = *own;
            drop(router);
            if let Some(workers) = workers {
                workers.stop().await;
            }
            composed.close().await;
        }
    }
}

/// What this program is.
pub fn build_info() -> BuildInfo {
    BuildInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("IDS_BUILD_COMMIT").map(str::to_owned),
    }
}

/// Listens on the socket of a data directory that this process owns; a socket left by a killed process is replaced.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(data_dir: &DataDir) -> io::Result<UnixListener> {
    let path = socket_path(data_dir.path());
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The directory is the owner's alone (0700), and so is what lies in it.
    with_short_path(&path, |short| UnixListener::bind(short))
}

async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let stream = with_short_path(socket, |short| std::os::unix::net::UnixStream::connect(short))?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Calls with a path that fits into a socket's address: for a long one, by way of its opened folder.
fn with_short_path<T>(path: &Path, call: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() <= SOCKET_PATH_BYTES {
        return call(path);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = std::fs::File::open(folder)?;
    call(
        &Path::new("/proc/self/fd")
            .join(folder.as_raw_fd().to_string())
            .join(name),
    )
}

/// Reads a whole reply.
///
/// # Errors
/// When the server went away in the middle.
pub async fn read_body(response: Response<Body>) -> anyhow::Result<bytes::Bytes> {
    let collected = response.into_body().collect().await;
    Ok(collected
        .context("the running server of this data directory went away; try again")?
        .to_bytes())
}
