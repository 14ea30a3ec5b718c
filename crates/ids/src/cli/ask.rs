//! `ids ask`: an answer whose every sentence names its page and its words there.

use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::client::{Client, with_client};
use super::exit::Failed;
use super::filter::FilterArgs;
use super::output::{self, Style, clean};
use super::snippet::wrapped;
use crate::config::Config;
use crate::local::Work;

/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(120);

/// Ask a question; the answer cites page and words.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The question
    question: String,
    /// Go on with this conversation
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

/// Asks.
pub async fn run(args: AskArgs, config: &Config) -> Result<u8, Failed> {
    with_client(config, Work::None, async |client: &Client| {
        let spinner = ProgressBar::new_spinner().with_message("reading");
        spinner.enable_steady_tick(TICK);
        let reply = client.post("/api/v1/chat/ask", &request(&args)).await;
        spinner.finish_and_clear();
        let reply = reply.map_err(|error| error.into_failed(args.json))?;
        if args.json {
            output::print_raw(&reply.raw)
        } else {
            output::print(&render(&reply.body, Style::of_stdout()))
        }
    })
    .await?;
    Ok(0)
}

fn request(args: &AskArgs) -> Value {
    let mut body = json!({"message": args.question});
    args.filter.add_to(&mut body);
    if let Some(session) = &args.session {
        body["session_id"] = json!(session);
    }
    body
}

fn render(body: &Value, style: Style) -> String {
    let list = |name: &str| body[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let (claims, sources) = (list("claims"), list("sources"));
    let mut parts = Vec::new();
    if claims.is_empty() {
        parts.push(wrapped(&clean(body["response"].as_str().unwrap_or_default()), ""));
    }
    for claim in claims {
        parts.push(render_claim(claim));
    }
    if !sources.is_empty() {
        let rows: Vec<String> = sources
            .iter()
            .enumerate()
            .map(|(at, source)| render_source(at + 1, source, style))
            .collect();
        parts.push(rows.join("\n"));
    }
    let is_broke = body["metadata"]["fallback"]
        .as_str()
        .is_some_and(|reason| reason.ends_with("budget"));
    let how = match body["metadata"]["mode"].as_str() {
        _ if claims.is_empty() => "no sentence of the documents answers this",
        Some("generated") => "written by a model, each quote looked up in the documents",
        _ if is_broke => {
            "the month's budget for models is used up: sentences of the documents, word for word"
        }
        _ => "sentences of the documents, word for word",
    };
    let session = body["session_id"].as_str().map(clean).unwrap_or_default();
    parts.push(format!("{how} · session {session}"));
    parts.join("\n\n")
}

fn render_claim(claim: &Value) -> String {
    let marks: String = claim["sources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .map(|at| format!("[{}]", at + 1))
        .collect();
    let doubt = match claim["status"].as_str() {
        Some("unconfirmed") => " (unconfirmed: not all of it stands in the quote)",
        _ => "",
    };
    let text = clean(claim["text"].as_str().unwrap_or_default());
    wrapped(&format!("{text} {marks}{doubt}"), "")
}

fn render_source(number: usize, source: &Value, style: Style) -> String {
    let text = |name: &str| source[name].as_str().map(clean).unwrap_or_default();
    let page = source["page"].as_u64().unwrap_or(1);
    format!(
        "[{number}] {}, page {page}\n{}\n    {} · document {}",
        style.strong(&text("document_title")),
        wrapped(&format!("“{}”", text("quote")), "    "),
        text("source"),
        text("document_id"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::render;
    use crate::cli::output::Style;

    #[test]
    fn an_answer_shows_each_sentence_with_its_source() {
        let body = json!({
            "response": "A multa é de 2%.", "session_id": "0193",
            "claims": [
                {"text": "A multa é de 2%.", "status": "verified", "sources": [0]},
                {"text": "Vale até 2030.", "status": "unconfirmed", "sources": [0]},
            ],
            "sources": [{
                "document_title": "Contrato 12", "page": 3, "quote": "A multa é\nde 2%.", "source": "contrato.pdf",
                "document_id": "0194",
            }],
            "metadata": {"mode": "generated"},
        });
        let expected = "A multa é de 2%. [1]

Vale até 2030. [1] (unconfirmed: not all of it stands in the quote)

[1] Contrato 12, page 3
    “A multa é de 2%.”
    contrato.pdf · document 0194

written by a model, each quote looked up in the documents · session 0193";
        assert_eq!(render(&body, Style::plain()), expected);
    }

    #[test]
    fn no_answer_says_so() {
        let body = json!({
            "response": "Os documentos não trazem resposta para isso.", "session_id": "0193", "claims": [], "sources": [],
            "metadata": {"mode": "extractive"},
        });
        let expected = "Os documentos não trazem resposta para isso.

no sentence of the documents answers this · session 0193";
        assert_eq!(render(&body, Style::plain()), expected);
    }
}
