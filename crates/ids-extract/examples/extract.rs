//! Reads files through the sandbox and prints, for each, pages, characters, seconds, and CPU-seconds of parent and child
//! (in hundredths): `extract CHILD_PROGRAM PDFIUM_LIBRARY FILE...`, absolute paths.
#![expect(clippy::print_stdout, reason = "a program for measuring")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use ids_core::ports::{ExtractProgress, ExtractRequest, Extractor};
use ids_extract::{ChildCommand, ChildLimits, ExtractorConfig, SandboxedExtractor};

struct Silent;

impl ExtractProgress for Silent {
    fn pages(&self, _done: u32, _total: Option<u32>) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(program), Some(pdfium)) = (args.next(), args.next()) else {
        return Err("too few arguments".into());
    };
    let child = ChildCommand {
        program,
        args: vec!["__extract".to_owned()],
    };
    let extractor = SandboxedExtractor::new(ExtractorConfig {
        pdfium,
        child,
        limits: ChildLimits::default(),
        ocr: None,
    });
    for file in args {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (before, start) = (cpu_hundredths()?, Instant::now());
        match read(&extractor, &file, &name).await {
            Ok((pages, chars)) => print!("{name}: {pages} pages, {chars} characters"),
            Err(failure) => print!("{name}: {} {}", failure.code, failure.message),
        }
        let after = cpu_hundredths()?;
        let (own, child) = (after.0 - before.0, after.1 - before.1);
        println!(
            ", {:.3} s, {own} + {child} hundredths",
            start.elapsed().as_secs_f32()
        );
    }
    Ok(())
}

async fn read(
    extractor: &SandboxedExtractor,
    file: &Path,
    filename: &str,
) -> Result<(usize, usize), ids_core::error::Failure> {
    let content_type = extractor.detect(file, filename).await?;
    let request = ExtractRequest {
        file,
        filename,
        content_type: &content_type,
    };
    let document = extractor.extract(request, &Silent).await?;
    Ok((
        document.pages.len(),
        document.pages.iter().map(|page| page.text.chars().count()).sum(),
    ))
}

/// Hundredths of CPU-seconds of this process and of its children that have ended.
fn cpu_hundredths() -> Result<(u64, u64), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |at: usize| {
        after_name
            .split_whitespace()
            .nth(at)
            .unwrap_or_default()
            .parse::<u64>()
    };
    Ok((field(11)? + field(12)?, field(13)? + field(14)?))
}
