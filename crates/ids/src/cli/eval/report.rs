//! What an evaluation found, as text for people and as JSON for programs (design.md 3.1).

use ids_core::eval::{AskedOutcome, EvalOutcome, EvalSet, QuestionKind, QuestionOutcome, QuotesOutcome};
use ids_core::search::SearchMode;
use serde_json::{Value, json};

use crate::cli::output;

/// The sums.
pub fn to_json(mode: SearchMode, outcome: &EvalOutcome) -> Value {
    let mut body = json!({
        "mode": mode.as_str(),
        "documents": outcome.documents,
        "queries": outcome.queries,
        "ndcg_at_10": share(outcome.ndcg_at_10),
        "recall_at_10": share(outcome.recall_at_10),
        "mrr_at_10": share(outcome.mrr_at_10),
        "p50_ms": ms(outcome.p50_ms),
        "p99_ms": ms(outcome.p99_ms),
    });
    if let Some(answers) = &outcome.answers {
        body["answers"] = quotes_json(answers);
    }
    if let Some(asked) = &outcome.asked {
        body["asked"] = asked_json(asked);
    }
    body
}

fn quotes_json(quotes: &QuotesOutcome) -> Value {
    json!({
        "questions": quotes.questions,
        "in_first": share(quotes.in_first),
        "in_any": share(quotes.in_any),
        "first_chars": quotes.first_chars.round(),
        "quoted_chars": quotes.quoted_chars.round(),
        "wrongly_refused": share(quotes.wrongly_refused),
        "wrongly_answered_without": share(quotes.wrongly_answered_without),
        "wrongly_answered": quotes.wrongly_answered.map(share),
        "rejected_again": quotes.rejected_again.map(share),
    })
}

fn asked_json(asked: &AskedOutcome) -> Value {
    let flag = |is: Option<bool>| is.map(|is| if is { 1.0 } else { 0.0 });
    json!({
        "model": asked.model,
        "questions": asked.questions.len(),
        "unanswerable": asked.of(QuestionKind::Unanswerable).count(),
        "citation_precision": share(asked.mean_of(|it| it.citation_precision)),
        "citation_recall": share(asked.mean_of(|it| it.citation_recall)),
        "verified_rate": asked.verified_rate().map(share),
        "wrongly_refused": share(asked.wrongly_refused()),
        "wrongly_answered": asked.wrongly_answered().map(share),
        "in_first": share(asked.mean_of(|it| flag(it.in_first))),
        "in_any": share(asked.mean_of(|it| flag(it.in_any))),
        "exact_match": share(asked.mean_of(|it| flag(it.exact_match))),
        "f1": share(asked.mean_of(|it| it.f1)),
        "generated": share(asked.mean_of(|it| flag(Some(it.mode == ids_core::session::AnswerMode::Generated)))),
        "cost": asked.cost().as_micros() as f64 / 1e6,
        "prompt_tokens": asked.questions.iter().map(|it| it.tokens.0).sum::<u64>(),
        "completion_tokens": asked.questions.iter().map(|it| it.tokens.1).sum::<u64>(),
        "p50_ms": ms(asked.ms(50.0)),
        "p99_ms": ms(asked.ms(99.0)),
    })
}

/// The sums and every question, as `report.json` has them.
pub fn with_questions(name: &str, mode: SearchMode, set: &EvalSet, outcome: &EvalOutcome) -> Value {
    let mut body = to_json(mode, outcome);
    body["set"] = json!(name);
    let text_of = |id: &str| {
        let query = set.queries.iter().find(|query| query.id == id);
        query.map_or("", |query| query.text.as_str())
    };
    let mut questions: Vec<Value> = outcome
        .rankings
        .iter()
        .map(|(id, metric)| json!({"id": id, "text": text_of(id), "ndcg": share(metric.ndcg)}))
        .collect();
    for question in outcome.asked.iter().flat_map(|asked| &asked.questions) {
        let known = questions.iter_mut().find(|known| known["id"] == question.id);
        match known.filter(|_| question.kind == QuestionKind::Answerable) {
            Some(known) => add(known, question),
            None => {
                let mut row = json!({"id": question.id, "text": question.text});
                add(&mut row, question);
                questions.push(row);
            }
        }
    }
    body["questions"] = Value::Array(questions);
    body
}

