//! What every [`Extractor`] promises, one function a clause of the port's doc.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ids_core::document::ContentType;
use ids_core::error::{ErrorCode, Failure};
use ids_core::member::Skipped;
use ids_core::page::ExtractedDocument;
use ids_core::password::Password;
use ids_core::ports::{
    ExtractProgress, ExtractRequest, Extractor, MemberPart, MemberSink, RenderRequest, SinkClosed,
    UnlockRequest,
};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// No file of these suites needs a second; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Extractor, clause 1: any bytes end in pages or a failure, within the limits of time and memory.
pub async fn any_bytes_end_in_pages_or_a_failure(extractor: &dyn Extractor) {
    let folder = TempDir::new().unwrap();
    for (number, body) in odd_bodies().iter().enumerate() {
        for extension in [
            "pdf", "docx", "html", "md", "txt", "csv", "eml", "mht", "xml", "odt", "bin",
        ] {
            let name = format!("odd-{number}.{extension}");
            let file = write(&folder, &name, body);
            let answer = timeout(PATIENCE, read(extractor, &file, &name))
                .await
                .expect("it hangs");
            if let Err(failure) = answer {
                assert_failure_is_clean(&failure, &name, &folder);
            }
        }
    }
}

/// Extractor, clause 2: pages are numbered from 1 without gaps, blocks do not overlap and cover all but white space.
pub async fn pages_are_numbered_and_blocks_cover_their_text(extractor: &dyn Extractor) {
    let folder = TempDir::new().unwrap();
    let texts = [
        (
            "a.txt",
            "Um parágrafo\nem duas linhas.\n\n\n  Outro.\x0cE mais\tum 🙂\n",
        ),
        (
            "b.md",
            "# Título\n\ntexto *com* `marcas`\n\n- um\n- dois\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        ),
        (
            "c.html",
            "<title>t</title><h1>Título</h1>solto<ul><li>um<li>dois</ul><table><tr><td>1<td>2<tr><td>3<td>4</table>",
        ),
    ];
    for (name, text) in texts {
        let file = write(&folder, name, text.as_bytes());
        let document = read(extractor, &file, name).await.unwrap();
        assert_pages_hold(&document);
        assert!(!document.pages[0].blocks.is_empty(), "{name} lost its text");
    }
}

/// Extractor, clause 3: the type is found from the content, the name only decides between kinds of text.
pub async fn the_content_tells_the_type(extractor: &dyn Extractor) {
    let folder = TempDir::new().unwrap();
    let cases: [(&str, &[u8], Result<&str, ErrorCode>); 9] = [
        ("x.txt", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", Ok(ContentType::PDF)),
        ("x.pdf", b"uma linha de texto\n", Ok(ContentType::TEXT)),
        ("x.docx", b"<!DOCTYPE html><p>oi", Ok(ContentType::HTML)),
        ("x.md", b"# oi\n", Ok(ContentType::MARKDOWN)),
        ("x.txt", b"# oi\n", Ok(ContentType::TEXT)),
        ("x", "ação".as_bytes(), Ok(ContentType::TEXT)),
        ("x.pdf", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Ok(ContentType::PNG)),
        ("x.txt", b"a\0b\x01c\x02", Err(ErrorCode::UnsupportedType)),
        ("x.pdf", b"", Err(ErrorCode::EmptyFile)),
    ];
    for (name, body, expected) in cases {
        let file = write(&folder, name, body);
        let found = extractor
            .detect(&file, name)
            .await
            .map_err(|failure| failure.code);
        assert_eq!(
            found.as_ref().map(ContentType::as_str).map_err(|&code| code),
            expected,
            "{name} {body:?}"
        );
    }
}

/// Extractor, clause 4: dropping the future ends the child.
pub async fn dropping_the_future_ends_the_child(extractor: &dyn Extractor) {
    let text = ContentType::parse(ContentType::TEXT).unwrap();
    is_ended_when_dropped(|file| {
        let request = ExtractRequest {
            file,
            filename: "endless.txt",
            content_type: &text,
        };
        extractor.extract(request, &NoProgress).map(drop).boxed()
    })
    .await;
    let pdf = ContentType::parse(ContentType::PDF).unwrap();
    is_ended_when_dropped(|file| {
        extractor
            .render_page(page_one(file, "endless.pdf", &pdf))
            .map(drop)
            .boxed()
    })
    .await;
}

/// Extractor, clause 5: a page is drawn in its own shape as a PNG within the limits, and any bytes end in one, in none, or in
/// a failure.
pub async fn a_page_is_drawn_in_its_shape_or_not_at_all(extractor: &dyn Extractor) {
    let folder = TempDir::new().unwrap();
    let pdf = ContentType::parse(ContentType::PDF).unwrap();
    let file = write(&folder, "a.pdf", WIDE_PAGE);
    let request = page_one(&file, "a.pdf", &pdf);

    let image = extractor.render_page(request).await.unwrap().expect("a picture");
    assert!(image.png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!((image.size.width, image.size.height), (400, 200));

    for page_number in [0, 2, u32::MAX] {
        let absent = RenderRequest {
            page_number,
            ..request
        };
        assert_eq!(
            extractor.render_page(absent).await,
            Ok(None),
            "page {page_number}"
        );
    }
    for content_type in [
        ContentType::TEXT,
        ContentType::HTML,
        ContentType::MARKDOWN,
        ContentType::DOCX,
    ] {
        let content_type = ContentType::parse(content_type).unwrap();
        let other = RenderRequest {
            content_type: &content_type,
            ..request
        };
        assert_eq!(extractor.render_page(other).await, Ok(None), "{content_type}");
    }

    for (number, body) in odd_bodies().iter().enumerate() {
        let name = format!("odd-{number}.pdf");
        let file = write(&folder, &name, body);
        let drawing = extractor.render_page(page_one(&file, &name, &pdf));
        match timeout(PATIENCE, drawing).await.expect("it hangs") {
            Ok(Some(image)) => assert!(image.size.is_within_limits(), "{name}"),
            Ok(None) => {}
            Err(failure) => assert_failure_is_clean(&failure, &name, &folder),
        }
    }
}

/// A page of 200 by 100 points with nothing on it.
const WIDE_PAGE: &[u8] = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n\
    2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n\
    3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>\nendobj\ntrailer<</Root 1 0 R>>";

fn page_one<'a>(file: &'a Path, filename: &'a str, content_type: &'a ContentType) -> RenderRequest<'a> {
    RenderRequest {
        file,
        filename,
        content_type,
        page_number: 1,
        width_pixels: 400,
    }
}

/// Starts `work` on a named pipe, which no child can read to its end, drops it once the child reads, and waits until
/// nobody reads any more and writing fails: the child is gone.
async fn is_ended_when_dropped<'a>(work: impl FnOnce(&'a Path) -> BoxFuture<'a, ()>) {
    let folder = TempDir::new().unwrap();
    // The future borrows the path; a test may forget a few bytes.
    let pipe: &'static Path = Box::leak(folder.path().join("endless").into_boxed_path());
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let (reading, is_read) = oneshot::channel();
    let writer = std::thread::spawn(move || write_until_nobody_reads(pipe, reading));

    let mut work = work(pipe);
    let mut is_read = is_read.fuse();
    let was_read = async {
        tokio::select! {
            () = &mut work => panic!("an endless file was read to its end"),
            read = &mut is_read => read.unwrap(),
        }
    };
    timeout(PATIENCE, was_read)
        .await
        .expect("the child does not read");
    drop(work);

    let written = tokio::task::spawn_blocking(move || writer.join().unwrap());
    timeout(PATIENCE, written)
        .await
        .expect("somebody still reads")
        .unwrap();
}

