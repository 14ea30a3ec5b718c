//! A place of its own for each test: a data directory, files, and the program run on them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder with a data directory in it.
pub struct Place {
    root: TempDir,
    data_dir: PathBuf,
}

/// What a run of the program gave.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let data_dir = root.path().join("library");
        Self { root, data_dir }
    }

    /// With the data directory elsewhere.
    pub fn with_data_dir(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            ..Self::new()
        }
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Writes a file below the place, its folders too.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Copies a file of a shared folder below the place.
    pub fn copy(&self, shared: &Path, file: &str, name: &str) -> PathBuf {
        self.write(name, std::fs::read(shared.join(file)).unwrap())
    }

    /// The program in this place, with nothing of this machine's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ids"));
        command
            .env_clear()
            .env("HOME", self.root())
            .current_dir(self.root())
            .stdin(Stdio::null());
        command.env("IDS_DATA_DIR", &self.data_dir).args(arguments);
        command
    }

    /// Runs it to its end.
    pub fn ids(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Runs it with `--json`, and expects exit code 0.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let run = self.ids(&[arguments, &["--json"]].concat());
        assert_eq!(run.code, Some(0), "{arguments:?}: {}{}", run.stdout, run.stderr);
        run.body()
    }

    /// A run as a snapshot: this place's path hidden.
    pub fn shown(&self, run: &Run) -> String {
        let text = format!(
            "exit code: {}\n--- stdout\n{}\n--- stderr\n{}",
            run.code
                .map_or_else(|| "none".to_owned(), |code| code.to_string()),
            run.stdout.trim_end(),
            run.stderr.trim_end()
        );
        let root = self.root().to_str().unwrap();
        text.replace(root, "<place>")
    }
}

impl Run {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    pub fn body(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// The corpus, where it is.
pub fn corpus() -> Option<PathBuf> {
    ids_testkit::testdata::shared("corpus")
}

/// The texts of an array's field, in order.
pub fn texts(array: &Value, field: &str) -> Vec<String> {
    array
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[field].as_str().unwrap_or_default().to_owned())
        .collect()
}
