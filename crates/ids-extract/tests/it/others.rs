//! E-books, data as text, pictures.

use ids_core::error::ErrorCode;

use crate::support::{blocks, extract_bytes, package};

#[tokio::test]
async fn an_e_book_is_its_chapters_in_the_order_of_reading() {
    let list = r#"<package><metadata><dc:title>O livro</dc:title><dc:creator>Machado</dc:creator></metadata>
        <manifest><item id="a" href="cap%C3%ADtulo%201.xhtml"/><item id="b" href="../dois.xhtml"/><item id="c" href="falta.xhtml"/></manifest>
        <spine><itemref idref="b"/><itemref idref="a"/><itemref idref="c"/></spine></package>"#;
    let parts = [
        ("mimetype", "application/epub+zip"),
        (
            "META-INF/container.xml",
            r#"<container><rootfiles><rootfile full-path="OPS/livro.opf"/></rootfiles></container>"#,
        ),
        ("OPS/livro.opf", list),
        (
            "OPS/capítulo 1.xhtml",
            "<html><head><title>x</title></head><body><h1>Um</h1><p>primeiro</p></body></html>",
        ),
        (
            "dois.xhtml",
            "<html><body><h1>Dois</h1><p>segundo</p></body></html>",
        ),
    ];
    let document = extract_bytes("a.zip", &package(&parts)).await.unwrap();
    assert_eq!(
        (document.title.as_deref(), document.author.as_deref()),
        (Some("O livro"), Some("Machado"))
    );
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Dois"),
            ("paragraph", "segundo"),
            ("heading", "Um"),
            ("paragraph", "primeiro")
        ]
    );
    assert_eq!(document.notes[0].text, "1 of its 3 chapters are damaged");

    let mut locked = parts.to_vec();
    locked.push((
        "META-INF/encryption.xml",
        r#"<encryption><CipherReference URI="OPS/capítulo 1.xhtml"/></encryption>"#,
    ));
    let failure = extract_bytes("a.epub", &package(&locked)).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::Encrypted);
}

#[tokio::test]
async fn xml_is_a_line_for_each_thing_that_it_tells() {
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?><nfeProc xmlns="http://x" versao="4.00"><NFe><emit><CNPJ>12345678000190</CNPJ>
        <xNome>Papelaria &amp; Cia</xNome></emit><det nItem="1"><xProd><![CDATA[Caneta <azul>]]></xProd><vProd>10.50</vProd></det></NFe></nfeProc>"#;
    let document = extract_bytes("a.xml", xml.as_bytes()).await.unwrap();
    assert_eq!(
        blocks(&document, 0),
        [
            ("paragraph", "versao: 4.00"),
            ("paragraph", "CNPJ: 12345678000190\nxNome: Papelaria & Cia"),
            ("paragraph", "nItem: 1\nxProd: Caneta <azul>\nvProd: 10.50"),
        ]
    );
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;fim</l>"#;
    let document = extract_bytes("a.xml", laughs.as_bytes()).await.unwrap();
    assert_eq!(document.pages[0].text, "l: fim\n");
    let deep = format!("<?xml version='1.0'?>{}fundo", "<a>".repeat(1_000_000));
    assert!(
        extract_bytes("a.xml", deep.as_bytes()).await.unwrap().pages[0]
            .text
            .contains("fundo")
    );
}

#[tokio::test]
async fn json_is_its_text() {
    let document = extract_bytes("a.json", "{\"órgão\": \"Saúde\"}".as_bytes())
        .await
        .unwrap();
    assert_eq!(document.pages[0].text, "{\"órgão\": \"Saúde\"}\n");
    assert_eq!(document.content_type.unwrap().as_str(), "application/json");
}

/// A TIFF of directories with width and height, the second of which is a small copy of the first.
fn tiff(is_big_endian: bool, sizes: &[(u16, u16)]) -> Vec<u8> {
    let short = |value: u16| match is_big_endian {
        true => value.to_be_bytes(),
        false => value.to_le_bytes(),
    };
    let long = |value: u32| match is_big_endian {
        true => value.to_be_bytes(),
        false => value.to_le_bytes(),
    };
    let mut bytes = if is_big_endian {
        b"MM".to_vec()
    } else {
        b"II".to_vec()
    };
    bytes.extend(short(42));
    bytes.extend(long(8));
    for (number, &(width, height)) in sizes.iter().enumerate() {
        let is_last = number + 1 == sizes.len();
        bytes.extend(short(3));
        for (tag, value) in [(254, u16::from(number == 1)), (256, width), (257, height)] {
            bytes.extend([short(tag), short(3)].concat());
            bytes.extend(long(1));
            bytes.extend([short(value), [0, 0]].concat());
        }
        let next = bytes.len() as u32 + 4;
        bytes.extend(long(if is_last { 8 } else { next }));
    }
    bytes
}

#[tokio::test]
async fn each_picture_of_a_tiff_is_a_page_that_needs_ocr() {
    for is_big_endian in [false, true] {
        // The last directory points back to the first: a ring ends.
        let bytes = tiff(is_big_endian, &[(1_654, 2_339), (100, 141), (1_000, 700)]);
        let document = extract_bytes("a.pdf", &bytes).await.unwrap();
        let sizes: Vec<_> = document
            .pages
            .iter()
            .map(|page| (page.width.unwrap(), page.height.unwrap()))
            .collect();
        assert_eq!(sizes, [(1_654.0, 2_339.0), (1_000.0, 700.0)]);
        let notes: Vec<_> = document
            .notes
            .iter()
            .map(|note| (note.page_number, note.kind.as_str()))
            .collect();
        assert_eq!(notes, [(Some(1), "needs_ocr"), (Some(2), "needs_ocr")]);
    }
}

#[tokio::test]
async fn pictures_tell_their_size_and_damaged_ones_are_refused() {
    let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08\x02\x58\x03\x20\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
    let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x1f\xc3\x95\0\0\0\0\0\0\0\0\0";
    for (bytes, size) in [(&jpeg[..], (800.0, 600.0)), (&webp[..], (800.0, 600.0))] {
        let document = extract_bytes("a.txt", bytes).await.unwrap();
        let page = &document.pages[0];
        assert_eq!((page.width.unwrap(), page.height.unwrap()), size);
    }
    for bytes in [
        &b"\x89PNG\r\n\x1a\n"[..],
        b"\xff\xd8\xff\xe0",
        b"II*\0\x08\0\0\0",
        b"MM\0*\xff\xff\xff\xff",
    ] {
        let failure = extract_bytes("a.png", bytes).await.unwrap_err();
        assert_eq!(failure.code, ErrorCode::Corrupt, "{bytes:?}");
    }
}

#[tokio::test]
async fn an_archive_that_is_no_zip_is_refused() {
    let failure = extract_bytes("a.zip", b"7z\xbc\xaf\x27\x1c\0\x04")
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::UnsupportedType);
    assert!(failure.message.contains("a compressed archive"), "{failure}");
}
