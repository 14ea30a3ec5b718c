//! The library as a model: what OpenAI's clients and chat front ends speak. An address of theirs is `/v1` of this server, a model's name
//! `ids` (the whole library) or `ids/` and a collection; keys, limits and budget are those of /api/v1.

pub(crate) mod completions;
pub(crate) mod embeddings;
pub(crate) mod models;
mod read;
mod stream;
mod text;

use ids_core::answer::Answered;

use super::links::PageLinks;

/// An answer with the list of its sources, as one text.
pub(super) fn listed(question: &str, answer: &Answered, links: &PageLinks) -> String {
    text::written(question, &answer.message.content, &answer.details, links).text
}
