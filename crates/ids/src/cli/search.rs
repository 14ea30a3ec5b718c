//! `ids search`: the passages that answer a question, with their pages.

use clap::Args;
use ids_core::search::SearchMode;
use serde_json::{Value, json};

use super::client::{Client, with_client};
use super::exit::Failed;
use super::filter::FilterArgs;
use super::output::{self, Style, clean};
use super::snippet::snippet;
use super::values;
use crate::config::Config;
use crate::local::Work;

/// Find passages by word and by meaning.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// The question, or words
    query: String,
    /// Search by words and meaning, or by one of them
    #[arg(long, value_parser = values::mode(), default_value = "hybrid")]
    mode: SearchMode,
    /// Show at most this many passages (1 to 100)
    #[arg(short = 'n', long = "limit", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    #[command(flatten)]
    filter: FilterArgs,
    /// Leave out passages less similar than this (0 to 1)
    #[arg(long, value_name = "SIMILARITY", default_value_t = 0.0)]
    threshold: f32,
    /// Show where each score comes from
    #[arg(long)]
    explain: bool,
    /// Print the API's reply as JSON
    #[arg(long)]
    json: bool,
}

/// Searches.
pub async fn run(args: SearchArgs, config: &Config) -> Result<u8, Failed> {
    with_client(config, Work::None, async |client: &Client| {
        let reply = client
            .post("/api/v1/documents/search", &request(&args))
            .await
            .map_err(|error| error.into_failed(args.json))?;
        if args.json {
            output::print_raw(&reply.raw)
        } else {
            output::print(&render(&reply.body, Style::of_stdout()))
        }
    })
    .await?;
    Ok(0)
}

fn request(args: &SearchArgs) -> Value {
    let mut body = json!({
        "query": args.query,
        "n_results": args.limit,
        "mode": args.mode.as_str(),
        "similarity_threshold": args.threshold,
    });
    args.filter.add_to(&mut body);
    if args.explain {
        body["explain"] = json!(true);
    }
    body
}

