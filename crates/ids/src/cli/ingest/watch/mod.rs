//! `ids ingest --watch`: folders and library are kept alike until somebody stops it.
//!
//! One loop: what was heard or is due is looked up on the disk ([`tree`], on a blocking thread), which gives what is to be done
//! ([`act`]), which is done over HTTP, and told ([`tell`]). The library is opened when there is something to do and left alone
//! otherwise, so that other commands, and a server that is started later, have it meanwhile.

mod absence;
mod act;
mod notices;
mod plan;
mod root;
mod tell;
mod tree;
mod writers;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::act::{Ended, Of, act};
use self::notices::{Heard, Notices, Watches};
use self::plan::{Act, Done, KnownFile, Note};
use self::root::Root;
use self::tell::{Event, Teller};
use self::tree::Tree;
use super::web::is_address;
use super::{IngestArgs, WORKERS_AFTER, text};
use crate::cli::client::{CallError, Client};
use crate::cli::exit::Failed;
use crate::config::Config;
use crate::lifecycle::{Signal, Signals};
use crate::local::Work;

/// Files in work at the same time.
const ACTS_AT_ONCE: usize = 16;
/// After a change it is waited so long for the next one, and not longer than that in all.
const QUIET: Duration = Duration::from_millis(100);
const QUIET_AT_LAST: Duration = Duration::from_secs(1);
/// How often everything is looked at, whatever was heard: network drives tell nothing of what others do.
const RESCAN_EVERY: Duration = Duration::from_secs(60);
/// A look at everything may take this share of the time at most.
const RESCAN_SHARE: u32 = 20;
/// How soon a library is tried again that could not be opened.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Watches until a signal comes.
pub async fn run(args: &IngestArgs, config: &Config, mut signals: Signals) -> Result<u8, Failed> {
    let teller = Teller { is_json: args.json };
    let roots = roots(&args.paths, teller)?;
    let client = Client::open(config, Work::Jobs).await?;
    let known = known(&client, args, &roots).await;
    let known = known.map_err(|error| error.into_failed(args.json))?;
    let (notices, watches) = match notices::listen() {
        Ok((notices, watches)) => (Some(notices), Some(watches)),
        Err(error) => {
            teller.tell(&deaf(&error))?;
            (None, None)
        }
    };
    let mut watch = Watch {
        args,
        config,
        teller,
        roots: roots.clone(),
        eyes: Some(Box::new(Eyes {
            tree: Tree::new(roots, known, Duration::from_secs(args.settle)),
            watches,
            is_deaf: false,
            writers: None,
        })),
        client: Some(Arc::new(client)),
        running: FuturesUnordered::new(),
        begun: Instant::now(),
        heard: Heard::default(),
        ended: Vec::new(),
        documents: 0,
        is_caught_up: false,
        was_caught_up: false,
        is_lost: false,
        last_trouble: String::new(),
    };
    let stopped = watch.until_stopped(notices.as_ref(), &mut signals).await;
    // What is in hand is dropped: what was accepted is in the library, what was being sent leaves nothing.
    watch.running.clear();
    tokio::select! {
        () = watch.let_go() => {}
        // A second one: nothing that was accepted is lost.
        _ = signals.next() => {}
    }
    match stopped? {
        Signal::Interrupt => Err(Failed::interrupted().told()),
        // From a supervisor: the end that a service is meant to have.
        Signal::Terminate => Ok(0),
    }
}

struct Watch<'a> {
    args: &'a IngestArgs,
    config: &'a Config,
    teller: Teller,
    roots: Vec<Root>,
    /// Away while a thread looks.
    eyes: Option<Box<Eyes>>,
    client: Option<Arc<Client>>,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = Ended> + Send + 'a>>>,
    begun: Instant,
    heard: Heard,
    ended: Vec<Ended>,
    /// Told since the last time that all was done.
    documents: usize,
    is_caught_up: bool,
    was_caught_up: bool,
    /// Whether the library that is open could not be reached.
    is_lost: bool,
    last_trouble: String,
}

/// What looks at the disk, on a blocking thread.
struct Eyes {
    tree: Tree,
    watches: Option<Watches>,
    is_deaf: bool,
    /// When it was looked for open files last, and which there were: looking takes 20 ms.
    writers: Option<(Instant, HashSet<PathBuf>)>,
}

