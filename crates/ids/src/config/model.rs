//! The model that writes answers: any server that speaks as OpenAI's API does.

use std::fmt;

use ids_core::shield::ShieldMode;
use ids_models::{BaseUrl, ChatModelConfig, EmbeddingModelConfig, Secret, known_dimensions};

use super::variables::{ConfigError, Variables, unreadable};

/// A model API, for answers only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelConfig {
    /// `OPENAI_BASE_URL`.
    pub base_url: BaseUrl,
    /// `OPENAI_API_KEY`: `None` where the server needs none.
    pub api_key: Option<Secret>,
    /// `OPENAI_MODEL`.
    pub model: String,
    /// `OPENAI_CALLS_AT_ONCE`.
    pub calls_at_once: usize,
    /// Whether personal data is replaced before a text leaves for it (`PII_SHIELD`).
    pub is_shielded: bool,
    /// `OPENAI_EMBEDDING_MODEL`: `None` means the built-in model.
    pub embedding: Option<EmbeddingSettings>,
}

/// The model that embeds in place of the built-in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingSettings {
    /// `OPENAI_EMBEDDING_MODEL`.
    pub model: String,
    /// `OPENAI_EMBEDDING_DIMENSIONS`, or what is known of the model.
    pub dimensions: usize,
    /// The model can shorten its vectors, and is asked to.
    pub asks_for_dimensions: bool,
}

impl ModelConfig {
    /// The model that is set; `None` when neither a key nor an address is.
    pub(super) fn new(variables: &Variables) -> Result<Option<Self>, ConfigError> {
        // Looked at whether there is a model or not: whoever asks for the shield in words we do not know must hear of it.
        let shield = shield(variables)?;
        let api_key = variables.text("OPENAI_API_KEY").map(Secret::new);
        let address = variables.text("OPENAI_BASE_URL");
        let embedding = EmbeddingSettings::new(variables)?;
        if api_key.is_none() && address.is_none() {
            if embedding.is_some() {
                return Err(ConfigError(
                    "`OPENAI_EMBEDDING_MODEL` is set, but no server is: set `OPENAI_BASE_URL`, `OPENAI_API_KEY` or both".to_owned(),
                ));
            }
            return Ok(None);
        }
        let base_url: BaseUrl = address.unwrap_or(BaseUrl::OPENAI).parse().map_err(|_| {
            let expected = "an address such as `https://api.openai.com/v1`, without user, query or fragment";
            unreadable("OPENAI_BASE_URL", expected)
        })?;
        let model = variables.text("OPENAI_MODEL").unwrap_or("gpt-4o-mini").to_owned();
        Ok(Some(Self {
            is_shielded: shield.covers(base_url.is_private()),
            base_url,
            api_key,
            model,
            embedding,
            // 4: small servers do one after the other, hosted ones count calls by the minute.
            calls_at_once: variables.number("OPENAI_CALLS_AT_ONCE", 4, 1..=1_000)? as usize,
        }))
    }

    /// The configuration of the client that embeds, where one is set.
    pub fn embedding_client(&self) -> Option<EmbeddingModelConfig> {
        let it = self.embedding.as_ref()?;
        Some(EmbeddingModelConfig::new(
            self.base_url.clone(),
            self.api_key.clone(),
            it.model.clone(),
            it.dimensions,
            it.asks_for_dimensions,
        ))
    }

    /// The client's configuration.
    pub fn client(&self) -> ChatModelConfig {
        ChatModelConfig {
            calls_at_once: self.calls_at_once,
            ..ChatModelConfig::new(self.base_url.clone(), self.api_key.clone(), self.model.clone())
        }
    }
}

impl EmbeddingSettings {
    fn new(variables: &Variables) -> Result<Option<Self>, ConfigError> {
        let Some(model) = variables.text("OPENAI_EMBEDDING_MODEL") else {
            return Ok(None);
        };
        let known = known_dimensions(model);
        // 0 for what is not set. More than 4,000 no index takes.
        let given = variables.number("OPENAI_EMBEDDING_DIMENSIONS", 0, 0..=4_000)? as usize;
        let dimensions = match (given, known) {
            (0, Some(known)) => known,
            (0, None) => {
                return Err(ConfigError(format!(
                    "`OPENAI_EMBEDDING_DIMENSIONS` must say how many values the vectors of `{model}` have: it is no model that is known here"
                )));
            }
            (given, _) => given,
        };
        Ok(Some(Self {
            model: model.to_owned(),
            dimensions,
            asks_for_dimensions: known.is_some_and(|known| known != dimensions),
        }))
    }
}

impl fmt::Display for ModelConfig {
    /// For the log: the key is only said to be there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.api_key.is_some() { "with" } else { "without" };
        write!(f, "`{}` at `{}`, {key} a key", self.model, self.base_url)?;
        if self.is_shielded {
            f.write_str(", personal data held back")?;
        }
        Ok(())
    }
}

