//! The skeleton of Brazilian official texts (Lei Complementar 95/1998, arts. 10 and 11): articles, their paragraphs (§),
//! items (incisos) and letters (alíneas), so that a passage can be cited as `Lei 14.133/2021, art. 75, II`.
//!
//! Order of a document: [`Skeleton::of`] over its lines says whether it is such a text at all, and which part each line
//! belongs to; [`reference`] names the parts that a passage runs over; a hit then narrows that by [`narrowed`].

mod act;
mod mark;

use mark::{Mark, Number};

/// Between the headings and the reference of a passage, as chunks keep them.
const SEPARATOR: &str = " › ";
/// A text with fewer articles is none of law.
const ARTICLES: usize = 2;
/// A number may leave out as many: what was repealed is often not printed.
const GAP: u32 = 40;

/// Where in an act a line stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LegalPath {
    act: Option<String>,
    article: Option<Number>,
    paragraph: Option<Option<Number>>,
    item: Option<Number>,
    letter: Option<String>,
}

/// A line that begins a part, and the path from there on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalPart {
    /// The index of the line.
    pub line: usize,
    /// Where it stands.
    pub path: LegalPath,
}

/// The parts of a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skeleton {
    /// In order. Lines before the first belong to none.
    pub parts: Vec<LegalPart>,
}

impl Skeleton {
    /// The skeleton of a text whose lines are `lines`, and which is known as `title`. Empty unless the text is one of law:
    /// at least two articles begin lines of it, in ascending order. Never fails.
    pub fn of<'a>(title: &str, lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = LegalPath {
            act: act::of_title(title),
            ..LegalPath::default()
        };
        let mut parts = Vec::new();
        let mut articles = 0;
        for (line, text) in lines.into_iter().enumerate() {
            if let Some(act) = act::of_title(text) {
                // The name of the act at the head of each page does not begin it again.
                if path.act.as_ref() != Some(&act) {
                    path = LegalPath {
                        act: Some(act),
                        ..LegalPath::default()
                    };
                    parts.push(LegalPart {
                        line,
                        path: path.clone(),
                    });
                }
                continue;
            }
            let Some(mark) = mark::of_line(text).filter(|mark| path.can_go_on_with(mark)) else {
                continue;
            };
            articles += usize::from(matches!(mark, Mark::Article(_)));
            path.enter(mark);
            parts.push(LegalPart {
                line,
                path: path.clone(),
            });
        }
        if articles < ARTICLES {
            parts.clear();
        }
        Self { parts }
    }
}

impl LegalPath {
    /// Whether the next part can be that: numbers go on one by one, and only below an article.
    fn can_go_on_with(&self, mark: &Mark) -> bool {
        let follows = |last: Option<&Number>, next: &Number| match last {
            None => next.value == 1,
            Some(last) => *next > *last && next.value <= last.value + GAP,
        };
        match mark {
            Mark::Article(next) => match &self.article {
                // An excerpt may begin anywhere; an annex or another act may begin again.
                None => true,
                Some(last) => follows(Some(last), next) || next.value == 1,
            },
            _ if self.article.is_none() => false,
            Mark::Paragraph(None) => true,
            Mark::Paragraph(Some(next)) => match &self.paragraph {
                Some(Some(last)) => follows(Some(last), next),
                _ => next.value <= 2,
            },
            Mark::Item(next) => follows(self.item.as_ref(), next) || next.value == 1,
            Mark::Letter(next) => match &self.letter {
                Some(last) => next.len() > last.len() || *next > *last || next == "a",
                None => next == "a",
            },
        }
    }

    fn enter(&mut self, mark: Mark) {
        match mark {
            Mark::Article(number) => {
                self.article = Some(number);
                (self.paragraph, self.item, self.letter) = (None, None, None);
            }
            Mark::Paragraph(number) => {
                self.paragraph = Some(number);
                (self.item, self.letter) = (None, None);
            }
            Mark::Item(number) => {
                self.item = Some(number);
                self.letter = None;
            }
            Mark::Letter(letter) => self.letter = Some(letter),
        }
    }

