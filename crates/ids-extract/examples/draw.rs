//! Draws pages through the sandbox into PNG files, and prints for each its size and the milliseconds it took:
//! `draw CHILD_PROGRAM PDFIUM_LIBRARY FOLDER WIDTH FILE:PAGE...`, absolute paths.
#![expect(clippy::print_stdout, reason = "a program for measuring")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use ids_core::document::ContentType;
use ids_core::ports::{Extractor, RenderRequest};
use ids_extract::{ChildCommand, ChildLimits, ExtractorConfig, SandboxedExtractor};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [program, pdfium, folder, width, pages @ ..] = args.as_slice() else {
        return Err("too few arguments".into());
    };
    let extractor = SandboxedExtractor::new(ExtractorConfig {
        pdfium: PathBuf::from(pdfium),
        child: ChildCommand {
            program: PathBuf::from(program),
            args: vec!["__extract".to_owned()],
        },
        limits: ChildLimits::default(),
        ocr: None,
    });
    let content_type = ContentType::parse(ContentType::PDF).ok_or("no type")?;
    for page in pages {
        let (file, number) = page.rsplit_once(':').ok_or("FILE:PAGE")?;
        let file = Path::new(file);
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let request = RenderRequest {
            file,
            filename: &name,
            content_type: &content_type,
            page_number: number.parse()?,
            width_pixels: width.parse()?,
        };
        let start = Instant::now();
        let drawn = extractor.render_page(request).await;
        let millis = start.elapsed().as_millis();
        match drawn {
            Ok(Some(image)) => {
                let (size, bytes) = (image.size, image.png.len());
                std::fs::write(Path::new(folder).join(format!("{name}-{number}.png")), image.png)?;
                println!(
                    "{name} {number}: {} x {}, {bytes} bytes, {millis} ms",
                    size.width, size.height
                );
            }
            Ok(None) => println!("{name} {number}: no such page, {millis} ms"),
            Err(failure) => println!("{name} {number}: {} {failure}, {millis} ms", failure.code),
        }
    }
    Ok(())
}
