//! Excel: XLSX cell by cell, XLS whole, after [`biff`] made it harmless, both by `calamine`.

use std::fs::File;
use std::io::{BufReader, Cursor, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataRef, ExcelDateTime, Reader, Xls, XlsError, Xlsx, XlsxError};

use quick_xml::events::Event;

use super::{Sheet, biff, check_sheet_count};
use crate::ole::{self, Ole};
use crate::output::{Output, ParseError};
use crate::package::Package;
use crate::properties;
use crate::xml::attribute;

/// The part that holds the texts of all cells once.
const SHARED_TEXTS: &str = "xl/sharedStrings.xml";
/// The most of them; each takes 24 bytes beside its text.
const TEXTS: u64 = 10_000_000;

/// Writes a page for each sheet of an XLSX file.
pub(crate) fn parse_xlsx(mut file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut package = Package::open(file.try_clone().map_err(ParseError::Input)?)?;
    package.check_sizes(|name| name.starts_with("xl/") && name.ends_with(".xml"))?;
    check_declared_texts(&mut package)?;
    let properties = properties::read(&mut package, "docProps/core.xml")?;
    drop(package);
    file.rewind().map_err(ParseError::Input)?;
    let opened = unless_it_panics(|| Xlsx::new(BufReader::new(file)))?;
    let mut workbook = opened.map_err(|error| xlsx_error(&error))?;
    properties.write(output)?;
    let names = workbook.sheet_names();
    output.total(check_sheet_count(names.len())?)?;
    for (name, page_number) in names.into_iter().zip(1..) {
        let mut sheet = Sheet::new(page_number, name.clone());
        match unless_it_panics(|| workbook.worksheet_cells_reader(&name))? {
            Ok(mut cells) => loop {
                match unless_it_panics(|| cells.next_cell())? {
                    Ok(Some(cell)) if !sheet.is_full() => {
                        let (row, column) = cell.get_position();
                        sheet.cell(row, column, &text_of_ref(cell.get_value()))?;
                    }
                    Ok(_) => break,
                    Err(_) => {
                        sheet.mark_broken();
                        break;
                    }
                }
            },
            // A chart on a sheet of its own has no cells.
            Err(XlsxError::NotAWorksheet(_)) => {}
            Err(_) => sheet.mark_broken(),
        }
        sheet.finish(output)?;
    }
    Ok(())
}

/// `calamine` makes room for as many shared texts as the file says it has; one that says more than fit is refused.
fn check_declared_texts(package: &mut Package) -> Result<(), ParseError> {
    let mut declared = 0_u64;
    package.read_optional(SHARED_TEXTS, |event| match event {
        Event::Start(element) if element.local_name().as_ref() == "sst" => {
            let count = attribute(&element, "uniqueCount").and_then(|count| count.parse().ok());
            declared = count.unwrap_or(0);
            // Enough is known; `read_optional` takes this for damage, which is no matter here.
            Err(ParseError::Corrupt("enough is known"))
        }
        _ => Ok(()),
    })?;
    match declared > TEXTS {
        true => Err(ParseError::Corrupt("its workbook is damaged")),
        false => Ok(()),
    }
}

/// Writes a page for each sheet of an XLS file.
pub(crate) fn parse_xls(file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    let mut ole = Ole::open(file)?;
    let properties = ole.properties();
    let mut stream = ole
        .stream("/Workbook")
        .or_else(|| ole.stream("/Book"))
        .ok_or(ParseError::Corrupt("its workbook is damaged"))?;
    drop(ole);
    let tamed = biff::tame(&mut stream)?;
    let container = ole::file_of("/Workbook", &stream).map_err(ParseError::Input)?;
    drop(stream);
    let opened = unless_it_panics(|| Xls::new(Cursor::new(container)))?;
    let mut workbook = opened.map_err(|error| match error {
        XlsError::Password => ParseError::Encrypted,
        _ => ParseError::Corrupt("its workbook is damaged"),
    })?;
    let names = workbook.sheet_names();
    properties.write(output)?;
    output.total(check_sheet_count(names.len())?)?;
    for (index, name) in names.into_iter().enumerate() {
        let page_number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let mut sheet = Sheet::new(page_number, name.clone());
        let tamed = tamed.get(index);
        if let Ok(range) = workbook.worksheet_range(&name) {
            let (first_row, first_column) = range.start().unwrap_or_default();
            for (row, column, value) in range.used_cells() {
                let (row, column) = (first_row as usize + row, first_column as usize + column);
                let row = tamed
                    .and_then(|tamed| tamed.rows.get(row).copied())
                    .unwrap_or(row as u32);
                sheet.cell(row, column as u32, &text_of(value))?;
            }
        }
        if tamed.is_some_and(|tamed| tamed.is_cut) {
            sheet.mark_cut();
        }
        sheet.finish(output)?;
    }
    Ok(())
}

/// `calamine` panics on some damaged files.
fn unless_it_panics<T>(work: impl FnOnce() -> T) -> Result<T, ParseError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| ParseError::Corrupt("its workbook is damaged"))
}

fn xlsx_error(error: &XlsxError) -> ParseError {
    match error {
        XlsxError::Password => ParseError::Encrypted,
        _ => ParseError::Corrupt("its workbook is damaged"),
    }
}

fn text_of_ref(value: &DataRef<'_>) -> String {
    match value {
        DataRef::SharedString(text) => (*text).to_owned(),
        value => text_of(&Data::from(value.clone())),
    }
}

/// The value as people write it: whole numbers without decimals, dates by ISO 8601 (searched for in any order, design.md 4).
fn text_of(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number_text(*number),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(time) => time_text(time),
        // `#DIV/0!` tells a reader nothing.
        Data::Error(_) => String::new(),
    }
}

/// Fifteen digits, as Excel shows: 0.1 + 0.2 is 0.3.
fn number_text(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    format!("{rounded}")
}

fn time_text(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        let minutes = (time.as_f64() * 24.0 * 60.0).round();
        if !(0.0..=1e9).contains(&minutes) {
            return number_text(time.as_f64());
        }
        let minutes = minutes as u64;
        return format!("{}:{:02}", minutes / 60, minutes % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let has_day = time.as_f64() >= 1.0;
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match (has_day, hour + minute + second > 0) {
        (true, false) => date,
        (true, true) => format!("{date} {clock}"),
        (false, _) => clock,
    }
}

#[cfg(test)]
mod tests {
    use calamine::{ExcelDateTime, ExcelDateTimeType};

    use super::{number_text, time_text};

    #[test]
    fn numbers_and_times_are_written_as_people_write_them() {
        assert_eq!(number_text(1500.0), "1500");
        assert_eq!(number_text(0.1 + 0.2), "0.3");
        assert_eq!(number_text(-1234.56), "-1234.56");
        let time = |value| time_text(&ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false));
        assert_eq!(time(45_366.0), "2024-03-15");
        assert_eq!(time(45_366.5), "2024-03-15 12:00");
        assert_eq!(time(0.75), "18:00");
        let span = time_text(&ExcelDateTime::new(1.25, ExcelDateTimeType::TimeDelta, false));
        assert_eq!(span, "30:00");
    }
}
