//! Where Tesseract lies, and which languages it has.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where it is looked for: not in `PATH`, which whoever starts a server need not have thought of.
const PLACES: [&str; 2] = ["/usr/local/bin/tesseract", "/usr/bin/tesseract"];

/// A Tesseract with its languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tesseract {
    /// The program.
    pub program: PathBuf,
    /// The folder of its language data.
    pub language_data: PathBuf,
    /// The languages it has.
    pub offered: Vec<String>,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTesseract {
    /// It is nowhere.
    #[error("Tesseract is not installed")]
    NotInstalled,
    /// It is there and does not answer as it should.
    #[error("`{}` does not tell its languages", .0.display())]
    Broken(PathBuf),
}

impl Tesseract {
    /// Looks for it. Starts it once, which takes some milliseconds.
    ///
    /// # Errors
    /// When it is not there, or does not work.
    pub fn find() -> Result<Self, NoTesseract> {
        let program = PLACES.iter().map(Path::new).find(|place| place.is_file());
        Self::at(program.ok_or(NoTesseract::NotInstalled)?)
    }

    /// The one at `program`.
    ///
    /// # Errors
    /// When it does not work.
    pub fn at(program: &Path) -> Result<Self, NoTesseract> {
        let broken = || NoTesseract::Broken(program.to_owned());
        let said = Command::new(program)
            .arg("--list-langs")
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .map_err(|_| broken())?;
        // Older ones say it on standard error.
        let lists = [said.stdout, said.stderr];
        let found = lists.iter().find_map(|text| list(&String::from_utf8_lossy(text)));
        let (language_data, offered) = found.ok_or_else(broken)?;
        Ok(Self {
            program: program.to_owned(),
            language_data,
            offered,
        })
    }

    /// Those of `wanted` that it has, and those that it lacks, each in order.
    pub fn parted<'a>(&self, wanted: &'a [String]) -> (Vec<&'a str>, Vec<&'a str>) {
        let wanted = wanted.iter().map(String::as_str);
        wanted.partition(|language| self.offered.iter().any(|offered| offered == language))
    }
}

/// `List of available languages in "/usr/share/tesseract-ocr/5/tessdata/" (3):`, then one a line.
fn list(text: &str) -> Option<(PathBuf, Vec<String>)> {
    let mut lines = text.lines();
    let head = lines.find(|line| line.starts_with("List of available languages"))?;
    let folder = head.split('"').nth(1)?;
    let languages = lines.map(str::trim).filter(|line| !line.is_empty());
    Some((PathBuf::from(folder), languages.map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::{NoTesseract, Tesseract, list};
    use std::path::{Path, PathBuf};

    #[test]
    fn the_list_of_languages_is_read() {
        let said = "List of available languages in \"/usr/share/tessdata/\" (2):\neng\npor\n";
        let expected = (
            PathBuf::from("/usr/share/tessdata/"),
            vec!["eng".to_owned(), "por".to_owned()],
        );
        assert_eq!(list(said), Some(expected));
        assert_eq!(list("Error opening data file"), None);
    }

    #[test]
    fn a_program_that_is_none_is_told() {
        let program = Path::new("/bin/true");
        assert_eq!(
            Tesseract::at(program),
            Err(NoTesseract::Broken(program.to_owned()))
        );
    }
}
