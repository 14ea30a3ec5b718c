//! Each parser of ours on damaged inputs, in this process: a panic, a hang, an overflown stack and a broken promise all show.
//! A short while each; `make fuzz` takes longer (see `ids_testkit::fuzz`).

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use ids_core::document::ContentType;
use ids_extract::fuzzing;
use ids_testkit::fuzz::{Fuzz, Mutator, Repack, no_container};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::support::{package, shared};
use crate::{mails, sheets, word};

/// Larger files of the corpus tell no more, and fewer cases would be tried.
const SEED_BYTES: usize = 200_000;

const XML: [&[u8]; 26] = [
    b"<w:p>",
    b"</w:p>",
    b"<w:tbl>",
    b"</w:tbl>",
    b"<w:tr>",
    b"<w:tc>",
    b"<w:txbxContent>",
    b"<w:br w:type=\"page\"/>",
    b"<w:footnoteReference w:id=\"1\"/>",
    b"<text:p>",
    b"</text:p>",
    b"<text:h text:outline-level=\"99\">",
    b"<table:table>",
    b"<table:table-row table:number-rows-repeated=\"1048576\">",
    b"<table:table-cell table:number-columns-repeated=\"16384\"/>",
    b"<text:s text:c=\"999999999\"/>",
    b"<text:note>",
    b"<draw:page>",
    b"<a:tbl>",
    b"<a:t>",
    b"<row r=\"1048576\">",
    b"<c r=\"XFD1048576\" t=\"s\"><v>",
    b"&#0;",
    b"&amp;",
    b"<![CDATA[",
    b"<!--",
];
const MARKUP: [&[u8]; 34] = [
    b"<p>",
    b"</p>",
    b"<table>",
    b"<tr>",
    b"<td>",
    b"</table>",
    b"<li>",
    b"<ul>",
    b"</ul>",
    b"<h2>",
    b"<br>",
    b"<script>",
    b"</script>",
    b"<title>",
    b"<div hidden>",
    b"</div>",
    b"<pre>",
    b"&amp;",
    b"<caption>",
    b"# ",
    b"- ",
    b"> ",
    b"| a | b |\n|-|-|\n",
    b"```\n",
    b"[^1]: ",
    b"---\n",
    b"\xe2\x80\xa8",
    b"\r",
    b"\x0c",
    b";",
    b"\"",
    b"\t",
    b"\xff\xfe",
    b"\x00",
];
const RICH: [&[u8]; 22] = [
    b"{\\rtf1 ",
    b"{\\*\\shpinst ",
    b"{\\fonttbl{\\f1\\fcharset128 x;}}",
    b"{\\stylesheet{\\s1 heading 1;}}",
    b"\\par ",
    b"\\cell ",
    b"\\row ",
    b"\\intbl ",
    b"\\u231?",
    b"\\u-10179?",
    b"\\'e7",
    b"\\'81",
    b"\\f1 ",
    b"{\\footnote ",
    b"\\bin3 ",
    b"\\bin999999999 ",
    b"}",
    b"{",
    b"\\uc9 ",
    b"\\trowd",
    b"\\s99999999999 ",
    b"{\\info{\\title ",
];
const MESSAGE: [&[u8]; 16] = [
    b"From: a@b\r\n",
    b"Subject: =?UTF-8?B?",
    b"?=",
    b"=?x?Q?=FF?=",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    b"Content-Type: text/html; charset=iso-2022-jp\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"--x--\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"=\r\n",
    b"=FF",
    b"\r\n\r\n",
    b"Date: Fri, 99 Mar 99999 99:99:99 -9999\r\n",
    b"Content-Disposition: attachment; filename*=utf-8''%FF\r\n",
    b"begin 644 a\n",
];
const FRAMES: [&[u8]; 12] = [
    b"\"End\"", b"\n", b"{\"Page\":{\"number\":1,\"size\":null,\"text\":\"a\",\"blocks\":[[\"paragraph\",0,0,1]],\"lines\":[],\"font_sizes\":[]}}",
    b"{\"Details\":{\"title\":\"a\",\"author\":null}}", b"{\"Total\":{\"pages\":9}}", b"{\"Note\":{\"page_number\":null,\"kind\":\"created\",\"text\":\"2021\"}}",
    b"1e39", b"4294967295", b"\\u0000", b"[\"heading\",9,0,1]", b"[0,1,0.0,0.0,1.0,1.0]", b"\xf0\x9f\x98\x80",
];

/// The corpus files with that ending, and what the tests of the format make.
fn seeds(ending: &str, made: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = made.iter().map(|bytes| bytes.to_vec()).collect();
    if let Some(corpus) = shared("corpus") {
        let mut files: Vec<_> = std::fs::read_dir(corpus)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files
            .iter()
            .filter(|file| file.extension().is_some_and(|found| found == ending))
        {
            let bytes = std::fs::read(file).unwrap();
            // What expands without end is held by tests of its own.
            if bytes.len() <= SEED_BYTES && !file.to_string_lossy().contains("bomb") {
                seeds.push(bytes);
            }
        }
    }
    seeds
}

