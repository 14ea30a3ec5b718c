//! What is done about changes on the disk, over real files and a clock that the test moves:
//!
//! 1. a file is taken when it rested, and not while somebody writes it;
//! 2. what is known and there costs nothing, what changed is taken again;
//! 3. a renamed file stays its document, over folders and while nobody watches too;
//! 4. a deleted file goes after the grace, one that is written anew in that time does not;
//! 5. a drive that is not there costs no document;
//! 6. rules are heeded when they change.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::plan::{Act, Done, KnownFile, Note};
use super::root::Root;
use super::tree::Tree;

const SETTLE: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);

/// A watched folder `root` in a place of its own, and the time.
struct Watched {
    place: TempDir,
    tree: Tree,
    now: Duration,
    writers: HashSet<PathBuf>,
}

/// A watched folder with these files, of which those that are known are documents.
fn watched(files: &[(&str, &str)], known: &[(&str, &str)]) -> Watched {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("root")).unwrap();
    for (name, text) in files {
        write(&place.path().join("root").join(name), text);
    }
    watch(place, known)
}

fn watch(place: TempDir, known: &[(&str, &str)]) -> Watched {
    let root = Root::new(&place.path().join("root")).unwrap();
    let known: BTreeMap<String, KnownFile> = known
        .iter()
        .map(|(name, text)| {
            (
                root.real.join(name).to_str().unwrap().to_owned(),
                file(name, text),
            )
        })
        .collect();
    Watched {
        tree: Tree::new(vec![root], known, SETTLE),
        now: Duration::ZERO,
        writers: HashSet::new(),
        place,
    }
}

/// A document whose id is the file's first name; its hash is its text.
fn file(name: &str, text: &str) -> KnownFile {
    KnownFile {
        document_id: format!("id of {name}"),
        file_hash: text.to_owned(),
        size: text.len() as u64,
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

impl Watched {
    fn at(&self, name: &str) -> PathBuf {
        self.place.path().canonicalize().unwrap().join("root").join(name)
    }

    fn write(&mut self, name: &str, text: &str) {
        let path = self.at(name);
        write(&path, text);
        self.touched(name);
    }

    fn rename(&mut self, from: &str, to: &str) {
        fs::create_dir_all(self.at(to).parent().unwrap()).unwrap();
        fs::rename(self.at(from), self.at(to)).unwrap();
        self.touched(from);
        self.touched(to);
    }

    fn delete(&mut self, name: &str) {
        fs::remove_file(self.at(name)).unwrap();
        self.touched(name);
    }

    /// As the kernel would tell: the folder, where that is known, else the next one above.
    fn touched(&mut self, name: &str) {
        let path = self.at(name);
        let root = self.at("");
        for folder in path
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&root))
        {
            self.tree.changed(folder.to_owned());
        }
    }

    /// Lets time pass, looks, and does what is to be done; gives it in words.
    fn after(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        let mut told: Vec<String> = self
            .tree
            .look(self.now)
            .iter()
            .map(|note| self.note(note))
            .collect();
        let writers = self.writers.clone();
        let (acts, notes) = self.tree.acts(self.now, 100, || writers);
        told.extend(notes.iter().map(|note| self.note(note)));
        for act in acts {
            told.push(self.act(act));
        }
        told
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(self.at(""))
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn note(&self, note: &Note) -> String {
        match note {
            Note::Root { is_there, .. } => format!("root is there: {is_there}"),
            Note::Kept { folder, documents } => format!("keep {documents} of `{}`", self.name(folder)),
            Note::Failed(failed) => format!("fail {}", self.name(&failed.path)),
        }
    }

    /// What the library would do: a file whose bytes are those of a twin is that one.
    fn act(&mut self, act: Act) -> String {
        match act {
            Act::Ingest {
                file: of,
                twins,
                known,
            } => {
                let name = self.name(&of.path);
                let text = fs::read_to_string(&of.path).unwrap();
                let names: Vec<String> = twins.iter().map(|(source, _)| source.clone()).collect();
                let twin = twins.into_iter().find(|(_, twin)| twin.file_hash == text);
                let (done, told) = match (known, twin) {
                    (Some(known), _) if known.file_hash == text => (Done::Nothing, format!("same {name}")),
                    (_, Some((from, twin))) => {
                        let told = format!("rename {} to {name}", self.name(Path::new(&from)));
                        (Done::Moved { from, known: twin }, told)
                    }
                    (Some(_), None) => (Done::Document(file(&name, &text)), format!("update {name}")),
                    (None, None) => (Done::Document(file(&name, &text)), format!("ingest {name}")),
                };
                self.tree.ingested(self.now, &of.path, &names, &done);
                told
            }
            Act::Remove { source, known } => {
                self.tree.removed(self.now, &source, &Done::Removed);
                format!("remove {} ({})", self.name(Path::new(&source)), known.document_id)
            }
        }
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_file_is_taken_when_it_rested() {
    let mut watched = watched(&[("a.txt", "a")], &[]);
    assert_eq!(watched.after(Duration::ZERO), NOTHING);
    assert_eq!(watched.after(SECOND), NOTHING);
    assert_eq!(watched.tree.due(watched.now), Some(SETTLE));
    watched.write("a.txt", "a and more");
    assert_eq!(watched.after(SECOND), NOTHING, "it changed in the meantime");
    // Nobody told of this one: it is looked at once more before it is taken.
    let path = watched.at("a.txt");
    write(&path, "a and more and more");
    assert_eq!(watched.after(SETTLE), NOTHING);
    assert_eq!(watched.after(SECOND), NOTHING);
    assert_eq!(watched.after(SECOND), ["ingest a.txt"]);
    assert_eq!(watched.after(SETTLE * 10), NOTHING);
    assert!(watched.tree.is_settled());
}

#[test]
fn a_file_that_is_open_for_writing_is_left_alone() {
    let mut watched = watched(&[("a.txt", "half")], &[]);
    watched.writers.insert(watched.at("a.txt"));
    assert_eq!(watched.after(Duration::ZERO), NOTHING);
    for _ in 0..5 {
        assert_eq!(watched.after(SETTLE), NOTHING);
    }
    watched.writers.clear();
    assert_eq!(watched.after(SETTLE), ["ingest a.txt"]);
}

#[test]
fn what_is_known_costs_nothing_and_what_changed_is_taken_again() {
    let mut watched = watched(&[("a.txt", "a"), ("deep/b.txt", "b")], &[("a.txt", "a")]);
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE), ["same a.txt", "ingest deep/b.txt"]);
    watched.write("deep/b.txt", "another b");
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE), ["update deep/b.txt"]);
    watched.write("new/deeper/c.txt", "c");
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE), ["ingest new/deeper/c.txt"]);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again() {
    let mut watched = watched(&[("a.txt", "a")], &[]);
    watched.after(Duration::ZERO);
    watched.now += SETTLE;
    let (acts, _) = watched.tree.acts(watched.now, 100, HashSet::new);
    assert_eq!(acts.len(), 1);
    watched.write("a.txt", "a, later");
    watched.after(SECOND);
    assert_eq!(watched.after(SETTLE), NOTHING, "one at a time");
    let done = Done::Document(file("a.txt", "a"));
    let path = watched.at("a.txt");
    watched.tree.ingested(watched.now, &path, &[], &done);
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE), ["update a.txt"]);
}

