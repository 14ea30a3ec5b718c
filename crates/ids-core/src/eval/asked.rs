//! Answers as people get them: each question is asked from end to end, with the model that is there or without one.

use tokio::sync::mpsc;

use super::metrics::{mean, percentile};
use super::overlap;
use super::run::{EvalQuery, Running};
use crate::answer::{AskEvent, AskEvents, AskRequest, Asked};
use crate::budget::Money;
use crate::chunk::Filter;
use crate::error::Refusal;
use crate::session::{AnswerFallback, AnswerMode, ClaimStatus};

/// Events that may wait; they are taken as they come.
const EVENTS_WAITING: usize = 64;

/// What is known of a question's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuestionKind {
    /// The set answers it.
    Answerable,
    /// It does not.
    Unanswerable,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionOutcome {
    /// Its id in the set.
    pub id: String,
    /// What was asked.
    pub text: String,
    /// Whether there is an answer.
    pub kind: QuestionKind,
    /// Whether one was given.
    pub answered: bool,
    /// Who wrote it.
    pub mode: AnswerMode,
    /// Why a model that is there did not.
    pub fallback: Option<AnswerFallback>,
    /// What was answered.
    pub response: String,
    /// The set's ids of the documents that are cited, each once.
    pub cited: Vec<String>,
    /// Claims that are borne out, that are unconfirmed, and that were struck.
    pub claims: [u32; 3],
    /// Share of the citations that are of a relevant document; `None` without citations or judgements.
    pub citation_precision: Option<f64>,
    /// Share of the relevant documents that are cited; `None` without judgements.
    pub citation_recall: Option<f64>,
    /// Whether an accepted answer stands in the first quote; `None` where none is known.
    pub in_first: Option<bool>,
    /// Whether one stands in any quote.
    pub in_any: Option<bool>,
    /// Whether the answer is an accepted one, word for word.
    pub exact_match: Option<bool>,
    /// The best F1 over words with an accepted one.
    pub f1: Option<f64>,
    /// Tokens read and written by a model.
    pub tokens: (u64, u64),
    /// What they cost.
    pub cost: Money,
    /// From question to answer, in milliseconds.
    pub ms: f64,
}

/// What came of all.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedOutcome {
    /// The model that was asked, if one was.
    pub model: Option<String>,
    /// Question by question, in the order of the set.
    pub questions: Vec<QuestionOutcome>,
}

impl AskedOutcome {
    /// Those of a kind.
    pub fn of(&self, kind: QuestionKind) -> impl Iterator<Item = &QuestionOutcome> {
        self.questions
            .iter()
            .filter(move |question| question.kind == kind)
    }

    /// The mean of what is known of the answerable ones.
    pub fn mean_of(&self, value: impl Fn(&QuestionOutcome) -> Option<f64>) -> f64 {
        mean(self.of(QuestionKind::Answerable).filter_map(value))
    }

    /// Share of the answerable questions that were not answered.
    pub fn wrongly_refused(&self) -> f64 {
        self.mean_of(|question| Some(share(!question.answered)))
    }

    /// Share of the unanswerable ones that were; `None` without any.
    pub fn wrongly_answered(&self) -> Option<f64> {
        let mut rows = self.of(QuestionKind::Unanswerable).peekable();
        rows.peek()?;
        Some(mean(rows.map(|question| share(question.answered))))
    }

    /// Share of what a model claimed that is borne out by its quotes; `None` when none claimed anything. Sentences that are quoted in a
    /// model's place are borne out by being quotes, and say nothing of it.
    pub fn verified_rate(&self) -> Option<f64> {
        let (mut verified, mut all) = (0, 0);
        for question in &self.questions {
            let [borne_out, unconfirmed, struck] = question.claims;
            all += struck;
            if question.mode == AnswerMode::Generated {
                verified += borne_out;
                all += borne_out + unconfirmed;
            }
        }
        (all > 0).then(|| f64::from(verified) / f64::from(all))
    }

    /// A percentile of the time from question to answer.
    pub fn ms(&self, percent: f64) -> f64 {
        percentile(
            &mut self.questions.iter().map(|it| it.ms).collect::<Vec<_>>(),
            percent,
        )
    }

    /// What all of it cost.
    pub fn cost(&self) -> Money {
        let micros = self.questions.iter().map(|it| it.cost.as_micros()).sum();
        Money::from_micros(micros)
    }
}

