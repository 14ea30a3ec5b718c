//! In front of a model that embeds.

use async_trait::async_trait;

use super::Placeholders;
use crate::embedding::EmbeddingModel;
use crate::ports::{CountedError, CountedVectors, EmbedTexts, Embedder};

/// An embedding model that is never told personal data. Each text has placeholders of its own, so that equal texts have equal vectors. Who looks
/// for a number finds it by its words.
pub struct ShieldedEmbedder<E> {
    embedder: E,
    model: EmbeddingModel,
}

impl<E: Embedder> ShieldedEmbedder<E> {
    /// Stands in front of `embedder`. Its vectors are others, and so is the name they are stored under.
    pub fn new(embedder: E) -> Self {
        let model = EmbeddingModel {
            name: format!("{}+shield", embedder.model().name),
            dimensions: embedder.model().dimensions,
        };
        Self { embedder, model }
    }
}

fn hide(text: &str) -> String {
    let mut placeholders = Placeholders::default();
    placeholders.avoid(text);
    placeholders.hide(text)
}

#[async_trait]
impl<E: Embedder> Embedder for ShieldedEmbedder<E> {
    fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    fn billed_as(&self) -> Option<&str> {
        self.embedder.billed_as()
    }

    async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let hidden: Vec<String> = texts.iter().map(hide).collect();
        let texts = match texts {
            EmbedTexts::Query(_) => EmbedTexts::Query(hidden.first().map_or("", String::as_str)),
            EmbedTexts::Sentences(_) => EmbedTexts::Sentences(&hidden),
            EmbedTexts::Passages(_) => EmbedTexts::Passages(&hidden),
        };
        self.embedder.embed(texts).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::ShieldedEmbedder;
    use crate::embedding::{Embedding, EmbeddingModel};
    use crate::ports::{CountedError, CountedVectors, EmbedTexts, Embedder};

    /// Notes what it is told.
    struct Told(EmbeddingModel, Mutex<Vec<String>>);

    #[async_trait]
    impl Embedder for Told {
        fn model(&self) -> &EmbeddingModel {
            &self.0
        }

        async fn embed(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
            self.1.lock().unwrap().extend(texts.iter().map(str::to_owned));
            Ok(vec![Embedding::from_f32(&[1.0]); texts.count()].into())
        }
    }

    #[tokio::test]
    async fn no_personal_data_reaches_the_model_and_its_vectors_have_a_name_of_their_own() {
        let model = EmbeddingModel {
            name: "m".to_owned(),
            dimensions: 1,
        };
        let shielded = ShieldedEmbedder::new(Told(model, Mutex::default()));
        assert_eq!(shielded.model().name, "m+shield");
        shielded.embed_query("o CPF 529.982.247-25").await.unwrap();
        let texts = ["a@b.org".to_owned(), "529.982.247-25".to_owned()];
        shielded.embed_passages(&texts).await.unwrap();
        shielded.embed(EmbedTexts::Sentences(&texts[1..])).await.unwrap();
        let told = shielded.embedder.1.lock().unwrap().clone();
        assert_eq!(told, ["o CPF [CPF_1]", "[EMAIL_1]", "[CPF_1]", "[CPF_1]"]);
    }
}
