//! Questions and answers of a conversation, with the evidence of each answer.

use std::time::Duration;

use ids_core::budget::{Currency, Money};
use ids_core::id::{ChunkId, MessageId, SessionId};
use ids_core::scope::Scope;
use ids_core::session::{
    AnswerCost, AnswerDetails, AnswerFallback, AnswerMode, Citation, Claim, ClaimStatus, Feedback, Message,
    NearestDocument, Rating, TokenUsage,
};
use ids_core::span::{CharSpan, PageSpan};
use ids_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::codec::{decode_indexes, decode_lines, encode_indexes, encode_lines};
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer, folded};

/// Adds a message at the end of its session.
pub(crate) fn insert(
    tx: &Connection,
    scope: &Scope,
    session_id: SessionId,
    message: &Message,
) -> DbResult<()> {
    let answer = message.answer.as_ref();
    let feedback = message.feedback.as_ref();
    let cost = answer.and_then(|answer| answer.cost);
    tx.prepare_cached(
        "insert into messages (message_id, session_id, organization_id, content, content_folded, created_at, mode,
             answered, search_results, model, prompt_tokens, completion_tokens, processing_micros, cost_micros, currency,
             is_price_known, fallback, rating, rating_reason, rated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    )?
    .execute(params![
        message.message_id.to_blob(),
        session_id.to_blob(),
        scope.organization.to_blob(),
        message.content,
        folded(&message.content),
        message.created_at.as_micros(),
        answer.map(|answer| answer.mode.as_str()),
        answer.map(|answer| answer.answered),
        answer.map(|answer| answer.search_results),
        answer.and_then(|answer| answer.model.as_deref()),
        answer.map(|answer| as_integer(answer.usage.prompt_tokens)),
        answer.map(|answer| as_integer(answer.usage.completion_tokens)),
        answer.map(|answer| as_integer(answer.processing_time.as_micros())),
        cost.map(|cost| cost.amount.as_micros()),
        cost.map(|cost| cost.currency.as_str()),
        cost.map(|cost| cost.is_price_known),
        answer.and_then(|answer| answer.fallback).map(AnswerFallback::as_str),
        feedback.map(|feedback| feedback.rating.as_str()),
        feedback.and_then(|feedback| feedback.reason.as_deref()),
        feedback.map(|feedback| feedback.rated_at.as_micros()),
    ])?;
    let message_no = tx.last_insert_rowid();
    if let Some(answer) = answer {
        insert_sources(tx, scope, message_no, &answer.sources)?;
        insert_claims(tx, scope, message_no, &answer.claims)?;
        insert_nearest(tx, scope, message_no, &answer.nearest)?;
    }
    Ok(())
}

fn insert_sources(tx: &Connection, scope: &Scope, message_no: i64, sources: &[Citation]) -> DbResult<()> {
    let mut insert = tx.prepare_cached(
        "insert into message_sources (message_no, position, organization_id, document_id, document_title, chunk_id,
             filename, page_number, quote_start, quote_end, quote, excerpt, similarity_score, boxes, verified)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    for (position, source) in sources.iter().enumerate() {
        insert.execute(params![
            message_no,
            as_integer(position),
            scope.organization.to_blob(),
            source.document_id.to_blob(),
            source.document_title,
            source.chunk_id.0,
            source.filename,
            source.place.page_number,
            source.place.span.start,
            source.place.span.end,
            source.quote,
            source.excerpt,
            source.similarity_score,
            encode_lines(&source.boxes),
            source.verified,
        ])?;
    }
    Ok(())
}

fn insert_claims(tx: &Connection, scope: &Scope, message_no: i64, claims: &[Claim]) -> DbResult<()> {
    let mut insert = tx.prepare_cached(
        "insert into message_claims (message_no, position, organization_id, text, status, sources)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, claim) in claims.iter().enumerate() {
        insert.execute(params![
            message_no,
            as_integer(position),
            scope.organization.to_blob(),
            claim.text,
            claim.status.as_str(),
            encode_indexes(&claim.sources),
        ])?;
    }
    Ok(())
}

