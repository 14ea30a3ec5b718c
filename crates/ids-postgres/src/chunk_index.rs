//! The port `ChunkIndex`.

use async_trait::async_trait;
use ids_core::chunk::{Candidate, ChunkDetail, Filter, NewChunk, UnembeddedChunk};
use ids_core::embedding::{Embedding, EmbeddingModel};
use ids_core::error::StoreError;
use ids_core::id::ChunkId;
use ids_core::job::Lease;
use ids_core::ports::{ChunkIndex, CorpusStatistics, Replaced, WeightedTerm};
use ids_core::scope::Scope;
use ids_text::Term;

use crate::library::PostgresLibrary;
use crate::statistics::{self, StatisticsDifference};
use crate::{chunks, lexical, models, reindex, vectors};

impl PostgresLibrary {
    /// Counts what is kept of the visible chunks again, from the chunks themselves, and names each difference. Holds an
    /// organization's postings in memory: for tests, and for whoever doubts a library.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    pub async fn verify_statistics(&self) -> Result<Vec<StatisticsDifference>, StoreError> {
        let mut differences = Vec::new();
        for organization in self
            .database
            .read_shared(|tx| Box::pin(statistics::organizations(tx)))
            .await?
        {
            let found = self
                .database
                .read(organization, |tx| Box::pin(statistics::verify(tx, organization)))
                .await?;
            differences.extend(found);
        }
        Ok(differences)
    }
}

#[async_trait]
impl ChunkIndex for PostgresLibrary {
    async fn replace(&self, lease: &Lease, chunks: &[NewChunk]) -> Result<Replaced, StoreError> {
        let organization = lease.job.organization;
        let replaced = self
            .database
            .write(organization, |tx| Box::pin(chunks::replace(tx, lease, chunks)))
            .await?;
        statistics::fold_if_due(&self.database, organization).await;
        Ok(replaced)
    }

    async fn list_unembedded(
        &self,
        lease: &Lease,
        model: &EmbeddingModel,
        limit: usize,
    ) -> Result<Vec<UnembeddedChunk>, StoreError> {
        self.database
            .read(lease.job.organization, |tx| {
                Box::pin(chunks::list_unembedded(tx, lease, model, limit))
            })
            .await
    }

    async fn store_embeddings(
        &self,
        lease: &Lease,
        model: &EmbeddingModel,
        embeddings: &[(u32, Embedding)],
    ) -> Result<(), StoreError> {
        models::ensure(&self.database, model).await?;
        self.database
            .write(lease.job.organization, |tx| {
                Box::pin(chunks::store_embeddings(tx, lease, model, embeddings))
            })
            .await
    }

    async fn statistics(&self, scope: &Scope, terms: &[Term]) -> Result<CorpusStatistics, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(statistics::read(tx, scope.organization, terms))
            })
            .await
    }

    async fn count_chunks(&self, scope: &Scope, filter: &Filter) -> Result<u64, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(chunks::count(tx, scope, filter))
            })
            .await
    }

    async fn lexical_candidates(
        &self,
        scope: &Scope,
        filter: &Filter,
        terms: &[WeightedTerm],
    ) -> Result<Vec<ChunkId>, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(lexical::candidates(tx, scope, filter, terms))
            })
            .await
    }

    async fn nearest(
        &self,
        scope: &Scope,
        filter: &Filter,
        model: &EmbeddingModel,
        query: &Embedding,
        limit: usize,
    ) -> Result<Vec<ChunkId>, StoreError> {
        let capabilities = self.database.capabilities;
        self.database
            .read(scope.organization, |tx| {
                Box::pin(vectors::nearest(
                    tx,
                    capabilities,
                    (scope, filter),
                    model,
                    query,
                    limit,
                ))
            })
            .await
    }

    async fn load_candidates(
        &self,
        scope: &Scope,
        chunk_ids: &[ChunkId],
        terms: &[Term],
        model: Option<&EmbeddingModel>,
    ) -> Result<Vec<Candidate>, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(chunks::load_candidates(tx, scope, chunk_ids, terms, model))
            })
            .await
    }

    async fn load_details(
        &self,
        scope: &Scope,
        chunk_ids: &[ChunkId],
    ) -> Result<Vec<ChunkDetail>, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(chunks::load_details(tx, scope, chunk_ids))
            })
            .await
    }

    async fn embedding_models(&self, scope: &Scope) -> Result<Vec<(EmbeddingModel, u64)>, StoreError> {
        self.database
            .read(scope.organization, |tx| Box::pin(models::list(tx, scope)))
            .await
    }

    async fn list_visible_unembedded(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        after: ChunkId,
        limit: usize,
    ) -> Result<Vec<ChunkId>, StoreError> {
        self.database
            .read(scope.organization, |tx| {
                Box::pin(reindex::list(tx, scope, model, after, limit))
            })
            .await
    }

    async fn store_visible_embeddings(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        embeddings: &[(ChunkId, Embedding)],
    ) -> Result<u64, StoreError> {
        models::ensure(&self.database, model).await?;
        self.database
            .write(scope.organization, |tx| {
                Box::pin(reindex::store(tx, scope, model, embeddings))
            })
            .await
    }

    async fn remove_other_embeddings(
        &self,
        scope: &Scope,
        model: &EmbeddingModel,
        limit: usize,
    ) -> Result<u64, StoreError> {
        self.database
            .write(scope.organization, |tx| {
                Box::pin(reindex::remove_others(tx, scope, model, limit))
            })
            .await
    }
}
