//! What Tesseract says: a table of levels, of which the fifth are words. It read foreign pixels, so nothing of it is believed but
//! numbers in their bounds and words that can be seen.

/// The most words of a page; a newspaper's has a tenth.
const WORDS: usize = 50_000;
/// The most characters of a word.
const WORD_CHARS: usize = 200;

/// A word that was recognized.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    /// Which paragraph it belongs to: words of equal numbers follow each other.
    pub(crate) paragraph: (u32, u32),
    /// Which line of it.
    pub(crate) line: u32,
    /// Its letters.
    pub(crate) text: String,
    /// How sure the recognition is, from 0 to 100.
    pub(crate) confidence: u8,
    /// Its left, upper, right and lower edge in pixels.
    pub(crate) area: (f32, f32, f32, f32),
}

/// The words of a table; `None` when it is none.
pub(crate) fn words(table: &[u8]) -> Option<Vec<Word>> {
    let table = std::str::from_utf8(table).ok()?;
    let mut rows = table.lines();
    if !rows.next()?.starts_with("level\tpage_num\t") {
        return None;
    }
    let mut words = Vec::new();
    for row in rows {
        let columns: Vec<&str> = row.splitn(12, '\t').collect();
        let Ok(
            [
                level,
                _page,
                block,
                paragraph,
                line,
                _word,
                left,
                top,
                width,
                height,
                confidence,
                text,
            ],
        ) = <[&str; 12]>::try_from(columns)
        else {
            // Levels above words have no text, and some versions leave the column out.
            continue;
        };
        if level != "5" {
            continue;
        }
        let text: String = text.chars().filter(|&c| is_kept(c)).take(WORD_CHARS).collect();
        if text.is_empty() {
            continue;
        }
        if words.len() == WORDS {
            break;
        }
        let number = |text: &str| text.parse::<u32>().ok().filter(|&number| number <= 1_000_000);
        let (left, top, width, height) = (number(left)?, number(top)?, number(width)?, number(height)?);
        // It may have decimals, and is -1 for what is no word.
        let confidence = confidence.parse::<f32>().ok().filter(|share| share.is_finite())?;
        words.push(Word {
            paragraph: (number(block)?, number(paragraph)?),
            line: number(line)?,
            text,
            confidence: confidence.clamp(0.0, 100.0).round() as u8,
            area: (
                left as f32,
                top as f32,
                (left + width) as f32,
                (top + height) as f32,
            ),
        });
    }
    Some(words)
}

fn is_kept(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{fff9}'..='\u{fffd}')
        && (u32::from(c) & 0xfffe) != 0xfffe
        && !('\u{fdd0}'..='\u{fdef}').contains(&c)
}

/// How sure the recognition is of all words together, by their lengths: from 0 to 100; 0 for none.
pub(crate) fn confidence<'a>(words: impl IntoIterator<Item = &'a Word>) -> u8 {
    let (mut sum, mut letters) = (0_u64, 0_u64);
    for word in words {
        let length = word.text.chars().filter(|c| c.is_alphanumeric()).count() as u64;
        sum += u64::from(word.confidence) * length;
        letters += length;
    }
    sum.checked_div(letters).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::{confidence, words};

    const HEAD: &str =
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";

    #[test]
    fn words_come_with_their_places_and_how_sure_they_are() {
        let table = format!(
            "{HEAD}1\t1\t0\t0\t0\t0\t0\t0\t600\t200\t-1\t\n5\t1\t1\t1\t1\t1\t36\t92\t60\t24\t96.43\tLei\n\
             5\t1\t1\t2\t1\t1\t40\t130\t80\t24\t12\tn\u{ad}º\n5\t1\t1\t2\t1\t2\t40\t130\t80\t24\t95\t \n"
        );
        let found = words(table.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].text.as_str(), found[0].confidence), ("Lei", 96));
        assert_eq!(found[0].area, (36.0, 92.0, 96.0, 116.0));
        assert_eq!((found[1].text.as_str(), found[1].paragraph), ("nº", (1, 2)));
        assert_eq!(confidence(&found), ((96 * 3 + 12 * 2) / 5) as u8);
        assert_eq!(confidence([]), 0);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let check = |table: &[u8]| assert_eq!(words(table), None, "{table:?}");
        check(b"");
        check(b"Lei municipal\n");
        check(b"level\tpage_num\t\xff");
        check(format!("{HEAD}5\t1\t1\t1\t1\t1\t-4\t92\t60\t24\t96\tLei\n").as_bytes());
        check(format!("{HEAD}5\t1\t1\t1\t1\t1\t4\t92\t60\t24\tNaN\tLei\n").as_bytes());
        check(format!("{HEAD}5\t1\t1\t1\t1\t1\t4\t99999999999\t60\t24\t9\tLei\n").as_bytes());
    }
}
