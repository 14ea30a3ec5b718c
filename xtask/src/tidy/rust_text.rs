//! The little that tidy needs to understand of Rust source, as text: comments, test code, bodies in braces.

/// The lines of `source` that are code, with their numbers from 1: no blank lines, no comment lines, and without what
/// follows a `//` after a space.
pub fn code_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.lines().enumerate().filter_map(|(index, line)| {
        let code = line.split(" //").next().unwrap_or(line);
        let trimmed = code.trim_start();
        let blank = trimmed.is_empty() || trimmed.starts_with("//") || trimmed.starts_with("* ");
        (!blank).then_some((index + 1, code))
    })
}

/// The number of the line where a file's own tests begin; they stand at its end.
pub fn first_test_line(source: &str) -> Option<usize> {
    source
        .lines()
        .position(|line| line.trim_start().starts_with("#[cfg(test)]"))
        .map(|index| index + 1)
}

/// Whether a file holds nothing but test code.
pub fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.starts_with("crates/ids-testkit/")
}

/// What stands between the first `{` after `marker` and its closing brace.
pub fn body_after<'a>(source: &'a str, marker: &str) -> Option<&'a str> {
    let rest = &source[source.find(marker)? + marker.len()..];
    let start = rest.find('{')? + 1;
    let mut depth = 1;
    for (offset, character) in rest[start..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&rest[start..start + offset]);
        }
    }
    None
}

/// The identifier at the start of `text`.
pub fn identifier(text: &str) -> &str {
    let end = text
        .find(|character: char| !character.is_alphanumeric() && character != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Whether `word` stands in `text` as a whole identifier.
pub fn has_word(text: &str, word: &str) -> bool {
    let inside = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word)
        .any(|(start, _)| !text[..start].ends_with(inside) && !text[start + word.len()..].starts_with(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_code() {
        let source = "let a = 1; // one\n\n// two\n    /// three\nlet url = \"http://x\";\n";
        let lines: Vec<_> = code_lines(source).collect();
        assert_eq!(lines, [(1, "let a = 1;"), (5, "let url = \"http://x\";")]);
    }

    #[test]
    fn a_body_ends_at_its_own_brace() {
        assert_eq!(
            body_after("enum A { X { y: u8 }, Z } enum B {}", "enum A"),
            Some(" X { y: u8 }, Z ")
        );
        assert_eq!(body_after("enum A { X", "enum A"), None);
        assert_eq!(body_after("", "enum A"), None);
    }

    #[test]
    fn a_word_is_found_whole_only() {
        assert!(has_word("a, claim_job, b", "claim_job"));
        assert!(!has_word("claim_job_twice reclaim_job", "claim_job"));
    }
}
