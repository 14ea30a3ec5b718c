//! Changing a library over to another embedding model (`ids reindex --embeddings`), in turns: each is short, loses nothing when
//! it is killed, and leaves the library as searchable as it found it.
//!
//! 1. Chunks that lack a vector of the model that is set get one, beside what they have, which serves meanwhile.
//! 2. When none lacks one any more, the model that is set serves ([`Embedders::settle`](super::Embedders::settle)).
//! 3. Vectors of other models go, where the chunk has one of the model that is set.

use std::collections::BTreeMap;

use super::{Library, NoVectors, Standing};
use crate::chunk::{ChunkDetail, Filter};
use crate::embedding::EmbeddingModel;
use crate::error::{ErrorCode, Refusal};
use crate::id::{ChunkId, DocumentId, OrganizationId};
use crate::ingest::passage_text;
use crate::limits;
use crate::ports::EmbedTexts;
use crate::scope::Scope;

/// How far the library is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReindexState {
    /// The model that is set.
    pub model: EmbeddingModel,
    /// Visible chunks of all organizations.
    pub chunks: u64,
    /// Those that have a vector of the model.
    pub done: u64,
}

/// Where a turn ended, and the next one goes on: looking from the beginning each time would cost the square of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReindexCursor {
    /// The organization it came to.
    pub organization: OrganizationId,
    /// The last chunk that was looked at.
    pub after: ChunkId,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReindexTurn {
    /// Chunks that got a vector.
    pub embedded: u64,
    /// Where to go on; `None` when every organization was looked through.
    pub next: Option<ReindexCursor>,
}

impl Library {
    /// Lets the model serve that the vectors of all organizations are of; says how that stands.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE` when the store cannot be asked.
    pub async fn settle_embedders(&self) -> Result<Standing, Refusal> {
        let mut vectors: BTreeMap<(String, usize), u64> = BTreeMap::new();
        for scope in self.all_scopes().await? {
            for (model, count) in self.ports.chunks.embedding_models(&scope).await? {
                *vectors.entry((model.name, model.dimensions)).or_default() += count;
            }
        }
        let vectors: Vec<_> = vectors
            .into_iter()
            .map(|((name, dimensions), count)| (EmbeddingModel { name, dimensions }, count))
            .collect();
        Ok(self.ports.embedders.settle(&vectors))
    }

    /// How far the library is. Counts all vectors: for the beginning, not for each turn.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE` when the store cannot be asked.
    pub async fn reindex_state(&self) -> Result<ReindexState, Refusal> {
        let mut state = ReindexState {
            model: self.ports.embedders.wanted().model().clone(),
            chunks: 0,
            done: 0,
        };
        for scope in self.all_scopes().await? {
            state.chunks += self.ports.chunks.count_chunks(&scope, &Filter::default()).await?;
            let models = self.ports.chunks.embedding_models(&scope).await?;
            let of_model = models.iter().filter(|(of, _)| *of == state.model);
            state.done += of_model.map(|(_, count)| count).sum::<u64>();
        }
        Ok(state)
    }

    /// A turn of the first step: vectors of the model that is set, for chunks that lack one. At the end of a pass over all
    /// organizations that model serves, if none lacks one any more.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE` when the model or the store cannot be asked; what was done before stays.
    pub async fn embed_what_lacks(&self, from: Option<ReindexCursor>) -> Result<ReindexTurn, Refusal> {
        let mut scopes = self.all_scopes().await?;
        if let Some(from) = from {
            // An organization that is gone ends the pass: the next one begins anew.
            let at = scopes
                .iter()
                .position(|scope| scope.organization == from.organization);
            scopes.drain(..at.unwrap_or(scopes.len()));
        }
        let mut after = from.map_or(ChunkId(0), |from| from.after);
        let mut embedded = 0;
        for scope in scopes {
            while embedded < limits::REINDEX_TURN as u64 {
                let Some((last, count)) = self.embed_batch(&scope, after).await? else {
                    break;
                };
                after = last;
                embedded += count;
            }
            if embedded >= limits::REINDEX_TURN as u64 {
                let next = ReindexCursor {
                    organization: scope.organization,
                    after,
                };
                return Ok(ReindexTurn {
                    embedded,
                    next: Some(next),
                });
            }
            after = ChunkId(0);
        }
        self.settle_embedders().await?;
        Ok(ReindexTurn { embedded, next: None })
    }

    /// A turn of the last step: removes vectors of other models where there is one of the model that is set. How many; 0 at the end.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE` when the store cannot be asked.
    pub async fn remove_other_embeddings(&self) -> Result<u64, Refusal> {
        let model = self.ports.embedders.wanted().model();
        let mut removed = 0;
        for scope in self.all_scopes().await? {
            let chunks = &self.ports.chunks;
            removed += chunks
                .remove_other_embeddings(&scope, model, limits::REINDEX_REMOVED)
                .await?;
        }
        Ok(removed)
    }

    async fn all_scopes(&self) -> Result<Vec<Scope>, Refusal> {
        let organizations = self.list_organizations().await?;
        let scopes = organizations
            .iter()
            .map(|it| Scope::organization(it.organization_id));
        Ok(scopes.collect())
    }

    /// Embeds the next chunks after `after` that lack a vector: the last of them, and how many got one; `None` when none lacks one.
    async fn embed_batch(&self, scope: &Scope, after: ChunkId) -> Result<Option<(ChunkId, u64)>, Refusal> {
        let (chunks, embedder) = (&self.ports.chunks, self.ports.embedders.wanted());
        let model = embedder.model();
        let ids = chunks
            .list_visible_unembedded(scope, model, after, limits::EMBED_BATCH)
            .await?;
        let Some(last) = ids.last() else {
            return Ok(None);
        };
        let details = chunks.load_details(scope, &ids).await?;
        let texts: Vec<String> = details.iter().map(text_of).collect();
        let mut documents: Vec<DocumentId> = Vec::new();
        for chunk in &details {
            if !documents.contains(&chunk.document_id) {
                documents.push(chunk.document_id);
            }
        }
        let vectors = self
            .embed(scope, &**embedder, EmbedTexts::Passages(&texts), documents)
            .await
            .map_err(refused)?;
        let vectors: Vec<_> = details.iter().map(|chunk| chunk.chunk_id).zip(vectors).collect();
        let stored = chunks.store_visible_embeddings(scope, model, &vectors).await?;
        Ok(Some((*last, stored)))
    }
}

fn text_of(chunk: &ChunkDetail) -> String {
    passage_text(&chunk.document_title, chunk.heading.as_deref(), &chunk.content)
}

fn refused(error: NoVectors) -> Refusal {
    let of_model = Refusal::new(
        ErrorCode::DependencyUnavailable,
        "the embedding model that is set gives no vectors; see the log, and try again: what was done stays done",
    );
    error.refused(of_model.retry_after(limits::POSTPONE))
}
