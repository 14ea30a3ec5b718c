//! What the kernel tells of changes: which folder, and no more. What changed in it is looked up, since notices come late, come in
//! bursts, and do not come at all from a network drive.

use std::collections::{HashMap, HashSet};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

/// Bytes read at once: some hundred notices.
const BUFFER_BYTES: usize = 32 * 1024;

/// The ear.
pub struct Notices {
    fd: AsyncFd<OwnedFd>,
}

/// What it hears, for the thread that looks at the disk.
pub struct Watches {
    fd: OwnedFd,
    folders: HashMap<i32, PathBuf>,
}

/// What was heard since the last look.
#[derive(Debug, Default)]
pub struct Heard {
    /// Something changed in the folders of these numbers.
    folders: HashSet<i32>,
    /// More happened than the kernel could keep.
    is_overflown: bool,
}

impl Heard {
    /// Adds what was heard later.
    pub fn add(&mut self, later: Self) {
        self.folders.extend(later.folders);
        self.is_overflown |= later.is_overflown;
    }
}

/// Begins to listen; nothing is listened to yet.
///
/// # Errors
/// When the kernel gives this user no more.
pub fn listen() -> io::Result<(Notices, Watches)> {
    let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let watches = Watches {
        fd: fd.try_clone()?,
        folders: HashMap::new(),
    };
    Ok((Notices::new(fd)?, watches))
}

impl Notices {
    #[expect(
        deprecated,
        reason = "what replaces it is `unsafe`, for types whose descriptor may change; an `OwnedFd` has one for life"
    )]
    fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            fd: AsyncFd::new(fd)?,
        })
    }

    /// Waits until something changes. May be dropped at any time: what was read is returned at once.
    ///
    /// # Errors
    /// When the kernel cannot be asked any more.
    pub async fn next(&self) -> io::Result<Heard> {
        loop {
            let mut ready = self.fd.readable().await?;
            let heard = read(self.fd.get_ref())?;
            if !heard.folders.is_empty() || heard.is_overflown {
                return Ok(heard);
            }
            ready.clear_ready();
        }
    }
}

fn read(fd: &OwnedFd) -> io::Result<Heard> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
    let mut reader = Reader::new(fd.as_fd(), &mut buffer);
    let mut heard = Heard::default();
    loop {
        match reader.next() {
            Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => heard.is_overflown = true,
            Ok(event) => {
                heard.folders.insert(event.wd());
            }
            Err(Errno::AGAIN) => return Ok(heard),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Watches {
    /// Listens to a folder from now on. A folder that was renamed keeps its number, under its new path.
    ///
    /// # Errors
    /// When the folder went away, or the kernel listens to no more of them (`fs.inotify.max_user_watches`).
    pub fn add(&mut self, folder: &Path) -> io::Result<()> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW
            | WatchFlags::EXCL_UNLINK;
        let number = inotify::add_watch(&self.fd, folder, flags)?;
        self.folders.insert(number, folder.to_owned());
        Ok(())
    }

    /// Which folders were heard of; `None` when that is not known.
    pub fn folders(&self, heard: &Heard) -> Option<Vec<PathBuf>> {
        if heard.is_overflown {
            return None;
        }
        let numbers = heard.folders.iter();
        Some(
            numbers
                .filter_map(|number| self.folders.get(number))
                .cloned()
                .collect(),
        )
    }
}