/// Extractor, clause 6: a copy needs no password and is of the same kind, what needs none has no copy, and a wrong password is
/// `ENCRYPTED` without being repeated.
pub async fn a_password_opens_a_file_and_is_not_repeated(extractor: &dyn Extractor) {
    let folder = TempDir::new().unwrap();
    let pdf = ContentType::parse(ContentType::PDF).unwrap();
    let unlock = async |file: &Path, name: &str, content_type: Option<&ContentType>, password: &str| {
        let request = UnlockRequest {
            file,
            filename: name,
            content_type,
            password: &Password::new(password.to_owned()).unwrap(),
        };
        let Some(mut pieces) = extractor.unlock(request).await? else {
            return Ok::<_, Failure>(None);
        };
        let mut copy = Vec::new();
        while let Some(piece) = pieces.next().await? {
            copy.extend(piece);
        }
        Ok(Some(copy))
    };
    let locked_pdf: &[u8] = include_bytes!("../fixtures/locked.pdf");
    let locked_docx: &[u8] = include_bytes!("../fixtures/locked.docx");
    for (name, bytes, content_type, kind) in [
        ("ata.pdf", locked_pdf, Some(&pdf), ContentType::PDF),
        ("ata.docx", locked_docx, None, ContentType::DOCX),
    ] {
        let file = write(&folder, name, bytes);
        let refused = unlock(&file, name, content_type, "senha-errada")
            .await
            .unwrap_err();
        assert_eq!(refused.code, ErrorCode::Encrypted, "{name}");
        assert!(!format!("{refused:?}").contains("senha-errada"), "{refused:?}");
        assert_failure_is_clean(&refused, name, &folder);

        let copy = unlock(&file, name, content_type, "segredo")
            .await
            .unwrap()
            .unwrap();
        let copy = write(&folder, &format!("copy of {name}"), &copy);
        assert_eq!(
            extractor.detect(&copy, name).await.unwrap().as_str(),
            kind,
            "{name}"
        );
        let document = read(extractor, &copy, name).await.unwrap();
        assert!(
            document.pages[0].text.contains("protegido da ata"),
            "{name}: {document:?}"
        );
    }
    let open = write(&folder, "open.pdf", include_bytes!("../fixtures/owner-only.pdf"));
    assert_eq!(unlock(&open, "open.pdf", Some(&pdf), "any").await.unwrap(), None);
    for (number, body) in odd_bodies().iter().enumerate() {
        let name = format!("odd-{number}");
        let file = write(&folder, &name, body);
        for content_type in [Some(&pdf), None] {
            let answer = timeout(PATIENCE, unlock(&file, &name, content_type, "any"));
            if let Err(failure) = answer.await.expect("it hangs") {
                assert_failure_is_clean(&failure, &name, &folder);
            }
        }
    }
}

