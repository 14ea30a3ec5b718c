//! `OCR_LANGUAGES`: in which languages pages without text are read.

use super::variables::{ConfigError, Variables, unreadable};

/// What is read where nothing is set.
const USUAL: &str = "por+eng";
/// More would take minutes a page.
const MOST: usize = 8;

/// The languages, by Tesseract's names; none where text recognition is off.
///
/// # Errors
/// What is no list of such names.
pub fn languages(variables: &Variables) -> Result<Vec<String>, ConfigError> {
    let text = variables.text("OCR_LANGUAGES").unwrap_or(USUAL);
    if text.eq_ignore_ascii_case("off") {
        return Ok(Vec::new());
    }
    let languages: Vec<String> = text.split('+').map(|name| name.trim().to_owned()).collect();
    // They become an argument, and the name of a file.
    let is_name = |name: &String| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (2..=30).contains(&name.len()) && name.chars().all(is_letter) && !name.starts_with('_')
    };
    if languages.len() > MOST || !languages.iter().all(is_name) {
        return Err(unreadable(
            "OCR_LANGUAGES",
            "names of Tesseract's languages joined by `+`, such as `por+eng`, or `off`",
        ));
    }
    Ok(languages)
}

#[cfg(test)]
mod tests {
    use super::{Variables, languages};

    #[test]
    fn languages_are_names_joined_by_a_plus() {
        let read = |value: &str| {
            let variables = Variables::of(&[("OCR_LANGUAGES", value)]).unwrap();
            languages(&variables).map_err(|error| error.to_string())
        };
        assert_eq!(read("").unwrap(), ["por", "eng"]);
        assert_eq!(read("por + chi_sim").unwrap(), ["por", "chi_sim"]);
        assert_eq!(read("off").unwrap(), [""; 0]);
        for wrong in ["por+", "por,eng", "../por", "-l", "por eng", "a+b", "português"] {
            let error = read(wrong).unwrap_err();
            assert!(
                error.contains("`OCR_LANGUAGES`") && error.contains("por+eng"),
                "{error}"
            );
        }
    }
}
