//! Which model embeds: the one that is set, or, until the library is changed over to it, the one its vectors are of.
//!
//! Vectors of two models are never compared, so a library whose vectors are of one model goes on with that model when another
//! one is set, and `ids reindex --embeddings` makes the other vectors beside the old ones. Which model serves is read off the
//! vectors themselves: the one with most of them, the one that is set where they are even. No process has to be told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Library;
use crate::embedding::EmbeddingModel;
use crate::ports::Embedder;

/// The models that can embed, and the one that does.
#[derive(Clone)]
pub struct Embedders {
    /// The one that is set stands first.
    all: Arc<[Arc<dyn Embedder>]>,
    current: Arc<AtomicUsize>,
}

/// What the vectors of a library say of the models that are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The model that is set serves, alone.
    Settled,
    /// This model still serves; the vectors of the one that is set are to be made.
    Behind(EmbeddingModel),
    /// Most vectors are of a model that nobody here can ask: those documents are found by their words only.
    Unserved(EmbeddingModel),
}

impl Embedders {
    /// The model that is set, and others that can serve what is there.
    pub fn new(wanted: Arc<dyn Embedder>, others: impl IntoIterator<Item = Arc<dyn Embedder>>) -> Self {
        Self {
            all: std::iter::once(wanted).chain(others).collect(),
            current: Arc::default(),
        }
    }

    /// The one that serves. Whoever needs a query's vector and its model takes both from one call of this.
    pub fn current(&self) -> Arc<dyn Embedder> {
        Arc::clone(&self.all[self.current.load(Ordering::Acquire)])
    }

    /// The one that is set.
    pub fn wanted(&self) -> &Arc<dyn Embedder> {
        &self.all[0]
    }

    /// Whether there is a choice at all.
    pub fn is_choice(&self) -> bool {
        self.all.len() > 1
    }

    /// Lets that model serve which most vectors are of, of those that can be asked. `vectors`: how many there are of each.
    pub fn settle(&self, vectors: &[(EmbeddingModel, u64)]) -> Standing {
        let count = |model: &EmbeddingModel| -> u64 {
            vectors
                .iter()
                .filter(|(of, _)| of == model)
                .map(|(_, count)| count)
                .sum()
        };
        let mut best = 0;
        for (index, embedder) in self.all.iter().enumerate() {
            if count(embedder.model()) > count(self.all[best].model()) {
                best = index;
            }
        }
        self.current.store(best, Ordering::Release);
        let serving = self.all[best].model();
        let unserved = vectors
            .iter()
            .filter(|(model, of)| *of > count(serving) && self.all.iter().all(|it| it.model() != model))
            .max_by_key(|(_, count)| *count);
        match unserved {
            Some((model, _)) => Standing::Unserved(model.clone()),
            None if best == 0 => Standing::Settled,
            None => Standing::Behind(serving.clone()),
        }
    }
}

impl<E: Embedder + 'static> From<Arc<E>> for Embedders {
    fn from(embedder: Arc<E>) -> Self {
        Self::new(embedder, [])
    }
}

/// How often a process looks whether another model serves now.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Looks at the vectors now and then, until the model that is set serves: another process may change the library over. Without a
/// choice, once: each look counts all vectors.
pub async fn watch_embedders(library: &Library, stop: &CancellationToken) {
    let mut known = None;
    loop {
        match library.settle_embedders().await {
            Ok(standing) => {
                if known.as_ref() != Some(&standing) {
                    tell(library.ports.embedders.wanted().model(), &standing);
                }
                if standing == Standing::Settled || !library.ports.embedders.is_choice() {
                    return;
                }
                known = Some(standing);
            }
            Err(refusal) => {
                let error: &dyn std::error::Error = &refusal;
                tracing::debug!(error, "the vectors cannot be looked at now");
            }
        }
        // Both may be dropped: neither does anything.
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn tell(wanted: &EmbeddingModel, standing: &Standing) {
    let wanted = &wanted.name;
    match standing {
        Standing::Settled => tracing::debug!("`{wanted}` embeds"),
        Standing::Behind(serving) => tracing::warn!(
            "the library's vectors are of `{}`, which goes on embedding; run `ids reindex --embeddings` to change over to `{wanted}`",
            serving.name
        ),
        Standing::Unserved(gone) => tracing::warn!(
            "most of the library's vectors are of `{}`, which is not set here: those documents are found by their words only, until \
             `ids reindex --embeddings` makes vectors of `{wanted}`",
            gone.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::{Embedders, Standing};
    use crate::embedding::{Embedding, EmbeddingModel};
    use crate::ports::{CountedError, CountedVectors, EmbedTexts, Embedder};

    struct Named(EmbeddingModel);

    #[async_trait]
    impl Embedder for Named {
        fn model(&self) -> &EmbeddingModel {
            &self.0
        }

        async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
            Ok(vec![Embedding::from_f32(&[1.0]); texts.count()].into())
        }
    }

    fn model(name: &str) -> EmbeddingModel {
        EmbeddingModel {
            name: name.to_owned(),
            dimensions: 1,
        }
    }

    fn named(name: &str) -> Arc<dyn Embedder> {
        Arc::new(Named(model(name)))
    }

    #[test]
    fn the_model_of_most_vectors_serves_and_the_one_that_is_set_where_they_are_even() {
        let embedders = Embedders::new(named("set"), [named("old")]);
        let check = |vectors: &[(&str, u64)], serving: &str, standing: Standing| {
            let vectors: Vec<_> = vectors
                .iter()
                .map(|(name, count)| (model(name), *count))
                .collect();
            assert_eq!(embedders.settle(&vectors), standing, "{vectors:?}");
            assert_eq!(embedders.current().model().name, serving, "{vectors:?}");
        };
        check(&[], "set", Standing::Settled);
        check(&[("old", 3)], "old", Standing::Behind(model("old")));
        check(&[("old", 3), ("set", 2)], "old", Standing::Behind(model("old")));
        check(&[("old", 3), ("set", 3)], "set", Standing::Settled);
        check(&[("set", 3)], "set", Standing::Settled);
        check(
            &[("gone", 5), ("old", 2)],
            "old",
            Standing::Unserved(model("gone")),
        );
        check(&[("gone", 5), ("set", 6)], "set", Standing::Settled);
        // Of organizations, each counted by itself.
        check(&[("old", 3), ("set", 2), ("set", 2)], "set", Standing::Settled);
    }
}
