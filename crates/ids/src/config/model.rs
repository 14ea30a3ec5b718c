//! The model that writes answers: any server that speaks as OpenAI's API does.

use std::fmt;

use ids_models::{BaseUrl, ChatModelConfig, Secret};

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
}

impl ModelConfig {
    /// The model that is set; `None` when neither a key nor an address is.
    pub(super) fn new(variables: &Variables) -> Result<Option<Self>, ConfigError> {
        let api_key = variables.text("OPENAI_API_KEY").map(Secret::new);
        let address = variables.text("OPENAI_BASE_URL");
        if api_key.is_none() && address.is_none() {
            return Ok(None);
        }
        let base_url = address.unwrap_or(BaseUrl::OPENAI).parse().map_err(|_| {
            let expected = "an address such as `https://api.openai.com/v1`, without user, query or fragment";
            unreadable("OPENAI_BASE_URL", expected)
        })?;
        let model = variables.text("OPENAI_MODEL").unwrap_or("gpt-4o-mini").to_owned();
        Ok(Some(Self {
            base_url,
            api_key,
            model,
        }))
    }

    /// The client's configuration.
    pub fn client(&self) -> ChatModelConfig {
        ChatModelConfig::new(self.base_url.clone(), self.api_key.clone(), self.model.clone())
    }
}

impl fmt::Display for ModelConfig {
    /// For the log: the key is only said to be there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.api_key.is_some() { "with" } else { "without" };
        write!(f, "`{}` at `{}`, {key} a key", self.model, self.base_url)
    }
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
