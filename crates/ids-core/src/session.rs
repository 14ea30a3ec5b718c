//! Conversations: sessions, the messages in them, and answers with the evidence they rest on.

use std::time::Duration;

use crate::budget::{Currency, Money};
use crate::chunk::Filter;
use crate::id::{ChunkId, DocumentId, KeyId, MessageId, SessionId};
use crate::page::LineBox;
use crate::span::PageSpan;
use crate::time::Timestamp;

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub session_id: SessionId,
    /// What lists show: the first question, until somebody renames it.
    pub title: String,
    /// When its first question came.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Questions and answers.
    pub message_count: u32,
    /// What its questions are limited to, unless one of them says otherwise.
    pub filter: Filter,
}

/// A question or an answer, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The message.
    pub message_id: MessageId,
    /// When it was written.
    pub created_at: Timestamp,
    /// What it says.
    pub content: String,
    /// What stands behind an answer; `None` for a question.
    pub answer: Option<AnswerDetails>,
    /// What somebody thought of an answer.
    pub feedback: Option<Feedback>,
}

/// What somebody thought of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Whether it was of use.
    pub rating: Rating,
    /// Why, in their words.
    pub reason: Option<String>,
    /// When it was said last.
    pub rated_at: Timestamp,
}

/// Whether an answer was of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rating {
    /// It was.
    Up,
    /// It was not.
    Down,
}

impl Rating {
    /// The word in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// The rating of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Up, Self::Down]
            .into_iter()
            .find(|rating| rating.as_str() == name)
    }
}

/// A question with its answer: they are kept together or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The session.
    pub session_id: SessionId,
    /// Whether the session is to be made, under this title; `None` for one that must be there.
    pub new_title: Option<String>,
    /// What a session that is to be made is limited to.
    pub filter: Filter,
    /// The answer that this one stands for from now on: the last message of the session, whose question stays as it is.
    pub replaces: Option<MessageId>,
    /// The key it was asked with; `None` where none is needed.
    pub key_id: Option<KeyId>,
    /// What was asked.
    pub question: Message,
    /// What was answered.
    pub answer: Message,
    /// Whether what it used is in the ledger already, as where a model was asked.
    pub is_counted: bool,
}

/// What stands behind an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerDetails {
    /// Who found the words.
    pub mode: AnswerMode,
    /// Whether the library holds an answer.
    pub answered: bool,
    /// The evidence, in the order of the claims that rest on it.
    pub sources: Vec<Citation>,
    /// What the answer says, sentence by sentence.
    pub claims: Vec<Claim>,
    /// Where to look instead, when there is no answer.
    pub nearest: Vec<NearestDocument>,
    /// Passages that were found for the question.
    pub search_results: u32,
    /// The model that wrote it; `None` for an extractive answer.
    pub model: Option<String>,
    /// What the model counted; zero for an extractive answer.
    pub usage: TokenUsage,
    /// What these tokens cost; `None` where no model was asked, and in answers of before there were prices.
    pub cost: Option<AnswerCost>,
    /// Why a model that is there did not write it.
    pub fallback: Option<AnswerFallback>,
    /// From question to answer.
    pub processing_time: Duration,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerCost {
    /// The amount.
    pub amount: Money,
    /// Of what.
    pub currency: Currency,
    /// Whether the model's price was known; if not, the dearest was taken.
    pub is_price_known: bool,
}

/// Why an answer is made of sentences of the documents although there is a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerFallback {
    /// The installation's budget for the month is used up.
    Budget,
    /// The organization's is.
    OrganizationBudget,
    /// The model failed.
    ModelFailed,
    /// Nothing the model wrote could be borne out.
    Unproven,
}

impl AnswerFallback {
    /// The word in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::OrganizationBudget => "organization_budget",
            Self::ModelFailed => "model_failed",
            Self::Unproven => "unproven",
        }
    }

    /// The reason of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Budget,
            Self::OrganizationBudget,
            Self::ModelFailed,
            Self::Unproven,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == name)
    }
}

/// Who found the words of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerMode {
    /// A model wrote them.
    Generated,
    /// They are sentences of the documents.
    Extractive,
}

impl AnswerMode {
    /// The word in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Extractive => "extractive",
        }
    }

    /// The mode of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Generated, Self::Extractive]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }
}

/// A place that bears out a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation {
    /// The document.
    pub document_id: DocumentId,
    /// Its title when the answer was made.
    pub document_title: String,
    /// The chunk the place was found in.
    pub chunk_id: ChunkId,
    /// The file's name.
    pub filename: String,
    /// The page, and the range of the quote in its text.
    pub place: PageSpan,
    /// The page's text at `place`, character by character.
    pub quote: String,
    /// The quote with the words around it.
    pub excerpt: String,
    /// How near the chunk is to the question, 0 to 1.
    pub similarity_score: f32,
    /// Where the quote stands on the page, one box a line; empty where that is not known.
    pub boxes: Vec<LineBox>,
    /// Whether the quote was found in the document, word for word.
    pub verified: bool,
}

/// One thing an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The sentence.
    pub text: String,
    /// How well it is borne out.
    pub status: ClaimStatus,
    /// What it rests on: indexes into the answer's sources, from 0.
    pub sources: Vec<u32>,
}

/// How well a claim is borne out. One whose quote is not found is struck, so it has no word here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClaimStatus {
    /// Its quote stands in the document, and its numbers in the quote.
    Verified,
    /// Its quote stands in the document, but numbers, dates or names of the claim do not stand in the quote, or none of its words do.
    Unconfirmed,
}

impl ClaimStatus {
    /// The word in stores and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// The status of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Verified, Self::Unconfirmed]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// A document that is near a question without answering it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestDocument {
    /// The document.
    pub document_id: DocumentId,
    /// Its title.
    pub document_title: String,
    /// The page that came nearest, from 1.
    pub page_number: u32,
}

/// Tokens a model counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenUsage {
    /// What it read.
    pub prompt_tokens: u64,
    /// What it wrote.
    pub completion_tokens: u64,
}

impl TokenUsage {
    /// Both.
    pub const fn total(self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}
