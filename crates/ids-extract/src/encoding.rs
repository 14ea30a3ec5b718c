//! Bytes to text: the byte order mark, then valid UTF-8, then what the file declares, then a guess.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The text of `bytes`. Never fails: what cannot be decoded becomes U+FFFD.
///
/// Valid UTF-8 wins over `declared`: Latin-1 that happens to be valid UTF-8 is rarer than a wrong declaration.
pub(crate) fn decode(bytes: Vec<u8>, declared: Option<&'static Encoding>) -> String {
    if let Some((encoding, _)) = Encoding::for_bom(&bytes) {
        return encoding.decode_with_bom_removal(&bytes).0.into_owned();
    }
    if let Some(encoding) = utf16_without_mark(&bytes) {
        return encoding.decode_without_bom_handling(&bytes).0.into_owned();
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let encoding = match declared {
        Some(encoding) if encoding != UTF_8 && encoding != UTF_16LE && encoding != UTF_16BE => encoding,
        _ => guess(&bytes),
    };
    encoding.decode_without_bom_handling(&bytes).0.into_owned()
}

/// UTF-16 written without a byte order mark: mostly-Latin text has a zero in every other byte.
pub(crate) fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(1_024) & !1];
    if head.len() < 4 {
        return None;
    }
    let zeros = |from: usize| {
        head.iter()
            .skip(from)
            .step_by(2)
            .filter(|&&byte| byte == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let most = head.len() / 2 * 7 / 10;
    match (even > most, odd > most) {
        (false, true) if even == 0 => Some(UTF_16LE),
        (true, false) if odd == 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// A guess from the first 256 KiB that hold something beyond ASCII.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let from = bytes
        .iter()
        .position(|byte| !byte.is_ascii())
        .unwrap_or(0)
        .saturating_sub(1_024);
    let sample = &bytes[from..bytes.len().min(from + 256 * 1_024)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    // A Brazilian address as the hint: it settles short Latin texts towards Windows-1252.
    detector.guess(Some(b"br"), Utf8Detection::Deny)
}

/// The encoding of a Windows code page, as RTF and Outlook name them; Windows-1252 for those that nobody uses.
pub(crate) fn of_code_page(number: u32) -> &'static Encoding {
    match number {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10_000 => encoding_rs::MACINTOSH,
        20_866 => encoding_rs::KOI8_R,
        28_592 => encoding_rs::ISO_8859_2,
        28_605 => encoding_rs::ISO_8859_15,
        65_001 => UTF_8,
        _ => encoding_rs::WINDOWS_1252,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn text_is_decoded_whatever_it_was_written_in() {
        let check = |bytes: &[u8], text: &str| assert_eq!(decode(bytes.to_vec(), None), text);
        check("ação".as_bytes(), "ação");
        check(b"\xef\xbb\xbfa\xc3\xa7\xc3\xa3o", "ação");
        check(
            b"Informa\xe7\xe3o sobre a a\xe7\xe3o do munic\xedpio",
            "Informação sobre a ação do município",
        );
        check(b"\xff\xfea\0\xe7\0\xe3\0o\0", "ação");
        check(b"t\0e\0x\0t\0o\0 \0a\0\xe7\0\xe3\0o\0", "texto ação");
        check(b"", "");
    }
}