    /// The words for each level that is given, without the act: `art. 75`, `§ 1º`, `II`, `a`.
    fn levels(&self) -> Vec<String> {
        let mut levels = Vec::new();
        levels.extend(
            self.article
                .as_ref()
                .map(|number| format!("art. {}", number.ordinal())),
        );
        levels.extend(self.paragraph.as_ref().map(|number| match number {
            Some(number) => format!("§ {}", number.ordinal()),
            None => "parágrafo único".to_owned(),
        }));
        levels.extend(self.item.as_ref().map(Number::roman));
        levels.extend(self.letter.clone());
        levels
    }
}

/// How a passage is cited that begins in `first` and ends in `last`: `Lei 14.133/2021, art. 75, I a III`. `None` outside of
/// articles.
pub fn reference(first: &LegalPath, last: &LegalPath) -> Option<String> {
    let is_one_act = first.act == last.act;
    let (from, to) = (first.levels(), last.levels());
    if from.is_empty() && (to.is_empty() || !is_one_act) {
        return None;
    }
    let act = if from.is_empty() { &last.act } else { &first.act };
    let act = act.as_ref().map(|act| format!("{act}, ")).unwrap_or_default();
    if from.is_empty() {
        // It begins in front of the first article: that it reaches is what can be said.
        return Some(format!("{act}{}", to[0]));
    }
    if !is_one_act || to.is_empty() || from == to {
        return Some(format!("{act}{}", from.join(", ")));
    }
    let common = from
        .iter()
        .zip(&to)
        .take_while(|(one, other)| one == other)
        .count();
    if common == 0 {
        let ends = [&from[0], &to[0]].map(|level| level.trim_start_matches("art. "));
        return Some(format!("{act}arts. {} a {}", ends[0], ends[1]));
    }
    // From the head of an article, or of a paragraph, into its parts: what holds them all.
    let (Some(one), Some(other)) = (from.get(common), to.get(common)) else {
        return Some(format!("{act}{}", from[..common].join(", ")));
    };
    if kind_of(one) != kind_of(other) || kind_of(one) == LevelKind::Only {
        return Some(format!("{act}{}", from[..common].join(", ")));
    }
    let range = match kind_of(one) {
        LevelKind::Paragraph => format!("§{one} a {}", other.trim_start_matches("§ ")),
        _ => format!("{one} a {other}"),
    };
    let mut parts = from[..common].to_vec();
    parts.push(range);
    Some(format!("{act}{}", parts.join(", ")))
}

#[derive(PartialEq, Eq)]
enum LevelKind {
    Paragraph,
    Only,
    Item,
    Letter,
}

fn kind_of(level: &str) -> LevelKind {
    match level.chars().next() {
        Some('§') => LevelKind::Paragraph,
        _ if level == "parágrafo único" => LevelKind::Only,
        Some(first) if first.is_uppercase() => LevelKind::Item,
        _ => LevelKind::Letter,
    }
}

/// Headings and reference in one line, as chunks keep them.
pub fn with_reference(headings: Option<&str>, reference: &str) -> String {
    match headings {
        Some(headings) => format!("{headings}{SEPARATOR}{reference}"),
        None => reference.to_owned(),
    }
}

/// Takes headings and reference apart again.
pub fn split_reference(heading: &str) -> (Option<&str>, Option<&str>) {
    let (headings, last) = match heading.rsplit_once(SEPARATOR) {
        Some((headings, last)) => (Some(headings), last),
        None => (None, heading),
    };
    match is_reference(last) {
        true => (headings, Some(last)),
        false => (Some(heading), None),
    }
}

/// Whether a line is what [`reference`] writes.
fn is_reference(text: &str) -> bool {
    let levels = text.rsplit_once(", art").map_or(text, |(_, levels)| levels);
    let levels = levels.strip_prefix("art").unwrap_or(levels);
    let Some(rest) = levels.strip_prefix("s. ").or_else(|| levels.strip_prefix(". ")) else {
        return false;
    };
    // An act is named in front, or the line begins with the article.
    let is_named = text.starts_with("art") || act_of_reference(text).is_some();
    is_named && rest.split(", ").all(is_level) && rest.starts_with(|c: char| c.is_ascii_digit())
}

