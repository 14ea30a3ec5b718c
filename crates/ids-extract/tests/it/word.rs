//! Word before 2007, and RTF.

use ids_core::error::ErrorCode;

use crate::support::{blocks, extract_bytes, ole};

/// One of each thing.
pub(crate) const RTF: &[u8] = br"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Arial CYR;}}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s7 Legenda;}}
{\info{\title Of\'edcio n\'ba 5}{\author Jo\'e3o}{\operator X}}
{\header Prefeitura}
\pard\s1 T\'edtulo\par
\pard Prazo de {\b dez} dias \endash  informa\'e7\'e3o e a\u231?\u227?o.{\v oculto}{\*\bkmkstart x}{\field{\*\fldinst HYPERLINK x}{\fldrslt liga\'e7\'e3o}}{\footnote\pard\chftn A nota.}\line segunda\par
{\pict\wmetafile8 010203}{\f1 \'ef\'f0\'e8}\par
{\listtext 1.\tab}\ls1 um item\par
\trowd\cellx1\cellx2\pard\intbl Nome\cell Valor\cell\row
\trowd\pard\intbl a\cell 1\par 2\cell\row
\pard depois {\*\desconhecido nada}\'93fim\'94 {\uc2\u-10179\'3f\'3f\u-8704??}\par}";

#[tokio::test]
async fn rtf_gives_its_structure_in_any_of_its_encodings() {
    // Whatever its name says.
    let document = extract_bytes("a.doc", RTF).await.unwrap();
    assert_eq!(
        (document.title.as_deref(), document.author.as_deref()),
        (Some("Ofício nº 5"), Some("João"))
    );
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Título"),
            (
                "paragraph",
                "Prazo de dez dias – informação e ação.ligação\nsegunda"
            ),
            ("paragraph", "при"),
            ("list_item", "um item"),
            ("table", "| Nome | Valor |\n| --- | --- |\n| a | 1 2 |"),
            ("paragraph", "depois “fim” 😀"),
            ("footnote", "A nota."),
        ]
    );
    assert_eq!(document.content_type.unwrap().as_str(), "application/rtf");
}

#[tokio::test]
async fn rtf_that_is_torn_or_very_deep_gives_what_there_is() {
    let torn = extract_bytes("a.rtf", br"{\rtf1 antes {\b forte \")
        .await
        .unwrap();
    assert_eq!(torn.pages[0].text.trim(), "antes forte");
    let deep = format!(r"{{\rtf1 {}fundo}}", r"{\b ".repeat(500_000));
    let deep = extract_bytes("a.rtf", deep.as_bytes()).await.unwrap();
    assert_eq!(deep.pages[0].text.trim(), "fundo");
}

/// A Word file with its text in two pieces: Windows-1252 at 0x400, UTF-16 at 0x800.
struct Doc {
    flags: u16,
    /// Characters of each story.
    stories: [u32; 7],
    first: Vec<u8>,
    second: String,
    /// Where each paragraph of the first piece ends, with its style and changes.
    paragraphs: Vec<(u32, u16, Vec<u8>)>,
}

const FIRST_AT: u32 = 0x400;
const SECOND_AT: u32 = 0x800;

impl Doc {
    fn bytes(&self) -> Vec<u8> {
        let second: Vec<u16> = self.second.encode_utf16().collect();
        let (length, all) = (self.first.len() as u32, (self.first.len() + second.len()) as u32);
        let mut clx = vec![2];
        clx.extend((16 + 12_u32).to_le_bytes());
        for position in [0, length, all] {
            clx.extend(position.to_le_bytes());
        }
        for place in [(FIRST_AT * 2) | 0x4000_0000, SECOND_AT] {
            clx.extend([0, 0]);
            clx.extend(place.to_le_bytes());
            clx.extend([0, 0]);
        }
        let page = self.page_of_properties();
        let mut bin = Vec::new();
        for value in [FIRST_AT, SECOND_AT + 512, 8] {
            bin.extend(value.to_le_bytes());
        }
        let mut document = vec![0; 0x1000];
        let mut put = |at: usize, bytes: &[u8]| document[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &0xa5ec_u16.to_le_bytes());
        put(2, &0xc1_u16.to_le_bytes());
        put(10, &self.flags.to_le_bytes());
        for (number, length) in self.stories.iter().enumerate() {
            put(0x4c + number * 4, &length.to_le_bytes());
        }
        put(0x1a2, &0_u32.to_le_bytes());
        put(0x1a6, &(clx.len() as u32).to_le_bytes());
        put(0x102, &(clx.len() as u32).to_le_bytes());
        put(0x106, &(bin.len() as u32).to_le_bytes());
        put(FIRST_AT as usize, &self.first);
        let units: Vec<u8> = second.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        put(SECOND_AT as usize, &units);
        // The page of the number that the list of pages names.
        document.truncate(8 * 512);
        document.extend(page);
        let table = [clx, bin].concat();
        ole(&[("/WordDocument", &document), ("/1Table", &table)])
    }

    fn page_of_properties(&self) -> Vec<u8> {
        let mut page = vec![0; 512];
        let count = self.paragraphs.len();
        let mut start = FIRST_AT;
        let mut free = 510;
        for (number, (end, style, changes)) in self.paragraphs.iter().enumerate() {
            page[number * 4..number * 4 + 4].copy_from_slice(&start.to_le_bytes());
            let mut body = style.to_le_bytes().to_vec();
            body.extend(changes);
            // An odd length is told in units of two bytes less one, an even one after a zero.
            let mut entry = match body.len() % 2 {
                1 => vec![body.len().div_ceil(2) as u8],
                _ => vec![0, (body.len() / 2) as u8],
            };
            entry.extend(body);
            free = (free - entry.len()) & !1;
            page[free..free + entry.len()].copy_from_slice(&entry);
            page[(count + 1) * 4 + number * 13] = (free / 2) as u8;
            start = FIRST_AT + end;
        }
        page[count * 4..count * 4 + 4].copy_from_slice(&start.to_le_bytes());
        page[511] = count as u8;
        page
    }
}

/// Latin letters are the same in Windows-1252.
fn windows(text: &str) -> Vec<u8> {
    text.chars().map(|c| u32::from(c) as u8).collect()
}

/// A small file with one of each thing; `flags` of 0x0200 name the table, 0x0100 says that it is encrypted.
pub(crate) fn doc(flags: u16) -> Vec<u8> {
    const IN_TABLE: [u8; 3] = [0x16, 0x24, 1];
    const ENDS_ROW: [u8; 6] = [0x16, 0x24, 1, 0x17, 0x24, 1];
    let parts: [(&str, u16, &[u8]); 9] = [
        ("Título da seção\r", 1, &[]),
        (
            "Veja \u{13}HYPERLINK x\u{14}a ligação\u{15}.\u{b}Segunda linha\r",
            0,
            &[],
        ),
        ("um item\r", 0, &[0x0b, 0x46, 1, 0]),
        ("Nome\u{7}", 0, &IN_TABLE),
        ("Valor\u{7}", 0, &IN_TABLE),
        ("\u{7}", 0, &ENDS_ROW),
        ("a\u{7}", 0, &IN_TABLE),
        ("1\u{7}", 0, &IN_TABLE),
        ("\u{7}", 0, &ENDS_ROW),
    ];
    let first: String = parts.iter().map(|(text, _, _)| *text).collect();
    let second = "Fim: “aspas” e 🙂\r\u{2} A nota.\rcabeçalho\r";
    let footnote = "\u{2} A nota.\r".chars().count() as u32;
    let header = "cabeçalho\r".chars().count() as u32;
    let all = (first.chars().count() + second.encode_utf16().count()) as u32;
    let mut end = 0;
    let paragraphs = parts
        .iter()
        .map(|(text, style, changes)| {
            end += text.chars().count() as u32;
            (end, *style, changes.to_vec())
        })
        .collect();
    Doc {
        flags,
        stories: [all - footnote - header, footnote, header, 0, 0, 0, 0],
        first: windows(&first),
        second: second.to_owned(),
        paragraphs,
    }
    .bytes()
}

#[tokio::test]
async fn a_doc_gives_its_structure_from_pieces_of_both_widths() {
    let document = extract_bytes("a.pdf", &doc(0x0200)).await.unwrap();
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Título da seção"),
            ("paragraph", "Veja a ligação.\nSegunda linha"),
            ("list_item", "um item"),
            ("table", "| Nome | Valor |\n| --- | --- |\n| a | 1 |"),
            ("paragraph", "Fim: “aspas” e 🙂"),
            ("footnote", "A nota."),
        ]
    );
    assert_eq!(document.content_type.unwrap().as_str(), "application/msword");

    let failure = extract_bytes("a.doc", &doc(0x0300)).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::Encrypted);
}

#[tokio::test]
async fn an_ole_file_is_told_by_its_root_and_refused_where_it_holds_nothing_that_is_read() {
    let sheet_inside = ole(&[("/WordDocument", b"x"), ("/ObjectPool/_1/Workbook", b"y")]);
    let failure = extract_bytes("a.xls", &sheet_inside).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::Corrupt, "{failure}");
    for (stream, code) in [
        ("/PowerPoint Document", ErrorCode::UnsupportedType),
        ("/EncryptedPackage", ErrorCode::Encrypted),
        ("/Qualquer", ErrorCode::UnsupportedType),
    ] {
        let failure = extract_bytes("a.doc", &ole(&[(stream, b"x")])).await.unwrap_err();
        assert_eq!(failure.code, code, "{stream}");
    }
}