#[test]
fn a_renamed_file_stays_its_document() {
    let mut watched = watched(
        &[("a.txt", "text a"), ("b.txt", "text b")],
        &[("a.txt", "text a"), ("b.txt", "text b")],
    );
    watched.after(Duration::ZERO);
    watched.after(SETTLE);
    watched.rename("a.txt", "deep/new name.txt");
    assert_eq!(watched.after(Duration::ZERO), NOTHING);
    // Of as many bytes, and new at the same time.
    watched.write("c.txt", "text c");
    watched.after(Duration::ZERO);
    let mut told = watched.after(SETTLE);
    told.extend(watched.after(SETTLE));
    told.extend(watched.after(SETTLE));
    told.sort();
    assert_eq!(told, ["ingest c.txt", "rename a.txt to deep/new name.txt"]);
    // A folder takes all with it, and one file may take another's place.
    watched.rename("deep", "moved");
    watched.rename("c.txt", "b.txt");
    watched.after(Duration::ZERO);
    let mut told: Vec<String> = (0..4).flat_map(|_| watched.after(SETTLE)).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "rename c.txt to b.txt",
            "rename deep/new name.txt to moved/new name.txt"
        ]
    );
    assert_eq!(watched.after(SETTLE * 10), NOTHING);
}

#[test]
fn what_happened_while_nobody_watched_is_made_good() {
    let known = [
        ("a.txt", "text a"),
        ("b.txt", "text b"),
        ("c.txt", "text c"),
        ("d.txt", "text d"),
    ];
    let mut watched = watched(
        &[("z/a.txt", "text a"), ("b.txt", "B"), ("d.txt", "text d")],
        &known,
    );
    watched.after(Duration::ZERO);
    // Of as many bytes, files take their turns at being looked at as one that was renamed.
    let mut told: Vec<String> = (0..4).flat_map(|_| watched.after(SETTLE)).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "remove c.txt (id of c.txt)",
            "rename a.txt to z/a.txt",
            "same d.txt",
            "update b.txt"
        ]
    );
    assert!(watched.tree.is_settled());
}

#[test]
fn a_deleted_file_goes_after_the_grace_and_one_written_anew_does_not() {
    let mut watched = watched(
        &[("a.txt", "a"), ("b.txt", "b")],
        &[("a.txt", "a"), ("b.txt", "b")],
    );
    watched.after(Duration::ZERO);
    watched.after(SETTLE);
    watched.delete("a.txt");
    watched.delete("b.txt");
    assert_eq!(watched.after(Duration::ZERO), NOTHING);
    watched.write("b.txt", "longer b");
    assert_eq!(watched.after(SETTLE), NOTHING);
    assert_eq!(
        watched.after(SETTLE),
        ["update b.txt", "remove a.txt (id of a.txt)"]
    );
    // The last one goes like any other.
    watched.delete("b.txt");
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE * 2), ["remove b.txt (id of b.txt)"]);
}

