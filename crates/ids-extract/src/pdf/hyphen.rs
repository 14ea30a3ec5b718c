//! Words hyphenated at a line's end.

use super::lines::Line;

/// pdfium's sign for a hyphen at a line's end; the line feed after it is left out.
pub(crate) const MARK: char = '\u{2}';

/// Takes the hyphens of line ends out of `lines`, where they are not part of the word, and marks those lines as
/// joined to the next.
pub(crate) fn join(lines: &mut [Line]) {
    for index in 0..lines.len() {
        let (head, rest) = lines.split_at_mut(index + 1);
        let line = &mut head[index];
        if line.text.ends_with(['\u{ad}', '\u{2010}']) {
            line.text.pop();
            line.text.push('-');
            line.joined = true;
        }
        if !line.joined {
            continue;
        }
        let left = line.text.trim_end_matches('-');
        match rest.first() {
            Some(next) if goes_on(left, &next.text) => {
                if !keeps_hyphen(left, &next.text) {
                    line.text.truncate(left.len());
                }
            }
            _ => line.joined = false,
        }
    }
}

/// Whether a word can go on from one line in the next: letters or digits on both sides.
fn goes_on(left: &str, right: &str) -> bool {
    left.ends_with(char::is_alphanumeric) && right.starts_with(char::is_alphanumeric)
}

/// Whether the hyphen belongs to the word: before a capital or a digit (`Rio-São`, `COVID-19`), and before the
/// Portuguese pronouns that follow verbs (`encontrá-lo`, `tornar-se`), where a syllable would hardly be cut off so.
fn keeps_hyphen(left: &str, right: &str) -> bool {
    let next = right.chars().next().unwrap_or(' ');
    let last = left.chars().next_back().unwrap_or(' ');
    if next.is_uppercase() && last.is_lowercase() || next.is_numeric() || last.is_numeric() {
        return true;
    }
    let word: String = right.chars().take_while(|c| c.is_alphabetic()).collect();
    match word.as_str() {
        "lo" | "la" | "los" | "las" => matches!(last, 'á' | 'ê' | 'ô'),
        "se" => matches!(last, 'r' | 'm'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::keeps_hyphen;

    #[test]
    fn a_hyphen_stays_where_it_belongs_to_the_word() {
        let check = |left, right, kept| assert_eq!(keeps_hyphen(left, right), kept, "{left}-{right}");
        check("infor", "mação", false);
        check("inter", "esse", false);
        check("encontrá", "lo em", true);
        check("tornar", "se um", true);
        check("clas", "se de", false);
        check("tabe", "la", false);
        check("COVID", "19", true);
        check("Rio", "São Paulo", true);
        check("MUNICÍ", "PIO", false);
    }
}
