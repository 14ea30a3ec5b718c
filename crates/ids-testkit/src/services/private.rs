//! A server of one test's own: it may be stopped, killed, frozen and wiped, and dies with the test process.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Hold, ask, script, text, unique_name};
use crate::wait;

/// A server that shuts down in order does so within this, or is killed.
const STOP_BOUND: Duration = Duration::from_secs(20);
/// What is left of a killed PostgreSQL keeps the next one from its data for a moment.
const RESTART_BOUND: Duration = Duration::from_secs(20);
/// A free port may be taken by another process before the server gets to it.
const START_TRIES: usize = 3;

/// How a kind of server is told to shut down in order.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// PostgreSQL's "fast".
    Interrupt,
    /// As most.
    Terminate,
    /// It has no order worth waiting for.
    Kill,
}

/// One server and its folder, which goes when this is dropped.
pub struct PrivateServer {
    folder: PathBuf,
    connection: Value,
    stop: Stop,
    child: Option<Child>,
    _hold: Hold,
}

impl PrivateServer {
    /// Starts a server of the `kind` that the script calls so.
    pub fn start(kind: &str, stop: Stop) -> Self {
        let mut failure = String::new();
        for _ in 0..START_TRIES {
            let name = unique_name("private-");
            let hold = Hold::on(&name);
            let connection = ask(&["prepare", kind, &name]);
            let mut server = Self {
                folder: text(&connection, "folder").into(),
                connection,
                stop,
                child: None,
                _hold: hold,
            };
            match server.launch() {
                Ok(()) => return server,
                Err(why) => failure = why,
            }
        }
        panic!("a private {kind} did not start in {START_TRIES} tries: {failure}");
    }

    /// As the script wrote it.
    pub fn connection(&self) -> &Value {
        &self.connection
    }

    /// Starts it again after [`Self::stop`], [`Self::kill`] or [`Self::wipe`].
    pub fn restart(&mut self) {
        self.stop();
        let mut failure = String::new();
        let is_up = wait::until(RESTART_BOUND, || match self.launch() {
            Ok(()) => true,
            Err(why) => {
                failure = why;
                false
            }
        });
        assert!(is_up, "the server did not come back: {failure}");
    }

    fn launch(&mut self) -> Result<(), String> {
        // Of the run before; it says which process to watch.
        let _ = std::fs::remove_file(self.folder.join("pid"));
        self.child = Some(spawn(&self.folder));
        let output = script()
            .arg("ready")
            .arg(&self.folder)
            .output()
            .map_err(|err| err.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        self.kill();
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Shuts it down in order; nothing when it does not run.
    pub fn stop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let signal = match self.stop {
            Stop::Interrupt => Signal::INT,
            Stop::Terminate => Signal::TERM,
            Stop::Kill => Signal::KILL,
        };
        let _ = kill_process(Pid::from_child(child), signal);
        wait::until(STOP_BOUND, || !matches!(child.try_wait(), Ok(None)));
        self.kill();
    }

    /// Kills it with all of its processes; nothing when it does not run.
    pub fn kill(&mut self) {
        // Taken out only below: the others are found through it.
        self.signal_all(Signal::KILL);
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Kills it and removes its data.
    pub fn wipe(&mut self) {
        self.kill();
        let data = self.folder.join("data");
        std::fs::remove_dir_all(&data)
            .and_then(|()| std::fs::create_dir(&data))
            .unwrap_or_else(|err| panic!("`{}` could not be emptied: {err}", data.display()));
    }

    /// Stops all of its processes until [`Self::thaw`].
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    /// To the first process first, so that it starts no more of the others.
    fn signal_all(&self, signal: Signal) {
        let Some(child) = &self.child else { return };
        let first = child.id();
        let others = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"));
        let _ = kill_process(Pid::from_child(child), signal);
        let others = others.unwrap_or_default();
        for other in others.split_whitespace().filter_map(|id| id.parse().ok()) {
            if let Some(other) = Pid::from_raw(other) {
                let _ = kill_process(other, signal);
            }
        }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        self.kill();
        let _ = script().arg("discard").arg(&self.folder).output();
    }
}

/// Starts the server from a thread that lives as long as this process: the kernel kills a child whose parent *thread* is
/// gone (`PR_SET_PDEATHSIG`), and a test's thread may end before its server is to.
fn spawn(folder: &Path) -> Child {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });

    let log = || -> std::io::Result<File> { OpenOptions::new().append(true).open(folder.join("log")) };
    let mut command = Command::new("setpriv");
    let spawned = log().and_then(|stdout| {
        let stderr = log()?;
        command
            .args(["--pdeathsig=KILL", "bash"])
            .args(script_arguments(folder))
            .envs(script().get_envs().filter_map(|(key, value)| Some((key, value?))))
            .stdin(std::process::Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let (reply, answer) = mpsc::channel();
        let gone = || std::io::Error::other("the thread that starts servers is gone");
        spawner.send((command, reply)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    });
    spawned.unwrap_or_else(|err| panic!("the server in `{}` could not be started: {err}", folder.display()))
}

fn script_arguments(folder: &Path) -> [&std::ffi::OsStr; 3] {
    [super::SCRIPT.as_ref(), "run".as_ref(), folder.as_ref()]
}
