//! Questions, answers and conversations.

use std::collections::BTreeMap;

use ids_core::answer::Asked;
use ids_core::chunk::Filter;
use ids_core::id::MessageId;
use ids_core::ports::SessionList;
use ids_core::session::{
    AnswerDetails, AnswerFallback, AnswerMode, Citation, Claim, Feedback, Message, NearestDocument, Session,
    TokenUsage,
};
use ids_core::shield::Hidden;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::page::BoxBody;
use super::time::rfc3339;
use super::usage::decimal;
use super::{rounded, seconds};

/// A question.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::chat::read_question` reads; a test holds both together"
)]
pub(crate) struct AskRequest {
    /// The question, as typed; at most 10,000 characters.
    #[schema(max_length = 10000, example = "Qual é a multa por atraso na entrega?")]
    message: String,
    /// The conversation it belongs to; without it one begins. A question that leans on the ones before it (`And the deadline?`) is looked up with
    /// the words it leans on.
    session_id: Option<String>,
    /// Taken from clients that send it; nothing is done with it.
    metadata: Option<Map<String, Value>>,
    /// Whether the answer is sent as it is made, as server-sent events.
    #[schema(default = false)]
    stream: Option<bool>,
    /// Answers the last question of `session_id` once more, within the limits of the conversation; the new answer takes the place of the last.
    /// `message` and the limits are not looked at then.
    #[schema(default = false)]
    regenerate: Option<bool>,
    /// Only these documents. A first question's limits become those of its conversation; later ones name limits for themselves alone.
    document_ids: Option<Vec<String>>,
    /// Only these MIME types.
    content_types: Option<Vec<String>>,
    /// Only documents that have all of these tags.
    tags: Option<Vec<String>>,
    /// Only this collection; without it all that may be read.
    collection: Option<String>,
}

/// What the questions of a conversation are limited to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScopeBody {
    /// Only this collection; null for all.
    collection: Option<String>,
    /// Only these documents; none for all.
    document_ids: Vec<String>,
    /// Only these MIME types; none for all.
    content_types: Vec<String>,
    /// Only documents that have all of these tags.
    tags: Vec<String>,
}

impl From<&Filter> for ScopeBody {
    fn from(filter: &Filter) -> Self {
        Self {
            collection: filter.collection.as_ref().map(ToString::to_string),
            document_ids: filter.document_ids.iter().map(ToString::to_string).collect(),
            content_types: filter
                .content_types
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            tags: filter.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        }
    }
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerBody {
    /// The answer's text.
    response: String,
    /// The conversation.
    session_id: String,
    /// The evidence.
    sources: Vec<SourceBody>,
    /// What the answer says, sentence by sentence.
    claims: Vec<ClaimBody>,
    /// What else is known of it.
    metadata: AnswerMetadataBody,
    /// Seconds.
    processing_time: f64,
    /// What a model counted; zero without one.
    token_usage: TokenUsageBody,
}

impl From<&Asked> for AnswerBody {
    fn from(asked: &Asked) -> Self {
        let (message, details) = (&asked.message, &asked.details);
        Self {
            response: message.content.clone(),
            session_id: asked.session.session_id.to_string(),
            sources: details.sources.iter().map(SourceBody::from).collect(),
            claims: details.claims.iter().map(ClaimBody::from).collect(),
            metadata: AnswerMetadataBody {
                shield: asked.hidden.as_ref().map(ShieldBody::from),
                ..AnswerMetadataBody::new(message, details, asked.session.message_count)
            },
            processing_time: seconds(details.processing_time),
            token_usage: TokenUsageBody::from(details.usage),
        }
    }
}

/// A place that bears out a claim.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceBody {
    /// The document.
    document_id: String,
    /// Its title when the answer was made.
    document_title: String,
    /// The chunk it was found in.
    chunk_id: String,
    /// The file's name.
    source: String,
    /// The page, from 1.
    page: u32,
    /// How near the chunk is to the question, 0 to 1.
    similarity_score: f64,
    /// The quote with the words around it.
    excerpt: String,
    /// The words of the page, as they stand there.
    quote: String,
    /// Where the quote begins in the page's text (Unicode scalar values).
    start: u32,
    /// Where it ends, exclusive.
    end: u32,
    /// Where it stands on the page, one box for each line; none where that is not known.
    boxes: Vec<BoxBody>,
    /// Whether the quote was found in the document, word for word.
    verified: bool,
}

impl From<&Citation> for SourceBody {
    fn from(citation: &Citation) -> Self {
        let page = citation.place.page_number;
        Self {
            document_id: citation.document_id.to_string(),
            document_title: citation.document_title.clone(),
            chunk_id: citation.chunk_id.to_string(),
            source: citation.filename.clone(),
            page,
            similarity_score: rounded(citation.similarity_score),
            excerpt: citation.excerpt.clone(),
            quote: citation.quote.clone(),
            start: citation.place.span.start,
            end: citation.place.span.end,
            boxes: citation
                .boxes
                .iter()
                .map(|line| BoxBody::of_line(page, line))
                .collect(),
            verified: citation.verified,
        }
    }
}

