//! How fast, and in how much memory, does the built-in model embed on one thread?
//!
//! Usage: `bench-embedding MODEL_FILE [scalar|avx2|avx512-vnni]`; `run.sh` beside this file also runs ONNX Runtime
//! on the same texts. What is timed goes from text to vector, tokenizer included.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::error::Error;
use std::time::{Duration, Instant};

use ids_embed::{Kernel, Model, TextKind, Workspace};

/// Repeated word by word until a text has the wanted number of tokens.
const PASSAGE: &str = include_str!("passage.txt");
const QUERY: &str = "quem deve assinar o contrato de prestação de serviços?";
const LENGTHS: [usize; 4] = [64, 128, 256, 512];
/// Each length is timed this often for this long, the best round counts: other work on the machine only adds time.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1500);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: bench-embedding MODEL_FILE [KERNEL]")?;
    let started = Instant::now();
    let bytes = std::fs::read(&path)?;
    let mut model = Model::load(&bytes)?;
    drop(bytes);
    let load = started.elapsed();
    if let Some(name) = arguments.next() {
        let kernel = kernel(&name).ok_or("no such kernel; known are scalar, avx2, avx512-vnni")?;
        model = model
            .with_kernel(kernel)
            .ok_or("this machine cannot run that kernel")?;
    }
    println!("engine ids-embed, kernel {:?}", model.kernel());
    println!(
        "load {:.0} ms, resident {} MB",
        load.as_secs_f64() * 1e3,
        memory_mb("VmRSS")
    );

    let mut workspace = Workspace::new();
    for length in LENGTHS {
        let text = text_of(&model, length);
        let tokens = model.embed_with(&mut workspace, TextKind::Passage, &text).tokens;
        let mut best = 0.0_f64;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let mut texts = 0;
            while started.elapsed() < ROUND {
                model.embed_with(&mut workspace, TextKind::Passage, &text);
                texts += 1;
            }
            best = best.max((texts * tokens) as f64 / started.elapsed().as_secs_f64());
        }
        println!("tokens {tokens}: {best:.0} tokens/s");
    }
    let mut times: Vec<Duration> = (0..300)
        .map(|_| {
            let started = Instant::now();
            model.embed_query(QUERY);
            started.elapsed()
        })
        .collect();
    times.sort();
    println!("query p50 {:.2} ms", times[times.len() / 2].as_secs_f64() * 1e3);
    println!(
        "resident {} MB, peak {} MB",
        memory_mb("VmRSS"),
        memory_mb("VmHWM")
    );
    Ok(())
}

fn kernel(name: &str) -> Option<Kernel> {
    match name {
        "scalar" => Some(Kernel::Scalar),
        "avx2" => Some(Kernel::Avx2),
        "avx512-vnni" => Some(Kernel::Avx512Vnni),
        _ => None,
    }
}

/// Words of [`PASSAGE`], over and over, as long as prefix, begin and end leave room for them.
fn text_of(model: &Model, tokens: usize) -> String {
    let room = tokens - 2;
    let mut text = String::new();
    for word in PASSAGE.split_whitespace().cycle() {
        let longer = if text.is_empty() {
            word.to_owned()
        } else {
            format!("{text} {word}")
        };
        if model.token_count(&format!("passage: {longer}")) > room {
            break;
        }
        text = longer;
    }
    text
}

/// A field of this process's status in MB; 0 where there is no such file.
fn memory_mb(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with(field))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kilobytes| kilobytes.parse::<usize>().ok())
        .unwrap_or(0)
        / 1024
}