fn add(row: &mut Value, question: &QuestionOutcome) {
    let [verified, unconfirmed, struck] = question.claims;
    let fields = json!({
        "answerable": question.kind == QuestionKind::Answerable,
        "answered": question.answered,
        "answer_mode": question.mode.as_str(),
        "fallback": question.fallback.map(ids_core::session::AnswerFallback::as_str),
        "response": question.response,
        "cited": question.cited,
        "verified": verified,
        "unconfirmed": unconfirmed,
        "struck": struck,
        "citation_precision": question.citation_precision.map(share),
        "citation_recall": question.citation_recall.map(share),
        "in_first": question.in_first,
        "in_any": question.in_any,
        "exact_match": question.exact_match,
        "f1": question.f1.map(share),
        "cost": question.cost.as_micros() as f64 / 1e6,
        "ms": ms(question.ms),
    });
    if let (Value::Object(row), Value::Object(fields)) = (row, fields) {
        row.extend(fields);
    }
}

/// What a number of the sums is called, for people; the pointer into the JSON, and how it is written.
pub const MEASURES: [(&str, &str, Unit); 28] = [
    ("NDCG@10", "/ndcg_at_10", Unit::Share),
    ("recall@10", "/recall_at_10", Unit::Share),
    ("MRR@10", "/mrr_at_10", Unit::Share),
    ("p50", "/p50_ms", Unit::Ms),
    ("p99", "/p99_ms", Unit::Ms),
    ("answer in the first quote", "/answers/in_first", Unit::Share),
    ("answer in any quote", "/answers/in_any", Unit::Share),
    (
        "characters of the first quote",
        "/answers/first_chars",
        Unit::Count,
    ),
    ("characters quoted", "/answers/quoted_chars", Unit::Count),
    ("wrongly refused", "/answers/wrongly_refused", Unit::Share),
    (
        "wrongly answered, documents taken out",
        "/answers/wrongly_answered_without",
        Unit::Share,
    ),
    (
        "wrongly answered, unanswerable",
        "/answers/wrongly_answered",
        Unit::Share,
    ),
    (
        "rejected quote given again",
        "/answers/rejected_again",
        Unit::Share,
    ),
    ("questions asked", "/asked/questions", Unit::Count),
    ("citation precision", "/asked/citation_precision", Unit::Share),
    ("citation recall", "/asked/citation_recall", Unit::Share),
    (
        "claims of the model borne out",
        "/asked/verified_rate",
        Unit::Share,
    ),
    ("asked: wrongly refused", "/asked/wrongly_refused", Unit::Share),
    ("asked: wrongly answered", "/asked/wrongly_answered", Unit::Share),
    ("asked: answer in the first quote", "/asked/in_first", Unit::Share),
    ("asked: answer in any quote", "/asked/in_any", Unit::Share),
    ("exact match", "/asked/exact_match", Unit::Share),
    ("F1", "/asked/f1", Unit::Share),
    ("written by the model", "/asked/generated", Unit::Share),
    ("cost", "/asked/cost", Unit::Money),
    ("tokens read", "/asked/prompt_tokens", Unit::Count),
    ("tokens written", "/asked/completion_tokens", Unit::Count),
    ("answer p50", "/asked/p50_ms", Unit::Ms),
];

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1.
    Share,
    /// Milliseconds.
    Ms,
    /// A whole number.
    Count,
    /// In the budget's currency.
    Money,
}

impl Unit {
    /// The number as people read it.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Share => format!("{value:.4}"),
            Self::Ms => format!("{value:.1} ms"),
            Self::Count => format!("{value:.0}"),
            Self::Money => format!("{value:.6}"),
        }
    }
}

/// What is known of a report's measures, as (name, value, unit).
pub fn measures(report: &Value) -> impl Iterator<Item = (&'static str, f64, Unit)> {
    MEASURES
        .iter()
        .filter_map(|(name, pointer, unit)| Some((*name, report.pointer(pointer)?.as_f64()?, *unit)))
}

/// A table.
pub fn to_text(mode: SearchMode, outcome: &EvalOutcome, set: &EvalSet) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let unjudged = set.queries.len() - outcome.queries;
    let mut questions = outcome.queries.to_string();
    if unjudged > 0 {
        questions.push_str(&format!(" ({unjudged} more have no judgement)"));
    }
    let mut rows = vec![
        row("mode", mode.as_str().to_owned()),
        row("documents", outcome.documents.to_string()),
        row("questions", questions),
    ];
    let report = to_json(mode, outcome);
    rows.extend(measures(&report).map(|(name, value, unit)| row(name, unit.shown(value))));
    output::table(&rows)
}

