//! Conversations as text. The types are this crate's own, so that a change of the domain's does not change what lies in Redis unseen;
//! a change of these raises [`VERSION`], and what was written before counts as not there.

use std::time::Duration;

use ids_core::budget::{Currency, Money};
use ids_core::id::ChunkId;
use ids_core::page::LineBox;
use ids_core::session::{
    AnswerCost, AnswerDetails, AnswerFallback, AnswerMode, Citation, Claim, ClaimStatus, Feedback, Message,
    NearestDocument, Rating, Session, TokenUsage,
};
use ids_core::span::{CharSpan, PageSpan};
use ids_core::time::Timestamp;
use ids_rows::filter::{decode_filter, encode_filter};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const VERSION: u32 = 3;

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    content: T,
}

#[derive(Serialize, Deserialize)]
struct SessionJson {
    session_id: String,
    title: String,
    created_at: i64,
    updated_at: i64,
    message_count: u32,
    /// As the stores write it.
    filter: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct MessageJson {
    message_id: String,
    created_at: i64,
    content: String,
    answer: Option<AnswerJson>,
    /// Rating, reason, moment.
    feedback: Option<(String, Option<String>, i64)>,
}

#[derive(Serialize, Deserialize)]
struct AnswerJson {
    mode: String,
    answered: bool,
    sources: Vec<CitationJson>,
    claims: Vec<ClaimJson>,
    nearest: Vec<NearestJson>,
    search_results: u32,
    model: Option<String>,
    prompt_tokens: u64,
    completion_tokens: u64,
    /// Millionths, currency, whether the price was known.
    cost: Option<(i64, String, bool)>,
    fallback: Option<String>,
    processing_seconds: u64,
    processing_nanos: u32,
}

#[derive(Serialize, Deserialize)]
struct CitationJson {
    document_id: String,
    document_title: String,
    chunk_id: i64,
    filename: String,
    page_number: u32,
    start: u32,
    end: u32,
    quote: String,
    excerpt: String,
    /// The bits: a decimal might come back as a neighbor.
    similarity_bits: u32,
    boxes: Vec<BoxJson>,
    verified: bool,
}

/// Start, end, and the bits of x, y, width, height.
type BoxJson = (u32, u32, [u32; 4]);

#[derive(Serialize, Deserialize)]
struct ClaimJson {
    text: String,
    status: String,
    sources: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct NearestJson {
    document_id: String,
    document_title: String,
    page_number: u32,
}

fn encode<T: Serialize>(content: T) -> Option<String> {
    serde_json::to_string(&Versioned {
        version: VERSION,
        content,
    })
    .ok()
}

fn decode<T: DeserializeOwned>(text: &str) -> Option<T> {
    let read: Versioned<T> = serde_json::from_str(text).ok()?;
    (read.version == VERSION).then_some(read.content)
}

pub(crate) fn encode_session(session: &Session) -> Option<String> {
    encode(SessionJson {
        session_id: session.session_id.to_string(),
        title: session.title.clone(),
        created_at: session.created_at.as_micros(),
        updated_at: session.updated_at.as_micros(),
        message_count: session.message_count,
        filter: encode_filter(&session.filter),
    })
}

pub(crate) fn decode_session(text: &str) -> Option<Session> {
    let read: SessionJson = decode(text)?;
    Some(Session {
        session_id: read.session_id.parse().ok()?,
        title: read.title,
        created_at: Timestamp::from_micros(read.created_at),
        updated_at: Timestamp::from_micros(read.updated_at),
        message_count: read.message_count,
        filter: decode_filter(read.filter.as_deref())?,
    })
}

pub(crate) fn encode_messages(messages: &[Message]) -> Option<String> {
    encode(messages.iter().map(message_to_json).collect::<Vec<_>>())
}

pub(crate) fn decode_messages(text: &str) -> Option<Vec<Message>> {
    let read: Vec<MessageJson> = decode(text)?;
    read.into_iter().map(message_of_json).collect()
}

fn message_to_json(message: &Message) -> MessageJson {
    MessageJson {
        message_id: message.message_id.to_string(),
        created_at: message.created_at.as_micros(),
        content: message.content.clone(),
        answer: message.answer.as_ref().map(answer_to_json),
        feedback: message.feedback.as_ref().map(|feedback| {
            let rating = feedback.rating.as_str().to_owned();
            (rating, feedback.reason.clone(), feedback.rated_at.as_micros())
        }),
    }
}

fn message_of_json(read: MessageJson) -> Option<Message> {
    Some(Message {
        message_id: read.message_id.parse().ok()?,
        created_at: Timestamp::from_micros(read.created_at),
        content: read.content,
        answer: match read.answer {
            Some(answer) => Some(answer_of_json(answer)?),
            None => None,
        },
        feedback: match read.feedback {
            Some((rating, reason, micros)) => Some(Feedback {
                rating: Rating::from_name(&rating)?,
                reason,
                rated_at: Timestamp::from_micros(micros),
            }),
            None => None,
        },
    })
}

fn answer_to_json(answer: &AnswerDetails) -> AnswerJson {
    AnswerJson {
        mode: answer.mode.as_str().to_owned(),
        answered: answer.answered,
        sources: answer.sources.iter().map(citation_to_json).collect(),
        claims: answer
            .claims
            .iter()
            .map(|claim| ClaimJson {
                text: claim.text.clone(),
                status: claim.status.as_str().to_owned(),
                sources: claim.sources.clone(),
            })
            .collect(),
        nearest: answer
            .nearest
            .iter()
            .map(|nearest| NearestJson {
                document_id: nearest.document_id.to_string(),
                document_title: nearest.document_title.clone(),
                page_number: nearest.page_number,
            })
            .collect(),
        search_results: answer.search_results,
        model: answer.model.clone(),
        prompt_tokens: answer.usage.prompt_tokens,
        completion_tokens: answer.usage.completion_tokens,
        cost: answer.cost.map(|cost| {
            let currency = cost.currency.as_str().to_owned();
            (cost.amount.as_micros(), currency, cost.is_price_known)
        }),
        fallback: answer.fallback.map(|reason| reason.as_str().to_owned()),
        processing_seconds: answer.processing_time.as_secs(),
        processing_nanos: answer.processing_time.subsec_nanos(),
    }
}

fn answer_of_json(read: AnswerJson) -> Option<AnswerDetails> {
    let claim = |read: ClaimJson| {
        Some(Claim {
            text: read.text,
            status: ClaimStatus::from_name(&read.status)?,
            sources: read.sources,
        })
    };
    let nearest = |read: NearestJson| {
        Some(NearestDocument {
            document_id: read.document_id.parse().ok()?,
            document_title: read.document_title,
            page_number: read.page_number,
        })
    };
    Some(AnswerDetails {
        mode: AnswerMode::from_name(&read.mode)?,
        answered: read.answered,
        sources: read
            .sources
            .into_iter()
            .map(citation_of_json)
            .collect::<Option<_>>()?,
        claims: read.claims.into_iter().map(claim).collect::<Option<_>>()?,
        nearest: read.nearest.into_iter().map(nearest).collect::<Option<_>>()?,
        search_results: read.search_results,
        model: read.model,
        usage: TokenUsage {
            prompt_tokens: read.prompt_tokens,
            completion_tokens: read.completion_tokens,
        },
        cost: match read.cost {
            Some((micros, currency, is_price_known)) => Some(AnswerCost {
                amount: Money::from_micros(micros),
                currency: Currency::from_name(&currency)?,
                is_price_known,
            }),
            None => None,
        },
        fallback: match read.fallback {
            Some(reason) => Some(AnswerFallback::from_name(&reason)?),
            None => None,
        },
        processing_time: Duration::from_secs(read.processing_seconds)
            .saturating_add(Duration::from_nanos(read.processing_nanos.into())),
    })
}

fn citation_to_json(citation: &Citation) -> CitationJson {
    CitationJson {
        document_id: citation.document_id.to_string(),
        document_title: citation.document_title.clone(),
        chunk_id: citation.chunk_id.0,
        filename: citation.filename.clone(),
        page_number: citation.place.page_number,
        start: citation.place.span.start,
        end: citation.place.span.end,
        quote: citation.quote.clone(),
        excerpt: citation.excerpt.clone(),
        similarity_bits: citation.similarity_score.to_bits(),
        boxes: citation
            .boxes
            .iter()
            .map(|line| {
                let place = [line.x, line.y, line.width, line.height].map(f32::to_bits);
                (line.span.start, line.span.end, place)
            })
            .collect(),
        verified: citation.verified,
    }
}

fn citation_of_json(read: CitationJson) -> Option<Citation> {
    let line = |(start, end, place): BoxJson| {
        let [x, y, width, height] = place.map(f32::from_bits);
        LineBox {
            span: CharSpan::new(start, end),
            x,
            y,
            width,
            height,
        }
    };
    Some(Citation {
        document_id: read.document_id.parse().ok()?,
        document_title: read.document_title,
        chunk_id: ChunkId(read.chunk_id),
        filename: read.filename,
        place: PageSpan {
            page_number: read.page_number,
            span: CharSpan::new(read.start, read.end),
        },
        quote: read.quote,
        excerpt: read.excerpt,
        similarity_score: f32::from_bits(read.similarity_bits),
        boxes: read.boxes.into_iter().map(line).collect(),
        verified: read.verified,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_and_any_other_text_are_none() {
        let session = Session {
            session_id: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            title: "Licitação".to_owned(),
            created_at: Timestamp::from_micros(1),
            updated_at: Timestamp::from_micros(i64::MAX),
            message_count: 2,
            filter: decode_filter(Some("t obra")).unwrap(),
        };
        let text = encode_session(&session).unwrap();
        assert_eq!(decode_session(&text), Some(session));
        for other in [
            text.replace("\"version\":3", "\"version\":2").as_str(),
            &text.replace("-7000-", "-x-"),
            &text[1..],
            "[]",
            "",
        ] {
            assert_eq!(decode_session(other), None, "{other}");
        }
        assert_eq!(decode_messages(&text), None);
    }
}
