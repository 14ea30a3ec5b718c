//! How long the store takes with many chunks: `cargo run -p ids-sqlite --release --example scale -- 100000`.
//!
//! Words follow Zipf's law over 50,000 words, each two terms as in the real analysis; vectors lie in clusters around a
//! mean of norm .89, as those of the built-in model do (design.md 4). All from one seed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that measures and prints"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ids_core::chunk::{Filter, NewChunk};
use ids_core::document::{Acceptance, AcceptedAs, BlobKey, ContentHash, ContentType, DocumentDetails};
use ids_core::embedding::{Embedding, EmbeddingModel, inner_product};
use ids_core::id::{DocumentId, JobId, OrganizationId, VersionId};
use ids_core::ports::{ChunkIndex, Clock, DocumentStore, JobStore, WeightedTerm};
use ids_core::scope::{CollectionName, Scope};
use ids_core::span::{CharSpan, PageSpan};
use ids_core::time::Timestamp;
use ids_sqlite::SqliteLibrary;
use ids_text::Term;
use ids_text::term::Kind;
use uuid::Uuid;

const CHUNKS_PER_DOCUMENT: usize = 1_000;
const WORDS_PER_CHUNK: usize = 80;
const VOCABULARY: f64 = 50_000.0;
const DIMENSIONS: usize = 384;

struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_767_323_045_000_000)
    }
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Sum of twelve: near enough to a normal distribution.
    fn normal(&mut self) -> f32 {
        ((0..12).map(|_| self.next()).sum::<f64>() - 6.0) as f32
    }

    /// A word's rank by Zipf's law (density 1/x).
    fn rank(&mut self) -> usize {
        VOCABULARY.powf(self.next()) as usize
    }
}

struct VectorMaker {
    mean: Vec<f32>,
    clusters: Vec<Vec<f32>>,
}

impl VectorMaker {
    fn new(random: &mut Random) -> Self {
        let mean = unit((0..DIMENSIONS).map(|_| random.normal()).collect(), 0.89);
        let clusters = (0..500)
            .map(|_| unit((0..DIMENSIONS).map(|_| random.normal()).collect(), 0.33))
            .collect();
        Self { mean, clusters }
    }

    fn make(&self, random: &mut Random) -> Embedding {
        let cluster = &self.clusters[(random.next() * self.clusters.len() as f64) as usize];
        let own = unit((0..DIMENSIONS).map(|_| random.normal()).collect(), 0.31);
        let sum = (0..DIMENSIONS)
            .map(|at| self.mean[at] + cluster[at] + own[at])
            .collect();
        Embedding::from_f32(&unit(sum, 1.0))
    }
}

fn unit(values: Vec<f32>, length: f32) -> Vec<f32> {
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.into_iter().map(|value| value * length / norm).collect()
}

fn terms_of(rank: usize) -> [Term; 2] {
    let word: String = format!("{rank:x}")
        .chars()
        .map(|digit| char::from(b'a' + digit.to_digit(16).unwrap() as u8))
        .collect();
    [
        Term::encode(Kind::Portuguese, &format!("palav{word}")),
        Term::encode(Kind::English, &format!("palavra{word}")),
    ]
}

fn chunk(index: usize, random: &mut Random) -> NewChunk {
    let mut terms: BTreeMap<Term, u32> = BTreeMap::new();
    for _ in 0..WORDS_PER_CHUNK {
        for term in terms_of(random.rank()) {
            *terms.entry(term).or_default() += 1;
        }
    }
    NewChunk {
        chunk_index: index as u32,
        content: "Texto de um trecho com cerca de seiscentos caracteres. ".repeat(11),
        heading: Some("Capítulo I › Das disposições gerais".to_owned()),
        spans: vec![PageSpan {
            page_number: 1,
            span: CharSpan::new(0, 600),
        }],
        terms: terms.into_iter().collect(),
        length: 2 * WORDS_PER_CHUNK as u32,
    }
}

fn percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{name:<44} p50 {:>9.2?}  p99 {:>9.2?}", at(50), at(99));
}

