//! What a model wrote: statements, each with the words that are to prove it. The model is a stranger: nothing it says is believed
//! here, only read.

use super::prompt::NO_ANSWER;
use crate::limits;

/// One thing a model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// The sentence.
    pub(super) text: String,
    /// What is to prove it.
    pub(super) proofs: Vec<Proof>,
}

/// Words of a passage, as the model says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    /// The passage's number, from 1.
    pub(super) passage: usize,
    /// The words; `None` when only the passage is named.
    pub(super) words: Option<String>,
}

/// What came of a piece of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// More of a statement's text, to be shown at once.
    Text(String),
    /// The statements of a line that is whole now. The text of the first one was given before.
    Line(Vec<Statement>),
}

/// Takes a reply piece by piece.
#[derive(Debug, Default)]
pub(super) struct ReplyReader {
    line: String,
    /// Bytes of the line that were given as text.
    shown: usize,
    chars: usize,
}

impl ReplyReader {
    /// Takes a piece; gives what can be said of it already.
    pub(super) fn push(&mut self, piece: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        for c in piece.chars() {
            self.chars += 1;
            if c == '\n' {
                self.end_line(&mut parts);
            } else if self.chars <= limits::ANSWER_CHARS {
                self.line.push(c);
            }
        }
        self.show(&mut parts, false);
        parts
    }

    /// The reply is over.
    pub(super) fn finish(mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        self.end_line(&mut parts);
        parts
    }

    /// Whether it is longer than anybody reads.
    pub(super) fn is_too_long(&self) -> bool {
        self.chars > limits::ANSWER_CHARS
    }

    fn end_line(&mut self, parts: &mut Vec<Part>) {
        self.show(parts, true);
        let statements = statements(&self.line);
        if !statements.is_empty() {
            parts.push(Part::Line(statements));
        }
        self.line.clear();
        self.shown = 0;
    }

    /// Gives what is certainly text of the line's first statement.
    fn show(&mut self, parts: &mut Vec<Part>, is_whole: bool) {
        let begin = text_start(&self.line);
        let end = proof_start(&self.line, is_whole);
        let visible = self.line[..end].trim_end();
        let from = begin.max(self.shown);
        if from >= visible.len() || is_refusal_or_its_beginning(&visible[begin..]) {
            return;
        }
        // A fence or a rule is no text; what follows may make it one.
        if !visible[begin..].chars().any(char::is_alphanumeric) {
            return;
        }
        if !is_whole && self.shown == 0 && may_be_a_mark(visible) {
            return;
        }
        parts.push(Part::Text(visible[from..].to_owned()));
        self.shown = visible.len();
    }
}

/// Where a line's text begins: behind white space and the mark of a list.
fn text_start(line: &str) -> usize {
    let trimmed = line.trim_start();
    let indent = line.len() - trimmed.len();
    for mark in ["- ", "* ", "• "] {
        if let Some(rest) = trimmed.strip_prefix(mark) {
            return line.len() - rest.trim_start().len();
        }
    }
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &trimmed[digits..];
    if (1..=2).contains(&digits) && (rest.starts_with(". ") || rest.starts_with(") ")) {
        return indent + digits + 2;
    }
    indent
}

fn is_refusal_or_its_beginning(text: &str) -> bool {
    text.starts_with(NO_ANSWER) || NO_ANSWER.starts_with(text)
}

/// Whether the beginning of a line may turn out to be the mark of a list: `2`, `2)`, `-`.
fn may_be_a_mark(line: &str) -> bool {
    let rest = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    matches!(rest, "" | "." | ")" | "-" | "*" | "•")
}

/// Where the first proof begins: at a bracket with a digit. While the line grows, a bracket at its end may become one.
fn proof_start(line: &str, is_whole: bool) -> usize {
    let bytes = line.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'[' {
            match bytes.get(at + 1) {
                Some(next) if next.is_ascii_digit() => return at,
                None if !is_whole => return at,
                _ => {}
            }
        }
    }
    line.len()
}

/// The statements of a whole line. A line without proofs is one statement without any.
fn statements(line: &str) -> Vec<Statement> {
    let mut rest = &line[text_start(line)..];
    let mut found: Vec<Statement> = Vec::new();
    while !rest.trim().is_empty() {
        let at = proof_start(rest, true);
        let (text, tail) = rest.split_at(at);
        let (proofs, after) = proofs(tail);
        // A bracket that is no proof after all: what stands in it is lost, as the words of a broken proof would be.
        let after = if proofs.is_empty() { "" } else { after };
        // A stop behind the proof belongs to the sentence before it.
        let stops = after.len() - after.trim_start_matches(['.', ';', '!', '?', ',']).len();
        let (stop, after) = after.split_at(stops);
        let text = format!("{}{}", text.trim(), stop.trim_end_matches(','));
        if text.chars().any(char::is_alphanumeric) {
            found.push(Statement { text, proofs });
        } else if let Some(last) = found.last_mut() {
            last.proofs.extend(proofs);
        }
        rest = after;
    }
    found.retain(|statement| !statement.text.starts_with(NO_ANSWER));
    found
}

/// The proofs at the beginning of `tail`, and what follows them.
fn proofs(tail: &str) -> (Vec<Proof>, &str) {
    let mut found = Vec::new();
    let mut rest = tail;
    while let Some((proof, after)) = proof(rest.trim_start()) {
        found.push(proof);
        rest = after;
    }
    (found, rest)
}

