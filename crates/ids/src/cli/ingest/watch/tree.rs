//! What lies in the watched folders, what of it is a document, and what is to be done about the difference. It reads the disk
//! on the calling thread and is told the time, so that a test can move it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::absence::{Absence, Mounts};
use super::plan::{Act, Done, KnownFile, Note};
use super::root::Root;
use crate::cli::ingest::report::FailedFile;
use crate::cli::ingest::walk::{self, Depth, FileState, Found, FoundFile, FoundFolder};

/// How soon a file is looked at again that is open for writing, or whose library could not be reached.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How soon a folder that went away is looked for again.
const ROOT_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What is known of a file.
struct Entry {
    file: FoundFile,
    /// Since when it is as it is.
    since: Duration,
    /// Not to be tried before.
    not_before: Duration,
    /// As it was when its act began.
    in_work: Option<FileState>,
}

/// What is known of a folder.
#[derive(Default)]
struct Folder {
    rules: Option<FileState>,
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

/// A document whose file is not there.
struct Missing {
    since: Duration,
    /// Whether it went while nobody watched.
    is_old: bool,
    /// Whether its document is being removed, or may be renamed just now.
    is_claimed: bool,
    /// Whether it is kept, since its drive seems not to be there.
    is_kept: bool,
}

/// The watched folders.
pub struct Tree {
    roots: Vec<Root>,
    settle: Duration,
    folders: BTreeMap<PathBuf, Folder>,
    files: BTreeMap<PathBuf, Entry>,
    /// Those that are not done with.
    waiting: BTreeSet<PathBuf>,
    duplicates: BTreeSet<PathBuf>,
    known: BTreeMap<String, KnownFile>,
    missing: BTreeMap<String, Missing>,
    mounts: Mounts,
    dirty: BTreeMap<PathBuf, Depth>,
    new_folders: Vec<PathBuf>,
    told: HashSet<PathBuf>,
}

impl Tree {
    /// Over these folders, of whose files `known` are documents. A file is at rest when it did not change for `settle`.
    pub fn new(roots: Vec<Root>, known: BTreeMap<String, KnownFile>, settle: Duration) -> Self {
        let dirty = roots
            .iter()
            .map(|root| (root.real.clone(), Depth::Tree))
            .collect();
        Self {
            roots,
            settle,
            folders: BTreeMap::new(),
            files: BTreeMap::new(),
            waiting: BTreeSet::new(),
            duplicates: BTreeSet::new(),
            known,
            missing: BTreeMap::new(),
            mounts: Mounts::default(),
            dirty,
            new_folders: Vec::new(),
            told: HashSet::new(),
        }
    }

    /// How long a file must be gone: twice as long as a new one must rest, so that a renamed file is seen first.
    fn grace(&self) -> Duration {
        self.settle * 2
    }

    /// Something may have changed in a folder.
    pub fn changed(&mut self, folder: PathBuf) {
        self.dirty.entry(folder).or_insert(Depth::Folder);
    }

    /// Anything may have changed.
    pub fn changed_anywhere(&mut self) {
        self.dirty = self
            .roots
            .iter()
            .map(|root| (root.real.clone(), Depth::Tree))
            .collect();
    }

    /// Folders to be listened to, once: what happens in them before is not heard, so they are to be looked at once more.
    pub fn new_folders(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.new_folders)
    }

    /// Whether files or documents are waiting for something.
    pub fn is_settled(&self) -> bool {
        self.waiting.is_empty() && !self.missing.values().any(|missing| !missing.is_kept)
    }