fn share(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// Asks at most `most` of the questions that have judgements or answers, evenly chosen, and as large a part of the unanswerable ones.
pub(super) async fn measure(running: &Running<'_>, most: usize) -> Result<AskedOutcome, Refusal> {
    let set = running.set;
    let answerable: Vec<&EvalQuery> = set
        .queries
        .iter()
        .filter(|query| set.grades.contains_key(&query.id) || set.answers.contains_key(&query.id))
        .collect();
    let step = answerable.len().div_ceil(most).max(1);
    let some = answerable
        .into_iter()
        .step_by(step)
        .map(|query| (query, QuestionKind::Answerable));
    let others = set
        .unanswerable
        .iter()
        .step_by(step)
        .map(|query| (query, QuestionKind::Unanswerable));
    let all: Vec<(&EvalQuery, QuestionKind)> = some.chain(others).collect();
    let mut outcome = AskedOutcome {
        model: running
            .library
            .ports
            .chat
            .as_ref()
            .map(|chat| chat.name().to_owned()),
        questions: Vec::with_capacity(all.len()),
    };
    for (done, (query, kind)) in all.iter().enumerate() {
        running.check()?;
        outcome.questions.push(ask(running, query, *kind).await?);
        running.progress.answered(done + 1, all.len());
    }
    Ok(outcome)
}

async fn ask(
    running: &Running<'_>,
    query: &EvalQuery,
    kind: QuestionKind,
) -> Result<QuestionOutcome, Refusal> {
    let (sender, mut events) = mpsc::channel(EVENTS_WAITING);
    let request = AskRequest {
        question: query.text.clone(),
        session_id: None,
        filter: Filter::default(),
        key_id: None,
    };
    let listener = AskEvents::to(sender);
    let clock = &running.library.ports.clock;
    let begun = clock.now();
    let asking = async {
        let asked = running.library.ask(running.scope, &request, &listener).await;
        drop(listener);
        asked
    };
    let counting = async {
        let mut struck = 0;
        while let Some(event) = events.recv().await {
            struck += u32::from(matches!(event, AskEvent::Retract(_)));
        }
        struck
    };
    let (asked, struck) = tokio::join!(asking, counting);
    let ms = clock.now().since(begun).as_secs_f64() * 1e3;
    Ok(outcome_of(running, query, kind, &asked?, struck, ms))
}

fn outcome_of(
    running: &Running<'_>,
    query: &EvalQuery,
    kind: QuestionKind,
    asked: &Asked,
    struck: u32,
    ms: f64,
) -> QuestionOutcome {
    let details = &asked.details;
    let mut cited: Vec<String> = Vec::new();
    let mut right = 0;
    for source in &details.sources {
        right += usize::from(running.is_relevant(&query.id, source.document_id));
        if let Some(name) = running.names.get(&source.document_id)
            && !cited.contains(name)
        {
            cited.push(name.clone());
        }
    }
    let relevant = running.relevant_count(&query.id);
    let grades = running.set.grades.get(&query.id);
    let found = cited
        .iter()
        .filter(|name| {
            let grade = grades.and_then(|grades| grades.get(*name));
            grade.is_some_and(|&grade| grade >= running.options.relevant_from)
        })
        .count();
    let accepted = running.set.answers.get(&query.id);
    let holds = |quote: &str| {
        let text = ids_text::fold_for_match(quote);
        accepted
            .into_iter()
            .flatten()
            .any(|answer| text.contains(&ids_text::fold_for_match(answer)))
    };
    let measured = accepted.map(|accepted| overlap::against(&asked.message.content, accepted));
    let count = |status| {
        let claims = details.claims.iter().filter(|claim| claim.status == status);
        u32::try_from(claims.count()).unwrap_or(u32::MAX)
    };
    let quotes = || details.sources.iter().map(|source| source.quote.as_str());
    QuestionOutcome {
        id: query.id.clone(),
        text: query.text.clone(),
        kind,
        answered: details.answered,
        mode: details.mode,
        fallback: details.fallback,
        response: asked.message.content.clone(),
        claims: [
            count(ClaimStatus::Verified),
            count(ClaimStatus::Unconfirmed),
            struck,
        ],
        citation_precision: (relevant > 0 && !details.sources.is_empty())
            .then(|| right as f64 / details.sources.len() as f64),
        citation_recall: (relevant > 0).then(|| found as f64 / relevant as f64),
        cited,
        in_first: accepted.map(|_| quotes().next().is_some_and(holds)),
        in_any: accepted.map(|_| quotes().any(holds)),
        exact_match: measured.map(|(is_exact, _)| is_exact),
        f1: measured.map(|(_, f1)| f1),
        tokens: (details.usage.prompt_tokens, details.usage.completion_tokens),
        cost: details.cost.map_or(Money::from_micros(0), |cost| cost.amount),
        ms,
    }
}
