//! The JSON of `/chat/completions`: the part of it that is used.

use ids_core::ports::{ChatPrompt, ChatRole};
use ids_core::session::TokenUsage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a server of this API may not know. All begin with the same; what it refuses is left out from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// `stream_options`, which asks for the usage of a streamed reply: unknown to older servers.
    pub(crate) knows_stream_options: bool,
    /// `max_tokens`; newer models of OpenAI know only `max_completion_tokens`.
    pub(crate) knows_max_tokens: bool,
    /// `temperature`; models that reason take none but their own.
    pub(crate) knows_temperature: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            knows_stream_options: true,
            knows_max_tokens: true,
            knows_temperature: true,
        }
    }
}

impl Dialect {
    /// The dialect without what the body of a 400 complains of; `None` when there is nothing left to leave out.
    pub(crate) fn without_what_is_refused(self, body: &[u8]) -> Option<Self> {
        let names = |word: &str| body.windows(word.len()).any(|part| part == word.as_bytes());
        if self.knows_temperature && names("temperature") {
            Some(Self {
                knows_temperature: false,
                ..self
            })
        } else if self.knows_max_tokens && names("max_completion_tokens") {
            Some(Self {
                knows_max_tokens: false,
                ..self
            })
        } else if self.knows_stream_options {
            // Old servers say little: it is left out whatever they complain of.
            Some(Self {
                knows_stream_options: false,
                ..self
            })
        } else {
            None
        }
    }
}

#[derive(Serialize)]
struct RequestBody<'a> {
    model: &'a str,
    messages: Vec<MessageBody<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    /// 0 for all first answers: the same question gets the same one, close to its sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
}

#[derive(Serialize)]
struct MessageBody<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The body of a request.
pub(crate) fn request(
    model: &str,
    prompt: &ChatPrompt,
    dialect: Dialect,
) -> Result<Vec<u8>, serde_json::Error> {
    let system = MessageBody {
        role: "system",
        content: &prompt.system,
    };
    let turns = prompt.turns.iter().map(|turn| MessageBody {
        role: match turn.role {
            ChatRole::User => "user",
            ChatRole::Assistant => "assistant",
        },
        content: &turn.content,
    });
    let max = Some(prompt.max_tokens);
    serde_json::to_vec(&RequestBody {
        model,
        messages: std::iter::once(system).chain(turns).collect(),
        stream: true,
        stream_options: dialect
            .knows_stream_options
            .then_some(StreamOptions { include_usage: true }),
        max_tokens: max.filter(|_| dialect.knows_max_tokens),
        max_completion_tokens: max.filter(|_| !dialect.knows_max_tokens),
        temperature: dialect.knows_temperature.then_some(prompt.temperature),
    })
}

/// A piece of a streamed reply (`delta`), or a whole one (`message`).
#[derive(Debug, Deserialize)]
pub(crate) struct ReplyBody {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
    /// Present, and not null, when something went wrong on the way.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Words>,
    #[serde(default)]
    message: Option<Words>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Words {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

impl ReplyBody {
    /// Whether it reports an error instead.
    pub(crate) fn is_error(&self) -> bool {
        self.error.is_some()
    }

    /// Whether the model says that it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.choices
            .first()
            .is_some_and(|choice| choice.finish_reason.is_some())
    }

    /// What the model counted, where it tells.
    pub(crate) fn usage(&self) -> Option<TokenUsage> {
        self.usage.as_ref().map(|usage| TokenUsage {
            prompt_tokens: usage.prompt_tokens.unwrap_or(0),
            completion_tokens: usage.completion_tokens.unwrap_or(0),
        })
    }

    /// The words of the first choice; empty where there are none.
    pub(crate) fn into_text(self) -> String {
        let choice = self.choices.into_iter().next();
        choice
            .and_then(|choice| choice.delta.or(choice.message))
            .and_then(|words| words.content)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use ids_core::ports::{ChatPrompt, ChatRole, ChatTurn};
    use serde_json::{Value, json};

    use super::{Dialect, ReplyBody, request};

    fn sent(dialect: Dialect, temperature: f32) -> Value {
        let turn = |role, content: &str| ChatTurn {
            role,
            content: content.to_owned(),
        };
        let prompt = ChatPrompt {
            system: "Responda.".to_owned(),
            turns: vec![
                turn(ChatRole::Assistant, "Olá"),
                turn(ChatRole::User, "Qual o prazo?"),
            ],
            max_tokens: 700,
            temperature,
        };
        serde_json::from_slice(&request("m", &prompt, dialect).unwrap()).unwrap()
    }

    #[test]
    fn a_request_is_what_the_api_describes() {
        let messages = json!([
            {"role": "system", "content": "Responda."},
            {"role": "assistant", "content": "Olá"},
            {"role": "user", "content": "Qual o prazo?"},
        ]);
        assert_eq!(
            sent(Dialect::default(), 0.0),
            json!({
                "model": "m", "messages": messages, "stream": true,
                "stream_options": {"include_usage": true}, "max_tokens": 700, "temperature": 0.0,
            })
        );
        assert_eq!(sent(Dialect::default(), 0.5)["temperature"], 0.5);
        let least = Dialect {
            knows_stream_options: false,
            knows_max_tokens: false,
            knows_temperature: false,
        };
        assert_eq!(
            sent(least, 0.7),
            json!({"model": "m", "messages": messages, "stream": true, "max_completion_tokens": 700})
        );
    }

    #[test]
    fn what_a_server_refuses_is_left_out() {
        let all = Dialect::default();
        let check = |dialect: Dialect, body: &str, expected: Option<Dialect>| {
            assert_eq!(
                dialect.without_what_is_refused(body.as_bytes()),
                expected,
                "{body}"
            );
        };
        let without_temperature = Dialect {
            knows_temperature: false,
            ..all
        };
        check(all, "Unsupported value: 'temperature'", Some(without_temperature));
        let body = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
        let without_max = Dialect {
            knows_max_tokens: false,
            ..all
        };
        check(all, body, Some(without_max));
        let without_options = Dialect {
            knows_stream_options: false,
            ..all
        };
        check(all, "extra fields not permitted", Some(without_options));
        check(without_options, "extra fields not permitted", None);
    }

    #[test]
    fn a_reply_is_read_streamed_or_whole() {
        let check = |body: Value, text: &str, finished: bool, usage: Option<(u64, u64)>| {
            let shown = body.to_string();
            let reply: ReplyBody = serde_json::from_value(body).unwrap();
            let found = reply
                .usage()
                .map(|usage| (usage.prompt_tokens, usage.completion_tokens));
            assert_eq!((found, reply.is_finished()), (usage, finished), "{shown}");
            assert_eq!(reply.into_text(), text, "{shown}");
        };
        check(
            json!({"choices": [{"delta": {"content": "a"}, "finish_reason": null}]}),
            "a",
            false,
            None,
        );
        check(
            json!({"choices": [{"delta": {"role": "assistant", "content": null}}]}),
            "",
            false,
            None,
        );
        check(
            json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
            "",
            true,
            None,
        );
        check(
            json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}),
            "",
            false,
            Some((7, 2)),
        );
        check(
            json!({"choices": [{"message": {"content": "a b"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}),
            "a b",
            true,
            Some((7, 0)),
        );
        check(json!({"usage": null, "error": null}), "", false, None);
        let error: ReplyBody = serde_json::from_value(json!({"error": {"message": "overloaded"}})).unwrap();
        assert!(error.is_error());
    }
}
