//! In front of a model that embeds.

use async_trait::async_trait;

use super::Placeholders;
use crate::embedding::{Embedding, EmbeddingModel};
use crate::ports::{CountedError, CountedVectors, EmbedError, EmbedTexts, Embedder};

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

    async fn embed_query(&self, text: &str) -> Result<Embedding, EmbedError> {
        self.embedder.embed_query(&hide(text)).await
    }

    async fn embed_sentences(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        let hidden: Vec<String> = texts.iter().map(|text| hide(text)).collect();
        self.embedder.embed_sentences(&hidden).await
    }

    async fn embed_passages(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        let hidden: Vec<String> = texts.iter().map(|text| hide(text)).collect();
        self.embedder.embed_passages(&hidden).await
    }

    fn billed_as(&self) -> Option<&str> {
        self.embedder.billed_as()
    }

    async fn embed_counted(&self, texts: EmbedTexts<'_>) -> Result<CountedVectors, CountedError> {
        let hidden = |texts: &[String]| -> Vec<String> { texts.iter().map(|text| hide(text)).collect() };
        match texts {
            EmbedTexts::Query(text) => self.embedder.embed_counted(EmbedTexts::Query(&hide(text))).await,
            EmbedTexts::Sentences(texts) => {
                let texts = hidden(texts);
                self.embedder.embed_counted(EmbedTexts::Sentences(&texts)).await
            }
            EmbedTexts::Passages(texts) => {
                let texts = hidden(texts);
                self.embedder.embed_counted(EmbedTexts::Passages(&texts)).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::ShieldedEmbedder;
    use crate::embedding::{Embedding, EmbeddingModel};
    use crate::ports::{EmbedError, EmbedTexts, Embedder};

    /// Notes what it is told.
    struct Told(EmbeddingModel, Mutex<Vec<String>>);

    #[async_trait]
    impl Embedder for Told {
        fn model(&self) -> &EmbeddingModel {
            &self.0
        }

        async fn embed_query(&self, text: &str) -> Result<Embedding, EmbedError> {
            self.1.lock().unwrap().push(text.to_owned());
            Ok(Embedding::from_f32(&[1.0]))
        }

        async fn embed_sentences(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
            self.embed_passages(texts).await
        }

        async fn embed_passages(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
            self.1.lock().unwrap().extend_from_slice(texts);
            Ok(texts.iter().map(|_| Embedding::from_f32(&[1.0])).collect())
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
        shielded.embed_sentences(&texts[1..]).await.unwrap();
        // The way by which the library asks, which counts tokens as well.
        let counted = shielded.embed_counted(EmbedTexts::Passages(&texts[..1])).await;
        counted.unwrap();
        let told = shielded.embedder.1.lock().unwrap().clone();
        assert_eq!(
            told,
            ["o CPF [CPF_1]", "[EMAIL_1]", "[CPF_1]", "[CPF_1]", "[EMAIL_1]"]
        );
    }
}
