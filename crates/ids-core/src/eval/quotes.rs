//! Extractive answers: how often an accepted answer is quoted, how much is quoted for that, and how often an answer is given or withheld wrongly.

use super::metrics::mean;
use super::run::{EvalQuery, Running};
use crate::answer::{Evidence, PASSAGES, confidence, quoted};
use crate::error::Refusal;
use crate::limits;
use crate::search::{Hit, SearchReply, SearchRequest};

/// What extractive answers are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuotesOutcome {
    /// Questions that have accepted answers.
    pub questions: usize,
    /// Share of them with one in the first quoted sentence.
    pub in_first: f64,
    /// Share of them with one in any quoted sentence.
    pub in_any: f64,
    /// Characters of the first quoted sentence, mean.
    pub first_chars: f64,
    /// Characters of all quoted sentences, mean.
    pub quoted_chars: f64,
    /// Share of them that are not answered.
    pub wrongly_refused: f64,
    /// Share of them that are answered although the documents that are relevant for them are taken out.
    pub wrongly_answered_without: f64,
    /// Share of the questions that the set does not answer that are answered; `None` where it has none.
    pub wrongly_answered: Option<f64>,
    /// Share of the questions whose quotes people rejected that quote one of these first again; `None` where nobody did.
    pub rejected_again: Option<f64>,
}

/// Quotes an answer to each question that has accepted ones.
pub(super) async fn measure(running: &Running<'_>) -> Result<Option<QuotesOutcome>, Refusal> {
    let set = running.set;
    let asked: Vec<(&EvalQuery, &Vec<String>)> = set
        .queries
        .iter()
        .filter_map(|query| Some((query, set.answers.get(&query.id)?)))
        .collect();
    if asked.is_empty() && set.rejected.is_empty() {
        return Ok(None);
    }
    let total = asked.len() + set.unanswerable.len();
    let mut rows = Vec::with_capacity(asked.len());
    for (done, (query, accepted)) in asked.iter().enumerate() {
        running.check()?;
        let found = find(running, query).await?;
        rows.push(one(running, query, accepted, &found).await);
        running.progress.answered(done + 1, total);
    }
    let mut unanswerable = Vec::with_capacity(set.unanswerable.len());
    for (done, query) in set.unanswerable.iter().enumerate() {
        running.check()?;
        let found = find(running, query).await?;
        unanswerable.push(is_answered(running, query, &found, found.hits.iter().take(PASSAGES)).await);
        running.progress.answered(asked.len() + done + 1, total);
    }
    let mut again = Vec::with_capacity(set.rejected.len());
    let disliked = set
        .queries
        .iter()
        .filter_map(|query| Some((query, set.rejected.get(&query.id)?)));
    for (query, rejected) in disliked {
        running.check()?;
        let found = find(running, query).await?;
        let hits = relevant(found.hits.iter().take(PASSAGES));
        let evidence = rank(running, query, &found, &hits).await;
        let first = quoted(&evidence)
            .next()
            .map(|quote| ids_text::fold_for_match(&quote.text));
        let is_same = |quote: &String| Some(ids_text::fold_for_match(quote)) == first;
        again.push(confidence(&query.text, &hits, &evidence).is_enough() && rejected.iter().any(is_same));
    }
    let share = |is: fn(&Row) -> bool| mean(rows.iter().map(|row| f64::from(u8::from(is(row)))));
    let length = |chars: fn(&Row) -> usize| mean(rows.iter().map(|row| chars(row) as f64));
    Ok(Some(QuotesOutcome {
        questions: rows.len(),
        in_first: share(|row| row.in_first),
        in_any: share(|row| row.in_any),
        first_chars: length(|row| row.first_chars),
        quoted_chars: length(|row| row.quoted_chars),
        wrongly_refused: share(|row| !row.is_answered),
        wrongly_answered_without: share(|row| row.is_answered_without),
        wrongly_answered: (!unanswerable.is_empty())
            .then(|| mean(unanswerable.iter().map(|&is| f64::from(u8::from(is))))),
        rejected_again: (!again.is_empty()).then(|| mean(again.iter().map(|&is| f64::from(u8::from(is))))),
    }))
}

struct Row {
    in_first: bool,
    in_any: bool,
    first_chars: usize,
    quoted_chars: usize,
    is_answered: bool,
    is_answered_without: bool,
}

async fn one(running: &Running<'_>, query: &EvalQuery, accepted: &[String], found: &SearchReply) -> Row {
    let read = relevant(found.hits.iter().take(PASSAGES));
    let evidence = rank(running, query, found, &read).await;
    let quotes: Vec<&Evidence> = quoted(&evidence).collect();
    let accepted: Vec<String> = accepted
        .iter()
        .map(|answer| ids_text::fold_for_match(answer))
        .collect();
    let holds = |quote: &Evidence| {
        let text = ids_text::fold_for_match(&quote.text);
        accepted.iter().any(|answer| text.contains(answer.as_str()))
    };
    let chars = |quote: &Evidence| quote.text.chars().count();
    let is_other = |hit: &&Hit| !running.is_relevant(&query.id, hit.chunk.document_id);
    let others = found.hits.iter().filter(is_other).take(PASSAGES);
    Row {
        in_first: quotes.first().is_some_and(|quote| holds(quote)),
        in_any: quotes.iter().any(|quote| holds(quote)),
        first_chars: quotes.first().map_or(0, |quote| chars(quote)),
        quoted_chars: quotes.iter().map(|quote| chars(quote)).sum(),
        is_answered: confidence(&query.text, &read, &evidence).is_enough(),
        is_answered_without: is_answered(running, query, found, others).await,
    }
}

/// Enough hits that as many are left as are read when those of the relevant documents go.
async fn find(running: &Running<'_>, query: &EvalQuery) -> Result<SearchReply, Refusal> {
    let request = SearchRequest {
        mode: running.options.mode,
        limit: (5 * PASSAGES).min(limits::SEARCH_RESULTS),
        ..SearchRequest::new(query.text.clone())
    };
    running.library.search(running.scope, &request).await
}

async fn rank(running: &Running<'_>, query: &EvalQuery, found: &SearchReply, read: &[Hit]) -> Vec<Evidence> {
    let embedded = found.query_embedding.as_ref();
    let library = running.library;
    library
        .rank_sentences(running.scope, &query.text, embedded, read)
        .await
}

fn relevant<'a>(hits: impl Iterator<Item = &'a Hit>) -> Vec<Hit> {
    crate::answer::relevant(&hits.cloned().collect::<Vec<_>>())
}

async fn is_answered<'a>(
    running: &Running<'_>,
    query: &EvalQuery,
    found: &SearchReply,
    hits: impl Iterator<Item = &'a Hit>,
) -> bool {
    let read = relevant(hits);
    let evidence = rank(running, query, found, &read).await;
    confidence(&query.text, &read, &evidence).is_enough()
}
