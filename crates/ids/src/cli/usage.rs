//! `ids usage`: what answers cost, and how far the budget reaches.

use axum::body::Body;
use axum::http::Request;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::client::{Client, Reply, with_client, with_query};
use super::exit::Failed;
use super::organizations::{id_of, in_name_of};
use super::output::{self, clean, table};
use crate::config::Config;
use crate::local::Work;

/// Show what answers cost in a month, and how far the budget reaches.
#[derive(Debug, Args)]
pub struct UsageArgs {
    /// The month, as in 2026-11; it begins on AI_BUDGET_START_DAY [default: this one]
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "estimate")]
    month: Option<String>,
    /// What rows are told apart by [default: key and model]
    #[arg(long, value_name = "KIND", conflicts_with = "estimate")]
    by: Option<By>,
    /// Whose questions
    #[arg(long, value_name = "NAME", default_value = "default")]
    organization: String,
    /// Say how many questions and pages a month's budget pays, by what was recorded, or by assumptions where little was
    #[arg(long)]
    estimate: bool,
    /// The budget to estimate, in AI_BUDGET_CURRENCY [default: the limit that is set]
    #[arg(long, value_name = "AMOUNT", requires = "estimate")]
    budget: Option<String>,
    /// The model to estimate [default: OPENAI_MODEL]
    #[arg(long, value_name = "MODEL", requires = "estimate")]
    model: Option<String>,
    /// Print comma-separated values
    #[arg(long, conflicts_with_all = ["json", "estimate"])]
    csv: bool,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    Key,
    Model,
    Document,
    Session,
}

impl By {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Model => "model",
            Self::Document => "document",
            Self::Session => "session",
        }
    }
}

/// Runs the command.
pub async fn run(args: UsageArgs, config: &Config) -> Result<u8, Failed> {
    with_client(config, Work::None, async |client: &Client| {
        if args.estimate {
            estimate(client, &args).await
        } else {
            usage(client, &args).await
        }
    })
    .await?;
    Ok(0)
}

async fn ask(client: &Client, args: &UsageArgs, path: &str) -> Result<Reply, Failed> {
    let id = id_of(client, &args.organization, args.json).await?;
    let request = Request::get(path)
        .body(Body::empty())
        .map_err(|error| Failed::because(error.to_string()))?;
    let reply = client.send(in_name_of(request, &id)?).await;
    reply.map_err(|error| error.into_failed(args.json))
}

async fn usage(client: &Client, args: &UsageArgs) -> Result<(), Failed> {
    let by = args.by.map(By::as_str);
    let query = [("month", args.month.clone()), ("by", by.map(str::to_owned))];
    let reply = ask(client, args, &with_query("/api/v1/usage", &query)).await?;
    if args.json {
        return output::print_raw(&reply.raw);
    }
    if args.csv {
        return output::print(&csv(&reply.body, by));
    }
    output::print(&render(&reply.body, by))
}

/// The cells of a row: what it is of, then figures.
fn cells(row: &Value, by: Option<&str>) -> Vec<String> {
    let text = |name: &str| row[name].as_str().map(clean).unwrap_or_default();
    let named = |name: &str, id: &str| {
        let name = text(name);
        if name.is_empty() { text(id) } else { name }
    };
    let is_rest = row["is_rest"].as_bool().unwrap_or_default();
    let mut cells = match by {
        None => vec![named("key_name", "key"), text("model")],
        Some("key") => vec![named("key_name", "key")],
        Some("document") => vec![named("document_title", "document")],
        Some(kind) => vec![text(kind)],
    };
    if is_rest {
        cells[0] = "(others)".to_owned();
    }
    cells
}

const fn headings(by: Option<&str>) -> &'static [&'static str] {
    match by {
        None => &["key", "model"],
        Some(kind) => match kind.as_bytes() {
            b"key" => &["key"],
            b"document" => &["document"],
            b"session" => &["session"],
            _ => &["model"],
        },
    }
}

