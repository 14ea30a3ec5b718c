//! Which parser reads which type.

use std::fs::File;
use std::io::Read;

use ids_core::document::ContentType;

use crate::output::{Output, ParseError};
use crate::{
    archive, doc, docx, encoding, epub, html, mail, markdown, odf, picture, plain, pptx, rtf, sheet, xml_text,
};

/// Texts (HTML, Markdown, plain, tables) of more bytes than this are refused: their characters would be over the limit.
const TEXT_BYTES: u64 = 256 * 1_024 * 1_024;

/// Writes the pages of a file of any type but PDF, whose engine is loaded before the child is confined.
pub(crate) fn parse(content_type: &str, file: File, output: &mut dyn Output) -> Result<(), ParseError> {
    match content_type {
        ContentType::DOCX => docx::parse(file, output),
        ContentType::DOC => doc::parse(file, output),
        ContentType::ODT => odf::parse_text(file, output),
        ContentType::RTF => rtf::parse(&read_all(file)?, output),
        ContentType::XLSX => sheet::parse_xlsx(file, output),
        ContentType::XLS => sheet::parse_xls(file, output),
        ContentType::ODS => odf::parse_spreadsheet(file, output),
        ContentType::CSV => sheet::parse_csv(&decoded(file)?, output),
        ContentType::PPTX => pptx::parse(file, output),
        ContentType::ODP => odf::parse_presentation(file, output),
        ContentType::HTML => html::parse(read_all(file)?, output),
        ContentType::MHTML => mail::parse_mhtml(&read_all(file)?, output),
        ContentType::EPUB => epub::parse(file, output),
        ContentType::EML => mail::parse_eml(&read_all(file)?, output),
        ContentType::MSG => mail::parse_msg(file, output),
        ContentType::ZIP => archive::parse(file, output),
        ContentType::MARKDOWN => markdown::parse(&decoded(file)?, output),
        ContentType::TEXT | ContentType::JSON => plain::parse(&decoded(file)?, output),
        ContentType::XML => xml_text::parse(&decoded(file)?, output),
        ContentType::PNG | ContentType::JPEG | ContentType::TIFF | ContentType::WEBP => {
            picture::parse(content_type, file, output)
        }
        _ => Err(ParseError::Internal(
            "there is no parser for this type".to_owned(),
        )),
    }
}

fn decoded(file: File) -> Result<String, ParseError> {
    Ok(encoding::decode(read_all(file)?, None))
}

fn read_all(mut file: File) -> Result<Vec<u8>, ParseError> {
    let mut bytes = Vec::new();
    let read = file
        .by_ref()
        .take(TEXT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(ParseError::Input)?;
    if read as u64 > TEXT_BYTES {
        return Err(ParseError::TooLarge("it has more text than can be indexed"));
    }
    Ok(bytes)
}
