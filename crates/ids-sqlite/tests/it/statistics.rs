//! Statistics and postings stay exact whatever happens to documents, in any order.

use ids_core::chunk::Filter;
use ids_core::error::{ErrorCode, Failure};
use ids_core::ports::Accepted;
use ids_testkit::stores::{NewDocument, Prepared, direction, term};
use proptest::prelude::*;

use crate::{Stores, library};

#[derive(Debug, Clone)]
enum Step {
    /// A new document with its chunks, one a number of words.
    Prepare(Vec<u8>),
    /// A further version of some document, up to its chunks.
    Further(usize, Vec<u8>),
    Embed(usize),
    Complete(usize),
    Fail(usize),
    FailToEmbed(usize),
    Cancel(usize),
    Delete(usize),
    /// Everything at once.
    DeleteOrganization,
}

fn step() -> impl Strategy<Value = Step> {
    let chunks = proptest::collection::vec(0u8..12, 0..6);
    prop_oneof![
        3 => chunks.clone().prop_map(Step::Prepare),
        3 => (0usize..8, chunks).prop_map(|(at, chunks)| Step::Further(at, chunks)),
        1 => (0usize..8).prop_map(Step::Embed),
        3 => (0usize..8).prop_map(Step::Complete),
        1 => (0usize..8).prop_map(Step::Fail),
        1 => (0usize..8).prop_map(Step::FailToEmbed),
        1 => (0usize..8).prop_map(Step::Cancel),
        1 => (0usize..8).prop_map(Step::Delete),
        1 => Just(Step::DeleteOrganization),
    ]
}

/// Chunks of that many words out of a few.
fn texts(chunks: &[u8]) -> Vec<String> {
    let text = |(at, &words): (usize, &u8)| {
        (0..words)
            .map(|word| format!("w{}", (usize::from(word) * 7 + at) % 9))
            .collect::<Vec<_>>()
            .join(" ")
    };
    chunks.iter().enumerate().map(text).collect()
}

async fn prepare(stores: &Stores, accepted: &Accepted, chunks: &[u8]) -> Prepared {
    let claimed = stores.claim(accepted).await;
    let texts = texts(chunks);
    stores
        .prepare(&claimed, &texts.iter().map(String::as_str).collect::<Vec<_>>())
        .await
}

async fn run(steps: Vec<Step>) {
    let (stores, library, _folder) = library();
    let scope = Stores::scope();
    let mut all: Vec<Prepared> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        // A step on a document that is gone, or a lease that was lost, is refused and changes nothing.
        match step {
            Step::Prepare(chunks) => {
                let accepted = stores
                    .accept(&scope, &NewDocument::named(&format!("{number}.txt")))
                    .await;
                all.push(prepare(&stores, &accepted, chunks).await);
            }
            Step::Further(at, chunks) => {
                let Some(prepared) = all.get(*at) else { continue };
                if stores
                    .documents
                    .find_document(&scope, prepared.document_id)
                    .await
                    .unwrap()
                    .is_none()
                {
                    continue;
                }
                let name = format!("{number}.txt");
                let accepted = stores.accept_version(&scope, prepared.document_id, &name).await;
                all.push(prepare(&stores, &accepted, chunks).await);
            }
            Step::Embed(at) => {
                let Some(prepared) = all.get(*at) else { continue };
                let _ = stores
                    .chunks
                    .store_embeddings(
                        &prepared.lease,
                        &ids_testkit::stores::model(),
                        &[(0, direction(1.0))],
                    )
                    .await;
            }
            Step::Complete(at) => {
                let Some(prepared) = all.get(*at) else { continue };
                let _ = stores.jobs.complete(&prepared.lease, None).await;
            }
            Step::Fail(at) | Step::FailToEmbed(at) => {
                let Some(prepared) = all.get(*at) else { continue };
                let code = match step {
                    Step::Fail(_) => ErrorCode::Internal,
                    _ => ErrorCode::EmbeddingFailed,
                };
                let _ = stores
                    .jobs
                    .fail(&prepared.lease, &Failure::passing(code, "failed"), None)
                    .await;
            }
            Step::Cancel(at) => {
                let Some(prepared) = all.get(*at) else { continue };
                let _ = stores.jobs.cancel(&scope, prepared.lease.job.job_id).await;
            }
            Step::Delete(at) => {
                let Some(prepared) = all.get(*at) else { continue };
                let _ = stores
                    .documents
                    .delete_document(&scope, prepared.document_id)
                    .await;
            }
            Step::DeleteOrganization => {
                stores.organizations.delete_organization(&scope).await.unwrap();
            }
        }
    }
    assert_eq!(library.verify_statistics().await.unwrap(), []);
    let counts = stores.documents.library_counts(&scope).await.unwrap();
    let statistics = stores.chunks.statistics(&scope, &[term("w0")]).await.unwrap();
    assert_eq!(
        stores
            .chunks
            .count_chunks(&scope, &Filter::default())
            .await
            .unwrap(),
        counts.chunks
    );
    assert_eq!(statistics.chunks, counts.chunks);
    let holding = stores.found_by_word(&scope, "w0").await;
    assert_eq!(statistics.document_frequencies, [holding.len() as u64]);
    assert!(
        holding
            .iter()
            .all(|text| text.split(' ').any(|word| word == "w0"))
    );
    let models = stores.chunks.embedding_models(&scope).await.unwrap();
    assert_eq!(
        models.iter().map(|(_, count)| count).sum::<u64>(),
        counts.embeddings
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn statistics_stay_exact_whatever_happens(steps in proptest::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps));
    }
}
