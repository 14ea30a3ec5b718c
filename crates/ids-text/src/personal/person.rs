//! A person who asks what is kept of them, by a name, a number or an address: where a text says it, however it is written.

use crate::fold::fold;

/// What stands between the parts of a name, and is often left out.
const PARTICLES: [&str; 6] = ["de", "da", "do", "das", "dos", "e"];
/// Letters and digits that a description must have: fewer are in every text.
const LEAST: usize = 5;

/// A person's name, number or address of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its letters and digits, without accents, case, points and particles.
    wanted: String,
}

impl Person {
    /// `None` when too little is said to tell anybody by.
    pub fn new(text: &str) -> Option<Self> {
        let wanted: String = words(text).into_iter().map(|word| word.text).collect();
        (wanted.chars().count() >= LEAST).then_some(Self { wanted })
    }

    /// Where `text` says it (Unicode scalar values, ends exclusive): whole words only, with whatever signs between them.
    pub fn places_in(&self, text: &str) -> Vec<(usize, usize)> {
        let words = words(text);
        let mut places = Vec::new();
        let mut at = 0;
        while at < words.len() {
            match self.end_from(&words[at..]) {
                Some(count) => {
                    places.push((words[at].start, words[at + count - 1].end));
                    at += count;
                }
                None => at += 1,
            }
        }
        places
    }

    /// How many of the words from the first on make up all that is wanted.
    fn end_from(&self, words: &[Word]) -> Option<usize> {
        let mut rest = self.wanted.as_str();
        for (at, word) in words.iter().enumerate() {
            rest = rest.strip_prefix(word.text.as_str())?;
            if rest.is_empty() {
                return Some(at + 1);
            }
        }
        None
    }
}

struct Word {
    text: String,
    start: usize,
    end: usize,
}

/// The words of a text, folded; digits that stand beside letters are words of their own.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut word = String::new();
    let mut start = 0;
    let mut at = 0;
    let mut finish = |word: &mut String, start: usize, end: usize| {
        let folded = fold(&word.to_lowercase());
        word.clear();
        if !folded.is_empty() && !PARTICLES.contains(&folded.as_str()) {
            words.push(Word {
                text: folded,
                start,
                end,
            });
        }
    };
    for c in text.chars() {
        let turns = word
            .chars()
            .next_back()
            .is_some_and(|last| last.is_ascii_digit() != c.is_ascii_digit());
        if !word.is_empty() && (!c.is_alphanumeric() || turns) {
            finish(&mut word, start, at);
        }
        if c.is_alphanumeric() {
            if word.is_empty() {
                start = at;
            }
            word.push(c);
        }
        at += 1;
    }
    if !word.is_empty() {
        finish(&mut word, start, at);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::Person;

    fn check(person: &str, text: &str, expected: &[&str]) {
        let chars: Vec<char> = text.chars().collect();
        let places = Person::new(person).unwrap().places_in(text);
        let found: Vec<String> = places
            .into_iter()
            .map(|(start, end)| chars[start..end].iter().collect())
            .collect();
        assert_eq!(found, expected, "{person} in {text}");
    }

    #[test]
    fn a_person_is_found_however_it_is_written() {
        check(
            "José da Silva",
            "O Sr. JOSE DA\nSILVA e José Silva; não José da Silveira.",
            &["JOSE DA\nSILVA", "José Silva"],
        );
        check(
            "52998224725",
            "CPF 529.982.247-25, processo 152998224725",
            &["529.982.247-25"],
        );
        check("529.982.247-25", "cpf:52998224725.", &["52998224725"]);
        check(
            "Maria@Exemplo.org",
            "<maria@exemplo.org> ana.maria@exemplo.org.br",
            &["maria@exemplo.org", "maria@exemplo.org"],
        );
        check("12.345.678", "RG MG-12.345.678", &["12.345.678"]);
    }

    #[test]
    fn too_little_tells_nobody() {
        assert_eq!(Person::new("Ana"), None);
        assert_eq!(Person::new("de da do das"), None);
        assert!(Person::new("12345").is_some());
    }
}