/// `[2: "words"]`, `[2] "words"` or `[2]`.
fn proof(text: &str) -> Option<(Proof, &str)> {
    let inside = text.strip_prefix('[')?;
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    let passage = inside.get(..digits)?.parse().ok()?;
    let after = inside[digits..].trim_start();
    if let Some(rest) = after.strip_prefix(']') {
        if let Some((words, rest)) = quoted(rest.trim_start(), false) {
            return Some((
                Proof {
                    passage,
                    words: Some(words),
                },
                rest,
            ));
        }
        return Some((Proof { passage, words: None }, rest));
    }
    let after = after.trim_start_matches([':', ',', ' ']);
    if let Some((words, rest)) = quoted(after, true) {
        return Some((
            Proof {
                passage,
                words: Some(words),
            },
            rest,
        ));
    }
    // Something else up to the bracket's end: the passage alone is taken, if it ends at all.
    let end = after.find(']')?;
    Some((Proof { passage, words: None }, &after[end + 1..]))
}

/// Words in quotation marks, and what follows; `in_brackets`: up to the mark before the closing bracket, so that marks may stand inside.
fn quoted(text: &str, in_brackets: bool) -> Option<(String, &str)> {
    const MARKS: [char; 5] = ['"', '“', '”', '«', '»'];
    let first = text.chars().next().filter(|c| MARKS.contains(c))?;
    let inside = &text[first.len_utf8()..];
    let mut ends = inside
        .char_indices()
        .filter(|(_, c)| MARKS.contains(c))
        .map(|(at, c)| (at, at + c.len_utf8()));
    if !in_brackets {
        let (at, next) = ends.next()?;
        return Some((inside[..at].trim().to_owned(), &inside[next..]));
    }
    for (at, next) in ends {
        let rest = inside[next..].trim_start_matches(['.', ' ']);
        if let Some(rest) = rest.strip_prefix(']') {
            return Some((inside[..at].trim().to_owned(), rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Part, Proof, ReplyReader, Statement, statements};

    fn statement(text: &str, proofs: &[(usize, Option<&str>)]) -> Statement {
        Statement {
            text: text.to_owned(),
            proofs: proofs
                .iter()
                .map(|&(passage, words)| Proof {
                    passage,
                    words: words.map(str::to_owned),
                })
                .collect(),
        }
    }

    #[test]
    fn a_line_is_read_as_models_write_it() {
        let check = |line: &str, expected: &[Statement]| assert_eq!(statements(line), expected, "{line}");
        let one = |words| [statement("O prazo é de 15 dias.", &[(2, words)])];
        check(
            "O prazo é de 15 dias. [2: \"quinze dias\"]",
            &one(Some("quinze dias")),
        );
        check(
            "- O prazo é de 15 dias. [2] \"quinze dias\"",
            &one(Some("quinze dias")),
        );
        check(
            "1. O prazo é de 15 dias [2: “quinze dias”].",
            &one(Some("quinze dias")),
        );
        check(
            "O prazo é de 15 dias. [2: \"os \"quinze\" dias\"]",
            &one(Some("os \"quinze\" dias")),
        );
        check("O prazo é de 15 dias. [2]", &one(None));
        check(
            "Vale. [1: \"a\"][3: \"b\"] E mais. [4: \"c\"]",
            &[
                statement("Vale.", &[(1, Some("a")), (3, Some("b"))]),
                statement("E mais.", &[(4, Some("c"))]),
            ],
        );
        check("Sem prova.", &[statement("Sem prova.", &[])]);
        check("Veja [nota] aqui.", &[statement("Veja [nota] aqui.", &[])]);
        check("Sem fim [2: \"x", &[statement("Sem fim", &[])]);
        check("NO_ANSWER", &[]);
        check("  ", &[]);
    }

    /// The text shown, and the statements, of a reply that comes in pieces of `size` characters.
    fn read(reply: &str, size: usize) -> (String, Vec<Statement>) {
        let mut reader = ReplyReader::default();
        let chars: Vec<char> = reply.chars().collect();
        let mut parts = Vec::new();
        for piece in chars.chunks(size) {
            parts.extend(reader.push(&piece.iter().collect::<String>()));
        }
        parts.extend(reader.finish());
        let (mut shown, mut all) = (String::new(), Vec::new());
        for part in parts {
            match part {
                Part::Text(text) => shown.push_str(&text),
                Part::Line(line) => {
                    shown.push('|');
                    all.extend(line);
                }
            }
        }
        (shown, all)
    }

    #[test]
    fn the_pieces_a_reply_comes_in_change_nothing() {
        let reply = "- O prazo é de 15 dias. [2: \"quinze dias\"]\n\n2) A multa é de 2%. [1: \"2%\"]\n";
        let expected = [
            statement("O prazo é de 15 dias.", &[(2, Some("quinze dias"))]),
            statement("A multa é de 2%.", &[(1, Some("2%"))]),
        ];
        for size in [1, 2, 3, 7, 1_000] {
            let (shown, all) = read(reply, size);
            assert_eq!(all, expected, "{size}");
            assert_eq!(shown, "O prazo é de 15 dias.|A multa é de 2%.|", "{size}");
        }
    }

    #[test]
    fn a_refusal_shows_nothing() {
        for size in [1, 4, 20] {
            assert_eq!(
                read("NO_ANSWER.\n```\n", size),
                (String::new(), Vec::new()),
                "{size}"
            );
        }
    }

    #[test]
    fn an_endless_reply_is_cut() {
        let mut reader = ReplyReader::default();
        for _ in 0..100 {
            reader.push(&"palavra ".repeat(1_000));
        }
        assert!(reader.is_too_long());
        assert!(reader.line.chars().count() <= crate::limits::ANSWER_CHARS);
    }
}