/// What a look gave.
struct Look {
    acts: Vec<Act>,
    notes: Vec<Note>,
    due: Option<Duration>,
    is_settled: bool,
    files: usize,
    deaf: Option<std::io::Error>,
    took: Duration,
}

impl Watch<'_> {
    async fn until_stopped(
        &mut self,
        notices: Option<&Notices>,
        signals: &mut Signals,
    ) -> Result<Signal, Failed> {
        let mut rescan = self.begun;
        let mut is_first = true;
        loop {
            let is_rescan = Instant::now() >= rescan;
            let look = self.look(is_rescan).await?;
            if is_rescan {
                rescan = Instant::now() + RESCAN_EVERY.max(look.took * RESCAN_SHARE);
            }
            if is_first {
                let folders = self.roots.iter().map(|root| root.shown.clone()).collect();
                let files = look.files;
                self.tell(&Event::Watching { folders, files })?;
                is_first = false;
            }
            if let Some(error) = &look.deaf {
                self.tell(&deaf(error))?;
            }
            for note in look.notes {
                let event = self.event(note);
                self.tell(&event)?;
            }
            if !look.acts.is_empty() {
                let opening = self.open();
                tokio::select! {
                    opened = opening => {
                        if let Err(failed) = opened {
                            self.tell_trouble(format!("{failed}; it is tried again"))?;
                            self.give_back(look.acts);
                            tokio::select! {
                                signal = signals.next() => return Ok(signal),
                                () = tokio::time::sleep(OPEN_AGAIN_AFTER) => {}
                            }
                            continue;
                        }
                    }
                    signal = signals.next() => return Ok(signal),
                }
                self.is_caught_up = false;
                self.begin(look.acts);
            } else if self.running.is_empty() && self.ended.is_empty() {
                // First of all: who hears that nothing is left may want the library.
                let is_elsewhere = self.client.as_ref().is_some_and(|client| client.is_server());
                if !is_elsewhere || self.is_lost {
                    self.let_go().await;
                }
                if look.is_settled && !self.is_caught_up {
                    self.is_caught_up = true;
                    let documents = std::mem::take(&mut self.documents);
                    let is_news = documents > 0 || !std::mem::replace(&mut self.was_caught_up, true);
                    if is_news || self.teller.is_json {
                        self.tell(&Event::CaughtUp { documents })?;
                    }
                }
            }
            let due = look
                .due
                .map(|due| self.begun + due)
                .into_iter()
                .chain([rescan])
                .min();
            if let Some(signal) = self.wait(due.unwrap_or(rescan), notices, signals).await? {
                return Ok(signal);
            }
        }
    }

    /// Waits until there is something to look at: an act ended, a folder changed and is quiet again, or it is `due`.
    async fn wait(
        &mut self,
        due: Instant,
        notices: Option<&Notices>,
        signals: &mut Signals,
    ) -> Result<Option<Signal>, Failed> {
        let mut due = due;
        let mut first_heard = None;
        let workers = Instant::now() + WORKERS_AFTER;
        let mut is_asked = false;
        loop {
            let heard = async {
                match notices {
                    Some(notices) => notices.next().await,
                    None => std::future::pending().await,
                }
            };
            // Each wait may be dropped: what was read is kept, and what runs goes on at the next one.
            tokio::select! {
                signal = signals.next() => return Ok(Some(signal)),
                Some(ended) = self.running.next(), if !self.running.is_empty() => {
                    self.took_place(ended)?;
                    return Ok(None);
                }
                heard = heard => {
                    let heard = heard.context("the kernel tells of changes no more")?;
                    self.heard.add(heard);
                    let now = Instant::now();
                    let first = *first_heard.get_or_insert(now);
                    due = (now + QUIET).min(first + QUIET_AT_LAST).min(due.max(now + QUIET));
                }
                () = tokio::time::sleep_until(due) => return Ok(None),
                () = tokio::time::sleep_until(workers), if !is_asked && !self.running.is_empty() => {
                    is_asked = true;
                    self.ask_for_workers().await?;
                }
            }
        }
    }

    /// Looks at what was heard of, or at everything, and for what is to be done.
    async fn look(&mut self, is_rescan: bool) -> Result<Look, Failed> {
        let Some(mut eyes) = self.eyes.take() else {
            return Err(Failed::because("the watched folders were lost"));
        };
        let heard = std::mem::take(&mut self.heard);
        let ended = std::mem::take(&mut self.ended);
        let room = ACTS_AT_ONCE - self.running.len().min(ACTS_AT_ONCE);
        let begun = self.begun;
        let looked = tokio::task::spawn_blocking(move || {
            let look = eyes.look(begun, is_rescan, &heard, &ended, room);
            (eyes, look)
        });
        let (eyes, look) = looked.await.context("looking at the folders broke off")?;
        self.eyes = Some(eyes);
        Ok(look)
    }

    fn begin(&mut self, acts: Vec<Act>) {
        let Some(client) = &self.client else { return };
        for what in acts {
            let roots = self.roots.clone();
            let shown = move |path: &Path| shown(&roots, path);
            self.running
                .push(Box::pin(act(Arc::clone(client), self.args, shown, what)));
        }
    }

    /// The acts could not be begun.
    fn give_back(&mut self, acts: Vec<Act>) {
        self.ended.extend(acts.into_iter().map(|act| Ended {
            of: match act {
                Act::Ingest { file, twins, .. } => Of::File {
                    path: file.path,
                    twins: twins.into_iter().map(|(source, _)| source).collect(),
                },
                Act::Remove { source, .. } => Of::Removal { source },
            },
            done: Done::Again,
            event: None,
        }));
    }

    fn took_place(&mut self, mut ended: Ended) -> Result<(), Failed> {
        match ended.event.take() {
            Some(Event::Trouble { text }) => self.tell_trouble(text)?,
            Some(event) => {
                self.last_trouble.clear();
                self.documents += usize::from(matches!(event, Event::Ingested(_) | Event::Updated(_)));
                self.tell(&event)?;
            }
            None => {}
        }
        self.is_lost |= ended.done == Done::Again;
        self.ended.push(ended);
        Ok(())
    }

    async fn open(&mut self) -> Result<(), Failed> {
        if self.client.is_none() {
            self.client = Some(Arc::new(Client::open(self.config, Work::Jobs).await?));
        }
        Ok(())
    }

    /// Lets go of the library, which nothing uses now.
    async fn let_go(&mut self) {
        self.is_lost = false;
        if let Some(client) = self.client.take().and_then(Arc::into_inner) {
            client.close().await;
        }
    }

    /// Says, when nobody works, what the documents wait for.
    async fn ask_for_workers(&mut self) -> Result<(), Failed> {
        let Some(client) = self.client.clone() else {
            return Ok(());
        };
        let health = client.get("/api/v1/queue/health").await;
        if health.is_ok_and(|health| health.body["workers"]["document_processing"] == 0) {
            let text = "no worker is alive; what was accepted waits until `ids worker --all` runs";
            self.tell_trouble(text.to_owned())?;
        }
        Ok(())
    }

    fn event(&self, note: Note) -> Event {
        match note {
            Note::Root { path, is_there: true } => Event::FolderFound {
                path: shown(&self.roots, &path),
            },
            Note::Root { path, .. } => Event::FolderLost {
                path: shown(&self.roots, &path),
            },
            Note::Kept { folder, documents } => Event::Kept {
                folder: shown(&self.roots, &folder),
                documents,
            },
            Note::Failed(mut failed) => {
                failed.path = shown(&self.roots, &failed.path);
                Event::Failed(failed)
            }
        }
    }

    /// Tells what does not change from try to try, once.
    fn tell_trouble(&mut self, text: String) -> Result<(), Failed> {
        if self.last_trouble == text {
            return Ok(());
        }
        self.last_trouble.clone_from(&text);
        self.tell(&Event::Trouble { text })
    }

    fn tell(&self, event: &Event) -> Result<(), Failed> {
        self.teller.tell(event)
    }
}

