//! Questions and answers of a conversation, with the evidence of each answer.

use std::collections::HashMap;
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
use tokio_postgres::Row;

use crate::codec::{decode_indexes, decode_lines, encode_indexes, encode_lines};
use crate::error::{DbError, DbResult};
use crate::rows::{Columns, Id, as_integer, as_number, folded, storable};
use crate::transaction::Tx;

/// Adds a message at the end of its session.
pub(crate) async fn insert(
    tx: &Tx<'_>,
    scope: &Scope,
    session_id: SessionId,
    message: &Message,
) -> DbResult<()> {
    let answer = message.answer.as_ref();
    let feedback = message.feedback.as_ref();
    let cost = answer.and_then(|answer| answer.cost);
    let row = tx
        .query_one(
            "insert into messages (message_id, session_id, organization_id, content, content_folded, created_at, mode,
                 answered, search_results, model, prompt_tokens, completion_tokens, processing_micros, cost_micros, currency,
                 is_price_known, fallback, rating, rating_reason, rated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             returning message_no",
            &[
                &message.message_id.to_uuid(),
                &session_id.to_uuid(),
                &scope.organization.to_uuid(),
                &storable(&message.content),
                &storable(&folded(&message.content)),
                &message.created_at.as_micros(),
                &answer.map(|answer| answer.mode.as_str()),
                &answer.map(|answer| answer.answered),
                &answer.map(|answer| as_number::<i32>(answer.search_results)),
                &answer.and_then(|answer| answer.model.as_deref()),
                &answer.map(|answer| as_integer(answer.usage.prompt_tokens)),
                &answer.map(|answer| as_integer(answer.usage.completion_tokens)),
                &answer.map(|answer| as_integer(answer.processing_time.as_micros())),
                &cost.map(|cost| cost.amount.as_micros()),
                &cost.map(|cost| cost.currency.as_str()),
                &cost.map(|cost| cost.is_price_known),
                &answer
                    .and_then(|answer| answer.fallback)
                    .map(AnswerFallback::as_str),
                &feedback.map(|feedback| feedback.rating.as_str()),
                &feedback
                    .and_then(|feedback| feedback.reason.as_deref())
                    .map(storable),
                &feedback.map(|feedback| feedback.rated_at.as_micros()),
            ],
        )
        .await?;
    let message_no: i64 = row.try_get(0)?;
    if let Some(answer) = answer {
        insert_sources(tx, scope, message_no, &answer.sources).await?;
        insert_claims(tx, scope, message_no, &answer.claims).await?;
        insert_nearest(tx, scope, message_no, &answer.nearest).await?;
    }
    Ok(())
}

async fn insert_sources(tx: &Tx<'_>, scope: &Scope, message_no: i64, sources: &[Citation]) -> DbResult<()> {
    for (position, source) in sources.iter().enumerate() {
        tx.execute(
            "insert into message_sources (message_no, position, organization_id, document_id, document_title, chunk_id,
                 filename, page_number, quote_start, quote_end, quote, excerpt, similarity_score, boxes, verified)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            &[
                &message_no,
                &as_number::<i32>(position),
                &scope.organization.to_uuid(),
                &source.document_id.to_uuid(),
                &storable(&source.document_title),
                &source.chunk_id.0,
                &storable(&source.filename),
                &as_number::<i32>(source.place.page_number),
                &as_number::<i32>(source.place.span.start),
                &as_number::<i32>(source.place.span.end),
                &storable(&source.quote),
                &storable(&source.excerpt),
                &source.similarity_score,
                &encode_lines(&source.boxes),
                &source.verified,
            ],
        )
        .await?;
    }
    Ok(())
}

