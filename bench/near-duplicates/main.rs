//! How well MinHash finds texts that are nearly the same, and what it costs: variants of real texts are made, each of known true
//! resemblance (Jaccard over shingles of three words), put into a SQLite library among the originals, and looked for by
//! `DocumentStore::list_near_duplicates`.
//!
//!     cargo run --release -p bench --bin bench-near-duplicates -- --corpus ../shared/eval/<set>/corpus.jsonl

#![expect(
    clippy::print_stdout,
    reason = "a report on the terminal is what this program is for"
)]

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use ids_core::document::{Acceptance, AcceptedAs, BlobKey, ContentHash, ContentType, DocumentDetails};
use ids_core::id::{DocumentId, JobId, OrganizationId, VersionId};
use ids_core::page::{Block, BlockKind, ExtractedDocument, Page};
use ids_core::ports::{ChunkIndex, DocumentStore, Ids, JobStore};
use ids_core::scope::{CollectionName, Scope};
use ids_core::span::CharSpan;
use ids_sqlite::SqliteLibrary;
use ids_testkit::{ManualClock, SequentialIds};
use ids_text::minhash::{SHINGLE_WORDS, Signature};
use ids_text::normalized_for_hash;
use sha2::{Digest, Sha256};

#[derive(Parser)]
struct Args {
    /// Texts, a JSON object a line with `text`.
    #[arg(long)]
    corpus: PathBuf,
    /// Texts taken of it.
    #[arg(long, default_value_t = 5_000)]
    texts: usize,
    /// Of these, how many get variants.
    #[arg(long, default_value_t = 200)]
    varied: usize,
}

/// A way to make another version of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Variant {
    /// Every so-manieth word is another one.
    Words(usize),
    /// The last tenth is cut off.
    CutTail,
    /// A paragraph of another text stands in front.
    Preface,
    /// Its sentences stand in another order.
    Reordered,
    /// Other line breaks, capitals and signs.
    Typed,
}

const VARIANTS: [Variant; 9] = [
    Variant::Words(100),
    Variant::Words(50),
    Variant::Words(20),
    Variant::Words(10),
    Variant::Words(5),
    Variant::CutTail,
    Variant::Preface,
    Variant::Reordered,
    Variant::Typed,
];

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let texts = read(&args)?;
    println!(
        "{} texts, {} of them with {} variants each",
        texts.len(),
        args.varied,
        VARIANTS.len()
    );
    speed(&texts);

    let folder = tempfile::tempdir()?;
    let clock = ManualClock::default();
    let library = SqliteLibrary::open_in(folder.path(), Arc::new(clock)).context("no library")?;
    let made_ids = SequentialIds::default();
    let mut ids = Vec::new();
    let started = Instant::now();
    for text in &texts {
        ids.push(put(&library, &made_ids, text).await?);
    }
    let mut made = Vec::new();
    for (at, text) in texts.iter().take(args.varied).enumerate() {
        for variant in VARIANTS {
            let varied = vary(text, variant, &texts[(at + 1) % texts.len()]);
            made.push((at, variant, put(&library, &made_ids, &varied).await?, varied));
        }
    }
    println!(
        "{} documents put in {:.1} s",
        ids.len() + made.len(),
        started.elapsed().as_secs_f32()
    );
    report(&library, &texts, &ids, &made).await
}

fn read(args: &Args) -> Result<Vec<String>> {
    let file = std::fs::read_to_string(&args.corpus).context("the corpus cannot be read")?;
    let mut texts = Vec::new();
    let mut known = HashSet::new();
    for line in file.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let text = row["text"].as_str().unwrap_or_default();
        // Long enough for every variant to be one.
        if words(text).len() >= 60 && known.insert(normalized_for_hash(text)) {
            texts.push(text.to_owned());
        }
        if texts.len() == args.texts {
            break;
        }
    }
    Ok(texts)
}

fn speed(texts: &[String]) {
    let count: usize = texts.iter().map(|text| words(text).len()).sum();
    let started = computed();
    let signed = texts.iter().filter_map(|text| Signature::of(text)).count();
    let took = computed().saturating_sub(started);
    println!(
        "signatures: {signed} of {count} words in {:.3} s, {:.0} ns a word, {:.0} µs a text",
        took.as_secs_f32(),
        took.as_nanos() as f64 / count as f64,
        took.as_micros() as f64 / texts.len() as f64
    );
}

