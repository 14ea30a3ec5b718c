//! Tables as text: values parted by semicolons (usual in Brazil, where the comma marks decimals), commas, tabs or bars.

use ::csv::ReaderBuilder;

use super::Sheet;
use crate::output::{Output, ParseError};

/// What may part values, the most telling first.
const DELIMITERS: [u8; 4] = [b'\t', b';', b',', b'|'];
/// Lines that are looked at for what parts their values.
const SAMPLE_LINES: usize = 50;

/// Writes the one page of a table as text.
pub(crate) fn parse(text: &str, output: &mut dyn Output) -> Result<(), ParseError> {
    let (delimiter, text) = match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
        // Excel's own way to say it.
        Some((named, rest)) if named.trim_end().len() == 1 => (named.as_bytes()[0], rest),
        _ => (delimiter_of(text), text),
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut sheet = Sheet::without_name(1);
    let mut row = 0;
    let mut record = ::csv::StringRecord::new();
    while !sheet.is_full() && reader.read_record(&mut record).unwrap_or(false) {
        for (column, value) in (0..).zip(&record) {
            sheet.cell(row, column, value)?;
        }
        row += 1;
    }
    output.total(1)?;
    sheet.finish(output)
}

/// What parts the values of most lines into the same number, and into the most.
fn delimiter_of(text: &str) -> u8 {
    let score = |&delimiter: &u8| {
        let counts: Vec<usize> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(SAMPLE_LINES)
            .map(|line| outside_quotes(line, delimiter))
            .collect();
        let most_common = counts
            .iter()
            .filter(|&&count| count > 0)
            .max_by_key(|&&count| counts.iter().filter(|&&other| other == count).count());
        let lines = most_common.map_or(0, |&count| counts.iter().filter(|&&other| other == count).count());
        (lines, most_common.copied().unwrap_or(0))
    };
    // The first of equals: `max_by_key` would take the last.
    DELIMITERS
        .iter()
        .rev()
        .max_by_key(|delimiter| score(delimiter))
        .copied()
        .unwrap_or(b',')
}

fn outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut is_quoted = false;
    let is_counted = |&byte: &u8| {
        is_quoted ^= byte == b'"';
        byte == delimiter && !is_quoted
    };
    line.bytes().filter(is_counted).count()
}

#[cfg(test)]
mod tests {
    use super::delimiter_of;

    #[test]
    fn the_delimiter_is_what_parts_the_lines_alike() {
        let check = |text: &str, delimiter: u8| {
            assert_eq!(delimiter_of(text) as char, delimiter as char, "{text}");
        };
        check("a;b;c\n1,5;2,5;3,5\n", b';');
        check("a,b\n1,2\n3,4", b',');
        check("a\tb\n1,5\t2,5", b'\t');
        check("nome,\"a;b;c;d\"\nx,\"e;f;g;h\"", b',');
        check("Relatório de despesas, 2024\n\ndata;valor\n1;2\n3;4", b';');
        check("uma coluna\nsem nada", b'\t');
    }
}
