//! What documents and questions are made of.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::Options;
use crate::library::Random;

/// So many sentences drawn at random, five to a paragraph; the number makes it a text of its own.
pub fn text(sentences: &[String], number: u64, count: usize) -> String {
    let mut random = Random::new(number + 20_261_125);
    // The first numbers of neighboring seeds are much alike.
    for _ in 0..20 {
        random.next();
    }
    let mut text = format!("Processo {number}. ");
    for at in 1..=count {
        text.push_str(&sentences[random.below(sentences.len())]);
        text.push_str(if at % 5 == 0 { "\n\n" } else { " " });
    }
    text
}

/// So many real questions, spread evenly over all.
pub fn queries(options: &Options, count: usize) -> Result<Vec<String>> {
    let (_, queries) = crate::sentences::read(Path::new(&options.eval))?;
    let step = (queries.len() / count).max(1);
    Ok(queries.into_iter().step_by(step).take(count).collect())
}

/// The PDF of bench/pipeline.
pub fn pdf(options: &Options, pages: usize) -> Result<Vec<u8>> {
    let output = Command::new("python3")
        .args(["bench/pipeline/measure.py", "--pdf", &pages.to_string()])
        .arg(&options.eval)
        .stderr(Stdio::piped())
        .output()?;
    if !output.status.success() {
        std::io::stderr().write_all(&output.stderr)?;
    }
    ensure!(output.status.success(), "bench/pipeline/measure.py failed");
    Ok(output.stdout)
}
