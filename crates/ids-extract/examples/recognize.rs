//! Reads scans and prints a line of JSON for each: its pages' text, how sure the recognition is of each word, and the time of the
//! clock and of the processor that it took: `recognize CHILD_PROGRAM PDFIUM_LIBRARY LANGUAGES FILE...`, absolute paths.
#![expect(clippy::print_stdout, reason = "a program for measuring")]

use std::path::PathBuf;
use std::time::Instant;

use ids_core::ports::{ExtractProgress, ExtractRequest, Extractor};
use ids_extract::{
    ChildCommand, ChildLimits, ExtractorConfig, OcrConfig, OcrLimits, OcrSource, SandboxedExtractor,
    Tesseract,
};
use serde_json::json;

struct Silent;

impl ExtractProgress for Silent {
    fn pages(&self, _done: u32, _total: Option<u32>) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(program), Some(pdfium), Some(languages)) = (args.next(), args.next(), args.next()) else {
        return Err("too few arguments".into());
    };
    let child = |word: &str| ChildCommand {
        program: PathBuf::from(&program),
        args: vec![word.to_owned()],
    };
    let extractor = SandboxedExtractor::new(ExtractorConfig {
        pdfium: PathBuf::from(pdfium),
        child: child("__extract"),
        limits: ChildLimits::default(),
        ocr: Some(OcrSource::from(OcrConfig {
            tesseract: Tesseract::find()?,
            languages: languages.split('+').map(str::to_owned).collect(),
            child: child("__ocr"),
            pages_at_once: std::thread::available_parallelism()?.get(),
            limits: OcrLimits::default(),
        })),
    });
    for file in args.map(PathBuf::from) {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (before, start) = (children_hundredths()?, Instant::now());
        let content_type = extractor.detect(&file, &name).await?;
        let request = ExtractRequest {
            file: &file,
            filename: &name,
            content_type: &content_type,
        };
        let document = extractor.extract(request, &Silent).await?;
        let pages: Vec<_> = document
            .pages
            .iter()
            .map(|page| {
                let words: Vec<_> = page
                    .words
                    .iter()
                    .map(|word| json!([word.span.slice(&page.text), word.confidence]))
                    .collect();
                json!({"text": page.text, "confidence": page.confidence(), "words": words})
            })
            .collect();
        let line = json!({
            "file": name,
            "pages": pages,
            "seconds": start.elapsed().as_secs_f64(),
            "cpu_seconds": (children_hundredths()? - before) as f64 / 100.0,
        });
        println!("{line}");
    }
    Ok(())
}

/// Hundredths of CPU-seconds of children that have ended.
fn children_hundredths() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = after_name.split_whitespace().skip(13);
    let mut next = || fields.next().unwrap_or_default().parse::<u64>();
    Ok(next()? + next()?)
}
