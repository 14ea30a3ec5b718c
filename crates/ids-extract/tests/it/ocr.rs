//! Scans: text, places and how sure they are, from any side; and what recognition may not do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ids_core::document::ContentType;
use ids_core::page::{ExtractedDocument, Page};
use ids_core::ports::{ExtractProgress, ExtractRequest, Extractor, RenderRequest};
use ids_extract::{ChildLimits, OcrSource, SandboxedExtractor};
use ids_testkit::contracts::extractor_contract::{NoProgress, assert_pages_hold, read};
use image::{DynamicImage, GrayImage, Luma, imageops};

use crate::support::{child, config, extract_bytes, extractor, ocr_extractor, shared};
use crate::tiny_pdf::pdf;

/// Lines as an office writes them.
const LINES: [&str; 6] = [
    "PREFEITURA MUNICIPAL DE SANTA CLARA",
    "Portaria de 12 de março de 2024",
    "O prefeito municipal, no uso de suas atribuições legais, resolve:",
    "nomear a servidora Maria da Conceição para o cargo de secretária",
    "de administração, com os vencimentos previstos na lei em vigor.",
    "Esta portaria entra em vigor na data de sua publicação.",
];

/// A page of these lines, drawn by our own hand, in gray.
async fn page_of_lines() -> GrayImage {
    let mut lines = Vec::new();
    for (number, &text) in LINES.iter().enumerate() {
        lines.push((70.0, 740.0 - 40.0 * number as f32, 14.0, text));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pdf");
    std::fs::write(&file, pdf("", &[&lines])).unwrap();
    let content_type = ContentType::parse(ContentType::PDF).unwrap();
    let request = RenderRequest {
        file: &file,
        filename: "a.pdf",
        content_type: &content_type,
        page_number: 1,
        width_pixels: 1_654,
    };
    let image = extractor().render_page(request).await.unwrap().unwrap();
    image::load_from_memory(&image.png).unwrap().into_luma8()
}

fn png(image: &GrayImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn read_bytes(extractor: &SandboxedExtractor, name: &str, bytes: &[u8]) -> ExtractedDocument {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let document = read(extractor, &file, name).await.unwrap();
    assert_pages_hold(&document);
    document
}

/// How many of the words of [`LINES`] are in a text.
fn share_found(text: &str) -> f64 {
    let words: Vec<&str> = LINES.iter().flat_map(|line| line.split(' ')).collect();
    let found = words.iter().filter(|word| text.contains(*word)).count();
    found as f64 / words.len() as f64
}

fn assert_words_hold(page: &Page) {
    let mut end = 0;
    for word in &page.words {
        assert!(word.span.start >= end && !word.span.is_empty() && word.confidence <= 100);
        assert!(
            !word.span.slice(&page.text).contains(char::is_whitespace),
            "{word:?}"
        );
        end = word.span.end;
    }
    let words = page.text.split_whitespace().count();
    assert!(page.words.len() >= words, "{} of {words}", page.words.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_read_with_places_and_how_sure_that_is() {
    let (Some(extractor), Some(file)) = (ocr_extractor(), shared("corpus/scan-pt-200dpi.pdf")) else {
        return;
    };
    let document = read(&extractor, &file, "scan.pdf").await.unwrap();
    assert_pages_hold(&document);
    assert!(
        document.notes.iter().all(|note| note.kind.is_fact()),
        "{:?}",
        document.notes
    );
    for page in &document.pages {
        assert!(
            page.text.chars().count() > 500,
            "page {}: {}",
            page.number,
            page.text
        );
        assert!(page.confidence().unwrap() > 75, "page {}", page.number);
        assert_words_hold(page);
        let (width, height) = (page.width.unwrap(), page.height.unwrap());
        for line in &page.lines {
            assert!(line.x >= 0.0 && line.x + line.width <= width + 0.5, "{line:?}");
            assert!(line.y >= 0.0 && line.y + line.height <= height + 0.5, "{line:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_for_recognition_before_a_page_needs_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let mut config = config("__extract", ChildLimits::default());
    config.ocr = Some(OcrSource::new(move || {
        counting.fetch_add(1, Ordering::Relaxed);
        None
    }));
    let extractor = SandboxedExtractor::new(config);
    let lines: Vec<_> = (0..LINES.len())
        .map(|number| (70.0, 740.0 - 40.0 * number as f32, 14.0, LINES[number]))
        .collect();
    read_bytes(&extractor, "a.pdf", &pdf("", &[&lines])).await;
    read_bytes(&extractor, "a.txt", LINES.join("\n").as_bytes()).await;
    assert_eq!(asked.load(Ordering::Relaxed), 0, "text needs none");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    std::fs::write(&file, png(&page_of_lines().await)).unwrap();
    let _ = read(&extractor, &file, "a.png").await;
    assert!(asked.load(Ordering::Relaxed) > 0, "a picture does");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_from_any_side_and_its_lines_stand_where_they_are_seen() {
    let Some(extractor) = ocr_extractor() else { return };
    let upright = page_of_lines().await;
    let (width, height) = (upright.width() as f32, upright.height() as f32);
    for quarters in 0..4_u32 {
        let image = match quarters {
            0 => upright.clone(),
            1 => imageops::rotate90(&upright),
            2 => imageops::rotate180(&upright),
            _ => imageops::rotate270(&upright),
        };
        let document = read_bytes(&extractor, "a.png", &png(&image)).await;
        let page = &document.pages[0];
        assert!(
            share_found(&page.text) > 0.9,
            "{quarters} quarters: {}",
            page.text
        );
        assert_words_hold(page);
        let line = page.lines[0];
        assert!(
            line.span.slice(&page.text).contains("PREFEITURA"),
            "{}",
            page.text
        );
        // The middle of the first line, turned as the page was.
        let (x, y) = (line.x + line.width / 2.0, line.y + line.height / 2.0);
        let (x, y) = match quarters {
            0 => (x, y),
            1 => (y, height - x),
            2 => (width - x, height - y),
            _ => (width - y, x),
        };
        let expected = 102.0 / 842.0 * height;
        assert!(
            (y - expected).abs() < 30.0,
            "{quarters} quarters: {y}, not {expected}"
        );
        assert!((300.0..1_100.0).contains(&x), "{quarters} quarters: {x}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skewed_and_dirty_page_is_read() {
    let Some(extractor) = ocr_extractor() else { return };
    let upright = page_of_lines().await;
    let (sin, cos) = 3.0_f32.to_radians().sin_cos();
    let (width, height) = (upright.width(), upright.height());
    let mut seed = 1_u32;
    let skewed = GrayImage::from_fn(width, height, |x, y| {
        let (from_x, from_y) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
        let source_x = from_x * cos + from_y * sin + width as f32 / 2.0;
        let source_y = from_y * cos - from_x * sin + height as f32 / 2.0;
        let is_inside =
            source_x >= 0.0 && source_y >= 0.0 && source_x < width as f32 && source_y < height as f32;
        let shade = match is_inside {
            true => upright.get_pixel(source_x as u32, source_y as u32).0[0],
            false => 255,
        };
        // Grain, from a generator of numbers that are always the same.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (seed >> 27) as u8;
        Luma([shade.clamp(40, 215).saturating_add(grain)])
    });
    let document = read_bytes(&extractor, "a.png", &png(&skewed)).await;
    let page = &document.pages[0];
    assert!(share_found(&page.text) > 0.85, "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_tiff_and_every_kind_of_picture_is_read_and_drawn() {
    let Some(extractor) = ocr_extractor() else { return };
    let image = page_of_lines().await;
    let (width, height) = image.dimensions();
    let mut tiff = std::io::Cursor::new(Vec::new());
    {
        use tiff::encoder::{TiffEncoder, colortype};
        let mut encoder = TiffEncoder::new(&mut tiff).unwrap();
        let white = vec![255_u8; (width * height) as usize];
        encoder
            .write_image::<colortype::Gray8>(width, height, &white)
            .unwrap();
        encoder
            .write_image::<colortype::Gray8>(width, height, image.as_raw())
            .unwrap();
    }
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let mut webp = std::io::Cursor::new(Vec::new());
    DynamicImage::from(image.clone())
        .to_rgb8()
        .write_to(&mut webp, image::ImageFormat::WebP)
        .unwrap();
    for (bytes, kind, page_number) in [
        (tiff.into_inner(), ContentType::TIFF, 2),
        (jpeg.into_inner(), ContentType::JPEG, 1),
        (webp.into_inner(), ContentType::WEBP, 1),
    ] {
        let document = read_bytes(&extractor, "a.bin", &bytes).await;
        let page = &document.pages[page_number as usize - 1];
        assert!(share_found(&page.text) > 0.9, "{kind}: {}", page.text);
        // An empty page was looked at and needs nothing more.
        assert_eq!(document.notes, [], "{kind}");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.bin");
        std::fs::write(&file, &bytes).unwrap();
        let content_type = ContentType::parse(kind).unwrap();
        let request = RenderRequest {
            file: &file,
            filename: "a.bin",
            content_type: &content_type,
            page_number,
            width_pixels: 600,
        };
        let drawn = extractor.render_page(request).await.unwrap().unwrap();
        assert_eq!(
            (drawn.size.width, drawn.size.height),
            (600, 600 * height / width),
            "{kind}"
        );
        let shades = image::load_from_memory(&drawn.png).unwrap().into_luma8();
        let dark = shades.pixels().filter(|pixel| pixel.0[0] < 128).count();
        assert!((1_000..40_000).contains(&dark), "{kind}: {dark}");
        let beyond = RenderRequest {
            page_number: page_number + 1,
            ..request
        };
        assert_eq!(extractor.render_page(beyond).await, Ok(None), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_its_own_is_kept_where_it_can_be_used_and_read_anew_where_it_says_nothing() {
    let Some(extractor) = ocr_extractor() else { return };
    let image = page_of_lines().await;
    let shifted: Vec<String> = LINES.iter().map(|line| shift(line)).collect();
    let good: Vec<&str> = LINES.to_vec();
    let bad: Vec<&str> = shifted.iter().map(String::as_str).collect();

    let document = read_bytes(&extractor, "a.pdf", &scan_with_text(&image, &good)).await;
    assert_eq!(document.pages[0].words, [], "good text is not read again");
    assert!(share_found(&document.pages[0].text) > 0.9);

    let bytes = scan_with_text(&image, &bad);
    let document = read_bytes(&extractor, "a.pdf", &bytes).await;
    let page = &document.pages[0];
    assert!(share_found(&page.text) > 0.9, "{}", page.text);
    assert!(!page.text.contains("VDQWD FODUD"), "{}", page.text);
    assert_words_hold(page);
    let unread = extract_bytes("a.pdf", &bytes).await.unwrap();
    let notes: Vec<_> = unread
        .notes
        .iter()
        .filter(|note| !note.kind.is_fact())
        .map(|note| (note.page_number, note.kind.as_str()))
        .collect();
    assert_eq!(
        notes,
        [(Some(1), "needs_ocr")],
        "said where it cannot be read anew"
    );

    // A stamp over a scan is a part of what the page shows.
    let document = read_bytes(&extractor, "a.pdf", &scan_with_text(&image, &["Folha 12"])).await;
    assert!(
        share_found(&document.pages[0].text) > 0.9,
        "{}",
        document.pages[0].text
    );
}

/// A page that is a picture, under lines that are not drawn: what scanning programs write.
fn scan_with_text(image: &GrayImage, hidden: &[&str]) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    let mut content = "q 595 0 0 842 0 0 cm /I Do Q BT 3 Tr /F 14 Tf 70 740 Td 40 TL\n".to_owned();
    for line in hidden {
        let letters: String = line.chars().map(|c| format!("{:02x}", u32::from(c))).collect();
        content.push_str(&format!("<{letters}> Tj T*\n"));
    }
    content.push_str("ET");
    let objects: [Vec<u8>; 6] = [
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>".to_vec(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>/XObject<</I 6 0 R>>>>/Contents 5 0 R>>"
            .to_vec(),
        format!("<</Length {}>>stream\n{content}\nendstream", content.len()).into_bytes(),
        [
            format!(
                "<</Type/XObject/Subtype/Image/Width {}/Height {}/ColorSpace/DeviceGray/BitsPerComponent 8\
                 /Filter/DCTDecode/Length {}>>stream\n",
                image.width(),
                image.height(),
                jpeg.len()
            )
            .as_bytes(),
            &jpeg,
            b"\nendstream",
        ]
        .concat(),
    ];
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        offsets.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n", number + 1).as_bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let table = bytes.len();
    bytes.extend(b"xref\n0 7\n0000000000 65535 f \n");
    for offset in offsets {
        bytes.extend(format!("{offset:010} 00000 n \n").as_bytes());
    }
    bytes.extend(format!("trailer<</Size 7/Root 1 0 R>>\nstartxref\n{table}\n%%EOF").as_bytes());
    bytes
}

fn shift(text: &str) -> String {
    let shifted = |c: char| match c {
        'a'..='z' => ((c as u8 - b'a' + 3) % 26 + b'a') as char,
        'A'..='Z' => ((c as u8 - b'A' + 3) % 26 + b'A') as char,
        c => c,
    };
    text.chars().map(shifted).collect()
}

/// Counts what it is told.
#[derive(Default)]
struct Counted(std::sync::Mutex<(u32, Vec<u32>)>);

impl ExtractProgress for Counted {
    fn pages(&self, done: u32, _total: Option<u32>) {
        self.0.lock().unwrap().1.push(done);
    }

    fn recognized(&self, pages: u32) {
        self.0.lock().unwrap().0 += pages;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_counts_pages_as_they_are_read_and_not_as_they_are_found() {
    let (Some(extractor), Some(file)) = (ocr_extractor(), shared("corpus/scan-pt-200dpi.pdf")) else {
        return;
    };
    let content_type = ContentType::parse(ContentType::PDF).unwrap();
    let request = ExtractRequest {
        file: &file,
        filename: "scan.pdf",
        content_type: &content_type,
    };
    let counted = Counted::default();
    extractor.extract(request, &counted).await.unwrap();
    let (recognized, seen) = counted.0.into_inner().unwrap();
    assert_eq!(recognized, 3);
    assert!(seen.windows(2).all(|pair| pair[0] <= pair[1]), "{seen:?}");
    assert_eq!((seen.first(), seen.last()), (Some(&0), Some(&3)));
}

/// Processes of this user whose command line holds all of these words.
fn processes(words: &[&str]) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_meant = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        words.iter().all(|word| line.contains(word))
    };
    numbers.filter(is_meant).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_future_ends_recognition_within_five_seconds() {
    if ocr_extractor().is_none() {
        return;
    }
    // A name of its own for the language data tells this test's processes from others'.
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let mut config = config("__extract", Default::default());
    let mut ocr = extractor_ocr();
    let linked = folder.path().join("language-data");
    std::os::unix::fs::symlink(&ocr.tesseract.language_data, &linked).unwrap();
    ocr.tesseract.language_data = linked;
    config.ocr = Some(ocr.into());
    let extractor = SandboxedExtractor::new(config);

    // So much to read that it is not over before it is dropped.
    let image = page_of_lines().await;
    let mut large = GrayImage::from_pixel(3_300, 3_600, Luma([255]));
    for (x, y) in [(0, -300), (1_650, -300), (0, 900), (1_650, 900)] {
        imageops::overlay(&mut large, &image, x, y);
    }
    let file = folder.path().join("a.png");
    std::fs::write(&file, png(&large)).unwrap();
    let content_type = ContentType::parse(ContentType::PNG).unwrap();
    let request = ExtractRequest {
        file: &file,
        filename: "a.png",
        content_type: &content_type,
    };
    let started = {
        let reading = extractor.extract(request, &NoProgress);
        let mut reading = std::pin::pin!(reading);
        crate::wait::until(|| !processes(&["tesseract", &name]).is_empty(), &mut reading).await
    };
    assert!(started, "recognition never began");
    let dropped = Instant::now();
    while !processes(&[&name, "tesseract"]).is_empty() {
        assert!(dropped.elapsed() < Duration::from_secs(5), "it goes on");
        std::thread::yield_now();
    }
}

fn extractor_ocr() -> ids_extract::OcrConfig {
    ids_extract::OcrConfig {
        tesseract: ids_extract::Tesseract::find().unwrap(),
        languages: vec!["por".to_owned(), "eng".to_owned()],
        child: child("__ocr"),
        pages_at_once: 1,
        limits: Default::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recognition_may_read_its_language_data_and_no_other_file_and_has_no_network() {
    let layers = extractor().layers().await.unwrap();
    if layers.landlock_version == 0 || !layers.filters_system_calls {
        println!("this kernel has not all layers");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("por.traineddata"), "x").unwrap();
    // In Tesseract's place stands a program that tries what that should not be able to.
    let program = env!("CARGO_BIN_EXE_ids-extract-child");
    let end_of = |what: &str| {
        let request = format!(
            r#"{{"program":{program:?},"language_data":{:?},"languages":{what:?},"dots_per_inch":null,"address_space_bytes":1073741824,"cpu_seconds":10}}"#,
            folder.path()
        );
        let mut command = std::process::Command::new(program);
        let status = command
            .args(["__ocr", &request])
            .stdin(std::process::Stdio::null())
            .status();
        let status = status.unwrap();
        (
            status.code(),
            std::os::unix::process::ExitStatusExt::signal(&status),
        )
    };
    for what in [
        "language-data",
        "passwords",
        "a-file-to-write",
        "a-program",
        "a-thread",
    ] {
        assert_eq!(end_of(what), (Some(0), None), "{what}");
    }
    // Ended at once: SIGSYS.
    assert_eq!(end_of("a-socket"), (None, Some(31)));
}

#[tokio::test(flavor = "multi_thread")]
async fn recognition_that_fails_leaves_its_pages_marked() {
    let (Some(_), Some(file)) = (ocr_extractor(), shared("corpus/scan-pt-200dpi.pdf")) else {
        return;
    };
    let mut broken = extractor_ocr();
    // It has no such language, so it ends with a failure.
    broken.languages = vec!["zzz".to_owned()];
    let mut config = config("__extract", Default::default());
    config.ocr = Some(broken.into());
    let document = read(&SandboxedExtractor::new(config), &file, "scan.pdf")
        .await
        .unwrap();
    assert_eq!(document.pages.len(), 3);
    let kinds: Vec<_> = document
        .notes
        .iter()
        .filter(|note| !note.kind.is_fact())
        .map(|note| (note.page_number, note.kind.as_str()))
        .collect();
    assert_eq!(kinds, [1, 2, 3].map(|page| (Some(page), "needs_ocr")));
}
