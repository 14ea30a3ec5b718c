//! Names in ZIP archives. The format knows UTF-8, where a flag says so, and the code page 437 of the first PCs; Windows writes the code page of its
//! console (850 in Brazil), some programs Windows-1252, and others UTF-8 without the flag.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

/// The upper half of code page 437.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
/// The upper half of code page 850: where it has letters, those of 437 stand at the same places.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// A name out of its bytes. `flagged` is what the archive's reader made of them where a flag or an extra field told it how.
pub(crate) fn decoded(raw: &[u8], flagged: Option<&str>) -> String {
    if let Ok(text) = std::str::from_utf8(raw) {
        return text.to_owned();
    }
    let windows = WINDOWS_1252.decode_without_bom_handling(raw).0;
    let [dos, oldest] = [CP850, CP437].map(|upper| in_page(raw, upper));
    // The first of the best: of equals, what Windows in Brazil writes.
    let mut best: (i32, Cow<'_, str>) = (likeness(&dos), dos.into());
    for candidate in [windows, oldest.into(), flagged.unwrap_or_default().into()] {
        let score = likeness(&candidate);
        if score > best.0 && !candidate.is_empty() {
            best = (score, candidate);
        }
    }
    best.1.into_owned()
}

fn in_page(raw: &[u8], upper: &str) -> String {
    raw.iter()
        .map(|&byte| match byte {
            0..=0x7f => char::from(byte),
            _ => upper.chars().nth(usize::from(byte) - 0x80).unwrap_or('\u{fffd}'),
        })
        .collect()
}

/// How much a name looks like one of a person who writes Portuguese, Spanish or English: letters of these count for it, signs that nobody
/// puts into names against it.
fn likeness(name: &str) -> i32 {
    name.chars()
        .filter(|c| !c.is_ascii())
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ã' | 'ç' | 'é' | 'ê' | 'í' | 'ó' | 'ô' | 'õ' | 'ú' => 3,
            'Á' | 'À' | 'Â' | 'Ã' | 'Ç' | 'É' | 'Ê' | 'Í' | 'Ó' | 'Ô' | 'Õ' | 'Ú' | 'ü' | 'ñ' | 'Ñ' => {
                2
            }
            'º' | 'ª' | '°' | '§' | '–' | '—' => 1,
            c if c.is_alphabetic() => -1,
            _ => -3,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::{CP437, CP850, decoded};

    #[test]
    fn each_page_has_128_characters() {
        assert_eq!((CP437.chars().count(), CP850.chars().count()), (128, 128));
    }

    #[test]
    fn names_of_each_kind_of_program_are_read() {
        let check = |raw: &[u8], name: &str| assert_eq!(decoded(raw, None), name);
        check("Licitação nº 3.pdf".as_bytes(), "Licitação nº 3.pdf");
        // Windows 10 in Brazil, code page 850: ç 0x87, ã 0xc6.
        check(b"Licita\x87\xc6o.pdf", "Licitação.pdf");
        check(b"Publica\x87\xe4es.pdf", "Publicações.pdf");
        // Code page 437 agrees where it has the letter.
        check(b"Relat\xa2rio.pdf", "Relatório.pdf");
        check(b"caf\x82.txt", "café.txt");
        // Windows-1252.
        check(b"Licita\xe7\xe3o.pdf", "Licitação.pdf");
        check(b"Relat\xf3rio n\xba 1.pdf", "Relatório nº 1.pdf");
        check(b"plain.txt", "plain.txt");
    }
}