/// One thing an answer says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimBody {
    /// The sentence.
    text: String,
    /// verified, or unconfirmed when numbers, dates or names of it do not stand in its quotes, or none of its words do.
    #[schema(example = "verified")]
    status: &'static str,
    /// Indexes into `sources`, from 0.
    sources: Vec<u32>,
}

impl From<&Claim> for ClaimBody {
    fn from(claim: &Claim) -> Self {
        Self {
            text: claim.text.clone(),
            status: claim.status.as_str(),
            sources: claim.sources.clone(),
        }
    }
}

/// What else is known of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerMetadataBody {
    /// The answer's message.
    message_id: String,
    /// Passages that were found.
    search_results_count: u32,
    /// Messages of the conversation.
    conversation_length: u32,
    /// Whether the library holds an answer.
    answered: bool,
    /// generated by a model, or extractive: sentences of the documents.
    #[schema(example = "extractive")]
    mode: &'static str,
    /// The model that was asked, if one was.
    model: Option<String>,
    /// Where to look instead, when there is no answer.
    nearest: Vec<NearestBody>,
    /// What the model's tokens cost; null in answers of before there were prices.
    cost: Option<f64>,
    /// What `cost` is in: USD or BRL; null where no model was asked.
    currency: Option<&'static str>,
    /// Whether the model's price is known; if not, `cost` is that of the dearest model there is. Null where no model was asked.
    price_known: Option<bool>,
    /// Why a model that is set did not write it: budget or organization_budget (used up for the month), model_failed, or unproven (nothing it wrote stands
    /// in the documents). Where no model is set, that no money was left to look for the question by meaning. Null where nothing was missing.
    #[schema(example = "budget")]
    fallback: Option<&'static str>,
    /// What was held back of personal data; null where no shield stood between the library and a model, and when a conversation is looked at later.
    shield: Option<ShieldBody>,
}

/// What was replaced before anything left for the server of a model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShieldBody {
    /// Values.
    replaced: u32,
    /// Values of each kind: CPF, CNPJ, PIS, RG, EMAIL, PHONE, CEP, CARD, ACCOUNT, AGENCY, PLATE.
    kinds: BTreeMap<&'static str, u32>,
}

impl From<&Hidden> for ShieldBody {
    fn from(hidden: &Hidden) -> Self {
        let kinds = hidden
            .counts()
            .iter()
            .map(|(kind, count)| (kind.as_str(), *count));
        Self {
            replaced: hidden.total(),
            kinds: kinds.collect(),
        }
    }
}

impl AnswerMetadataBody {
    fn new(message: &Message, details: &AnswerDetails, conversation_length: u32) -> Self {
        Self {
            message_id: message.message_id.to_string(),
            search_results_count: details.search_results,
            conversation_length,
            answered: details.answered,
            mode: details.mode.as_str(),
            model: details.model.clone(),
            nearest: details.nearest.iter().map(NearestBody::from).collect(),
            cost: match details.cost {
                Some(cost) => Some(decimal(cost.amount)),
                // Nothing costs nothing; what was asked before there were prices is not known.
                None => (details.usage.total() == 0).then_some(0.0),
            },
            currency: details.cost.map(|cost| cost.currency.as_str()),
            price_known: details.cost.map(|cost| cost.is_price_known),
            fallback: details.fallback.map(AnswerFallback::as_str),
            shield: None,
        }
    }
}

/// A document that is near a question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NearestBody {
    /// The document.
    document_id: String,
    /// Its title.
    document_title: String,
    /// The page that came nearest, from 1.
    page: u32,
}

impl From<&NearestDocument> for NearestBody {
    fn from(document: &NearestDocument) -> Self {
        Self {
            document_id: document.document_id.to_string(),
            document_title: document.document_title.clone(),
            page: document.page_number,
        }
    }
}

/// Tokens a model counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenUsageBody {
    /// Read.
    prompt_tokens: u64,
    /// Written.
    completion_tokens: u64,
    /// Both.
    total_tokens: u64,
}

impl From<TokenUsage> for TokenUsageBody {
    fn from(usage: TokenUsage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total(),
        }
    }
}

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionBody {
    /// Its id.
    session_id: String,
    /// Its first question, until somebody renames it.
    title: String,
    /// When it began.
    created_at: String,
    /// When it changed last.
    updated_at: String,
    /// Questions and answers.
    message_count: u32,
    /// What its questions are limited to.
    scope: ScopeBody,
}

impl From<&Session> for SessionBody {
    fn from(session: &Session) -> Self {
        Self {
            session_id: session.session_id.to_string(),
            title: session.title.clone(),
            created_at: rfc3339(session.created_at),
            updated_at: rfc3339(session.updated_at),
            message_count: session.message_count,
            scope: ScopeBody::from(&session.filter),
        }
    }
}

/// A page of conversations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionListBody {
    /// What changed last first.
    sessions: Vec<SessionBody>,
    /// How many there are.
    total: u64,
    /// Whether more come after these.
    has_more: bool,
}