fn insert_nearest(
    tx: &Connection,
    scope: &Scope,
    message_no: i64,
    nearest: &[NearestDocument],
) -> DbResult<()> {
    let mut insert = tx.prepare_cached(
        "insert into message_nearest (message_no, position, organization_id, document_id, document_title, page_number)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, document) in nearest.iter().enumerate() {
        insert.execute(params![
            message_no,
            as_integer(position),
            scope.organization.to_blob(),
            document.document_id.to_blob(),
            document.document_title,
            document.page_number,
        ])?;
    }
    Ok(())
}

/// Puts an answer in the place of the last one of its session, which must be `replaced`.
pub(crate) fn replace_last(
    tx: &Connection,
    scope: &Scope,
    session_id: SessionId,
    replaced: MessageId,
    answer: &Message,
) -> DbResult<()> {
    let deleted = tx.execute(
        "delete from messages where organization_id = ?1 and session_id = ?2 and message_id = ?3 and mode is not null
             and message_no = (select max(message_no) from messages where session_id = ?2)",
        params![
            scope.organization.to_blob(),
            session_id.to_blob(),
            replaced.to_blob()
        ],
    )?;
    if deleted == 0 {
        return Err(DbError::CONFLICT);
    }
    insert(tx, scope, session_id, answer)
}

/// Notes what somebody thought of an answer of a session that is known to be in scope.
pub(crate) fn rate(
    tx: &Connection,
    scope: &Scope,
    session_id: SessionId,
    message_id: MessageId,
    feedback: Option<&Feedback>,
) -> DbResult<()> {
    let rated = tx.execute(
        "update messages set rating = ?4, rating_reason = ?5, rated_at = ?6
         where organization_id = ?1 and session_id = ?2 and message_id = ?3 and mode is not null",
        params![
            scope.organization.to_blob(),
            session_id.to_blob(),
            message_id.to_blob(),
            feedback.map(|feedback| feedback.rating.as_str()),
            feedback.and_then(|feedback| feedback.reason.as_deref()),
            feedback.map(|feedback| feedback.rated_at.as_micros()),
        ],
    )?;
    if rated == 0 {
        return Err(DbError::NOT_FOUND);
    }
    Ok(())
}

/// The last `limit` messages of a session that is known to be in scope, in order.
pub(crate) fn list(
    tx: &Connection,
    scope: &Scope,
    session_id: SessionId,
    limit: usize,
) -> DbResult<Vec<Message>> {
    let mut statement = tx.prepare_cached(
        "select message_no, message_id, created_at, content, mode, answered, search_results, model, prompt_tokens,
             completion_tokens, processing_micros, cost_micros, currency, is_price_known, fallback, rating,
             rating_reason, rated_at
         from messages where session_id = ?1 and organization_id = ?2 order by message_no desc limit ?3",
    )?;
    let mut rows = statement.query(params![
        session_id.to_blob(),
        scope.organization.to_blob(),
        as_integer(limit)
    ])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(message_of(tx, scope, row)?);
    }
    messages.reverse();
    Ok(messages)
}

fn message_of(tx: &Connection, scope: &Scope, row: &Row<'_>) -> DbResult<Message> {
    let mut columns = Columns::new(row, "messages");
    let message_no: i64 = columns.get()?;
    let mut message = Message {
        message_id: columns.id()?,
        created_at: columns.time()?,
        content: columns.get()?,
        answer: None,
        feedback: None,
    };
    let Some(mode) = columns.get::<Option<String>>()? else {
        return Ok(message);
    };
    message.answer = Some(AnswerDetails {
        mode: AnswerMode::from_name(&mode).ok_or_else(|| DbError::row("messages", message_no))?,
        answered: columns.get()?,
        search_results: columns.get()?,
        model: columns.get()?,
        usage: TokenUsage {
            prompt_tokens: columns.count()?,
            completion_tokens: columns.count()?,
        },
        processing_time: Duration::from_micros(columns.count()?),
        cost: cost_of(&mut columns)?,
        fallback: columns.optional_word(AnswerFallback::from_name)?,
        sources: sources_of(tx, scope, message_no)?,
        claims: claims_of(tx, scope, message_no)?,
        nearest: nearest_of(tx, scope, message_no)?,
    });
    message.feedback = feedback_of(&mut columns)?;
    Ok(message)
}