    /// The watched folders.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.roots.iter().map(|root| root.real.clone()).collect()
    }

    /// Files that are neither ignored nor of a type that is not read.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Looks where something may have changed.
    pub fn look(&mut self, now: Duration) -> Vec<Note> {
        let mut notes = Vec::new();
        while let Some((folder, depth)) = self.dirty.pop_first() {
            let Some(index) = self.roots.iter().position(|root| folder.starts_with(&root.real)) else {
                continue;
            };
            let is_first = self.roots[index].is_unseen();
            if let Some(is_there) = self.roots[index].look() {
                let path = self.roots[index].real.clone();
                notes.push(Note::Root { path, is_there });
            }
            if !self.roots[index].is_there() {
                continue;
            }
            let found = walk::look(&self.roots[index].real, &folder, depth);
            self.take(found, now, is_first, &mut notes);
        }
        notes
    }

    fn take(&mut self, found: Found, now: Duration, is_first: bool, notes: &mut Vec<Note>) {
        for failed in found.failed {
            if self.told.insert(failed.path.clone()) {
                notes.push(Note::Failed(failed));
            }
        }
        let mut files: HashMap<PathBuf, Vec<FoundFile>> = HashMap::new();
        for file in found.files {
            // Without a name in UTF-8 nothing could be known of it at the next start.
            let (Some(folder), true) = (file.path.parent(), file.source.is_some()) else {
                if self.told.insert(file.path.clone()) {
                    notes.push(Note::Failed(FailedFile {
                        error: "its name is not UTF-8, so it cannot be followed; rename it".to_owned(),
                        error_code: walk::FILE_UNREADABLE.to_owned(),
                        path: file.path,
                    }));
                }
                continue;
            };
            files.entry(folder.to_owned()).or_default().push(file);
        }
        for folder in found.folders {
            let files = files.remove(&folder.path).unwrap_or_default();
            self.take_folder(folder, files, now, is_first);
        }
    }

    fn take_folder(&mut self, found: FoundFolder, files: Vec<FoundFile>, now: Duration, is_first: bool) {
        self.told.remove(&found.path);
        self.mounts.saw(&found.path, found.device);
        let is_new = !self.folders.contains_key(&found.path);
        if is_new {
            self.new_folders.push(found.path.clone());
        }
        let folder = self.folders.entry(found.path.clone()).or_default();
        let had_other_rules = !is_new && folder.rules != found.rules;
        folder.rules = found.rules;
        let new_files: BTreeSet<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        let old_files = std::mem::replace(&mut folder.files, new_files.clone());
        let new_folders: BTreeSet<PathBuf> = found.folders.iter().cloned().collect();
        let old_folders = std::mem::replace(&mut folder.folders, new_folders.clone());
        if had_other_rules {
            self.dirty.insert(found.path.clone(), Depth::Tree);
        }
        for gone in old_files.difference(&new_files) {
            self.forget_file(gone);
        }
        for gone in old_folders.difference(&new_folders) {
            self.forget_folder(gone);
        }
        for folder in &new_folders {
            if !self.folders.contains_key(folder) {
                self.dirty.insert(folder.clone(), Depth::Tree);
            }
        }
        for file in files {
            self.take_file(file, now);
        }
        self.compare_with_known(&found.path, &found.names, now, is_first);
    }

    fn take_file(&mut self, file: FoundFile, now: Duration) {
        match self.files.get_mut(&file.path) {
            Some(entry) if entry.file.state == file.state => {}
            Some(entry) => {
                self.waiting.insert(file.path.clone());
                entry.file = file;
                entry.since = now;
            }
            None => {
                self.waiting.insert(file.path.clone());
                let entry = Entry {
                    since: now,
                    not_before: Duration::ZERO,
                    in_work: None,
                    file,
                };
                self.files.insert(entry.file.path.clone(), entry);
            }
        }
    }

    /// Notes which documents' files are not among the names in a folder any more, and which are there again.
    fn compare_with_known(
        &mut self,
        folder: &Path,
        names: &HashSet<std::ffi::OsString>,
        now: Duration,
        is_first: bool,
    ) {
        let below = below(folder);
        let is_gone = |source: &str| {
            let rest = Path::new(source).strip_prefix(folder).ok();
            let name = rest.and_then(|rest| rest.iter().next());
            name.is_some_and(|name: &OsStr| !names.contains(name))
        };
        for (source, _) in self.known.range(below.clone()) {
            if is_gone(source) && !self.missing.contains_key(source) {
                let missing = Missing {
                    since: now,
                    is_old: is_first,
                    is_claimed: false,
                    is_kept: false,
                };
                self.missing.insert(source.clone(), missing);
            }
        }
        let back: Vec<String> = self
            .missing
            .range(below)
            .filter(|(source, missing)| !missing.is_claimed && Path::new(source).symlink_metadata().is_ok())
            .map(|(source, _)| source.clone())
            .collect();
        for source in back {
            self.missing.remove(&source);
        }
    }

    /// What is to be done now, at most so much. Files that `writers` names are open for writing.
    pub fn acts(
        &mut self,
        now: Duration,
        room: usize,
        writers: impl FnOnce() -> HashSet<PathBuf>,
    ) -> (Vec<Act>, Vec<Note>) {
        let mut acts = Vec::new();
        // Some may turn out to have changed: a few more than there is room for.
        let rested = self.rested(now, room * 4);
        if !rested.is_empty() {
            let writers = writers();
            for path in rested {
                if acts.len() >= room {
                    break;
                }
                acts.extend(self.ingest(&path, now, &writers));
            }
        }
        let room = room - acts.len();
        let notes = self.remove(now, room, &mut acts);
        (acts, notes)
    }

    /// Files that did not change for long enough, and may be tried.
    fn rested(&self, now: Duration, limit: usize) -> Vec<PathBuf> {
        let is_rested = |path: &&PathBuf| {
            self.files.get(*path).is_some_and(|entry| {
                entry.in_work.is_none() && now >= entry.since + self.settle && now >= entry.not_before
            })
        };
        self.waiting
            .iter()
            .filter(is_rested)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Looks once more whether a file is as it was, and takes it on.
    fn ingest(&mut self, path: &Path, now: Duration, writers: &HashSet<PathBuf>) -> Option<Act> {
        let entry = self.files.get_mut(path)?;
        match fs::symlink_metadata(path) {
            Ok(metadata) if FileState::of(&metadata) != entry.file.state => {
                entry.file.state = FileState::of(&metadata);
                entry.file.size = metadata.len();
                entry.since = now;
                return None;
            }
            Ok(_) if writers.contains(path) => {
                entry.not_before = now + self.settle.max(AGAIN_AFTER);
                return None;
            }
            Ok(_) => {}
            // The folder is looked at for that.
            Err(_) => {
                entry.not_before = now + self.settle.max(AGAIN_AFTER);
                self.dirty
                    .extend(path.parent().map(|folder| (folder.to_owned(), Depth::Folder)));
                return None;
            }
        }
        let source = entry.file.source.clone()?;
        let size = entry.file.size;
        let known = self.known.get(&source).cloned();
        let mut twins = Vec::new();
        for (source, missing) in &self.missing {
            let Some(twin) = self.known.get(source).filter(|known| known.size == size) else {
                continue;
            };
            if missing.is_claimed {
                // Another file may turn out to be that one; then this one is new.
                entry.not_before = now + AGAIN_AFTER;
                return None;
            }
            twins.push((source.clone(), twin.clone()));
        }
        for (source, _) in &twins {
            if let Some(missing) = self.missing.get_mut(source) {
                missing.is_claimed = true;
            }
        }
        entry.in_work = Some(entry.file.state);
        let file = entry.file.clone();
        self.waiting.remove(path);
        Some(Act::Ingest { file, twins, known })
    }

    /// Takes on the removal of documents whose files are gone for long enough, unless a file that waits may be one of them.
    fn remove(&mut self, now: Duration, room: usize, acts: &mut Vec<Act>) -> Vec<Note> {
        let grace = self.grace();
        let due: Vec<(String, bool)> = self
            .missing
            .iter()
            .filter(|(_, missing)| !missing.is_claimed && !missing.is_kept && now >= missing.since + grace)
            .map(|(source, missing)| (source.clone(), missing.is_old))
            .collect();
        if due.is_empty() {
            return Vec::new();
        }
        let unfinished = self.files.values().filter(|entry| entry.in_work.is_some());
        let waiting = self.waiting.iter().filter_map(|path| self.files.get(path));
        let sizes: HashSet<u64> = unfinished.chain(waiting).map(|entry| entry.file.size).collect();
        let mut room = room;
        let mut kept: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for (source, is_old) in due {
            let Some(known) = self.known.get(&source) else {
                self.missing.remove(&source);
                continue;
            };
            if room == 0 {
                break;
            }
            if sizes.contains(&known.size) {
                continue;
            }
            let root = self.roots.iter().find(|root| root.holds(Path::new(&source)));
            let absence = root.map_or(Absence::Unknown, |root| {
                self.mounts.absence(root, Path::new(&source), is_old)
            });
            let Some(missing) = self.missing.get_mut(&source) else {
                continue;
            };
            match absence {
                Absence::None => {
                    self.missing.remove(&source);
                }
                Absence::Unknown => missing.since = now,
                Absence::Doubtful(folder) => {
                    missing.is_kept = true;
                    *kept.entry(folder).or_default() += 1;
                }
                Absence::Sure => {
                    missing.is_claimed = true;
                    room -= 1;
                    let known = known.clone();
                    acts.push(Act::Remove { source, known });
                }
            }
        }
        let note = |(folder, documents)| Note::Kept { folder, documents };
        kept.into_iter().map(note).collect()
    }

    /// An act on a file ended; `twins` are those that it was begun with.
    pub fn ingested(&mut self, now: Duration, path: &Path, twins: &[String], done: &Done) {
        for source in twins {
            if let Some(missing) = self.missing.get_mut(source) {
                missing.is_claimed = false;
            }
        }
        let source = path.to_str().unwrap_or_default().to_owned();
        match done {
            Done::Document(known) => {
                self.duplicates.remove(path);
                self.known.insert(source.clone(), known.clone());
            }
            Done::Duplicate(known) => {
                self.duplicates.insert(path.to_owned());
                self.known.insert(source.clone(), known.clone());
            }
            Done::Moved { from, known } => {
                self.missing.remove(from);
                self.known.remove(from);
                self.known.insert(source.clone(), known.clone());
            }
            Done::Nothing | Done::Removed => {}
            Done::Again => {
                self.waiting.insert(path.to_owned());
            }
        }
        let Some(entry) = self.files.get_mut(path) else {
            return;
        };
        if *done == Done::Again {
            entry.not_before = now + self.settle.max(AGAIN_AFTER * 5);
        }
        let before = entry.in_work.take();
        match fs::symlink_metadata(path) {
            Ok(metadata) if before != Some(FileState::of(&metadata)) => {
                entry.file.state = FileState::of(&metadata);
                entry.file.size = metadata.len();
                entry.since = now;
                self.waiting.insert(path.to_owned());
            }
            Ok(_) => {}
            // It went while it was being read.
            Err(_) => {
                self.files.remove(path);
                self.waiting.remove(path);
                self.dirty
                    .extend(path.parent().map(|folder| (folder.to_owned(), Depth::Folder)));
            }
        }
    }

    /// The removal of a document ended.
    pub fn removed(&mut self, now: Duration, source: &str, done: &Done) {
        if *done == Done::Removed {
            self.missing.remove(source);
            self.known.remove(source);
            // Their text may be nowhere else now.
            let duplicates = std::mem::take(&mut self.duplicates);
            self.waiting.extend(
                duplicates
                    .into_iter()
                    .filter(|path| self.files.contains_key(path)),
            );
            // The file may have come back meanwhile.
            if let Some(entry) = self.files.get_mut(Path::new(source)) {
                entry.since = now;
                self.waiting.insert(entry.file.path.clone());
            }
        } else if let Some(missing) = self.missing.get_mut(source) {
            missing.is_claimed = false;
            missing.since = now + AGAIN_AFTER * 5;
        }
    }

    /// When [`Self::acts`] may have something to do that it has not now, if nothing is heard.
    pub fn due(&self, now: Duration) -> Option<Duration> {
        let waiting = self.waiting.iter().filter_map(|path| self.files.get(path));
        let rested = waiting
            .filter(|entry| entry.in_work.is_none())
            .map(|entry| (entry.since + self.settle).max(entry.not_before));
        let missing = self.missing.values();
        let gone = missing
            .filter(|missing| !missing.is_claimed && !missing.is_kept)
            .map(|missing| missing.since + self.grace());
        let mut soonest = None;
        for due in rested.chain(gone) {
            if due <= now {
                // What is due and was not done waits for something that is in work.
                soonest = Some(now + AGAIN_AFTER / 2);
                break;
            }
            soonest = Some(soonest.map_or(due, |soonest: Duration| soonest.min(due)));
        }
        let lost = self.roots.iter().any(|root| !root.is_there());
        let again = lost.then_some(now + ROOT_AGAIN_AFTER);
        soonest.into_iter().chain(again).min()
    }

    /// Looks for folders that went away again.
    pub fn look_for_lost_roots(&mut self) {
        let lost = self.roots.iter().filter(|root| !root.is_there());
        self.dirty
            .extend(lost.map(|root| (root.real.clone(), Depth::Tree)));
    }

    fn forget_file(&mut self, path: &Path) {
        self.waiting.remove(path);
        self.duplicates.remove(path);
        if self.files.get(path).is_some_and(|entry| entry.in_work.is_none()) {
            self.files.remove(path);
        }
    }

    fn forget_folder(&mut self, folder: &Path) {
        let inside = |path: &&PathBuf| path.starts_with(folder);
        let from = || self.folders.range(folder.to_owned()..).map(|(path, _)| path);
        let folders: Vec<PathBuf> = from().take_while(inside).cloned().collect();
        for path in folders {
            let Some(gone) = self.folders.remove(&path) else {
                continue;
            };
            for file in gone.files {
                self.forget_file(&file);
            }
        }
    }
}

/// The documents' paths below a folder, as a range.
fn below(folder: &Path) -> std::ops::Range<String> {
    let folder = folder.to_str().unwrap_or_default().trim_end_matches('/');
    // `0` is what comes after `/`.
    format!("{folder}/")..format!("{folder}0")
}