/// Runs every clause against an adapter: `extractor_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns an `Arc<dyn Extractor>`.
#[macro_export]
macro_rules! extractor_contract {
    ($make:path) => {
        $crate::extractor_contract! { @clauses $make:
            any_bytes_end_in_pages_or_a_failure
            pages_are_numbered_and_blocks_cover_their_text
            the_content_tells_the_type
            dropping_the_future_ends_the_child
            a_page_is_drawn_in_its_shape_or_not_at_all
            a_password_opens_a_file_and_is_not_repeated
            members_come_whole_and_in_order
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                let extractor = $make().await;
                $crate::contracts::extractor_contract::$clause(&*extractor).await;
            }
        )+
    };
}

/// Holds the promises of [`ids_core::page::Page`] against a document.
///
/// # Panics
/// When one is broken.
pub fn assert_pages_hold(document: &ExtractedDocument) {
    for (page, number) in document.pages.iter().zip(1..) {
        assert_eq!(page.number, number);
        let chars: Vec<char> = page.text.chars().collect();
        let mut end = 0;
        for block in &page.blocks {
            assert!(
                block.span.start >= end && !block.span.is_empty(),
                "blocks overlap on page {number}"
            );
            let between = &chars[end as usize..block.span.start as usize];
            assert!(
                between.iter().all(|c| c.is_whitespace()),
                "text outside of blocks on page {number}"
            );
            end = block.span.end;
        }
        assert!(
            chars[end as usize..].iter().all(|c| c.is_whitespace()),
            "text after the blocks of page {number}"
        );
        let mut end = 0;
        for line in &page.lines {
            assert!(
                line.span.start >= end && line.span.end as usize <= chars.len(),
                "a line on page {number}"
            );
            end = line.span.end;
        }
    }
}