fn render(body: &Value, style: Style) -> String {
    let results = body["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    let searched = output::count(body["total_chunks_searched"].as_u64().unwrap_or(0), "chunk");
    let words_alone = match body["words_alone"].as_str() {
        None => "",
        Some("model_failed") => "\nfound by words alone: the embedding model cannot be reached",
        Some(_) => "\nfound by words alone: the AI budget of the month is used up, and embeddings cost money",
    };
    if results.is_empty() {
        return format!("nothing found among {searched}{words_alone}");
    }
    let mut parts: Vec<String> = results
        .iter()
        .enumerate()
        .map(|(index, result)| render_result(index + 1, result, style))
        .collect();
    let milliseconds = body["query_time"].as_f64().unwrap_or(0.0) * 1e3;
    parts.push(format!(
        "{} of {searched}, in {milliseconds:.0} ms{words_alone}",
        output::count(results.len() as u64, "passage")
    ));
    parts.join("\n\n")
}

fn render_result(rank: usize, result: &Value, style: Style) -> String {
    let text = |name: &str| result[name].as_str().map(clean);
    let number = |name: &str| result[name].as_f64().unwrap_or(0.0);
    let title = text("document_title").unwrap_or_default();
    let page = result["page"].as_u64().unwrap_or(1);
    let (score, similarity) = (number("score"), number("similarity_score"));
    let mut lines = vec![format!(
        "{rank:>2}. {}, page {page}   score {score:.3}, similarity {similarity:.2}",
        style.strong(&title)
    )];
    let places: Vec<String> = ["heading", "reference"].into_iter().filter_map(text).collect();
    if !places.is_empty() {
        lines.push(format!("    {}", places.join(" · ")));
    }
    let content = result["content"].as_str().unwrap_or_default();
    lines.push(snippet(content, &highlights(result), style));
    lines.push(format!(
        "    {} · document {}",
        text("source").unwrap_or_default(),
        text("document_id").unwrap_or_default()
    ));
    let explanation = &result["explanation"];
    if explanation.is_object() {
        lines.push(explain(explanation));
    }
    lines.join("\n")
}

fn highlights(result: &Value) -> Vec<(usize, usize)> {
    let ranges = result["highlights"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let end = |range: &Value, name: &str| range[name].as_u64().and_then(|place| usize::try_from(place).ok());
    ranges
        .iter()
        .filter_map(|range| Some((end(range, "start")?, end(range, "end")?)))
        .collect()
}

/// Where a score comes from: words and meaning, each in standard deviations from the candidates' mean, then the terms.
fn explain(explanation: &Value) -> String {
    let number = |name: &str| explanation[name].as_f64().unwrap_or(0.0);
    let meaning = match explanation["cosine"].as_f64() {
        Some(cosine) => format!("cosine {cosine:.4} (z {:+.2})", number("meaning_z")),
        None => "no embedding yet".to_owned(),
    };
    let mut lines = vec![
        format!(
            "    words   BM25 {:.3} (z {:+.2})",
            number("words"),
            number("words_z")
        ),
        format!("    meaning {meaning}"),
    ];
    let terms = explanation["terms"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !terms.is_empty() {
        let mut rows = vec![
            ["    term", "in the passage", "in chunks", "adds"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for term in terms {
            rows.push(vec![
                format!(
                    "    {}",
                    clean(&readable(term["term"].as_str().unwrap_or_default()))
                ),
                format!("{} of {}", term["frequency"], explanation["length"]),
                format!("{} of {}", term["document_frequency"], explanation["chunks"]),
                format!("{:.3}", term["contribution"].as_f64().unwrap_or(0.0)),
            ]);
        }
        lines.push(output::table(&rows));
    }
    lines.join("\n")
}

/// A term as it is indexed (ids-text, `Term`), for people: the stem and its language, escapes resolved.
fn readable(term: &str) -> String {
    let (text, language) = match term.split_at_checked(1) {
        Some(("p", text)) => (text, " (pt)"),
        Some(("e", text)) => (text, " (en)"),
        Some(("r", text)) => (text, ""),
        _ => (term, ""),
    };
    // `z<hex>z` stands for a character, `zz` for the hash of a word that is too long.
    let mut shown = String::new();
    for (index, part) in text.split('z').enumerate() {
        if index % 2 == 0 {
            shown.push_str(part);
        } else {
            shown.push(
                u32::from_str_radix(part, 16)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or('…'),
            );
        }
    }
    shown + language
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{readable, render};
    use crate::cli::output::Style;

    #[test]
    fn a_hit_shows_title_page_heading_and_where_its_score_comes_from() {
        let body = json!({
            "results": [{
                "document_title": "Manual", "page": 3, "score": 1.25, "similarity_score": 0.5, "heading": "Prazos",
                "content": "O prazo é de trinta dias.", "highlights": [{"start": 2, "end": 7}],
                "source": "manual.pdf", "document_id": "0193",
                "explanation": {
                    "words": 2.5, "words_z": 1.0, "cosine": 0.875, "meaning_z": -0.5, "length": 9, "chunks": 40,
                    "terms": [{"term": "ppraz7azo", "frequency": 1, "document_frequency": 4, "contribution": 2.5}],
                },
            }],
            "query_time": 0.0121, "total_chunks_searched": 40,
        });
        let expected = " 1. Manual, page 3   score 1.250, similarity 0.50
    Prazos
    O prazo é de trinta dias.
    manual.pdf · document 0193
    words   BM25 2.500 (z +1.00)
    meaning cosine 0.8750 (z -0.50)
    term        in the passage  in chunks  adds
    prazo (pt)  1 of 9          4 of 40    2.500

1 passage of 40 chunks, in 12 ms";
        assert_eq!(render(&body, Style::plain()), expected);
    }

    #[test]
    fn a_hit_in_a_law_says_how_it_is_cited() {
        let body = json!({
            "results": [{
                "document_title": "Lei", "page": 1, "score": 1.0, "similarity_score": 0.5, "heading": "CAPÍTULO VIII",
                "reference": "Lei 14.133/2021, art. 75, II", "content": "II - compras;", "highlights": [],
                "source": "lei.pdf", "document_id": "0193",
            }],
            "query_time": 0.01, "total_chunks_searched": 1,
        });
        let shown = render(&body, Style::plain());
        assert!(
            shown.contains("\n    CAPÍTULO VIII · Lei 14.133/2021, art. 75, II\n"),
            "{shown}"
        );
    }

    #[test]
    fn terms_are_shown_as_words() {
        assert_eq!(readable("eprograma"), "programa (en)");
        assert_eq!(readable("r14z2fz2021"), "14/2021");
        assert_eq!(readable("pfaz7azenda"), "fazenda (pt)");
        assert_eq!(readable(""), "");
    }

    #[test]
    fn nothing_found_says_among_how_many() {
        assert_eq!(
            render(
                &json!({"results": [], "total_chunks_searched": 1}),
                Style::plain()
            ),
            "nothing found among 1 chunk"
        );
    }
}
