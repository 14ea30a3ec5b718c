//! Test data that is too large for the repository: `../shared` beside it, or the folder named by `TESTDATA_DIR`.

use std::path::{Path, PathBuf};

/// A file or folder of the test data, such as `corpus`.
///
/// Where it is absent the test is to pass without it: this prints one line and gives `None`.
///
/// # Panics
/// Under continuous integration (`CI` is set) its absence is a failure.
#[expect(
    clippy::print_stderr,
    reason = "the one line that says what a test went without"
)]
pub fn shared(relative: &str) -> Option<PathBuf> {
    let found = root()
        .map(|root| root.join(relative))
        .filter(|path| path.exists());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "test data `{relative}` is missing; set TESTDATA_DIR to the folder that holds it"
        );
        eprintln!("test data `{relative}` is not here: passed without it (set TESTDATA_DIR)");
        count_without();
    }
    found
}

/// Each test that passes without its data adds a byte to the file that `make test` counts; a test's own output is not shown.
fn count_without() {
    let Some(counter) = std::env::var_os("IDS_TESTS_WITHOUT_DATA") else {
        return;
    };
    let opened = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(counter);
    let _ = opened.and_then(|mut file| std::io::Write::write_all(&mut file, b"."));
}

fn root() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("TESTDATA_DIR") {
        return Some(PathBuf::from(named));
    }
    // Two folders up from this crate is the repository, beside it lies the data.
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    Some(repository.parent()?.join("shared"))
}
