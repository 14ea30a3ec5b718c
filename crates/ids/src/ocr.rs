//! Text recognition: which Tesseract, in which languages, how many pages at once; and what to do where it is not there.

use std::io;
use std::sync::OnceLock;

use ids_extract::{ChildCommand, NoTesseract, OcrConfig, OcrLimits, Tesseract};

use crate::memory;

/// The hidden first argument that makes this program become Tesseract, with nothing but what that needs.
pub const CHILD: &str = "__ocr";

/// Memory that a page takes while it is drawn and read, in MB, rounded up from bench/ocr.
const PAGE_MEGABYTES: u64 = 400;

/// Where languages come from on Debian.
const INSTALL: &str = "apt-get install tesseract-ocr";

/// The Tesseract of this machine, as it was when it was first looked for.
static FOUND: OnceLock<Result<Tesseract, NoTesseract>> = OnceLock::new();

/// What can be read with here.
pub enum Ocr {
    /// It is not wanted.
    Off,
    /// These languages, and those that are wanted and lacking.
    Ready {
        /// How.
        config: Box<OcrConfig>,
        /// Not there.
        lacking: Vec<String>,
    },
    /// Nothing can be read.
    Missing(NoTesseract),
    /// Tesseract is there, and none of the languages.
    NoLanguage,
}

impl Ocr {
    /// Looks for Tesseract, which starts it the first time: about 15 ms that no command needs to wait for which reads no document.
    ///
    /// # Errors
    /// When the system does not tell which program is running.
    pub fn find(languages: &[String]) -> io::Result<Self> {
        if languages.is_empty() {
            return Ok(Self::Off);
        }
        let tesseract = match FOUND.get_or_init(Tesseract::find).clone() {
            Ok(tesseract) => tesseract,
            Err(missing) => return Ok(Self::Missing(missing)),
        };
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<String>>();
        let (there, lacking) = tesseract.parted(languages);
        let (there, lacking) = (owned(there), owned(lacking));
        if there.is_empty() {
            return Ok(Self::NoLanguage);
        }
        let mut child = ChildCommand::current_exe()?;
        child.args = vec![CHILD.to_owned()];
        let config = OcrConfig {
            tesseract,
            languages: there,
            child,
            pages_at_once: pages_at_once(),
            limits: OcrLimits::default(),
        };
        Ok(Self::Ready {
            config: Box::new(config),
            lacking,
        })
    }

    /// What is not as it should be, and what to do about it.
    pub fn complaint(&self, wanted: &[String]) -> Option<(String, String)> {
        let packages = |names: &[String]| {
            let names: Vec<String> = names
                .iter()
                .map(|name| format!("tesseract-ocr-{}", name.to_lowercase().replace('_', "-")))
                .collect();
            names.join(" ")
        };
        let then = "then start `ids` again and run `ids reindex --ocr`";
        match self {
            Self::Off => None,
            Self::Ready { lacking, .. } if lacking.is_empty() => None,
            Self::Ready { config, lacking } => Some((
                format!(
                    "Tesseract lacks `{}` of OCR_LANGUAGES; scans are read in `{}` only",
                    lacking.join("`, `"),
                    config.languages.join("+")
                ),
                format!("run `{INSTALL} {}`, {then}", packages(lacking)),
            )),
            Self::NoLanguage => Some((
                format!(
                    "Tesseract has none of OCR_LANGUAGES (`{}`); scans are kept and marked as needing OCR",
                    wanted.join("+")
                ),
                format!("run `{INSTALL} {}`, {then}", packages(wanted)),
            )),
            Self::Missing(missing) => Some((
                format!("{missing}; scans are kept and marked as needing OCR"),
                format!(
                    "run `{INSTALL} {}`, {then}; or set OCR_LANGUAGES=off",
                    packages(wanted)
                ),
            )),
        }
    }
}

/// What a service says at its start where scans cannot be read, or not in all languages.
pub fn missing(languages: &[String]) -> Option<String> {
    let found = Ocr::find(languages).ok()?;
    let (what, hint) = found.complaint(languages)?;
    Some(format!("{what}; {hint}"))
}

/// One a core, and no more than half of the memory holds.
fn pages_at_once() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let held =
        memory::limit_megabytes().map_or(usize::MAX, |megabytes| (megabytes / 2 / PAGE_MEGABYTES) as usize);
    cores.min(held).max(1)
}

#[cfg(test)]
mod tests {
    use super::{NoTesseract, Ocr};

    #[test]
    fn what_is_missing_comes_with_the_command_that_brings_it() {
        let wanted = ["por".to_owned(), "chi_sim".to_owned()];
        let (what, hint) = Ocr::Missing(NoTesseract::NotInstalled)
            .complaint(&wanted)
            .unwrap();
        assert!(what.contains("not installed"), "{what}");
        for part in [
            "tesseract-ocr-por tesseract-ocr-chi-sim",
            "ids reindex --ocr",
            "OCR_LANGUAGES=off",
        ] {
            assert!(hint.contains(part), "{hint}");
        }
        let (what, _) = Ocr::NoLanguage.complaint(&wanted).unwrap();
        assert!(what.contains("`por+chi_sim`"), "{what}");
        assert!(Ocr::Off.complaint(&[]).is_none());
    }

    #[test]
    fn nothing_is_looked_for_where_it_is_off() {
        assert!(matches!(Ocr::find(&[]), Ok(Ocr::Off)));
    }
}
