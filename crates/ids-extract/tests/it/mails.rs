//! Messages, web pages kept as messages.

use ids_core::error::ErrorCode;

use crate::support::{blocks, extract_bytes, ole};

#[tokio::test]
async fn a_message_is_its_header_its_text_and_the_names_of_what_is_attached() {
    let mail = b"Return-Path: <a@b>\r\nFrom: =?ISO-8859-1?Q?Jo=E3o?= <joao@exemplo.gov.br>\r\nTo: ana@exemplo.gov.br\r\nSubject: =?UTF-8?B?UmV1bmnDo28=?=\r\n\
        Date: Fri, 15 Mar 2024 10:00:00 -0300\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
        --x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\nem texto\r\n\
        --y\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>A decis=C3=A3o</p><table><tr><td>a<td>b<tr><td>1<td>2</table>\r\n--y--\r\n\
        --x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''relat%C3%B3rio.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--x--\r\n";
    // Whatever its name says.
    let document = extract_bytes("a.txt", mail).await.unwrap();
    assert_eq!(
        (document.title.as_deref(), document.author.as_deref()),
        (Some("Reunião"), Some("João <joao@exemplo.gov.br>"))
    );
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Reunião"),
            (
                "paragraph",
                "From: João <joao@exemplo.gov.br>\nTo: ana@exemplo.gov.br\nDate: 2024-03-15T10:00:00-03:00"
            ),
            ("paragraph", "A decisão"),
            ("table", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
            ("list_item", "Attachment: relatório.pdf (1 KB)"),
        ]
    );
    let notes: Vec<_> = document
        .notes
        .iter()
        .map(|note| (note.kind.as_str(), note.text.as_str()))
        .collect();
    assert_eq!(
        notes,
        [
            ("created", "2024-03-15T10:00:00-03:00"),
            (
                "other",
                "the attachment `relatório.pdf` was not read; upload it on its own"
            ),
        ]
    );
}

#[tokio::test]
async fn a_message_of_an_old_program_that_names_no_character_set_is_read() {
    let mail = b"From: a@b\nSubject: x\nMessage-ID: <1>\n\nA informa\xe7\xe3o da prefeitura n\xe3o mudou.\n";
    let document = extract_bytes("a.eml", mail).await.unwrap();
    assert_eq!(
        blocks(&document, 0).last(),
        Some(&("paragraph", "A informação da prefeitura não mudou."))
    );
}

#[tokio::test]
async fn a_web_page_kept_as_a_message_is_its_html_alone() {
    let page = "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://exemplo\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/related; type=\"text/html\"; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<title>P=C3=A1gina</title><h1>T=C3=ADtulo</h1><p>texto\r\n\
        --b\r\nContent-Type: text/css\r\n\r\np { color: red }\r\n--b--\r\n";
    let document = extract_bytes("a.txt", page.as_bytes()).await.unwrap();
    assert_eq!(document.title.as_deref(), Some("Página"));
    assert_eq!(
        blocks(&document, 0),
        [("heading", "Título"), ("paragraph", "texto")]
    );
    assert_eq!(document.content_type.unwrap().as_str(), "multipart/related");
}

#[tokio::test]
async fn messages_inside_messages_without_end_do_no_harm() {
    let nested = "Content-Type: message/rfc822\r\nMIME-Version: 1.0\r\n\r\n".repeat(20_000);
    let parts: String = (0..20_000)
        .map(|number| format!("Content-Type: multipart/mixed; boundary=b{number}\r\nMIME-Version: 1.0\r\n\r\n--b{number}\r\n"))
        .collect();
    for mail in [nested, parts] {
        match extract_bytes("a.eml", mail.as_bytes()).await {
            Ok(_) => {}
            Err(failure) => assert_eq!(failure.code, ErrorCode::Corrupt, "{failure}"),
        }
    }
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A message of Outlook with an attachment.
pub(crate) fn msg() -> Vec<u8> {
    let mut list = vec![0; 32];
    for (tag, value) in [
        (0x0039_0040_u32, 133_549_344_000_000_000_u64),
        (0x3ffd_0003, 1_252),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend([0; 4]);
        list.extend(value.to_le_bytes());
    }
    let subject = wide("Reunião");
    let html = b"<p>A decis\xe3o foi adiada para mar\xe7o pela comiss\xe3o</p>";
    let to = b"Jo\xe3o";
    let name = wide("relatório.pdf");
    ole(&[
        ("/__properties_version1.0", &list),
        ("/__substg1.0_0037001F", &subject),
        ("/__substg1.0_0C1A001E", b"Ana"),
        ("/__substg1.0_0C1F001E", b"ana@exemplo.gov.br"),
        ("/__substg1.0_0E04001E", to),
        ("/__substg1.0_10130102", html),
        ("/__attach_version1.0_#00000000/__substg1.0_3707001F", &name),
        ("/__attach_version1.0_#00000000/__substg1.0_37010102", b"%PDF"),
        (
            "/__attach_version1.0_#00000000/__substg1.0_3701000D/WordDocument",
            b"x",
        ),
    ])
}

#[tokio::test]
async fn a_message_of_outlook_is_read_like_any_other() {
    let document = extract_bytes("a.doc", &msg()).await.unwrap();
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Reunião"),
            (
                "paragraph",
                "From: Ana <ana@exemplo.gov.br>\nTo: João\nDate: 2024-03-15T00:00:00Z"
            ),
            ("paragraph", "A decisão foi adiada para março pela comissão"),
            ("list_item", "Attachment: relatório.pdf (1 KB)"),
        ]
    );
    assert_eq!(
        document.content_type.unwrap().as_str(),
        "application/vnd.ms-outlook"
    );
}
