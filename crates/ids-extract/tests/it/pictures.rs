//! Pages as pictures: what is on the page is in the picture, where it is on the page.

use std::path::Path;
use std::time::{Duration, Instant};

use ids_core::document::ContentType;
use ids_core::error::{ErrorCode, Failure, Retry};
use ids_core::page_image::PageImage;
use ids_core::ports::{Extractor, RenderRequest};
use ids_extract::{ChildLimits, SandboxedExtractor};

use crate::support::{extract_bytes, extractor, extractor_with, shared};
use crate::tiny_pdf::pdf;

/// An A4 page at this width has a pixel for each point.
const POINT_WIDE: u32 = 595;

async fn draw(
    extractor: &SandboxedExtractor,
    file: &Path,
    page_number: u32,
    width_pixels: u32,
) -> Result<Option<PageImage>, Failure> {
    let content_type = ContentType::parse(ContentType::PDF).unwrap();
    let request = RenderRequest {
        file,
        filename: "a.pdf",
        content_type: &content_type,
        page_number,
        width_pixels,
    };
    extractor.render_page(request).await
}

async fn draw_bytes(bytes: &[u8], page_number: u32, width_pixels: u32) -> Pixels {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pdf");
    std::fs::write(&file, bytes).unwrap();
    let image = draw(&extractor(), &file, page_number, width_pixels).await;
    Pixels::of(&image.unwrap().unwrap())
}

/// A picture unpacked, in shades of gray.
struct Pixels {
    width: usize,
    height: usize,
    shades: Vec<u8>,
    is_gray: bool,
}

impl Pixels {
    fn of(image: &PageImage) -> Self {
        let decoder = png::Decoder::new(std::io::Cursor::new(&image.png));
        let mut reader = decoder.read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut samples).unwrap();
        assert_eq!(
            (info.width, info.height),
            (image.size.width, image.size.height),
            "the size that is told is the picture's"
        );
        let is_gray = info.color_type == png::ColorType::Grayscale;
        let shades = match is_gray {
            true => samples,
            false => samples
                .chunks_exact(3)
                .map(|pixel| *pixel.iter().min().unwrap())
                .collect(),
        };
        Self {
            width: info.width as usize,
            height: info.height as usize,
            shades,
            is_gray,
        }
    }

    /// How many pixels of a rectangle (left, top, right, bottom) are dark.
    fn dark_in(&self, (left, top, right, bottom): (usize, usize, usize, usize)) -> usize {
        (top..bottom)
            .flat_map(|y| &self.shades[y * self.width + left..y * self.width + right])
            .filter(|&&shade| shade < 100)
            .count()
    }

    fn all_dark(&self) -> usize {
        self.dark_in((0, 0, self.width, self.height))
    }
}

#[tokio::test]
async fn text_is_black_on_white_where_its_box_says() {
    let bytes = pdf("", &[&[(100.0, 642.0, 40.0, "Recurso")], &[]]);
    let page = &extract_bytes("a.pdf", &bytes).await.unwrap().pages[0];
    let line = &page.lines[0];
    let picture = draw_bytes(&bytes, 1, POINT_WIDE).await;
    assert_eq!((picture.width, picture.height), (595, 842));

    let place = (
        line.x.floor() as usize - 1,
        line.y.floor() as usize - 1,
        (line.x + line.width).ceil() as usize + 1,
        (line.y + line.height).ceil() as usize + 1,
    );
    let in_its_box = picture.dark_in(place);
    assert!(in_its_box > 500, "{in_its_box} pixels in {place:?}");
    assert_eq!(picture.all_dark(), in_its_box, "nothing is elsewhere");
    let white = picture.shades.iter().filter(|&&shade| shade == 255).count();
    assert!(white > 490_000, "{white} white pixels");
    assert!(picture.is_gray, "a page without color takes one sample a pixel");

    let empty = draw_bytes(&bytes, 2, POINT_WIDE).await;
    assert!(empty.shades.iter().all(|&shade| shade == 255));
}

#[tokio::test]
async fn a_turned_page_is_drawn_as_it_is_read() {
    let bytes = pdf("/Rotate 90", &[&[(100.0, 642.0, 40.0, "Recurso")]]);
    let page = &extract_bytes("a.pdf", &bytes).await.unwrap().pages[0];
    let line = &page.lines[0];
    let picture = draw_bytes(&bytes, 1, 842).await;
    assert_eq!((picture.width, picture.height), (842, 595));
    let place = (
        line.x.floor() as usize - 1,
        line.y.floor() as usize - 1,
        (line.x + line.width).ceil() as usize + 1,
        (line.y + line.height).ceil() as usize + 1,
    );
    assert_eq!(picture.dark_in(place), picture.all_dark());
    assert!(picture.all_dark() > 500);
}