impl SessionListBody {
    pub(crate) fn new(list: &SessionList, offset: usize) -> Self {
        let shown = (offset + list.sessions.len()) as u64;
        Self {
            sessions: list.sessions.iter().map(SessionBody::from).collect(),
            total: list.total,
            has_more: !list.sessions.is_empty() && shown < list.total,
        }
    }
}

/// A conversation with its messages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationBody {
    /// Its id.
    session_id: String,
    /// Its title.
    title: String,
    /// When it began.
    created_at: String,
    /// When it changed last.
    updated_at: String,
    /// Questions and answers.
    message_count: u32,
    /// What its questions are limited to.
    scope: ScopeBody,
    /// In order; of a very long conversation the last 2,000.
    messages: Vec<MessageBody>,
}

impl ConversationBody {
    pub(crate) fn new(session: &Session, messages: &[Message]) -> Self {
        let SessionBody {
            session_id,
            title,
            created_at,
            updated_at,
            message_count,
            scope,
        } = SessionBody::from(session);
        // The last of a very long conversation are listed.
        let before = session
            .message_count
            .saturating_sub(u32::try_from(messages.len()).unwrap_or(u32::MAX));
        Self {
            session_id,
            title,
            created_at,
            updated_at,
            message_count,
            scope,
            messages: (before + 1..)
                .zip(messages)
                .map(|(place, message)| MessageBody::new(message, place))
                .collect(),
        }
    }
}

/// A question or an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageBody {
    /// Its id.
    message_id: String,
    /// user or assistant.
    #[schema(example = "user")]
    role: &'static str,
    /// What it says.
    content: String,
    /// When it was written.
    created_at: String,
    /// The evidence of an answer.
    sources: Vec<SourceBody>,
    /// What an answer says, sentence by sentence.
    claims: Vec<ClaimBody>,
    /// What else is known of an answer; null for a question.
    metadata: Option<AnswerMetadataBody>,
    /// What somebody thought of an answer; null when nobody said.
    feedback: Option<FeedbackBody>,
}

/// What somebody thought of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackBody {
    /// up or down.
    #[schema(example = "up")]
    rating: &'static str,
    /// Why.
    reason: Option<String>,
    /// When it was said last.
    rated_at: String,
}

impl From<&Feedback> for FeedbackBody {
    fn from(feedback: &Feedback) -> Self {
        Self {
            rating: feedback.rating.as_str(),
            reason: feedback.reason.clone(),
            rated_at: rfc3339(feedback.rated_at),
        }
    }
}

/// An answer that was rated.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatedBody {
    /// The answer.
    message_id: String,
    /// What is noted of it now.
    feedback: Option<FeedbackBody>,
}

impl RatedBody {
    pub(crate) fn new(message_id: MessageId, feedback: Option<&Feedback>) -> Self {
        Self {
            message_id: message_id.to_string(),
            feedback: feedback.map(FeedbackBody::from),
        }
    }
}

/// What somebody thinks of an answer.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::chat::read_feedback` reads; a test holds both together"
)]
pub(crate) struct FeedbackRequest {
    /// up, down, or none to take it back.
    #[schema(example = "down")]
    rating: String,
    /// Why; at most 2,000 characters.
    #[schema(max_length = 2000)]
    reason: Option<String>,
}

impl MessageBody {
    /// `place`: the message's number in its conversation, from 1.
    fn new(message: &Message, place: u32) -> Self {
        let answer = message.answer.as_ref();
        Self {
            message_id: message.message_id.to_string(),
            role: if answer.is_some() { "assistant" } else { "user" },
            content: message.content.clone(),
            created_at: rfc3339(message.created_at),
            sources: answer
                .map(|answer| answer.sources.iter().map(SourceBody::from).collect())
                .unwrap_or_default(),
            claims: answer
                .map(|answer| answer.claims.iter().map(ClaimBody::from).collect())
                .unwrap_or_default(),
            metadata: answer.map(|answer| AnswerMetadataBody::new(message, answer, place)),
            feedback: message.feedback.as_ref().map(FeedbackBody::from),
        }
    }
}

/// What may be changed of a conversation.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::chat::read_session_change` reads; a test holds both together"
)]
pub(crate) struct SessionChangeRequest {
    /// The new title: 1 to 120 characters on one line.
    #[schema(min_length = 1, max_length = 120)]
    title: Option<String>,
    /// What its questions are limited to from now on, as a whole: `{}` lifts the limits.
    scope: Option<Map<String, Value>>,
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionDeletedBody {
    pub(crate) session_id: String,
    pub(crate) deleted: bool,
}

/// How questions are answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatHealthBody {
    /// healthy; else the reply is an error.
    #[schema(example = "healthy")]
    pub(crate) status: &'static str,
    /// generated when a model is set, else extractive.
    pub(crate) mode: &'static str,
    /// The model that is set.
    pub(crate) model: Option<String>,
}

impl ChatHealthBody {
    pub(crate) fn new(model: Option<&str>) -> Self {
        let mode = if model.is_some() {
            AnswerMode::Generated
        } else {
            AnswerMode::Extractive
        };
        Self {
            status: "healthy",
            mode: mode.as_str(),
            model: model.map(str::to_owned),
        }
    }
}
