//! `ids ingest https://…`: one page, fetched into a file, which then goes the way of every file.
//!
//! Whoever gives an address may have it from somebody else, and this program runs where private servers are near. So every hop is checked
//! before it is asked: the scheme, and the addresses that its name has, of which exactly these are connected to.

mod fetch;
mod name;
mod network;

use std::path::{Path, PathBuf};

use ids_net::{TrustedRoots, connector};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use url::Url;

use self::fetch::{FetchError, fetch};
use self::network::{Network, RealNetwork};
use super::report::FailedFile;
use super::walk::{FileState, FoundFile};
use crate::cli::exit::Failed;

/// Whether an argument is an address and no path.
pub fn is_address(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
    })
}

/// Fetches pages.
pub struct Web {
    network: Box<dyn Network>,
    tls: TlsConnector,
    may_be_private: bool,
    max_bytes: u64,
    /// Where the files are; it goes with this.
    folder: TempDir,
}

impl Web {
    /// Takes files of at most `max_bytes`, from servers of private networks only if they may be.
    ///
    /// # Errors
    /// When no temporary folder can be made.
    pub fn new(max_bytes: u64, may_be_private: bool) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()
            .map_err(|error| Failed::because(format!("no temporary folder can be made: {error}")))?;
        let tls = connector(&TrustedRoots::System).map_err(|error| Failed::because(error.to_string()))?;
        Ok(Self {
            network: Box::new(RealNetwork),
            tls,
            may_be_private,
            max_bytes,
            folder,
        })
    }

    /// Fetches a page into a file of its own, whose source is the address without its fragment.
    ///
    /// # Errors
    /// Why there is no such file.
    pub async fn fetch(&self, number: usize, address: &Path) -> Result<FoundFile, FailedFile> {
        let shown = address.to_owned();
        self.fetch_to(number, address).await.map_err(|error| FailedFile {
            path: shown,
            error_code: error.code().to_owned(),
            error: error.to_string(),
        })
    }

    async fn fetch_to(&self, number: usize, address: &Path) -> Result<FoundFile, FetchError> {
        let text = address.to_str().unwrap_or_default();
        let mut url = Url::parse(text).map_err(|_| FetchError::NoAddress)?;
        url.set_fragment(None);
        // Two pages may have one name.
        let folder = self.folder.path().join(number.to_string());
        let reading = |error| FetchError::File(error);
        tokio::fs::create_dir(&folder).await.map_err(reading)?;
        let path = fetch(self, &url, &folder).await?;
        let metadata = tokio::fs::metadata(&path).await.map_err(reading)?;
        Ok(FoundFile {
            path,
            shown: Some(PathBuf::from(text)),
            source: Some(url.into()),
            size: metadata.len(),
            is_named: true,
            state: FileState::of(&metadata),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_address;

    #[test]
    fn addresses_are_told_from_paths() {
        let check = |text: &str, expected: bool| assert_eq!(is_address(Path::new(text)), expected, "{text}");
        check("https://example.org/a", true);
        check("HTTP://example.org", true);
        check("ftp://example.org", true);
        check("docs/a.txt", false);
        check("a:b", false);
        check("/srv/http://x", false);
        check("://x", false);
    }
}
