//! A network on which a connection takes as long as a test wants.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

pub struct SlowLine {
    /// The server's address at this end.
    pub dsn: String,
    /// A permit lets one connection through, in the order in which they were begun.
    pub connects: Arc<Semaphore>,
    cut: mpsc::Sender<()>,
    cut_done: mpsc::Receiver<()>,
    _task: JoinSet<()>,
}

impl SlowLine {
    pub async fn to(dsn: &str) -> Self {
        let (user, address) = dsn.split_once('@').unwrap();
        let address = address.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dsn = format!("{user}@{}", listener.local_addr().unwrap());
        let connects = Arc::new(Semaphore::new(0));
        let (cut, mut cuts) = mpsc::channel(1);
        let (done, cut_done) = mpsc::channel(1);
        let permits = Arc::clone(&connects);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut lines = JoinSet::new();
            loop {
                tokio::select! {
                    // Both may be dropped half way: nothing is lost but the wait.
                    accepted = listener.accept() => {
                        let (mut here, _) = accepted.unwrap();
                        let (permits, address) = (Arc::clone(&permits), address.clone());
                        lines.spawn(async move {
                            permits.acquire().await.unwrap().forget();
                            let mut there = TcpStream::connect(address).await.unwrap();
                            let _ = copy_bidirectional(&mut here, &mut there).await;
                        });
                    }
                    _ = cuts.recv() => {
                        lines.shutdown().await;
                        done.send(()).await.unwrap();
                    }
                }
            }
        });
        Self {
            dsn,
            connects,
            cut,
            cut_done,
            _task: task,
        }
    }

    /// Breaks all connections.
    pub async fn cut(&mut self) {
        self.cut.send(()).await.unwrap();
        self.cut_done.recv().await.unwrap();
    }
}