/// Three columns: rating, reason, moment.
fn feedback_of(columns: &mut Columns<'_, '_>) -> DbResult<Option<Feedback>> {
    let rating = columns.optional_word(Rating::from_name)?;
    let reason = columns.get()?;
    let rated_at: Option<i64> = columns.get()?;
    Ok(rating.zip(rated_at).map(|(rating, micros)| Feedback {
        rating,
        reason,
        rated_at: Timestamp::from_micros(micros),
    }))
}

/// Three columns: amount, currency, whether the price was known.
fn cost_of(columns: &mut Columns<'_, '_>) -> DbResult<Option<AnswerCost>> {
    let amount: Option<i64> = columns.get()?;
    let currency = columns.optional_word(Currency::from_name)?;
    let is_price_known: Option<bool> = columns.get()?;
    Ok(amount.zip(currency).map(|(micros, currency)| AnswerCost {
        amount: Money::from_micros(micros),
        currency,
        is_price_known: is_price_known.unwrap_or(true),
    }))
}

fn sources_of(tx: &Connection, scope: &Scope, message_no: i64) -> DbResult<Vec<Citation>> {
    let mut statement = tx.prepare_cached(
        "select document_id, document_title, chunk_id, filename, page_number, quote_start, quote_end, quote, excerpt,
             similarity_score, boxes, verified
         from message_sources where message_no = ?1 and organization_id = ?2 order by position",
    )?;
    let mut rows = statement.query(params![message_no, scope.organization.to_blob()])?;
    let mut sources = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "message_sources");
        sources.push(Citation {
            document_id: columns.id()?,
            document_title: columns.get()?,
            chunk_id: ChunkId(columns.get()?),
            filename: columns.get()?,
            place: PageSpan {
                page_number: columns.get()?,
                span: CharSpan::new(columns.get()?, columns.get()?),
            },
            quote: columns.get()?,
            excerpt: columns.get()?,
            similarity_score: columns.get()?,
            boxes: decode_lines(&columns.get::<Vec<u8>>()?)
                .ok_or_else(|| DbError::row("message_sources", message_no))?,
            verified: columns.get()?,
        });
    }
    Ok(sources)
}

fn claims_of(tx: &Connection, scope: &Scope, message_no: i64) -> DbResult<Vec<Claim>> {
    let mut statement = tx.prepare_cached(
        "select text, status, sources from message_claims
         where message_no = ?1 and organization_id = ?2 order by position",
    )?;
    let mut rows = statement.query(params![message_no, scope.organization.to_blob()])?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next()? {
        let broken = || DbError::row("message_claims", message_no);
        let mut columns = Columns::new(row, "message_claims");
        claims.push(Claim {
            text: columns.get()?,
            status: ClaimStatus::from_name(&columns.get::<String>()?).ok_or_else(broken)?,
            sources: decode_indexes(&columns.get::<Vec<u8>>()?).ok_or_else(broken)?,
        });
    }
    Ok(claims)
}

fn nearest_of(tx: &Connection, scope: &Scope, message_no: i64) -> DbResult<Vec<NearestDocument>> {
    let mut statement = tx.prepare_cached(
        "select document_id, document_title, page_number from message_nearest
         where message_no = ?1 and organization_id = ?2 order by position",
    )?;
    let mut rows = statement.query(params![message_no, scope.organization.to_blob()])?;
    let mut nearest = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "message_nearest");
        nearest.push(NearestDocument {
            document_id: columns.id()?,
            document_title: columns.get()?,
            page_number: columns.get()?,
        });
    }
    Ok(nearest)
}
