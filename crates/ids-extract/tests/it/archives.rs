//! Archives and attachments: what is in them comes out, whatever else they are.

use std::io::{Cursor, Write};

use ids_core::document::ContentType;
use ids_core::error::{ErrorCode, Failure};
use ids_core::member::Skipped;
use ids_core::page::ExtractedDocument;
use ids_core::ports::Extractor;
use ids_testkit::contracts::extractor_contract::{Gathered, assert_pages_hold, read_with_members};
use zip::unstable::write::FileOptionsExt;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{blocks, extractor, ole, package};

async fn unpacked(name: &str, bytes: &[u8]) -> Result<(ExtractedDocument, Gathered), Failure> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, bytes).unwrap();
    let mut gathered = Gathered::default();
    let document = read_with_members(&extractor(), &file, name, &mut gathered).await?;
    assert_pages_hold(&document);
    Ok((document, gathered))
}

async fn detected(name: &str, bytes: &[u8]) -> Result<String, ErrorCode> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, bytes).unwrap();
    let found = extractor().detect(&file, name).await;
    found.map(|kind| kind.to_string()).map_err(|failure| failure.code)
}

fn skipped(document: &ExtractedDocument) -> Vec<(String, &'static str)> {
    let all = document.notes.iter().filter_map(Skipped::from_note);
    all.map(|it| (it.path, it.reason.as_str())).collect()
}

fn paths(gathered: &Gathered) -> Vec<&str> {
    gathered.members.iter().map(|(path, _)| path.as_str()).collect()
}

/// An archive of files as they are given; those whose name begins with `!` have a password.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let options = match name.starts_with('!') {
            true => options.with_deprecated_encryption(b"senha").unwrap(),
            false => options,
        };
        zip.start_file(name.trim_start_matches('!'), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn an_archive_is_its_list_and_its_files_come_out() {
    let inner = archive(&[("dentro.txt", b"fundo")]);
    let bytes = archive(&[
        ("leia.txt", b"um texto"),
        ("anexos/contrato.pdf", b"%PDF-1.4 x"),
        ("!segredo.pdf", b"%PDF-1.4 y"),
        ("__MACOSX/._leia.txt", b"x"),
        ("vazio.txt", b""),
        ("mais.zip", &inner),
    ]);
    let (document, gathered) = unpacked("a.pdf", &bytes).await.unwrap();
    assert_eq!(
        document.content_type.as_ref().map(ContentType::as_str),
        Some(ContentType::ZIP)
    );
    assert_eq!(paths(&gathered), ["leia.txt", "anexos/contrato.pdf", "mais.zip"]);
    assert_eq!(gathered.members[0].1, b"um texto");
    assert_eq!(
        gathered.members[2].1, inner,
        "an archive in an archive is a member like any other"
    );
    let expected = [
        ("segredo.pdf", "encrypted"),
        ("__MACOSX/._leia.txt", "ignored"),
        ("vazio.txt", "empty"),
    ];
    assert_eq!(
        skipped(&document),
        expected.map(|(path, why)| (path.to_owned(), why))
    );
    let texts: Vec<&str> = blocks(&document, 0).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts[0], "leia.txt (1 KB)");
    assert_eq!(texts[2], "segredo.pdf: not read: it needs a password");
    assert_eq!(texts.len(), 6);
}

#[tokio::test]
async fn an_archive_all_of_whose_files_need_a_password_says_so() {
    let bytes = archive(&[("!a.pdf", b"%PDF-1.4"), ("!b.txt", b"texto")]);
    let failure = unpacked("a.zip", &bytes).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::Encrypted);
}

#[tokio::test]
async fn a_bomb_among_files_is_passed_over_and_the_others_come() {
    let zeros = vec![0_u8; 80 * 1_024 * 1_024];
    let bytes = archive(&[("a.txt", b"antes"), ("bomba.bin", &zeros), ("z.txt", b"depois")]);
    assert!(bytes.len() < 200_000);
    let (document, gathered) = unpacked("a.zip", &bytes).await.unwrap();
    assert_eq!(paths(&gathered), ["a.txt", "z.txt"]);
    assert_eq!(skipped(&document), [("bomba.bin".to_owned(), "expands_too_far")]);
}

#[tokio::test]
async fn a_file_with_damaged_bytes_is_passed_over_and_the_others_come() {
    let long: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let mut bytes = archive(&[("a.txt", b"antes"), ("meio.bin", &long), ("z.txt", b"depois")]);
    // In the middle of the long one.
    let at = bytes.len() / 2;
    bytes[at..at + 64].fill(0xff);
    let (document, gathered) = unpacked("a.zip", &bytes).await.unwrap();
    assert_eq!(paths(&gathered), ["a.txt", "z.txt"]);
    assert_eq!(skipped(&document), [("meio.bin".to_owned(), "corrupt")]);
}