#[test]
fn a_folder_that_goes_away_takes_no_document_with_it() {
    let mut watched = watched(
        &[("a.txt", "a"), ("deep/b.txt", "b")],
        &[("a.txt", "a"), ("deep/b.txt", "b")],
    );
    watched.after(Duration::ZERO);
    watched.after(SETTLE);
    let (root, elsewhere) = (watched.at(""), watched.place.path().join("elsewhere"));
    fs::rename(&root, &elsewhere).unwrap();
    watched.tree.changed_anywhere();
    watched.now += SETTLE;
    let notes = watched.tree.look(watched.now);
    assert!(
        matches!(notes[..], [Note::Root { is_there: false, .. }]),
        "{notes:?}"
    );
    for _ in 0..10 {
        watched.now += SETTLE;
        watched.tree.look_for_lost_roots();
        assert!(watched.tree.look(watched.now).is_empty());
        let (acts, notes) = watched.tree.acts(watched.now, 100, HashSet::new);
        assert!(acts.is_empty() && notes.is_empty(), "{acts:?}");
    }
    assert!(watched.tree.due(watched.now).is_some(), "it is looked for again");

    fs::rename(&elsewhere, &root).unwrap();
    fs::remove_file(root.join("a.txt")).unwrap();
    watched.tree.look_for_lost_roots();
    assert_eq!(watched.after(SECOND), ["root is there: true"]);
    let mut told: Vec<String> = (0..4).flat_map(|_| watched.after(SETTLE)).collect();
    told.retain(|told| !told.starts_with("same"));
    assert_eq!(told, ["remove a.txt (id of a.txt)"]);
}

#[test]
fn a_drive_that_is_not_mounted_at_the_start_costs_no_document() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir_all(place.path().join("root/drive")).unwrap();
    write(&place.path().join("root/a.txt"), "a");
    let known = [
        ("a.txt", "a"),
        ("drive/b.txt", "b"),
        ("drive/deep/c.txt", "c"),
        ("gone.txt", "text"),
    ];
    let mut watched = watch(place, &known);
    watched.after(Duration::ZERO);
    let mut told: Vec<String> = (0..4).flat_map(|_| watched.after(SETTLE)).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "keep 2 of `drive`",
            "remove gone.txt (id of gone.txt)",
            "same a.txt"
        ]
    );
    assert!(watched.tree.is_settled());
    // It is mounted: what is there is known, and what is missing from it now is missing.
    watched.write("drive/b.txt", "b");
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE * 2), ["same drive/b.txt"]);
}

#[test]
fn a_whole_folder_that_is_empty_at_the_start_costs_no_document() {
    let mut watched = watched(&[], &[("a.txt", "a"), ("deep/b.txt", "b")]);
    watched.after(Duration::ZERO);
    let told: Vec<String> = (0..4).flat_map(|_| watched.after(SETTLE)).collect();
    assert_eq!(told, ["keep 2 of ``"]);
}

#[test]
fn rules_are_heeded_when_they_change_and_what_they_hide_stays() {
    let mut watched = watched(
        &[
            ("a.txt", "a"),
            ("drafts/b.txt", "b"),
            ("half.txt.part", "h"),
            ("~$a.txt", "~"),
        ],
        &[("a.txt", "a")],
    );
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE), ["same a.txt", "ingest drafts/b.txt"]);
    watched.write(".idsignore", "drafts/\n");
    watched.write("drafts/c.txt", "c");
    watched.after(Duration::ZERO);
    let told: Vec<String> = (0..4).flat_map(|_| watched.after(SETTLE)).collect();
    assert_eq!(told, NOTHING);
    watched.write(".idsignore", "other/\n");
    watched.after(Duration::ZERO);
    assert_eq!(
        watched.after(SETTLE),
        ["same drafts/b.txt", "ingest drafts/c.txt"]
    );
    // A link leads out of the folder, and is not followed.
    let outside = watched.place.path().join("outside");
    write(&outside.join("secret.txt"), "s");
    std::os::unix::fs::symlink(&outside, watched.at("link")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret.txt"), watched.at("link.txt")).unwrap();
    watched.touched("link");
    watched.after(Duration::ZERO);
    assert_eq!(watched.after(SETTLE * 4), NOTHING);
}

#[test]
fn what_the_library_could_not_take_is_tried_again() {
    let mut watched = watched(&[("a.txt", "a")], &[("gone.txt", "text")]);
    watched.after(Duration::ZERO);
    watched.now += SETTLE * 2;
    let (acts, _) = watched.tree.acts(watched.now, 100, HashSet::new);
    assert_eq!(acts.len(), 2, "{acts:?}");
    let path = watched.at("a.txt");
    watched.tree.ingested(watched.now, &path, &[], &Done::Again);
    let gone = watched.at("gone.txt").to_str().unwrap().to_owned();
    watched.tree.removed(watched.now, &gone, &Done::Again);
    assert_eq!(watched.after(SECOND), NOTHING, "not at once");
    assert_eq!(
        watched.after(SECOND * 10),
        ["ingest a.txt", "remove gone.txt (id of gone.txt)"]
    );
}
