//! What commands print: results on stdout, and nothing on it that a document could steer a terminal with.

use std::io::{self, IsTerminal, Write};

use super::exit::Failed;

/// Prints text and a line feed on stdout. Nobody reading on (`ids search … | head`) is no error.
///
/// # Errors
/// When stdout cannot be written for another reason, such as a full disk behind it.
pub fn print(text: &str) -> Result<(), Failed> {
    print_raw(text.as_bytes())
}

/// The same for bytes.
///
/// # Errors
/// As [`print`].
pub fn print_raw(bytes: &[u8]) -> Result<(), Failed> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(bytes)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failed::because(format!("the result cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something that is no result, on stderr; a lost stderr stops nothing.
pub fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// How text is set off.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    bold: bool,
}

impl Style {
    /// Bold on a terminal, unless `NO_COLOR` is set; plain elsewhere.
    pub fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            bold: !unwanted && io::stdout().is_terminal(),
        }
    }

    /// Always plain.
    #[cfg(test)]
    pub const fn plain() -> Self {
        Self { bold: false }
    }

    /// Always bold.
    #[cfg(test)]
    pub const fn bold_always() -> Self {
        Self { bold: true }
    }

    /// The text, set off.
    pub fn strong(&self, text: &str) -> String {
        if self.bold {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Text of documents and files for a terminal, on one line: no control characters (escape sequences begin with one), nothing
/// that turns the direction of what stands around it.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|char| if is_unsafe(char) { ' ' } else { char })
        .collect()
}

fn is_unsafe(char: char) -> bool {
    char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 document`, `2 documents`.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}

/// Bytes in the unit that people would use.
pub fn size(bytes: u64) -> String {
    const KB: f64 = 1_024.0;
    let value = bytes as f64;
    if value < KB {
        format!("{bytes} bytes")
    } else if value < KB * KB {
        format!("{:.1} KB", value / KB)
    } else if value < KB * KB * KB {
        format!("{:.1} MB", value / KB / KB)
    } else {
        format!("{:.2} GB", value / KB / KB / KB)
    }
}

/// Rows in columns as wide as their widest cell; the last column is as wide as it is.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{clean, size, table};

    #[test]
    fn text_of_documents_cannot_steer_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d"), "a [31mb c d");
    }

    #[test]
    fn sizes_have_the_unit_of_people() {
        assert_eq!(
            (size(0), size(1_536)),
            ("0 bytes".to_owned(), "1.5 KB".to_owned())
        );
        assert_eq!(
            (size(436_986_000), size(5_000_000_000)),
            ("416.7 MB".to_owned(), "4.66 GB".to_owned())
        );
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bb", "c"], ["água", "b", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "a     bb  c\nágua  b");
    }
}
