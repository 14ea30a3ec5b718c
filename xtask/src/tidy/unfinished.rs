//! Work is done or is an issue; it is not a note in the tree.

use super::tree::Tree;

/// Put together here, so that this file does not find itself.
const WORDS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const MACRO: &str = concat!("to", "do!(");

/// Complains about each such note.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts() {
        if path == "THIRD_PARTY.md" || path.ends_with(".lock") {
            continue;
        }
        for (index, _) in text.lines().enumerate().filter(|(_, line)| is_note(line)) {
            complaints.push(format!(
                "{path}:{} leaves work for later; do it, or open an issue and name the limit in the docs",
                index + 1
            ));
        }
    }
    complaints
}

/// The words alone are also Portuguese, and rules speak of them: a note has a colon, an owner in parentheses, or is
/// the first word of a comment.
fn is_note(line: &str) -> bool {
    line.contains(MACRO)
        || WORDS.iter().any(|word| {
            line.match_indices(word).any(|(start, _)| {
                let before = line[..start].trim_end();
                let touches = line[..start].ends_with(|it: char| it.is_alphanumeric() || it == '_');
                let after = &line[start + word.len()..];
                let marked = after.starts_with(':') || after.starts_with('(');
                let opens_comment = ["//", "#", "/*", "<!--", "--"]
                    .iter()
                    .any(|it| before.ends_with(it));
                let ends = !after.starts_with(|it: char| it.is_alphanumeric() || it == '_' || it == '`');
                !touches && (marked || (opens_comment && ends))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_found_and_mere_words_are_not() {
        let word = WORDS[0];
        for line in [
            format!("// {word} later"),
            format!("x {word}: later"),
            format!("# {word}(me)"),
            format!("{MACRO})"),
        ] {
            assert!(is_note(&line), "{line}");
        }
        for line in [
            format!("{word} o poder emana do povo"),
            format!("no {word} comments"),
            format!("ME{word}: x"),
        ] {
            assert!(!is_note(&line), "{line}");
        }
    }

    #[test]
    fn the_place_is_named() {
        let text = format!("fine\n// {} it\n", WORDS[1]);
        let complaints = check(&Tree::of(&[("web/app.js", &text)]));
        assert!(
            complaints[0].starts_with("web/app.js:2 leaves work for later"),
            "{complaints:?}"
        );
    }
}