#[tokio::test]
async fn a_very_long_page_makes_no_giant_picture() {
    let bytes = pdf("/CropBox[0 0 10 842]", &[&[(0.0, 400.0, 10.0, "x")]]);
    let picture = draw_bytes(&bytes, 1, 3_000).await;
    assert_eq!((picture.width, picture.height), (194, 16_384));
}

#[tokio::test]
async fn a_scan_is_drawn_though_it_has_no_text() {
    let Some(file) = shared("corpus/scan-pt-200dpi.pdf") else {
        return;
    };
    for page_number in 1..=3 {
        let image = draw(&extractor(), &file, page_number, 800).await.unwrap();
        let dark = Pixels::of(&image.unwrap()).all_dark();
        assert!((5_000..200_000).contains(&dark), "page {page_number}: {dark}");
    }
}

#[tokio::test]
async fn embedded_fonts_pictures_and_color_are_drawn() {
    let Some(corpus) = shared("corpus") else { return };
    let cases = [
        ("debian-reference-pt-p1-40.pdf", 30, false),
        ("tracemonkey.pdf", 1, true),
        ("vertical.pdf", 1, true),
    ];
    for (name, page_number, is_gray) in cases {
        let image = draw(&extractor(), &corpus.join(name), page_number, 800)
            .await
            .unwrap();
        let picture = Pixels::of(&image.unwrap());
        assert_eq!(picture.is_gray, is_gray, "{name}");
        let dark = picture.all_dark();
        assert!(dark > 300, "{name}: {dark} dark pixels");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_the_corpus_ends_in_a_picture_none_or_a_failure_in_time() {
    let Some(corpus) = shared("corpus") else { return };
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pdf") {
            continue;
        }
        let start = Instant::now();
        match draw(&extractor(), &path, 1, 1_200).await {
            Ok(Some(image)) => assert!(image.size.is_within_limits()),
            Ok(None) => {}
            Err(failure) => assert!(
                [ErrorCode::Encrypted, ErrorCode::Corrupt].contains(&failure.code),
                "{}: {failure:?}",
                path.display()
            ),
        }
        let limit = ChildLimits::default().draw_timeout + Duration::from_secs(10);
        assert!(start.elapsed() < limit, "{}", path.display());
    }
}

#[tokio::test]
async fn a_child_that_misbehaves_while_it_draws_is_ended_and_told_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pdf");
    std::fs::write(&file, pdf("", &[&[]])).unwrap();
    let limits = ChildLimits {
        draw_timeout: Duration::from_secs(60),
        draw_computing: Duration::from_secs(1),
        address_space_bytes: 256 * 1_024 * 1_024,
        output_bytes: 1_024 * 1_024,
        ..ChildLimits::default()
    };
    for (word, code, retry) in [
        ("allocate", ErrorCode::OutOfMemory, Some(Retry::Never)),
        // On a busy machine the clock may run out before the computing time, which may pass.
        ("spin", ErrorCode::Timeout, None),
        ("abort", ErrorCode::ParserCrashed, Some(Retry::Never)),
        ("nonsense", ErrorCode::ParserCrashed, Some(Retry::Never)),
        // Frames of another answer: refused at the first.
        ("chatter", ErrorCode::ParserCrashed, Some(Retry::Never)),
    ] {
        let failure = draw(&extractor_with(word, limits), &file, 1, 400)
            .await
            .unwrap_err();
        assert_eq!(failure.code, code, "{word}");
        assert!(
            retry.is_none_or(|retry| failure.retry == retry),
            "{word}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn drawing_that_waits_for_a_busy_machine_may_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pdf");
    std::fs::write(&file, pdf("", &[&[]])).unwrap();
    let limits = ChildLimits {
        draw_timeout: Duration::from_millis(300),
        ..ChildLimits::default()
    };
    let failure = draw(&extractor_with("wait", limits), &file, 1, 400)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.code, failure.retry),
        (ErrorCode::Timeout, Retry::Backoff)
    );
}

#[tokio::test]
async fn what_needs_a_password_is_not_drawn() {
    let Some(file) = shared("corpus/libreoffice-writer-password.pdf") else {
        return;
    };
    let failure = draw(&extractor(), &file, 1, 400).await.unwrap_err();
    assert_eq!(
        (failure.code, failure.retry),
        (ErrorCode::Encrypted, Retry::Never)
    );
}