/// Seconds of CPU this process has used, all threads (in clock ticks of 10 ms): tells more than wall time where other
/// programs run.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse().ok())
        .collect();
    ticks.iter().sum::<f64>() / 100.0
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0)
        / 1_024
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count: usize = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let folder: PathBuf = std::env::temp_dir().join(format!("ids-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    measure(&folder, count).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn measure(folder: &std::path::Path, count: usize) {
    let library = SqliteLibrary::open_in(folder, Arc::new(StillClock)).unwrap();
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let model = EmbeddingModel {
        name: "scale".to_owned(),
        dimensions: DIMENSIONS,
    };
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let vectors = VectorMaker::new(&mut random);
    let mut all: Vec<Vec<f32>> = Vec::new();
    let (mut replacing, mut storing) = (Vec::new(), Vec::new());
    let mut documents = Vec::new();
    let mut replace_cpu = 0.0;
    for number in 0..count.div_ceil(CHUNKS_PER_DOCUMENT) {
        let chunks: Vec<NewChunk> = (0..CHUNKS_PER_DOCUMENT)
            .map(|at| chunk(at, &mut random))
            .collect();
        let id = |kind: u128| Uuid::from_u128(kind << 64 | number as u128);
        let acceptance = Acceptance {
            document_id: DocumentId::from_uuid(id(1)),
            accepted_as: AcceptedAs::NewDocument {
                details: DocumentDetails {
                    title: None,
                    description: None,
                    tags: Vec::new(),
                    collection: CollectionName::default(),
                    filename: format!("{number}.pdf"),
                },
                source: None,
            },
            version_id: VersionId::from_uuid(id(2)),
            job_id: JobId::from_uuid(id(3)),
            blob: BlobKey(format!("temp/{number}")),
            content_type: ContentType::parse(ContentType::PDF).unwrap(),
            file_size: 1,
            file_hash: ContentHash::from_bytes([number as u8; 32]),
            kept_hash: None,
        };
        let accepted = library.accept(&scope, &acceptance).await.unwrap();
        let lease = library
            .claim(&accepted.job, "scale")
            .await
            .unwrap()
            .unwrap()
            .lease;
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        library.replace(&lease, &chunks).await.unwrap();
        replacing.push(begin.elapsed());
        replace_cpu += cpu_seconds() - cpu;
        let made: Vec<(u32, Embedding)> = (0..CHUNKS_PER_DOCUMENT as u32)
            .map(|at| (at, vectors.make(&mut random)))
            .collect();
        for batch in made.chunks(32) {
            let begin = Instant::now();
            library.store_embeddings(&lease, &model, batch).await.unwrap();
            storing.push(begin.elapsed());
        }
        all.extend(made.iter().map(|(_, vector)| vector.to_f32()));
        let begin = Instant::now();
        library.complete(&lease, None).await.unwrap();
        storing.push(begin.elapsed());
        documents.push(accepted.document_id);
    }
    println!(
        "{} chunks in {} documents, {} MiB resident",
        all.len(),
        documents.len(),
        resident_mib()
    );
    println!(
        "CPU of one replace: {:.0} ms",
        replace_cpu * 1_000.0 / documents.len() as f64
    );
    percentiles("replace (1,000 chunks)", replacing);
    percentiles("store_embeddings (32) and complete", storing);

    let everything = Filter::default();
    let few = Filter {
        document_ids: documents.iter().step_by(10).copied().collect(),
        ..Filter::default()
    };
    for (name, filter) in [("all", &everything), ("a tenth of the documents", &few)] {
        let (mut lexical, mut loading, mut found) = (Vec::new(), Vec::new(), 0);
        let cpu = cpu_seconds();
        for _ in 0..200 {
            let mut terms: Vec<Term> = (0..5).flat_map(|_| terms_of(random.rank())).collect();
            terms.sort();
            terms.dedup();
            let begin = Instant::now();
            let statistics = library.statistics(&scope, &terms).await.unwrap();
            let mut ordered: Vec<(u64, Term)> = statistics
                .document_frequencies
                .into_iter()
                .zip(terms.clone())
                .collect();
            ordered.sort();
            let weighted: Vec<WeightedTerm> = ordered
                .into_iter()
                .map(|(df, term)| WeightedTerm {
                    term,
                    weight: 20_000_000 / (df + 1),
                })
                .collect();
            let candidates = library
                .lexical_candidates(&scope, filter, &weighted)
                .await
                .unwrap();
            lexical.push(begin.elapsed());
            found += candidates.len();
            let begin = Instant::now();
            library
                .load_candidates(&scope, &candidates, &terms, None)
                .await
                .unwrap();
            loading.push(begin.elapsed());
        }
        println!(
            "CPU of one search by words, {name}: {:.1} ms",
            (cpu_seconds() - cpu) * 5.0
        );
        percentiles(&format!("statistics + lexical_candidates, {name}"), lexical);
        percentiles(
            &format!("load_candidates ({} each), {name}", found / 200),
            loading,
        );

        let (mut near, mut hits, mut returned) = (Vec::new(), 0, 0);
        let queries: Vec<Embedding> = (0..100).map(|_| vectors.make(&mut random)).collect();
        let cpu = cpu_seconds();
        for query in &queries {
            library.nearest(&scope, filter, &model, query, 100).await.unwrap();
        }
        println!(
            "CPU of one nearest, {name}: {:.1} ms",
            (cpu_seconds() - cpu) * 10.0
        );
        for query in queries {
            let begin = Instant::now();
            let nearest = library
                .nearest(&scope, filter, &model, &query, 100)
                .await
                .unwrap();
            near.push(begin.elapsed());
            returned += nearest.len();
            if std::ptr::eq(filter, &everything) {
                let query = query.to_f32();
                let mut exact: Vec<(f32, i64)> = (1..)
                    .zip(&all)
                    .map(|(id, vector)| (inner_product(&query, vector), id))
                    .collect();
                exact.sort_by(|a, b| b.0.total_cmp(&a.0));
                hits += exact[..10]
                    .iter()
                    .filter(|(_, id)| nearest.iter().any(|chunk| chunk.0 == *id))
                    .count();
            }
        }
        percentiles(&format!("nearest ({} each), {name}", returned / 100), near);
        if std::ptr::eq(filter, &everything) {
            println!("recall@10 against an exact scan: {:.4}", hits as f64 / 1_000.0);
        }
    }
    let begin = Instant::now();
    assert_eq!(library.verify_statistics().await.unwrap(), []);
    println!("verify_statistics {:.2?}", begin.elapsed());
    let begin = Instant::now();
    library.delete_document(&scope, documents[0]).await.unwrap();
    println!("delete_document (1,000 chunks) {:.2?}", begin.elapsed());
    library.close().await;
    let begin = Instant::now();
    let library = SqliteLibrary::open_in(folder, Arc::new(StillClock)).unwrap();
    println!(
        "open again {:.2?}, {} MiB resident",
        begin.elapsed(),
        resident_mib()
    );
    let size = std::fs::metadata(SqliteLibrary::path_in(folder)).unwrap().len();
    println!("file {} MiB", size / 1_048_576);
    library.close().await;
}
