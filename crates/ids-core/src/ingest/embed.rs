//! Chunks to stored embeddings, batch by batch: a kill loses one batch.

use tokio_util::sync::CancellationToken;

use super::{StepError, progress};
use crate::document::{Version, title_from_filename};
use crate::error::{ErrorCode, Failure};
use crate::library::{Library, NoVectors};
use crate::limits;
use crate::ports::{ClaimedJob, EmbedError, EmbedTexts};
use crate::scope::Scope;

/// How far a turn of embedding got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Embedded {
    /// Chunks are left for the next turn.
    Some {
        /// How many.
        left: u32,
    },
    /// Every chunk has its embedding.
    All,
}

/// Embeds up to [`limits::EMBED_TURN`] chunks; between batches it looks at `stop`.
pub(super) async fn run(
    library: &Library,
    claimed: &ClaimedJob,
    stop: &CancellationToken,
) -> Result<Embedded, StepError> {
    let (chunks, embedder) = (&library.ports.chunks, library.ports.embedders.current());
    let scope = Scope::organization(claimed.lease.job.organization);
    let total = claimed.version.chunk_count;
    let title = title_of(&claimed.version);
    let mut embedded = claimed.version.embedded_count;
    let mut in_this_turn = 0;
    while in_this_turn < limits::EMBED_TURN && !stop.is_cancelled() {
        let batch = chunks
            .list_unembedded(&claimed.lease, embedder.model(), limits::EMBED_BATCH)
            .await?;
        if batch.is_empty() {
            return Ok(Embedded::All);
        }
        let texts: Vec<String> = batch
            .iter()
            .map(|chunk| passage_text(&title, chunk.heading.as_deref(), &chunk.content))
            .collect();
        let vectors = library
            .embed(
                &scope,
                &*embedder,
                EmbedTexts::Passages(&texts),
                vec![claimed.lease.document_id],
            )
            .await
            .map_err(step_error_of)?;
        if vectors.len() != batch.len() {
            return Err(unusable().into());
        }
        let vectors: Vec<_> = batch.iter().map(|chunk| chunk.chunk_index).zip(vectors).collect();
        chunks
            .store_embeddings(&claimed.lease, embedder.model(), &vectors)
            .await?;
        in_this_turn += vectors.len();
        embedded += vectors.len() as u32;
        library
            .ports
            .jobs
            .advance(&claimed.lease, &progress::of_chunks(embedded, total))
            .await?;
    }
    let left = total.saturating_sub(embedded);
    // Nothing left is said only by the store, in the next turn or here.
    if left == 0
        && chunks
            .list_unembedded(&claimed.lease, embedder.model(), 1)
            .await?
            .is_empty()
    {
        return Ok(Embedded::All);
    }
    Ok(Embedded::Some { left: left.max(1) })
}

/// The title a version is indexed and embedded with.
pub(super) fn title_of(version: &Version) -> String {
    version
        .title
        .clone()
        .unwrap_or_else(|| title_from_filename(&version.filename))
}

/// What is embedded for a chunk: title and heading path in front of its content (design.md 4, "chunks").
pub fn passage_text(title: &str, heading: Option<&str>, content: &str) -> String {
    let mut text = String::with_capacity(content.len() + title.len() + 64);
    for part in [Some(title), heading]
        .into_iter()
        .flatten()
        .filter(|part| !part.trim().is_empty())
    {
        text.extend(part.chars().take(limits::CHUNK_CONTEXT_CHARS));
        text.push('\n');
    }
    text.push_str(content);
    text
}

fn step_error_of(error: NoVectors) -> StepError {
    match error {
        NoVectors::Model(error) => failure_of(error).into(),
        NoVectors::OverBudget(party) => Failure::of_budget(NoVectors::reason(party)).into(),
        NoVectors::Ledger(error) => error.into(),
    }
}

fn failure_of(error: EmbedError) -> Failure {
    let (EmbedError::Unavailable(ref source) | EmbedError::Unusable(ref source)) = error;
    tracing::warn!(error = &**source as &(dyn std::error::Error + 'static), "{error}");
    match error {
        EmbedError::Unavailable(_) => Failure::of_dependency("the embedding model cannot be reached"),
        EmbedError::Unusable(_) => unusable(),
    }
}

fn unusable() -> Failure {
    Failure::passing(
        ErrorCode::EmbeddingFailed,
        "the embedding model gave no usable vectors; the document is found by its words",
    )
}

#[cfg(test)]
mod tests {
    use super::passage_text;

    #[test]
    fn title_and_headings_stand_in_front_and_are_bounded() {
        assert_eq!(
            passage_text("Edital", Some("1 Objeto"), "Compra."),
            "Edital\n1 Objeto\nCompra."
        );
        assert_eq!(passage_text("", None, "Compra."), "Compra.");
        assert_eq!(passage_text(&"t".repeat(9_000), None, "x").len(), 302);
    }
}