/// Fuzzes one target.
#[expect(clippy::print_stdout, reason = "how many cases a target came to")]
fn run(name: &str, seeds: Vec<Vec<u8>>, words: &[&[u8]], repack: &Repack<'_>, parse: &dyn Fn(&[u8])) {
    assert!(!seeds.is_empty(), "{name} has nothing to begin with");
    let crashers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crashers");
    let fuzz = Fuzz {
        name,
        seeds,
        words,
        crashers,
    };
    let cases = fuzz.run(repack, parse);
    println!("{name}: {cases} cases");
    assert!(cases > 0, "{name} tried nothing");
}

/// Fuzzes the parser of a type.
fn run_type(name: &str, content_type: &str, seeds: Vec<Vec<u8>>, words: &[&[u8]], repack: &Repack<'_>) {
    run(name, seeds, words, repack, &|bytes| {
        fuzzing::parse(content_type, file_of(bytes))
    });
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

/// Damages one or two members of a package and packs all again.
fn in_zip(bytes: &[u8], mutator: &mut Mutator<'_>) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).ok()?;
        let mut inside = Vec::new();
        member.by_ref().take(2_000_000).read_to_end(&mut inside).ok()?;
        members.push((member.name().ok()?.into_owned(), inside));
    }
    if members.is_empty() {
        return None;
    }
    for _ in 0..=mutator.random.below(2) {
        let at = mutator.random.below(members.len());
        members[at].1 = mutator.damaged(&members[at].1);
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, inside) in members {
        let method = if name == "mimetype" {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        zip.start_file(name, SimpleFileOptions::default().compression_method(method))
            .ok()?;
        zip.write_all(&inside).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

/// Damages one or two streams of an OLE file.
fn in_ole(bytes: &[u8], mutator: &mut Mutator<'_>) -> Option<Vec<u8>> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes.to_vec())).ok()?;
    let paths: Vec<_> = file
        .walk()
        .filter(|entry| entry.is_stream())
        .map(|entry| entry.path().to_owned())
        .collect();
    if paths.is_empty() {
        return None;
    }
    for _ in 0..=mutator.random.below(2) {
        let path = &paths[mutator.random.below(paths.len())];
        let mut inside = Vec::new();
        file.open_stream(path).ok()?.read_to_end(&mut inside).ok()?;
        let damaged = mutator.damaged(&inside);
        file.create_stream(path).ok()?.write_all(&damaged).ok()?;
    }
    file.flush().ok()?;
    Some(file.into_inner().into_inner())
}

#[test]
fn fuzz_docx() {
    run_type("docx", ContentType::DOCX, seeds("docx", &[]), &XML, &in_zip);
}

#[test]
fn fuzz_odt() {
    run_type("odt", ContentType::ODT, seeds("odt", &[]), &XML, &in_zip);
}

#[test]
fn fuzz_ods() {
    let sheet = "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"A\"><table:table-row>\
        <table:table-cell table:number-columns-repeated=\"3\"><text:p>a</text:p></table:table-cell></table:table-row></table:table>\
        </office:spreadsheet></office:body></office:document-content>";
    let made = package(&[("mimetype", ContentType::ODS), ("content.xml", sheet)]);
    run_type("ods", ContentType::ODS, seeds("ods", &[&made]), &XML, &in_zip);
}

#[test]
fn fuzz_odp() {
    let slides = "<office:document-content><office:body><office:presentation><draw:page><draw:frame presentation:class=\"title\"><draw:text-box>\
        <text:p>a</text:p></draw:text-box></draw:frame><table:table><table:table-row><table:table-cell><text:p>b</text:p></table:table-cell>\
        </table:table-row></table:table></draw:page></office:presentation></office:body></office:document-content>";
    let made = package(&[("mimetype", ContentType::ODP), ("content.xml", slides)]);
    run_type("odp", ContentType::ODP, seeds("odp", &[&made]), &XML, &in_zip);
}

#[test]
fn fuzz_pptx() {
    run_type("pptx", ContentType::PPTX, seeds("pptx", &[]), &XML, &in_zip);
}

#[test]
fn fuzz_xlsx() {
    run_type("xlsx", ContentType::XLSX, seeds("xlsx", &[]), &XML, &in_zip);
}

#[test]
fn fuzz_epub() {
    let container = "<container><rootfiles><rootfile full-path=\"o/c.opf\"/></rootfiles></container>";
    let list = "<package><metadata><dc:title>L</dc:title><dc:date>2020</dc:date></metadata><manifest><item id=\"a\" href=\"a%20b.xhtml\"/>\
        </manifest><spine><itemref idref=\"a\"/></spine></package>";
    let made = package(&[
        ("mimetype", ContentType::EPUB),
        ("META-INF/container.xml", container),
        ("o/c.opf", list),
        ("o/a b.xhtml", "<h1>Um</h1><p>texto<table><tr><td>a<td>b</table>"),
    ]);
    let words: Vec<&[u8]> = XML.iter().chain(&MARKUP).copied().collect();
    run_type(
        "epub",
        ContentType::EPUB,
        seeds("epub", &[&made]),
        &words,
        &in_zip,
    );
}

#[test]
fn fuzz_doc() {
    run_type(
        "doc",
        ContentType::DOC,
        seeds("doc", &[&word::doc(0x0200)]),
        &[],
        &in_ole,
    );
}

#[test]
fn fuzz_xls() {
    run_type(
        "xls",
        ContentType::XLS,
        seeds("xls", &[&sheets::xls()]),
        &[],
        &in_ole,
    );
}

#[test]
fn fuzz_msg() {
    let words: Vec<&[u8]> = MARKUP.iter().chain(&RICH).copied().collect();
    run_type(
        "msg",
        ContentType::MSG,
        seeds("msg", &[&mails::msg()]),
        &words,
        &in_ole,
    );
}

#[test]
fn fuzz_rtf() {
    run_type(
        "rtf",
        ContentType::RTF,
        seeds("rtf", &[word::RTF]),
        &RICH,
        &no_container,
    );
}

#[test]
fn fuzz_html() {
    run_type(
        "html",
        ContentType::HTML,
        seeds("html", &[b"<p>a<table><tr><td>b"]),
        &MARKUP,
        &no_container,
    );
}

#[test]
fn fuzz_markdown() {
    let text = "---\ntitle: T\nauthor: A\n---\n# Um\n\n- a\n  - b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nTexto[^1] *forte* `c`.\n\n[^1]: Nota\n\n> cita\n\n<p>html";
    run_type(
        "markdown",
        ContentType::MARKDOWN,
        seeds("md", &[text.as_bytes()]),
        &MARKUP,
        &no_container,
    );
}

#[test]
fn fuzz_mail() {
    let mail = b"From: =?ISO-8859-1?Q?Jo=E3o?= <a@b>\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n\
        --y\r\nContent-Type: text/plain\r\n\r\ntexto\r\n--y\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>decis=C3=A3o\r\n--y--\r\n";
    let words: Vec<&[u8]> = MESSAGE.iter().chain(&MARKUP).copied().collect();
    run_type(
        "eml",
        ContentType::EML,
        seeds("eml", &[mail]),
        &words,
        &no_container,
    );
    run_type(
        "mhtml",
        ContentType::MHTML,
        seeds("mhtml", &[mail]),
        &words,
        &no_container,
    );
}

#[test]
fn fuzz_texts() {
    let csv = "Órgão;Valor\nSaúde;1.500,00\n\"a;b\";\"c\nd\"\n";
    run_type(
        "csv",
        ContentType::CSV,
        seeds("csv", &[csv.as_bytes()]),
        &MARKUP,
        &no_container,
    );
    run_type(
        "text",
        ContentType::TEXT,
        seeds("txt", &["um\n\ndois\u{c}três".as_bytes()]),
        &MARKUP,
        &no_container,
    );
    run_type(
        "json",
        ContentType::JSON,
        seeds("json", &[b"{\"a\": [1, \"b\", null]}"]),
        &MARKUP,
        &no_container,
    );
    let xml = b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><!DOCTYPE a [<!ENTITY x \"y\">]><a b=\"c\"><d>&x;texto</d><![CDATA[e]]></a>";
    run_type("xml", ContentType::XML, seeds("xml", &[xml]), &XML, &no_container);
}

#[test]
fn fuzz_encoding() {
    let latin = b"A informa\xe7\xe3o da prefeitura n\xe3o mudou desde mar\xe7o.";
    let wide: Vec<u8> = "A informação".encode_utf16().flat_map(u16::to_le_bytes).collect();
    run(
        "encoding",
        seeds("txt", &[latin, &wide]),
        &MARKUP,
        &no_container,
        &fuzzing::decode,
    );
}

#[test]
fn fuzz_detect() {
    let mut all = seeds(
        "docx",
        &[&word::doc(0x0200), &sheets::xls(), &mails::msg(), word::RTF],
    );
    for ending in ["odt", "xlsx", "pptx", "eml", "html", "pdf", "png"] {
        all.extend(seeds(ending, &[]));
    }
    let raw =
        |bytes: &[u8], mutator: &mut Mutator<'_>| in_zip(bytes, mutator).or_else(|| in_ole(bytes, mutator));
    run("detect", all, &XML, &raw, &|bytes| {
        fuzzing::detect(file_of(bytes))
    });
}

/// What the parent takes from a child that was taken over.
#[test]
fn fuzz_frames() {
    let whole = FRAMES.join(&b'\n');
    run("frames", vec![whole], &FRAMES, &no_container, &fuzzing::frames);
}
