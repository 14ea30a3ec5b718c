//! Values and what stands for them.

use std::collections::{HashMap, HashSet};

use ids_text::personal::{PersonalKind, personal_data, same_value};

use super::Hidden;

/// The placeholders of one request.
#[derive(Debug, Default)]
pub struct Placeholders {
    by_value: HashMap<(PersonalKind, String), String>,
    /// What each stands for, as it was written when it was met first.
    originals: HashMap<String, String>,
    /// Placeholders that stand in the texts themselves, and so stand for nothing.
    taken: HashSet<String>,
    hidden: Hidden,
}

impl Placeholders {
    /// Notes what looks like a placeholder in a text that will be hidden: such a one is never given to a value. To be called with all texts
    /// of a request before the first is hidden.
    pub fn avoid(&mut self, text: &str) {
        let mut rest = text;
        while let Some(begin) = rest.find('[') {
            rest = &rest[begin..];
            match shape(rest) {
                Shape::Whole(length) => {
                    self.taken.insert(unescaped(&rest[..length]));
                    rest = &rest[length..];
                }
                Shape::Begun | Shape::Other => rest = &rest[1..],
            }
        }
    }

    /// The text with placeholders in place of personal data.
    pub fn hide(&mut self, text: &str) -> String {
        let found = personal_data(text);
        if found.is_empty() {
            return text.to_owned();
        }
        // One pass from characters, which findings count in, to bytes.
        let mut bytes = text
            .char_indices()
            .map(|(byte, _)| byte)
            .chain([text.len()])
            .enumerate();
        let mut byte_of = |char: usize| {
            let found = bytes.find(|(at, _)| *at == char);
            found.map_or(text.len(), |(_, byte)| byte)
        };
        let mut hidden = String::with_capacity(text.len());
        let mut done = 0;
        for data in found {
            // Two findings may touch: the end of one is then the start of the next, which was passed already.
            let start = if data.start == 0 {
                0
            } else {
                byte_of(data.start).max(done)
            };
            let end = byte_of(data.end);
            hidden.push_str(&text[done..start]);
            hidden.push_str(self.of(data.kind, &text[start..end]));
            done = end;
        }
        hidden.push_str(&text[done..]);
        hidden
    }

    fn of(&mut self, kind: PersonalKind, written: &str) -> &str {
        let key = (kind, same_value(kind, written));
        if !self.by_value.contains_key(&key) {
            let mut number = self.hidden.add(kind);
            let mut placeholder = format!("[{}_{number}]", kind.as_str());
            while self.taken.contains(&placeholder) || self.originals.contains_key(&placeholder) {
                number += 1;
                placeholder = format!("[{}_{number}]", kind.as_str());
            }
            self.originals.insert(placeholder.clone(), written.to_owned());
            self.by_value.insert(key.clone(), placeholder);
        }
        self.by_value.get(&key).map_or("", String::as_str)
    }

    /// What a placeholder stands for; `None` for what is none of these.
    pub fn original(&self, placeholder: &str) -> Option<&str> {
        self.originals.get(placeholder).map(String::as_str)
    }

    /// What was replaced so far.
    pub const fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.originals.is_empty()
    }
}

/// A placeholder as it was given: models that write Markdown put a stroke before its line (`[CPF\_1]`).
pub(super) fn unescaped(placeholder: &str) -> String {
    placeholder.replace('\\', "")
}

/// Signs of the longest placeholder.
const LONGEST: usize = 20;

/// What a text that begins with `[` begins with.
pub(super) enum Shape {
    /// A placeholder of so many bytes.
    Whole(usize),
    /// What may become one.
    Begun,
    /// Something else.
    Other,
}

pub(super) fn shape(text: &str) -> Shape {
    let mut has_digit = false;
    let mut has_line = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'A'..=b'Z' if !has_line => {}
            b'\\' if !has_line && at > 1 => {}
            b'_' if !has_line && at > 1 => has_line = true,
            b'0'..=b'9' if has_line => has_digit = true,
            b']' if has_digit => return Shape::Whole(at + 1),
            _ => return Shape::Other,
        }
        if at >= LONGEST {
            return Shape::Other;
        }
    }
    Shape::Begun
}

#[cfg(test)]
mod tests {
    use ids_text::personal::PersonalKind;

    use super::Placeholders;

    #[test]
    fn one_value_has_one_placeholder_whatever_its_points() {
        let mut placeholders = Placeholders::default();
        let hidden =
            placeholders.hide("Maria, CPF 529.982.247-25; ainda 52998224725 e a@b.org, (35) 3829-1000.");
        assert_eq!(
            hidden,
            "Maria, CPF [CPF_1]; ainda [CPF_1] e [EMAIL_1], [PHONE_1]."
        );
        assert_eq!(
            placeholders.hide("529.982.247-25 e 111.444.777-35"),
            "[CPF_1] e [CPF_2]"
        );
        assert_eq!(placeholders.original("[CPF_2]"), Some("111.444.777-35"));
        assert_eq!(
            placeholders.original("[CPF_1]"),
            Some("529.982.247-25"),
            "as it was written first"
        );
        assert_eq!(placeholders.hidden().total(), 4);
        assert_eq!(
            placeholders.hidden().counts(),
            [
                (PersonalKind::Cpf, 2),
                (PersonalKind::Email, 1),
                (PersonalKind::Phone, 1)
            ]
        );
    }

    #[test]
    fn what_a_text_says_itself_is_no_placeholder() {
        let mut placeholders = Placeholders::default();
        let text = "o modelo [CPF_1] e [CPF_x] vale para 529.982.247-25";
        placeholders.avoid(text);
        assert_eq!(
            placeholders.hide(text),
            "o modelo [CPF_1] e [CPF_x] vale para [CPF_2]"
        );
        assert_eq!(placeholders.original("[CPF_1]"), None);
    }

    #[test]
    fn neighbours_and_accents_move_nothing() {
        let mut placeholders = Placeholders::default();
        assert_eq!(
            placeholders.hide("é 529.982.247-25/a@b.org ã"),
            "é [CPF_1]/[EMAIL_1] ã"
        );
        assert_eq!(placeholders.hide("529.982.247-25"), "[CPF_1]");
        assert_eq!(placeholders.hide("ação"), "ação");
    }
}