/// `PII_SHIELD`: auto, on or off.
fn shield(variables: &Variables) -> Result<ShieldMode, ConfigError> {
    let Some(text) = variables.text("PII_SHIELD") else {
        return Ok(ShieldMode::default());
    };
    ShieldMode::from_name(&text.to_ascii_lowercase())
        .ok_or_else(|| unreadable("PII_SHIELD", "auto, on or off"))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Variables};

    fn config(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let variables = Variables::of(pairs).map_err(|error| error.to_string())?;
        Config::new(&variables, Some("/data".as_ref())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_or_an_address_turns_the_model_on() {
        let check = |pairs: &[(&str, &str)], shown: &str| {
            let line = config(pairs).unwrap().to_string();
            assert!(line.ends_with(shown), "{line}");
        };
        check(&[], ", answers of sentences of the documents");
        check(
            &[("OPENAI_MODEL", "m"), ("OPENAI_API_KEY", " ")],
            ", answers of sentences of the documents",
        );
        check(
            &[("OPENAI_API_KEY", "sk-1")],
            ", answers by `gpt-4o-mini` at `https://api.openai.com/v1`, with a key, personal data held back, without a limit of what they cost",
        );
        check(
            &[("OPENAI_API_KEY", "sk-1"), ("PII_SHIELD", "off")],
            ", answers by `gpt-4o-mini` at `https://api.openai.com/v1`, with a key, without a limit of what they cost",
        );
        check(
            &[
                ("OPENAI_BASE_URL", "http://ollama:11434/v1/"),
                ("OPENAI_MODEL", "qwen3:8b"),
            ],
            ", answers by `qwen3:8b` at `http://ollama:11434/v1`, without a key, without a limit of what they cost",
        );
    }

    #[test]
    fn a_model_of_embeddings_needs_a_server_and_a_length() {
        const SERVER: (&str, &str) = ("OPENAI_BASE_URL", "http://ollama:11434/v1");
        const MODEL: &str = "OPENAI_EMBEDDING_MODEL";
        const LENGTH: &str = "OPENAI_EMBEDDING_DIMENSIONS";
        let check = |pairs: &[(&str, &str)], dimensions: usize, asks: bool| {
            let embedding = config(pairs).unwrap().model.unwrap().embedding.unwrap();
            assert_eq!(
                (embedding.dimensions, embedding.asks_for_dimensions),
                (dimensions, asks),
                "{pairs:?}"
            );
        };
        check(&[SERVER, (MODEL, "bge-m3")], 1_024, false);
        check(
            &[SERVER, (MODEL, "text-embedding-3-small"), (LENGTH, "512")],
            512,
            true,
        );
        check(
            &[SERVER, (MODEL, "text-embedding-3-small"), (LENGTH, "1536")],
            1_536,
            false,
        );
        check(&[SERVER, (MODEL, "ours"), (LENGTH, "300")], 300, false);
        let refused = |pairs: &[(&str, &str)], name: &str| {
            let error = config(pairs).unwrap_err();
            assert!(error.contains(name), "{error}");
        };
        refused(&[SERVER, (MODEL, "ours")], LENGTH);
        refused(&[SERVER, (MODEL, "ours"), (LENGTH, "5000")], LENGTH);
        refused(&[(MODEL, "bge-m3")], "OPENAI_BASE_URL");
    }

    #[test]
    fn as_many_answers_are_written_at_once_as_is_said() {
        let at_once = |pairs: &[(&str, &str)]| {
            let model = config(&[pairs, &[("OPENAI_API_KEY", "sk-1")]].concat()).map(|config| config.model);
            model.map(|model| model.unwrap().client().calls_at_once)
        };
        assert_eq!(at_once(&[]), Ok(4));
        assert_eq!(at_once(&[("OPENAI_CALLS_AT_ONCE", "200")]), Ok(200));
        assert!(at_once(&[("OPENAI_CALLS_AT_ONCE", "0")]).is_err());
    }

    #[test]
    fn personal_data_stays_here_unless_the_model_does_too() {
        let is_shielded = |address: &str, mode: &str| {
            let model = config(&[("OPENAI_BASE_URL", address), ("PII_SHIELD", mode)])
                .unwrap()
                .model;
            model.unwrap().is_shielded
        };
        for (address, mode, expected) in [
            ("https://api.openai.com/v1", "", true),
            ("https://api.openai.com/v1", "AUTO", true),
            ("https://api.openai.com/v1", "off", false),
            ("http://localhost:11434/v1", "auto", false),
            ("http://10.0.0.7:8080/v1", "", false),
            ("http://[::1]:8080/v1", "", false),
            ("http://ollama:11434/v1", "", false),
            ("http://8.8.8.8/v1", "", true),
            ("http://localhost.example.org/v1", "", true),
            ("http://localhost:11434/v1", "on", true),
        ] {
            assert_eq!(is_shielded(address, mode), expected, "{address} {mode}");
        }
        assert!(
            config(&[("PII_SHIELD", "maybe")])
                .unwrap_err()
                .contains("`PII_SHIELD`")
        );
    }

    #[test]
    fn the_key_is_never_shown() {
        let config = config(&[("OPENAI_API_KEY", "sk-1")]).unwrap();
        assert!(!format!("{config} {config:?}").contains("sk-1"));
        let error = super::super::Config::new(
            &Variables::of(&[("OPENAI_BASE_URL", "sk-1")]).unwrap(),
            Some("/data".as_ref()),
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("`OPENAI_BASE_URL`") && !error.contains("sk-1"),
            "{error}"
        );
    }
}
