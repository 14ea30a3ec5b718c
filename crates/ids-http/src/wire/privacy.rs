//! What is kept of a person, and what was erased.

use ids_core::library::{Erased, PersonInDocument, PersonInDocuments};
use serde::Serialize;
use utoipa::ToSchema;

use super::chat::SessionBody;
use super::chunk::RangeBody;

/// Who is looked for.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::privacy::read_person` reads; a test holds both together"
)]
pub(crate) struct FindPersonRequest {
    /// A name, a number or an address of mail; at least five letters or digits.
    #[schema(example = "529.982.247-25")]
    person: String,
    /// Documents to pass over: `next_offset` of the reply before.
    offset: Option<u64>,
}

/// Documents that name a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonDocumentsBody {
    /// Oldest first.
    documents: Vec<PersonDocumentBody>,
    /// Where the next call goes on; null when all documents were looked through.
    next_offset: Option<u64>,
    /// Documents in all.
    total: u64,
}

impl From<&PersonInDocuments> for PersonDocumentsBody {
    fn from(found: &PersonInDocuments) -> Self {
        let looked_through = found.looked_through as u64;
        Self {
            documents: found.documents.iter().map(PersonDocumentBody::from).collect(),
            next_offset: (looked_through < found.total).then_some(looked_through),
            total: found.total,
        }
    }
}

/// A document that names a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonDocumentBody {
    document_id: String,
    title: String,
    filename: String,
    collection: String,
    /// The archive or mail it came in, whose original holds it too; null for what a person gave.
    parent_id: Option<String>,
    /// Where it lies in that.
    path: Option<String>,
    /// Whether title, file name or description name the person.
    in_details: bool,
    pages: Vec<PersonPageBody>,
}

impl From<&PersonInDocument> for PersonDocumentBody {
    fn from(found: &PersonInDocument) -> Self {
        let document = &found.document;
        let pages = found.pages.iter().map(|page| PersonPageBody {
            page: page.page_number,
            places: page.places.iter().copied().map(RangeBody::from).collect(),
            kinds: page.kinds.iter().map(|kind| kind.as_str()).collect(),
        });
        Self {
            document_id: document.document_id.to_string(),
            title: document.title.clone(),
            filename: document.filename.clone(),
            collection: document.collection.as_str().to_owned(),
            parent_id: document.parent_id.map(|id| id.to_string()),
            path: document.path.clone(),
            in_details: found.is_in_details,
            pages: pages.collect(),
        }
    }
}

/// A page that names a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonPageBody {
    /// From 1.
    page: u32,
    /// Where in its text.
    places: Vec<RangeBody>,
    /// Kinds of personal data that stand on the page, anybody's.
    kinds: Vec<&'static str>,
}

/// Conversations that name a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonSessionsBody {
    pub(crate) sessions: Vec<SessionBody>,
}

/// What is to be erased.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes in OpenAPI what `routes::privacy::read_erasure` reads; a test holds both together"
)]
pub(crate) struct EraseRequest {
    /// Documents, with what came in them and the conversations that quote any of these.
    document_ids: Option<Vec<String>>,
    /// Conversations.
    session_ids: Option<Vec<String>>,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErasedBody {
    /// Those asked for, and what came in them.
    document_ids: Vec<String>,
    /// Those asked for, and those that quoted the documents.
    session_ids: Vec<String>,
    /// Archives and mails that stay, and whose originals still hold one that was erased.
    still_in: Vec<String>,
}

impl From<&Erased> for ErasedBody {
    fn from(erased: &Erased) -> Self {
        Self {
            document_ids: erased.documents.iter().map(ToString::to_string).collect(),
            session_ids: erased.sessions.iter().map(ToString::to_string).collect(),
            still_in: erased.still_in.iter().map(ToString::to_string).collect(),
        }
    }
}