fn share(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn ms(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
pub mod tests {
    use ids_core::budget::Money;
    use ids_core::eval::{
        AskedOutcome, EvalOutcome, EvalQuery, EvalSet, QuestionKind, QuestionOutcome, QuotesOutcome,
        RankingMetrics,
    };
    use ids_core::search::SearchMode;
    use ids_core::session::AnswerMode;
    use serde_json::Value;

    use super::{to_json, with_questions};

    fn question(id: &str, kind: QuestionKind, answered: bool) -> QuestionOutcome {
        let is_answerable = kind == QuestionKind::Answerable;
        QuestionOutcome {
            id: id.to_owned(),
            text: format!("Pergunta {id}?"),
            kind,
            answered,
            mode: match answered {
                true => AnswerMode::Generated,
                false => AnswerMode::Extractive,
            },
            fallback: None,
            response: "Quinze <dias>.".to_owned(),
            cited: vec!["d1".to_owned()],
            claims: [2, 1, 1],
            citation_precision: is_answerable.then_some(0.5),
            citation_recall: is_answerable.then_some(1.0),
            in_first: is_answerable.then_some(answered),
            in_any: is_answerable.then_some(answered),
            exact_match: is_answerable.then_some(false),
            f1: is_answerable.then_some(0.4),
            tokens: (100, 10),
            cost: Money::from_micros(250),
            ms: 12.0,
        }
    }

    fn outcome() -> EvalOutcome {
        EvalOutcome {
            documents: 2,
            queries: 1,
            ndcg_at_10: 0.930_000_04,
            recall_at_10: 1.0,
            mrr_at_10: 0.5,
            p50_ms: 4.567_89,
            p99_ms: 9.0,
            rankings: vec![(
                "q1".to_owned(),
                RankingMetrics {
                    ndcg: 0.93,
                    recall: Some(1.0),
                    reciprocal_rank: Some(0.5),
                },
            )],
            answers: Some(QuotesOutcome {
                questions: 1,
                in_first: 0.5,
                in_any: 1.0,
                first_chars: 80.4,
                quoted_chars: 200.0,
                wrongly_refused: 0.1,
                wrongly_answered_without: 0.2,
                wrongly_answered: None,
                rejected_again: None,
            }),
            asked: Some(AskedOutcome {
                model: Some("um-modelo".to_owned()),
                questions: vec![
                    question("q1", QuestionKind::Answerable, true),
                    question("q2", QuestionKind::Answerable, false),
                    question("u1", QuestionKind::Unanswerable, true),
                ],
            }),
        }
    }

    /// A report with something in each of its fields.
    pub fn report() -> Value {
        let set = EvalSet {
            queries: vec![EvalQuery {
                id: "q1".to_owned(),
                text: "Pergunta q1?".to_owned(),
            }],
            ..EvalSet::default()
        };
        with_questions("um-conjunto", SearchMode::Keyword, &set, &outcome())
    }

    #[test]
    fn programs_get_the_fields_of_the_contract() {
        let body = to_json(SearchMode::Keyword, &outcome());
        let expected = serde_json::json!({
            "mode": "keyword", "documents": 2, "queries": 1, "ndcg_at_10": 0.93, "recall_at_10": 1.0,
            "mrr_at_10": 0.5, "p50_ms": 4.568, "p99_ms": 9.0,
            "answers": {
                "questions": 1, "in_first": 0.5, "in_any": 1.0, "first_chars": 80.0, "quoted_chars": 200.0, "wrongly_refused": 0.1,
                "wrongly_answered_without": 0.2, "wrongly_answered": null, "rejected_again": null,
            },
            "asked": {
                "model": "um-modelo", "questions": 3, "unanswerable": 1, "citation_precision": 0.5, "citation_recall": 1.0,
                // Four of two written answers, two unconfirmed, and one struck of each question.
                "verified_rate": 0.444444, "wrongly_refused": 0.5, "wrongly_answered": 1.0, "in_first": 0.5, "in_any": 0.5,
                "exact_match": 0.0, "f1": 0.4, "generated": 0.5, "cost": 0.00075, "prompt_tokens": 300, "completion_tokens": 30,
                "p50_ms": 12.0, "p99_ms": 12.0,
            },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_question_is_listed_once_with_all_that_is_known_of_it() {
        let report = report();
        let questions = report["questions"].as_array().unwrap();
        assert_eq!(questions.len(), 3);
        assert_eq!(
            (&questions[0]["ndcg"], &questions[0]["f1"]),
            (&0.93.into(), &0.4.into())
        );
        assert_eq!(questions[2]["answerable"], false);
    }
}
