//! Dates as files give them, written as in RFC 3339 without the parts that a file does not tell: `2021`, `2021-04-01`,
//! `2021-04-01T09:30:00`, `2021-04-01T09:30:00-03:00`.

/// The latest year believed: a damaged date is left out.
const YEARS: std::ops::RangeInclusive<u32> = 1900..=2200;

/// A date of XML (W3CDTF, ISO 8601): Office, OpenDocument, EPUB, RFC 3339. Fractions of seconds are dropped.
pub(crate) fn of_xml(text: &str) -> Option<String> {
    let mut digits = Digits(text.trim());
    let mut date = Date::of_year(digits.take(4)?)?;
    if digits.skip('-') {
        date.month = Some(digits.take(2)?);
        if digits.skip('-') {
            date.day = Some(digits.take(2)?);
        }
    }
    if date.day.is_some() && (digits.skip('T') || digits.skip(' ')) {
        let hour = digits.take(2)?;
        digits.skip(':').then_some(())?;
        let minute = digits.take(2)?;
        let second = if digits.skip(':') { digits.take(2)? } else { 0 };
        date.time = Some((hour, minute, second));
        digits.skip_fraction();
        date.zone = digits.zone(':');
    }
    date.text()
}

/// A date of a PDF (ISO 32000-1, 7.9.4): `D:20210401093000-03'00'`, every part after the year optional.
pub(crate) fn of_pdf(text: &str) -> Option<String> {
    let text = text.trim();
    let mut digits = Digits(text.strip_prefix("D:").unwrap_or(text));
    let mut date = Date::of_year(digits.take(4)?)?;
    date.month = digits.take(2);
    date.day = date.month.and_then(|_| digits.take(2));
    if date.day.is_some()
        && let Some(hour) = digits.take(2)
    {
        let minute = digits.take(2);
        let second = minute.and_then(|_| digits.take(2));
        date.time = Some((hour, minute.unwrap_or(0), second.unwrap_or(0)));
        date.zone = digits.zone('\'');
    }
    date.text()
}

/// A time of Windows: tenths of microseconds since 1601.
pub(crate) fn of_windows(time: u64) -> Option<String> {
    let seconds = i64::try_from(time / 10_000_000)
        .ok()?
        .checked_sub(11_644_473_600)?;
    let text = mail_parser::DateTime::from_timestamp(seconds).to_rfc3339();
    // Zero is no date, and nobody wrote documents before there were such files.
    (0..253_402_300_800)
        .contains(&seconds)
        .then_some(text)
        .and_then(|text| of_xml(&text))
}

/// Parts of a date, as numbers.
#[derive(Default)]
struct Date {
    year: u32,
    month: Option<u32>,
    day: Option<u32>,
    time: Option<(u32, u32, u32)>,
    /// Minutes east of Greenwich.
    zone: Option<i32>,
}

impl Date {
    fn of_year(year: u32) -> Option<Self> {
        YEARS.contains(&year).then(|| Self {
            year,
            ..Self::default()
        })
    }

    /// The date as far as its parts are ones that a calendar and a clock have.
    fn text(self) -> Option<String> {
        let mut text = format!("{:04}", self.year);
        let Some(month) = self.month else {
            return Some(text);
        };
        if !(1..=12).contains(&month) {
            return None;
        }
        text.push_str(&format!("-{month:02}"));
        let Some(day) = self.day else { return Some(text) };
        if !(1..=days_of(self.year, month)).contains(&day) {
            return None;
        }
        text.push_str(&format!("-{day:02}"));
        let Some((hour, minute, second)) = self.time.filter(|&(h, m, s)| h < 24 && m < 60 && s < 60) else {
            return Some(text);
        };
        text.push_str(&format!("T{hour:02}:{minute:02}:{second:02}"));
        match self.zone {
            Some(0) => text.push('Z'),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                text.push_str(&format!(
                    "{sign}{:02}:{:02}",
                    minutes.abs() / 60,
                    minutes.abs() % 60
                ));
            }
            None => {}
        }
        Some(text)
    }
}

fn days_of(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What is left to read.
struct Digits<'a>(&'a str);

impl Digits<'_> {
    /// The next `count` characters, when all are digits.
    fn take(&mut self, count: usize) -> Option<u32> {
        let digits = self.0.get(..count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = &self.0[count..];
        digits.parse().ok()
    }

    fn skip(&mut self, mark: char) -> bool {
        match self.0.strip_prefix(mark) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip_fraction(&mut self) {
        if self.skip('.') || self.skip(',') {
            self.0 = self.0.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    }

    /// `Z`, `+02:00`; the `mark` between hours and minutes may be missing.
    fn zone(&mut self, mark: char) -> Option<i32> {
        if self.skip('Z') {
            return Some(0);
        }
        let sign = if self.skip('-') {
            -1
        } else if self.skip('+') {
            1
        } else {
            return None;
        };
        let hours = self.take(2).filter(|&hours| hours <= 14)?;
        self.skip(mark);
        let minutes = self.take(2).filter(|&minutes| minutes < 60).unwrap_or(0);
        i32::try_from(hours * 60 + minutes)
            .ok()
            .map(|minutes| sign * minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::{of_pdf, of_windows, of_xml};

    #[test]
    fn dates_of_xml_keep_the_parts_they_have() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(of_xml(text).as_deref(), expected, "{text}");
        check("2021-04-01T09:30:00Z", Some("2021-04-01T09:30:00Z"));
        check(" 2021-04-01T09:30:00.123456789 ", Some("2021-04-01T09:30:00"));
        check("2021-04-01T09:30:00,5-03:00", Some("2021-04-01T09:30:00-03:00"));
        check("2021-04-01T09:30", Some("2021-04-01T09:30:00"));
        check("2021-04", Some("2021-04"));
        check("2021", Some("2021"));
        check("2021-02-29", None);
        check("2024-02-29", Some("2024-02-29"));
        check("2021-13-01", None);
        check("2021-04-01T25:00:00", Some("2021-04-01"));
        check("0000-00-00", None);
        check("ontem", None);
        check("", None);
        check("é021-04", None);
    }

    #[test]
    fn dates_of_a_pdf_keep_the_parts_they_have() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(of_pdf(text).as_deref(), expected, "{text}");
        check("D:20210401093000-03'00'", Some("2021-04-01T09:30:00-03:00"));
        check("D:20210401093000Z00'00'", Some("2021-04-01T09:30:00Z"));
        check("D:20210401093000+05'30", Some("2021-04-01T09:30:00+05:30"));
        check("20210401", Some("2021-04-01"));
        check("D:2021", Some("2021"));
        check("D:20211301", None);
        check("D:", None);
        check("Thu Apr 1 2021", None);
    }

    #[test]
    fn a_time_of_windows_is_written_as_any_other() {
        assert_eq!(
            of_windows(133_549_344_000_000_000).as_deref(),
            Some("2024-03-15T00:00:00Z")
        );
        assert_eq!(of_windows(0), None);
        assert_eq!(of_windows(u64::MAX), None);
    }
}