#[tokio::test]
async fn thousands_of_files_end_at_the_limit() {
    let names: Vec<String> = (0..2_600).map(|n| format!("{n}.txt")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let (document, gathered) = unpacked("a.zip", &archive(&files)).await.unwrap();
    assert_eq!(gathered.members.len(), ids_core::limits::MEMBERS_PER_FILE);
    assert_eq!(skipped(&document).len(), ids_core::limits::SKIPPED_NAMED);
    let page = &document.pages[0].text;
    assert!(
        page.contains("and 100 more files, which were not read"),
        "{}",
        &page[page.len() - 80..]
    );
}

#[tokio::test]
async fn what_an_archive_is_called_and_holds_does_not_make_it_a_package() {
    let docx = package(&[("[Content_Types].xml", "<x/>"), ("word/document.xml", "<x/>")]);
    let odt = package(&[
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml", "<x/>"),
    ]);
    let stored = |name: &str, bytes: &[u8]| {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let zip = Ok(ContentType::ZIP.to_owned());
    assert_eq!(detected("a.docx", &stored("oficio.docx", &docx)).await, zip);
    assert_eq!(detected("a.zip", &stored("a.odt", &odt)).await, zip);
    assert_eq!(
        detected("a.zip", &stored("modelos/word/document.xml", b"<x/>")).await,
        zip
    );
    assert_eq!(detected("a.zip", &docx).await, Ok(ContentType::DOCX.to_owned()));
    assert_eq!(detected("a.zip", &odt).await, Ok(ContentType::ODT.to_owned()));
    let program = package(&[("META-INF/MANIFEST.MF", "x"), ("a.class", "x")]);
    assert_eq!(detected("a.zip", &program).await, Err(ErrorCode::UnsupportedType));
    let drawing = package(&[("[Content_Types].xml", "<x/>"), ("visio/document.xml", "<x/>")]);
    assert_eq!(detected("a.zip", &drawing).await, Err(ErrorCode::UnsupportedType));
}

#[tokio::test]
async fn names_of_an_old_program_are_read() {
    let mut bytes = archive(&[("Licita__o.txt", b"x")]);
    // Code page 850, as Windows writes it; no flag says so.
    let name = b"Licita__o.txt";
    while let Some(at) = bytes.windows(name.len()).position(|window| window == name) {
        bytes[at + 6..at + 8].copy_from_slice(b"\x87\xc6");
    }
    let (_, gathered) = unpacked("a.zip", &bytes).await.unwrap();
    assert_eq!(paths(&gathered), ["Licitação.txt"]);
}

#[tokio::test]
async fn a_message_gives_its_attachments_and_the_messages_in_it() {
    let dot = b"\x89PNG\r\n\x1a\n";
    let mut mail = b"From: a@exemplo\r\nSubject: Fora\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
        --x\r\nContent-Type: text/plain\r\n\r\nSegue.\r\n\
        --x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''relat%C3%B3rio.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n\
        --x\r\nContent-Type: message/rfc822\r\n\r\nFrom: b@exemplo\r\nSubject: Dentro 1/2\r\n\r\nO texto de dentro.\r\n\
        --x\r\nContent-Type: image/png\r\nContent-Id: <logo>\r\nContent-Disposition: inline; filename=logo.png\r\n\r\n"
        .to_vec();
    mail.extend(dot);
    mail.extend(b"\r\n--x--\r\n");
    let (document, gathered) = unpacked("a.eml", &mail).await.unwrap();
    assert_eq!(paths(&gathered), ["relatório.pdf", "Dentro 1-2.eml"]);
    assert_eq!(gathered.members[0].1, b"%PDF-");
    let inner = String::from_utf8_lossy(&gathered.members[1].1);
    assert!(
        inner.starts_with("From: b@exemplo") && inner.contains("O texto de dentro."),
        "{inner}"
    );
    assert_eq!(skipped(&document), [("logo.png".to_owned(), "ignored")]);
    assert!(
        document
            .notes
            .iter()
            .all(|note| !note.text.contains("upload it on its own"))
    );
}

#[tokio::test]
async fn a_message_of_outlook_gives_its_attachments_and_the_messages_in_it() {
    let wide = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let inner_list = [&[0_u8; 24][..], &[0_u8; 16]].concat();
    let file = ole(&[
        ("/__properties_version1.0", &[0; 48]),
        ("/__substg1.0_0037001F", &wide("Fora")),
        ("/__substg1.0_1000001F", &wide("Segue.")),
        (
            "/__attach_version1.0_#00000000/__substg1.0_3707001F",
            &wide("nota.txt"),
        ),
        ("/__attach_version1.0_#00000000/__substg1.0_37010102", b"uma nota"),
        (
            "/__attach_version1.0_#00000001/__substg1.0_3001001F",
            &wide("Dentro"),
        ),
        (
            "/__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0",
            &inner_list,
        ),
        (
            "/__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_0037001F",
            &wide("Dentro"),
        ),
        (
            "/__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001F",
            &wide("O texto de dentro."),
        ),
    ]);
    let (_, gathered) = unpacked("a.msg", &file).await.unwrap();
    assert_eq!(paths(&gathered), ["nota.txt", "Dentro.msg"]);
    assert_eq!(gathered.members[0].1, b"uma nota");
    let (inner, _) = unpacked("b.msg", &gathered.members[1].1).await.unwrap();
    assert_eq!(inner.title.as_deref(), Some("Dentro"));
    assert!(inner.pages[0].text.contains("O texto de dentro."));
}