async fn insert_claims(tx: &Tx<'_>, scope: &Scope, message_no: i64, claims: &[Claim]) -> DbResult<()> {
    for (position, claim) in claims.iter().enumerate() {
        tx.execute(
            "insert into message_claims (message_no, position, organization_id, text, status, sources)
             values ($1, $2, $3, $4, $5, $6)",
            &[
                &message_no,
                &as_number::<i32>(position),
                &scope.organization.to_uuid(),
                &storable(&claim.text),
                &claim.status.as_str(),
                &encode_indexes(&claim.sources),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn insert_nearest(
    tx: &Tx<'_>,
    scope: &Scope,
    message_no: i64,
    nearest: &[NearestDocument],
) -> DbResult<()> {
    for (position, document) in nearest.iter().enumerate() {
        tx.execute(
            "insert into message_nearest (message_no, position, organization_id, document_id, document_title, page_number)
             values ($1, $2, $3, $4, $5, $6)",
            &[
                &message_no,
                &as_number::<i32>(position),
                &scope.organization.to_uuid(),
                &document.document_id.to_uuid(),
                &storable(&document.document_title),
                &as_number::<i32>(document.page_number),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Puts an answer in the place of the last one of its session, which must be `replaced`. The session is locked.
pub(crate) async fn replace_last(
    tx: &Tx<'_>,
    scope: &Scope,
    session_id: SessionId,
    replaced: MessageId,
    answer: &Message,
) -> DbResult<()> {
    let deleted = tx
        .execute(
            "delete from messages where organization_id = $1 and session_id = $2 and message_id = $3 and mode is not null
                 and message_no = (select max(message_no) from messages where organization_id = $1 and session_id = $2)",
            &[
                &scope.organization.to_uuid(),
                &session_id.to_uuid(),
                &replaced.to_uuid(),
            ],
        )
        .await?;
    if deleted == 0 {
        return Err(DbError::CONFLICT);
    }
    insert(tx, scope, session_id, answer).await
}

/// Notes what somebody thought of an answer of a session that is known to be in scope.
pub(crate) async fn rate(
    tx: &Tx<'_>,
    scope: &Scope,
    session_id: SessionId,
    message_id: MessageId,
    feedback: Option<&Feedback>,
) -> DbResult<()> {
    let rated = tx
        .execute(
            "update messages set rating = $4, rating_reason = $5, rated_at = $6
             where organization_id = $1 and session_id = $2 and message_id = $3 and mode is not null",
            &[
                &scope.organization.to_uuid(),
                &session_id.to_uuid(),
                &message_id.to_uuid(),
                &feedback.map(|feedback| feedback.rating.as_str()),
                &feedback
                    .and_then(|feedback| feedback.reason.as_deref())
                    .map(storable),
                &feedback.map(|feedback| feedback.rated_at.as_micros()),
            ],
        )
        .await?;
    if rated == 0 {
        return Err(DbError::NOT_FOUND);
    }
    Ok(())
}

/// What stands behind the answers of some messages, by message.
type ByMessage<T> = HashMap<i64, Vec<T>>;

/// The last `limit` messages of a session that is known to be in scope, in order.
pub(crate) async fn list(
    tx: &Tx<'_>,
    scope: &Scope,
    session_id: SessionId,
    limit: usize,
) -> DbResult<Vec<Message>> {
    let rows = tx
        .query(
            "select message_no, message_id, created_at, content, mode, answered, search_results, model, prompt_tokens,
                 completion_tokens, processing_micros, cost_micros, currency, is_price_known, fallback, rating,
                 rating_reason, rated_at
             from messages where organization_id = $1 and session_id = $2 order by message_no desc limit $3",
            &[
                &scope.organization.to_uuid(),
                &session_id.to_uuid(),
                &as_integer(limit),
            ],
        )
        .await?;
    let numbers = rows
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect::<DbResult<Vec<i64>>>()?;
    let mut sources = sources_of(tx, scope, &numbers).await?;
    let mut claims = claims_of(tx, scope, &numbers).await?;
    let mut nearest = nearest_of(tx, scope, &numbers).await?;
    let mut messages = Vec::with_capacity(rows.len());
    for (row, number) in rows.iter().zip(&numbers).rev() {
        let mut message = read(row)?;
        if let Some(answer) = &mut message.answer {
            answer.sources = sources.remove(number).unwrap_or_default();
            answer.claims = claims.remove(number).unwrap_or_default();
            answer.nearest = nearest.remove(number).unwrap_or_default();
        }
        messages.push(message);
    }
    Ok(messages)
}

/// The message, without what stands in other tables.
fn read(row: &Row) -> DbResult<Message> {
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
        search_results: columns.number()?,
        model: columns.get()?,
        usage: TokenUsage {
            prompt_tokens: columns.count()?,
            completion_tokens: columns.count()?,
        },
        processing_time: Duration::from_micros(columns.count()?),
        cost: cost_of(&mut columns)?,
        fallback: columns.optional_word(AnswerFallback::from_name)?,
        sources: Vec::new(),
        claims: Vec::new(),
        nearest: Vec::new(),
    });
    message.feedback = feedback_of(&mut columns)?;
    Ok(message)
}

/// Three columns: rating, reason, moment.
fn feedback_of(columns: &mut Columns<'_>) -> DbResult<Option<Feedback>> {
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
fn cost_of(columns: &mut Columns<'_>) -> DbResult<Option<AnswerCost>> {
    let amount: Option<i64> = columns.get()?;
    let currency = columns.optional_word(Currency::from_name)?;
    let is_price_known: Option<bool> = columns.get()?;
    Ok(amount.zip(currency).map(|(micros, currency)| AnswerCost {
        amount: Money::from_micros(micros),
        currency,
        is_price_known: is_price_known.unwrap_or(true),
    }))
}

async fn sources_of(tx: &Tx<'_>, scope: &Scope, numbers: &[i64]) -> DbResult<ByMessage<Citation>> {
    let rows = tx
        .query(
            "select message_no, document_id, document_title, chunk_id, filename, page_number, quote_start, quote_end, quote,
                 excerpt, similarity_score, boxes, verified
             from message_sources where organization_id = $1 and message_no = any($2) order by message_no, position",
            &[&scope.organization.to_uuid(), &numbers],
        )
        .await?;
    let mut sources = ByMessage::new();
    for row in &rows {
        let mut columns = Columns::new(row, "message_sources");
        let message_no: i64 = columns.get()?;
        sources.entry(message_no).or_default().push(Citation {
            document_id: columns.id()?,
            document_title: columns.get()?,
            chunk_id: ChunkId(columns.get()?),
            filename: columns.get()?,
            place: PageSpan {
                page_number: columns.number()?,
                span: CharSpan::new(columns.number()?, columns.number()?),
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

async fn claims_of(tx: &Tx<'_>, scope: &Scope, numbers: &[i64]) -> DbResult<ByMessage<Claim>> {
    let rows = tx
        .query(
            "select message_no, text, status, sources from message_claims
             where organization_id = $1 and message_no = any($2) order by message_no, position",
            &[&scope.organization.to_uuid(), &numbers],
        )
        .await?;
    let mut claims = ByMessage::new();
    for row in &rows {
        let mut columns = Columns::new(row, "message_claims");
        let message_no: i64 = columns.get()?;
        claims.entry(message_no).or_default().push(Claim {
            text: columns.get()?,
            status: columns.word(ClaimStatus::from_name)?,
            sources: decode_indexes(&columns.get::<Vec<u8>>()?)
                .ok_or_else(|| DbError::row("message_claims", message_no))?,
        });
    }
    Ok(claims)
}

async fn nearest_of(tx: &Tx<'_>, scope: &Scope, numbers: &[i64]) -> DbResult<ByMessage<NearestDocument>> {
    let rows = tx
        .query(
            "select message_no, document_id, document_title, page_number from message_nearest
             where organization_id = $1 and message_no = any($2) order by message_no, position",
            &[&scope.organization.to_uuid(), &numbers],
        )
        .await?;
    let mut nearest = ByMessage::new();
    for row in &rows {
        let mut columns = Columns::new(row, "message_nearest");
        let message_no: i64 = columns.get()?;
        nearest.entry(message_no).or_default().push(NearestDocument {
            document_id: columns.id()?,
            document_title: columns.get()?,
            page_number: columns.number()?,
        });
    }
    Ok(nearest)
}