impl Eyes {
    fn look(&mut self, begun: Instant, is_rescan: bool, heard: &Heard, ended: &[Ended], room: usize) -> Look {
        let began = Instant::now();
        let now = began - begun;
        for ended in ended {
            match &ended.of {
                Of::File { path, twins } => self.tree.ingested(now, path, twins, &ended.done),
                Of::Removal { source } => self.tree.removed(now, source, &ended.done),
            }
        }
        match self.watches.as_ref().map(|watches| watches.folders(heard)) {
            Some(Some(folders)) => folders.into_iter().for_each(|folder| self.tree.changed(folder)),
            Some(None) => self.tree.changed_anywhere(),
            None => {}
        }
        if is_rescan {
            self.tree.changed_anywhere();
        }
        self.tree.look_for_lost_roots();
        let mut notes = self.tree.look(now);
        let deaf = self.listen();
        // What happened in a new folder before it was listened to.
        notes.extend(self.tree.look(now));
        let took = began.elapsed();
        let folders = self.tree.folders();
        let last = &mut self.writers;
        let writers = || {
            if last.as_ref().is_none_or(|(when, _)| when.elapsed() > QUIET * 5) {
                *last = Some((Instant::now(), writers::open_for_writing(&folders)));
            }
            last.as_ref()
                .map(|(_, writers)| writers.clone())
                .unwrap_or_default()
        };
        let (acts, more_notes) = self.tree.acts(now, room, writers);
        notes.extend(more_notes);
        Look {
            acts,
            notes,
            due: self.tree.due(now),
            is_settled: self.tree.is_settled(),
            files: self.tree.len(),
            deaf,
            took,
        }
    }

