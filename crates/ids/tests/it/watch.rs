//! `ids ingest --watch`: a folder and a library that are kept alike, with a server and without.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster_place::Cluster;
use crate::place::{Place, texts};
use crate::server::{Server, send_signal, wait_for_end};
use crate::wait;

/// A running watch, and what it told so far; killed when dropped.
pub struct Watch {
    child: Mutex<Child>,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Watch {
    /// Starts one on folders of a place, and waits until it watches.
    pub fn start(place: &Place, arguments: &[&str]) -> Self {
        let fixed = ["ingest", "--watch", "--settle", "1", "--json"];
        Self::run(place.command(&[&fixed[..], arguments].concat()))
    }

    /// The same for any command.
    pub fn run(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                telling.lock().unwrap().push(event);
            }
        });
        let watch = Self {
            child: Mutex::new(child),
            told,
        };
        watch.until("watching", None);
        watch
    }

    /// Waits for an event about a file.
    pub fn until(&self, event: &str, file: Option<&str>) -> Value {
        wait::until(&format!("`{event}` of {file:?}"), || {
            let is_over = self.is_over();
            let told = self.told.lock().unwrap();
            let is_it = |told: &&Value| {
                told["event"] == event && file.is_none_or(|file| told["path"].as_str() == Some(file))
            };
            let found = told.iter().find(is_it).cloned();
            assert!(found.is_some() || !is_over, "it ended: {told:?}");
            found
        })
    }

    fn is_over(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    /// The events about a file so far, each as its word.
    pub fn words(&self, file: &str) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let of_file = told.iter().filter(|told| told["path"].as_str() == Some(file));
        of_file
            .map(|told| told["event"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Forgets what was told.
    pub fn forget(&self) {
        self.told.lock().unwrap().clear();
    }

    /// Sends a signal and waits for the end; the exit code.
    pub fn stop(self, signal: Signal) -> Option<i32> {
        let mut child = self.child.lock().unwrap();
        send_signal(&child, signal);
        wait_for_end(&mut child).code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn listed(place: &Place) -> Vec<String> {
    let mut names = texts(&place.json(&["documents", "list"])["documents"], "filename");
    names.sort();
    names
}

/// All that can happen to files, told and done.
fn everything_that_happens(place: &Place) {
    place.write("docs/a.txt", "O prazo do recurso é de quinze dias.");
    place.write("docs/.idsignore", "rascunhos/\n");
    place.write("docs/rascunhos/x.txt", "Um rascunho que ninguém deve achar.");
    let watch = Watch::start(place, &["docs"]);
    let first = watch.until("ingested", Some("docs/a.txt"));
    watch.until("caught_up", None);
    watch.forget();

    // New, in a new folder; changed; half written.
    place.write("docs/2026/b.txt", "A multa é de dez por cento.");
    place.write("docs/a.txt", "O prazo da impugnação é de trinta dias.");
    let mut half = File::create(place.root().join("docs/c.txt")).unwrap();
    half.write_all("A primeira metade".as_bytes()).unwrap();
    half.flush().unwrap();
    let second = watch.until("ingested", Some("docs/2026/b.txt"));
    let updated = watch.until("updated", Some("docs/a.txt"));
    assert_eq!(updated["document_id"], first["document_id"]);
    assert_eq!(watch.words("docs/c.txt"), [""; 0], "it is open for writing");
    half.write_all(" e a segunda do relatório.".as_bytes()).unwrap();
    drop(half);
    watch.until("ingested", Some("docs/c.txt"));
    let found = place.json(&["search", "segunda relatório", "--mode", "keyword"]);
    assert_eq!(texts(&found["results"], "source"), ["c.txt"]);

    // Renamed, a folder too; deleted; written anew as editors do.
    fs::rename(place.root().join("docs/2026"), place.root().join("docs/anexos")).unwrap();
    fs::rename(
        place.root().join("docs/a.txt"),
        place.root().join("docs/prazo.txt"),
    )
    .unwrap();
    fs::remove_file(place.root().join("docs/c.txt")).unwrap();
    let renamed = watch.until("renamed", Some("docs/prazo.txt"));
    assert_eq!(
        (&renamed["from"], &renamed["document_id"]),
        (&Value::from("docs/a.txt"), &first["document_id"])
    );
    let moved = watch.until("renamed", Some("docs/anexos/b.txt"));
    assert_eq!(moved["document_id"], second["document_id"]);
    watch.until("removed", Some("docs/c.txt"));
    assert_eq!(listed(place), ["b.txt", "prazo.txt"]);
    let new = place.write("docs/.prazo.txt.swp", "O prazo é de noventa dias, e não mais.");
    fs::rename(new, place.root().join("docs/prazo.txt")).unwrap();
    let again = watch.until("updated", Some("docs/prazo.txt"));
    assert_eq!(again["document_id"], first["document_id"]);
    assert_eq!(watch.words("docs/prazo.txt"), ["renamed", "updated"]);
    let found = place.json(&["search", "noventa", "--mode", "keyword"]);
    assert_eq!(texts(&found["results"], "source"), ["prazo.txt"]);

    // Ctrl-C; what happens meanwhile is made good at the next start.
    assert_eq!(watch.stop(Signal::INT), Some(130));
    fs::rename(
        place.root().join("docs/prazo.txt"),
        place.root().join("docs/prazo novo.txt"),
    )
    .unwrap();
    fs::remove_file(place.root().join("docs/anexos/b.txt")).unwrap();
    place.write("docs/anexos/d.txt", "O quórum é de maioria absoluta.");
    let watch = Watch::start(place, &["docs"]);
    watch.until("caught_up", None);
    let renamed = watch.until("renamed", Some("docs/prazo novo.txt"));
    assert_eq!(renamed["document_id"], first["document_id"]);
    assert_eq!(watch.words("docs/anexos/b.txt"), ["removed"]);
    assert_eq!(watch.words("docs/anexos/d.txt"), ["ingested"]);
    assert_eq!(listed(place), ["d.txt", "prazo novo.txt"]);
    assert_eq!(watch.stop(Signal::TERM), Some(0));
}

#[test]
fn folder_and_library_are_kept_alike_alone() {
    everything_that_happens(&Place::new());
}

#[test]
fn folder_and_library_are_kept_alike_through_a_server() {
    let place = Place::new();
    let _server = Server::start(&place);
    everything_that_happens(&place);
}

#[test]
fn folder_and_library_are_kept_alike_in_the_server_shape() {
    let cluster = Cluster::new();
    let _api = cluster.api();
    let _worker = cluster.worker("um");
    let place = &cluster.place;
    place.write("docs/a.txt", "O prazo do recurso é de quinze dias.");
    place.write("docs/b.txt", "A multa é de dez por cento.");
    let watch = Watch::run(cluster.command(&["ingest", "--watch", "--settle", "1", "--json", "docs"]));
    let first = watch.until("ingested", Some("docs/a.txt"));
    watch.until("caught_up", None);

    fs::rename(
        place.root().join("docs/a.txt"),
        place.root().join("docs/ação.txt"),
    )
    .unwrap();
    fs::remove_file(place.root().join("docs/b.txt")).unwrap();
    let renamed = watch.until("renamed", Some("docs/ação.txt"));
    watch.until("removed", Some("docs/b.txt"));

    assert_eq!(renamed["document_id"], first["document_id"]);
    assert_eq!(cluster.column("select filename from documents"), ["ação.txt"]);
    assert_eq!(watch.stop(Signal::INT), Some(130));
}

#[test]
fn a_server_that_starts_and_stops_meanwhile_is_no_trouble() {
    let place = Place::new();
    place.write("docs/a.txt", "O prazo do recurso é de quinze dias.");
    let watch = Watch::start(&place, &["docs"]);
    watch.until("caught_up", None);
    // The library is free while there is nothing to do.
    let server = Server::start(&place);
    place.write("docs/b.txt", "A multa é de dez por cento.");
    watch.until("ingested", Some("docs/b.txt"));
    assert_eq!(server.get("/documents")["total"], 2);
    server.kill();
    place.write("docs/c.txt", "O quórum é de maioria absoluta.");
    watch.until("ingested", Some("docs/c.txt"));
    assert_eq!(listed(&place), ["a.txt", "b.txt", "c.txt"]);
}

#[test]
fn several_folders_and_the_one_that_goes_away() {
    let place = Place::new();
    place.write("um/a.txt", "O prazo do recurso é de quinze dias.");
    place.write("dois/b.txt", "A multa é de dez por cento.");
    place.write("dois/copia.txt", "A multa é de dez por cento.");
    let watch = Watch::start(&place, &["um", "dois", "--collection", "juridico"]);
    watch.until("caught_up", None);
    let copies = [watch.words("dois/b.txt"), watch.words("dois/copia.txt")].concat();
    assert!(
        copies.contains(&"ingested".to_owned()) && copies.contains(&"skipped".to_owned()),
        "{copies:?}"
    );
    let (kept, copied) = if watch.words("dois/b.txt") == ["ingested"] {
        ("dois/b.txt", "dois/copia.txt")
    } else {
        ("dois/copia.txt", "dois/b.txt")
    };
    watch.forget();

    // The text that went with its file is still there in the other one.
    fs::remove_file(place.root().join(kept)).unwrap();
    watch.until("removed", Some(kept));
    watch.until("updated", Some(copied));
    let found = place.json(&["search", "multa", "--collection", "juridico", "--mode", "keyword"]);
    assert_eq!(found["results"].as_array().unwrap().len(), 1);

    fs::rename(place.root().join("um"), place.root().join("fora")).unwrap();
    watch.until("folder_lost", None);
    place.write("dois/c.txt", "O quórum é de maioria absoluta.");
    watch.until("ingested", Some("dois/c.txt"));
    watch.until("caught_up", None);
    assert!(
        listed(&place).contains(&"a.txt".to_owned()),
        "its document is kept"
    );
    fs::rename(place.root().join("fora"), place.root().join("um")).unwrap();
    watch.until("folder_found", None);
    assert_eq!(watch.words("um/a.txt"), [""; 0]);
}

#[test]
fn a_burst_of_files_goes_in_whole() {
    let place = Place::new();
    place.write("docs/0.txt", "O documento número 0 trata do prazo.");
    let watch = Watch::start(&place, &["docs"]);
    watch.until("caught_up", None);
    watch.forget();
    for number in 1..=60 {
        place.write(
            &format!("docs/{}/{number}.txt", number % 7),
            format!("O documento número {number} trata do prazo."),
        );
    }
    watch.until("caught_up", None);
    wait::until("all of them", || (listed(&place).len() == 50).then_some(()));
    assert_eq!(place.json(&["documents", "list"])["total"], 61);
}

#[test]
fn what_cannot_be_watched_is_said_at_once() {
    let place = Place::new();
    place.write("a.txt", "a");
    for (arguments, reason) in [
        (
            &["ingest", "--watch", "a.txt"][..],
            "`a.txt` is no folder; --watch takes folders",
        ),
        (
            &["ingest", "--watch", "none"][..],
            "`none` is no folder; --watch takes folders",
        ),
    ] {
        let run = place.ids(arguments);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
    assert_eq!(place.ids(&["ingest", "a.txt", "--settle", "3"]).code, Some(2));
}