async fn report(
    library: &SqliteLibrary,
    texts: &[String],
    ids: &[DocumentId],
    made: &[(usize, Variant, DocumentId, String)],
) -> Result<()> {
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let text_of: HashMap<DocumentId, &str> = ids
        .iter()
        .copied()
        .zip(texts.iter().map(String::as_str))
        .chain(made.iter().map(|(_, _, id, text)| (*id, text.as_str())))
        .collect();
    let mut found = HashMap::new();
    let mut waited = Vec::new();
    let (mut named, mut right, mut error) = (0_usize, 0_usize, 0.0_f64);
    for (at, _) in texts.iter().enumerate().take(made.len() / VARIANTS.len()) {
        let started = Instant::now();
        let near = library.list_near_duplicates(&scope, ids[at]).await?;
        waited.push(started.elapsed());
        for it in near {
            let truth = jaccard(&texts[at], text_of[&it.document_id]);
            named += 1;
            right += usize::from(truth >= 0.5);
            error += f64::from((it.similarity - truth).abs());
            found.insert((ids[at], it.document_id), it.similarity);
        }
    }
    println!("\n| variant | true resemblance (mean) | found |\n|---|---|---|");
    let (mut wanted, mut got) = (0_usize, 0_usize);
    for variant in VARIANTS {
        let of: Vec<_> = made.iter().filter(|it| it.1 == variant).collect();
        let truths: Vec<f32> = of
            .iter()
            .map(|(at, _, _, text)| jaccard(&texts[*at], text))
            .collect();
        let hits = of
            .iter()
            .filter(|(at, _, id, _)| found.contains_key(&(ids[*at], *id)))
            .count();
        for ((at, _, id, _), truth) in of.iter().zip(&truths) {
            if *truth >= 0.5 {
                wanted += 1;
                got += usize::from(found.contains_key(&(ids[*at], *id)));
            }
        }
        let mean = truths.iter().sum::<f32>() / truths.len() as f32;
        println!("| {variant:?} | {mean:.3} | {hits} of {} |", of.len());
    }
    waited.sort();
    let at = |share: f32| waited[((waited.len() - 1) as f32 * share) as usize];
    println!(
        "\nrecall at a true resemblance of .5 and more: {:.3} ({got} of {wanted})",
        got as f64 / wanted as f64
    );
    println!(
        "precision (named and truly .5 or more): {:.3} ({right} of {named})",
        right as f64 / named as f64
    );
    println!("mean error of the estimate: {:.3}", error / named as f64);
    println!("look-up: p50 {}, p99 {}", ms(at(0.5)), ms(at(0.99)));
    Ok(())
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// The time that this thread has computed: other programs on the machine do not count.
fn computed() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = times.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// The true resemblance of two texts.
fn jaccard(a: &str, b: &str) -> f32 {
    let shingles = |text: &str| {
        let text = normalized_for_hash(text);
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        words
            .windows(SHINGLE_WORDS)
            .map(|some| some.join(" "))
            .collect::<HashSet<_>>()
    };
    let (a, b) = (shingles(a), shingles(b));
    a.intersection(&b).count() as f32 / a.union(&b).count() as f32
}

fn vary(text: &str, variant: Variant, other: &str) -> String {
    let all = words(text);
    match variant {
        Variant::Words(every) => {
            let strange = words(other);
            let changed = all
                .iter()
                .enumerate()
                .map(|(at, word)| match at % every == every / 2 {
                    true => format!("{}{}", strange[at % strange.len()], at % 7),
                    false => (*word).to_owned(),
                });
            changed.collect::<Vec<_>>().join(" ")
        }
        Variant::CutTail => all[..all.len() * 9 / 10].join(" "),
        Variant::Preface => {
            let front = words(other);
            let front = &front[..front.len().min(all.len() / 5)];
            format!("{}\n\n{text}", front.join(" "))
        }
        Variant::Reordered => {
            let mut sentences: Vec<&str> = text.split_inclusive(['.', ';', '\n']).collect();
            sentences.reverse();
            sentences.join(" ")
        }
        Variant::Typed => all.join("\n").to_uppercase().replace(',', " ;"),
    }
}

/// A document found by its words, with the signature of its text.
async fn put(library: &SqliteLibrary, ids: &SequentialIds, text: &str) -> Result<DocumentId> {
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let hash = ContentHash::from_bytes(Sha256::digest(text.as_bytes()).into());
    let document_id = DocumentId::from_uuid(ids.next());
    let version_id = VersionId::from_uuid(ids.next());
    let acceptance = Acceptance {
        document_id,
        accepted_as: AcceptedAs::NewDocument {
            details: DocumentDetails {
                title: None,
                description: None,
                tags: Vec::new(),
                collection: CollectionName::default(),
                filename: "a.txt".to_owned(),
            },
            source: None,
        },
        version_id,
        job_id: JobId::from_uuid(ids.next()),
        blob: BlobKey(format!("temp/{version_id}")),
        content_type: ContentType::parse(ContentType::TEXT).context("no type")?,
        file_size: text.len() as u64,
        file_hash: hash,
        kept_hash: None,
    };
    let accepted = library.accept(&scope, &acceptance).await?;
    let claimed = library.claim(&accepted.job, "bench").await?.context("not free")?;
    let chars = u32::try_from(text.chars().count())?;
    let extracted = ExtractedDocument {
        pages: vec![Page {
            number: 1,
            text: text.to_owned(),
            blocks: vec![Block {
                kind: BlockKind::Paragraph,
                span: CharSpan::new(0, chars),
            }],
            ..Page::default()
        }],
        signature: Signature::of(text),
        ..ExtractedDocument::default()
    };
    library.save_extraction(&claimed.lease, &extracted, hash).await?;
    let chunk = ids_testkit::stores::chunk(0, "texto");
    library.replace(&claimed.lease, &[chunk]).await?;
    library.complete(&claimed.lease, None).await?;
    Ok(document_id)
}