/// A decimal as it stands in the reply, which is exact to the sixth digit.
fn amount(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(|| "-".to_owned(), |amount| format!("{amount:.6}"))
}

fn whole(value: &Value) -> String {
    value.as_u64().unwrap_or_default().to_string()
}

fn render(body: &Value, by: Option<&str>) -> String {
    let currency = body["currency"].as_str().unwrap_or_default();
    let mut lines = vec![format!(
        "{}: {currency} {} spent, {} reserved{}",
        body["month"].as_str().unwrap_or_default(),
        amount(&body["spent"]),
        amount(&body["reserved"]),
        match (&body["budget"], &body["remaining"]) {
            (Value::Null, _) => ", no budget is set".to_owned(),
            (budget, remaining) => format!(", {} left of {}", amount(remaining), amount(budget)),
        }
    )];
    if let Some(warning) = body["warning"].as_u64() {
        lines.push(if warning >= 100 {
            "the budget is used up: answers are made of sentences of the documents until the next month"
                .to_owned()
        } else {
            format!("more than {warning} % of the budget are used")
        });
    }
    let rows = body["by"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !rows.is_empty() {
        let figures = ["questions", "embeddings", "read", "written", "cost"];
        let mut cells_ = vec![
            headings(by)
                .iter()
                .chain(&figures)
                .map(|it| (*it).to_owned())
                .collect(),
        ];
        for row in rows {
            let mut line: Vec<String> = cells(row, by)
                .into_iter()
                .map(|cell| if cell.is_empty() { "-".to_owned() } else { cell })
                .collect();
            line.extend(
                ["questions", "embeddings", "prompt_tokens", "completion_tokens"]
                    .map(|name| whole(&row[name])),
            );
            line.push(
                format!(
                    "{} {}",
                    amount(&row["cost"]),
                    row["currency"].as_str().unwrap_or_default()
                )
                .trim_end()
                .to_owned(),
            );
            cells_.push(line);
        }
        lines.push(table(&cells_));
    }
    let unknown: u64 = rows.iter().filter_map(|row| row["unknown_prices"].as_u64()).sum();
    if unknown > 0 {
        lines.push(
            "some answers are of models whose price is not known, and count as the dearest; set it by `AI_PRICES` or `AI_PRICES_FILE`"
                .to_owned(),
        );
    }
    lines.join("\n")
}

/// RFC 4180, with a line of names; the month's sum is that of the column `cost` of its currency.
fn csv(body: &Value, by: Option<&str>) -> String {
    let mut names = vec!["month"];
    names.extend(headings(by));
    names.extend([
        "id",
        "questions",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "currency",
        "unknown_prices",
        "estimated",
        "embeddings",
    ]);
    let mut lines = vec![names.join(",")];
    for row in body["by"].as_array().into_iter().flatten() {
        let id = row[by.unwrap_or("key")].as_str().unwrap_or_default();
        let mut fields = vec![body["month"].as_str().unwrap_or_default().to_owned()];
        fields.extend(cells(row, by));
        fields.push(id.to_owned());
        fields.extend(["questions", "prompt_tokens", "completion_tokens"].map(|name| whole(&row[name])));
        fields.push(amount(&row["cost"]));
        fields.push(row["currency"].as_str().unwrap_or_default().to_owned());
        fields.extend(["unknown_prices", "estimated", "embeddings"].map(|name| whole(&row[name])));
        let quoted: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        lines.push(quoted.join(","));
    }
    lines.join("\r\n")
}

/// A name that a spreadsheet would take for a formula is told that it is text.
fn quoted(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@']);
    let field = if is_formula {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

async fn estimate(client: &Client, args: &UsageArgs) -> Result<(), Failed> {
    let query = [("budget", args.budget.clone()), ("model", args.model.clone())];
    let reply = ask(client, args, &with_query("/api/v1/usage/estimate", &query)).await?;
    if args.json {
        return output::print_raw(&reply.raw);
    }
    output::print(&render_estimate(&reply.body))
}

fn render_estimate(body: &Value) -> String {
    let currency = body["currency"].as_str().unwrap_or_default();
    let model = clean(body["model"].as_str().unwrap_or_default());
    let basis = match body["basis"].as_str() {
        Some("recorded") => format!("the average of {} answers recorded here", whole(&body["answers"])),
        _ => "an assumption, as fewer than 20 answers are recorded here".to_owned(),
    };
    let mut lines = vec![
        format!(
            "a question to `{model}` costs {currency} {}: {} tokens read, {} written ({basis})",
            amount(&body["cost_per_question"]),
            whole(&body["prompt_tokens"]),
            whole(&body["completion_tokens"]),
        ),
        match (&body["budget"], body["questions"].as_u64()) {
            (Value::Null, _) => "no budget is set; give --budget, or set `AI_BUDGET_MONTHLY`".to_owned(),
            (budget, Some(questions)) => {
                format!("{currency} {} a month pay {questions} questions", amount(budget))
            }
            (_, None) => "questions cost nothing with this model".to_owned(),
        },
    ];
    if let Some(model) = body["embedding_model"].as_str() {
        lines.push(format!(
            "a page of {} tokens costs {currency} {} to embed by `{}`{}",
            whole(&body["page_tokens"]),
            amount(&body["remote_cost_per_page"]),
            clean(model),
            body["remote_pages"]
                .as_u64()
                .map_or_else(String::new, |pages| format!("; the budget pays {pages}"))
        ));
    } else {
        lines.push("pages cost nothing: their meaning is computed here, by the built-in model".to_owned());
    }
    if let (Some(_), Some(pages)) = (
        body["remote_cost_per_page"].as_f64(),
        body["remote_pages"]
            .as_u64()
            .filter(|_| body["embedding_model"].is_null()),
    ) {
        lines.push(format!(
            "(computed by a small model of an API, a page of {} tokens would cost {currency} {}, and the budget would pay {pages})",
            whole(&body["page_tokens"]),
            amount(&body["remote_cost_per_page"]),
        ));
    }
    if body["price_known"] == false {
        lines.push(format!(
            "the price of `{model}` is not known and counts as the dearest; set it by `AI_PRICES` or `AI_PRICES_FILE`"
        ));
    }
    lines.push(format!(
        "prices of {}",
        clean(body["prices_of"].as_str().unwrap_or_default())
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{csv, quoted, render_estimate};

    #[test]
    fn a_field_cannot_leave_its_column_or_become_a_formula() {
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("diz \"sim\"\n"), "\"diz \"\"sim\"\"\n\"");
    }

    #[test]
    fn values_have_a_line_of_names_and_every_digit() {
        let row = json!({"document": "d-1", "document_title": "Edital, nº 1", "questions": 2, "prompt_tokens": 10,
            "completion_tokens": 3, "cost": 0.000417, "currency": "USD", "unknown_prices": 0, "estimated": 1,
            "embeddings": 4});
        let text = csv(&json!({"month": "2026-11", "by": [row]}), Some("document"));
        assert_eq!(
            text,
            "month,document,id,questions,prompt_tokens,completion_tokens,cost,currency,unknown_prices,estimated,embeddings\r\n\
             2026-11,\"Edital, nº 1\",d-1,2,10,3,0.000417,USD,0,1,4"
        );
    }

    #[test]
    fn an_estimate_says_what_it_rests_on() {
        let body = json!({"currency": "BRL", "model": "m", "basis": "assumed", "cost_per_question": 0.002252, "prompt_tokens": 1900,
            "completion_tokens": 220, "budget": 278.6, "questions": 123_712, "price_known": false, "prices_of": "2026-03-21"});
        let text = render_estimate(&body);
        assert!(
            text.contains("BRL 278.600000 a month pay 123712 questions"),
            "{text}"
        );
        assert!(
            text.contains("an assumption") && text.contains("is not known"),
            "{text}"
        );
    }
}