/// Tells nobody.
pub struct NoProgress;

impl ExtractProgress for NoProgress {
    fn pages(&self, _done: u32, _total: Option<u32>) {}
}

/// Detects and extracts.
///
/// # Errors
/// Those of the port.
pub async fn read(
    extractor: &dyn Extractor,
    file: &Path,
    filename: &str,
) -> Result<ExtractedDocument, Failure> {
    let content_type = extractor.detect(file, filename).await?;
    extractor
        .extract(
            ExtractRequest {
                file,
                filename,
                content_type: &content_type,
            },
            &NoProgress,
        )
        .await
}

/// Members that came whole: their paths and bytes, in order.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What came.
    pub members: Vec<(String, Vec<u8>)>,
    open: Option<(String, Vec<u8>)>,
    /// After so many it takes no more.
    pub most: Option<usize>,
}

#[async_trait::async_trait]
impl MemberSink for Gathered {
    async fn take(&mut self, part: MemberPart) -> Result<(), SinkClosed> {
        match part {
            MemberPart::Begin(path) => {
                if self.most.is_some_and(|most| self.members.len() >= most) {
                    return Err(SinkClosed);
                }
                assert!(
                    self.open
                        .replace((path.as_str().to_owned(), Vec::new()))
                        .is_none()
                );
            }
            MemberPart::Bytes(bytes) => self.open.as_mut().unwrap().1.extend(bytes),
            MemberPart::End => self.members.push(self.open.take().unwrap()),
            MemberPart::Broken => drop(self.open.take().unwrap()),
        }
        Ok(())
    }
}

/// Detects, extracts, and gathers what comes in the document.
///
/// # Errors
/// Those of the port.
pub async fn read_with_members(
    extractor: &dyn Extractor,
    file: &Path,
    filename: &str,
    members: &mut Gathered,
) -> Result<ExtractedDocument, Failure> {
    let content_type = extractor.detect(file, filename).await?;
    let request = ExtractRequest {
        file,
        filename,
        content_type: &content_type,
    };
    extractor
        .extract_with_members(request, &NoProgress, members)
        .await
}

/// A mail with two files of the same name, a folder in one that leads up, and one of 200 kB.
fn mail_with_files() -> (Vec<u8>, String) {
    let long = "linha de texto\n".repeat(14_000);
    let mail = format!(
        "From: a@exemplo\r\nSubject: Anexos\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
         --x\r\nContent-Type: text/plain\r\n\r\nSegue.\r\n\
         --x\r\nContent-Disposition: attachment; filename=\"a.txt\"\r\n\r\num\r\n\
         --x\r\nContent-Disposition: attachment; filename=\"a.txt\"\r\n\r\ndois\r\n\
         --x\r\nContent-Disposition: attachment; filename=\"../../etc/x.txt\"\r\n\r\n{long}\r\n\
         --x\r\nContent-Disposition: attachment; filename=\"vazio.txt\"\r\n\r\n\r\n--x--\r\n"
    );
    (mail.into_bytes(), long)
}