    /// Listens to folders that are new. Gives the first reason why it cannot.
    fn listen(&mut self) -> Option<std::io::Error> {
        let folders = self.tree.new_folders();
        let watches = self.watches.as_mut()?;
        let mut failure = None;
        for folder in folders {
            match watches.add(&folder) {
                Ok(()) => self.tree.changed(folder),
                // A folder that went away meanwhile is no news.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) if !self.is_deaf => {
                    self.is_deaf = true;
                    failure = Some(error);
                }
                Err(_) => {}
            }
        }
        failure
    }
}

fn shown(roots: &[Root], path: &Path) -> PathBuf {
    let root = roots.iter().find(|root| root.holds(path));
    root.map_or_else(|| path.to_owned(), |root| root.shown(path))
}

fn deaf(error: &std::io::Error) -> Event {
    let text = format!(
        "the kernel does not tell of every change ({error}); everything is looked at every {} s instead",
        RESCAN_EVERY.as_secs()
    );
    Event::Trouble { text }
}

/// The folders to be watched; one that lies in another is watched with it.
fn roots(paths: &[PathBuf], teller: Teller) -> Result<Vec<Root>, Failed> {
    let mut roots: Vec<Root> = Vec::new();
    for path in paths {
        let name = path.display();
        if !path.is_dir() || is_address(path) {
            return Err(Failed::usage(format!(
                "`{name}` is no folder; --watch takes folders"
            )));
        }
        let root =
            Root::new(path).map_err(|error| Failed::because(format!("`{name}` cannot be read: {error}")))?;
        if root.real.to_str().is_none() {
            return Err(Failed::usage(format!(
                "the path of `{name}` is not UTF-8, so what lies in it cannot be followed"
            )));
        }
        roots.push(root);
    }
    roots.sort_by_key(|root| root.real.components().count());
    let mut outermost: Vec<Root> = Vec::new();
    for root in roots {
        match outermost.iter().find(|outer| outer.holds(&root.real)) {
            Some(outer) => {
                let (inner, outer) = (root.shown.display(), outer.shown.display());
                let text = format!("`{inner}` is watched as a part of `{outer}`");
                teller.tell(&Event::Trouble { text })?;
            }
            None => outermost.push(root),
        }
    }
    Ok(outermost)
}

/// The files below the folders that are documents.
async fn known(
    client: &Client,
    args: &IngestArgs,
    roots: &[Root],
) -> Result<BTreeMap<String, KnownFile>, CallError> {
    let mut known = BTreeMap::new();
    for root in roots {
        let mut after = Value::Null;
        loop {
            let asked = json!({"collection": args.collection, "folder": root.real, "after": after});
            let listed = client.post("/local/sources", &asked).await?.body;
            let Some(last) = listed["sources"].as_array().and_then(|sources| sources.last()) else {
                break;
            };
            after = last["path"].clone();
            for source in listed["sources"].as_array().into_iter().flatten() {
                let file = KnownFile {
                    document_id: text(source, "document_id"),
                    file_hash: text(source, "file_hash"),
                    size: source["file_size"].as_u64().unwrap_or(0),
                };
                known.insert(text(source, "path"), file);
            }
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests;