fn act_of_reference(text: &str) -> Option<&str> {
    let (act, _) = text.rsplit_once(", art")?;
    (act == "Constituição Federal" || act::of_title(act).as_deref() == Some(act)).then_some(act)
}

/// `75`, `5º`, `§ 1º`, `§§ 1º a 3º`, `parágrafo único`, `II`, `I a III`, `a`.
fn is_level(text: &str) -> bool {
    if text == "parágrafo único" {
        return true;
    }
    let text = text.trim_start_matches('§').trim_start();
    text.split(" a ").all(|part| {
        let (base, _) = part.split_once('-').unwrap_or((part, ""));
        let base = base.trim_end_matches('º');
        !base.is_empty()
            && (base.bytes().all(|byte| byte.is_ascii_digit())
                || mark::from_roman(base).is_some()
                || base.len() <= 2 && base.bytes().all(|byte| byte.is_ascii_lowercase()))
    })
}

/// The reference of the part of a passage that `places` (characters of `content`, such as those of the words that were
/// found) speak for: the part where most of them stand, the first of equals. `reference` is that of the whole passage, and
/// is what remains where nothing narrower can be said.
pub fn narrowed(reference: &str, content: &str, places: &[usize]) -> String {
    let Some(mut path) = start_of(reference) else {
        return reference.to_owned();
    };
    // The parts that begin in the passage, each with the number of places before the next.
    let mut parts = vec![(path.clone(), 0_usize)];
    let mut begins_with_mark = false;
    let mut at = 0;
    for (number, line) in content.split('\n').enumerate() {
        let length = line.chars().count();
        if let Some(mark) = mark::of_line(line)
            && (number == 0 || path.can_go_on_with(&mark))
        {
            // What the reference begins with is this line's own mark.
            if number == 0 {
                begins_with_mark = true;
            } else {
                path.enter(mark);
                parts.push((path.clone(), 0));
            }
        }
        let here = places
            .iter()
            .filter(|&&place| (at..=at + length).contains(&place))
            .count();
        if let Some((_, count)) = parts.last_mut() {
            *count += here;
        }
        at += length + 1;
    }
    let most = parts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let found = parts.iter().position(|(_, count)| *count == most);
    match found {
        // Over several parts, and nothing was found that chooses among them.
        _ if most == 0 => reference.to_owned(),
        Some(0) if !begins_with_mark && parts.len() > 1 && reference.contains(" a ") => {
            // It begins inside the first part.
            self::reference(&parts[0].0, &parts[0].0).unwrap_or_else(|| reference.to_owned())
        }
        Some(index) => {
            let path = &parts[index].0;
            self::reference(path, path).unwrap_or_else(|| reference.to_owned())
        }
        None => reference.to_owned(),
    }
}

/// The path that a reference begins with.
fn start_of(text: &str) -> Option<LegalPath> {
    let (act, levels) = match text.rsplit_once(", art") {
        Some((act, levels)) => (Some(act.to_owned()), levels),
        None => (None, text.strip_prefix("art")?),
    };
    let levels = levels.strip_prefix("s. ").or_else(|| levels.strip_prefix(". "))?;
    let mut path = LegalPath {
        act,
        ..LegalPath::default()
    };
    for (depth, level) in levels.split(", ").enumerate() {
        let first = level.split(" a ").next().unwrap_or(level);
        if depth == 0 {
            path.article = Some(mark::number(first)?.0);
        } else if first == "parágrafo único" {
            path.paragraph = Some(None);
        } else if first.starts_with('§') {
            path.paragraph = Some(Some(mark::number(first.trim_start_matches('§').trim_start())?.0));
        } else if first.starts_with(|c: char| c.is_ascii_lowercase()) {
            path.letter = Some(first.to_owned());
        } else {
            let (roman, suffix) = first.split_once('-').unwrap_or((first, ""));
            path.item = Some(Number {
                value: mark::from_roman(roman)?,
                suffix: Some(suffix.to_owned()).filter(|suffix| !suffix.is_empty()),
            });
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests;