/// Extractor, clause 7: members come whole and in order, each at a path of its own; what is not given is among the notes; the text is that of
/// the document read alone.
pub async fn members_come_whole_and_in_order(extractor: &dyn Extractor) {
    let folder = TempDir::new().unwrap();
    let (mail, long) = mail_with_files();
    let file = write(&folder, "a.eml", &mail);
    let mut gathered = Gathered::default();

    let document = read_with_members(extractor, &file, "a.eml", &mut gathered)
        .await
        .unwrap();

    let paths: Vec<&str> = gathered.members.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["a.txt", "a (2).txt", "etc/x.txt"]);
    assert_eq!(gathered.members[1].1, b"dois");
    assert_eq!(
        String::from_utf8_lossy(&gathered.members[2].1).trim_end(),
        long.trim_end()
    );
    let skipped: Vec<(String, &str)> = document
        .notes
        .iter()
        .filter_map(Skipped::from_note)
        .map(|skipped| (skipped.path, skipped.reason.as_str()))
        .collect();
    assert_eq!(skipped, [("vazio.txt".to_owned(), "empty")]);
    assert_eq!(
        document.pages,
        read(extractor, &file, "a.eml").await.unwrap().pages
    );

    // Whoever takes no more ends it.
    let mut one = Gathered {
        most: Some(1),
        ..Gathered::default()
    };
    assert!(
        read_with_members(extractor, &file, "a.eml", &mut one)
            .await
            .is_err()
    );
    assert_eq!(one.members.len(), 1);
}

/// Bytes that are no document, or a strange one.
fn odd_bodies() -> [Vec<u8>; 10] {
    let noise = (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
    [
        b"".to_vec(),
        b"\0".to_vec(),
        b"%PDF-1.7".to_vec(),
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 1 0 R>>\nendobj\ntrailer<</Root 1 0 R>>".to_vec(),
        b"PK\x03\x04\x14\0\0\0\x08\0word/document.xml".to_vec(),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(),
        b"\xff\xfe\0\xd8".to_vec(),
        noise.collect(),
        "<div><p>".repeat(100_000).into_bytes(),
        b"---\ntitle: x\n---\n| a |\n|--|\n[^1]: [^1]\n> > > - - - 1) <b".to_vec(),
    ]
}

/// It names the file and no path, and has a code that a file's fault has.
fn assert_failure_is_clean(failure: &Failure, name: &str, folder: &TempDir) {
    let path = folder.path().to_str().unwrap();
    assert!(!failure.message.contains(path), "a path: {failure}");
    assert!(failure.message.contains(name), "not named: {failure}");
    assert!(ends_a_job(failure.code), "{name}: {failure:?}");
}

fn write(folder: &TempDir, name: &str, body: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    File::create(&path).unwrap().write_all(body).unwrap();
    path
}

/// Writes a mebibyte, says so, and goes on until nobody reads. Gives up after 128 MiB, which a child that was ended
/// cannot read.
fn write_until_nobody_reads(pipe: &Path, reading: oneshot::Sender<()>) {
    let mut pipe = OpenOptions::new().write(true).open(pipe).unwrap();
    let line = "uma linha\n".repeat(1_638);
    let mut reading = Some(reading);
    for kibibytes in (0..128 * 1_024).step_by(16) {
        if kibibytes >= 1_024
            && let Some(reading) = reading.take()
        {
            reading.send(()).unwrap();
        }
        if pipe.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
    panic!("somebody still reads");
}

/// The codes that design.md 3.3 gives a job's end, as far as they come from a file.
fn ends_a_job(code: ErrorCode) -> bool {
    [
        ErrorCode::Encrypted,
        ErrorCode::Corrupt,
        ErrorCode::EmptyFile,
        ErrorCode::UnsupportedType,
        ErrorCode::FileTooLarge,
        ErrorCode::ExpandsTooFar,
        ErrorCode::Timeout,
        ErrorCode::OutOfMemory,
        ErrorCode::ParserCrashed,
    ]
    .contains(&code)
}
