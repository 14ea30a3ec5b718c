//! What is kept of a person, and its removal: what data protection law lets everybody ask for.

use std::collections::HashSet;

use ids_text::personal::{Person, PersonalKind, personal_data};

use super::Library;
use crate::document::Document;
use crate::error::{ErrorCode, Refusal};
use crate::id::{DocumentId, KeyId, SessionId};
use crate::limits;
use crate::ports::{DocumentOrder, DocumentQuery, SessionQuery};
use crate::scope::Scope;
use crate::session::{Message, Session};
use crate::span::CharSpan;

/// Documents, or sessions, that are listed at once.
const BATCH: usize = 100;
/// Pages that one call looks through: seconds, not minutes.
const PAGES_AT_ONCE: u32 = 2_000;

/// What one look through the documents found.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonInDocuments {
    /// Documents that say it.
    pub documents: Vec<PersonInDocument>,
    /// Documents that were looked through, and those before them.
    pub looked_through: usize,
    /// All documents.
    pub total: u64,
}

/// A document that names a person.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonInDocument {
    /// The document.
    pub document: Document,
    /// Whether its title, file name or description does.
    pub is_in_details: bool,
    /// The pages that do.
    pub pages: Vec<PersonOnPage>,
}

/// A page that names a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonOnPage {
    /// From 1.
    pub page_number: u32,
    /// Where.
    pub places: Vec<CharSpan>,
    /// What else of personal data stands on the page, by kind.
    pub kinds: Vec<PersonalKind>,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erased {
    /// Documents with all that was made of them, and what came in them.
    pub documents: Vec<DocumentId>,
    /// Conversations.
    pub sessions: Vec<SessionId>,
    /// Documents that stay, and whose originals still hold one that was erased: the archive or mail it came in.
    pub still_in: Vec<DocumentId>,
}

impl Library {
    /// Looks for a person in the text of all documents, those too that came in others, from the `offset`-th on (oldest first), as far as one call goes. Every page is read:
    /// who asks must be told all, which no ranking of the best gives.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when too little is said to tell anybody by.
    pub async fn find_person(
        &self,
        scope: &Scope,
        person: &str,
        offset: usize,
    ) -> Result<PersonInDocuments, Refusal> {
        let person = read_person(person)?;
        // Of whatever depth: what came in an archive or a mail is a document of its own. New ones come after those that were looked through.
        let query = DocumentQuery {
            offset,
            ..DocumentQuery::first(BATCH, DocumentOrder::CreatedAt)
        };
        let list = self.ports.documents.list_documents(scope, &query).await?;
        let mut found = PersonInDocuments {
            documents: Vec::new(),
            looked_through: offset,
            total: list.total,
        };
        let mut pages = 0;
        for document in list.documents {
            pages += document.page_count.unwrap_or(0);
            found.looked_through += 1;
            found
                .documents
                .extend(self.person_in(scope, &person, document).await?);
            if pages >= PAGES_AT_ONCE {
                break;
            }
        }
        Ok(found)
    }

    async fn person_in(
        &self,
        scope: &Scope,
        person: &Person,
        document: Document,
    ) -> Result<Option<PersonInDocument>, Refusal> {
        let details = [&document.title, &document.filename]
            .into_iter()
            .chain(&document.description);
        let is_in_details = details.into_iter().any(|text| !person.places_in(text).is_empty());
        let mut pages = Vec::new();
        for page_number in 1..=document.page_count.unwrap_or(0) {
            let page = self
                .ports
                .documents
                .find_page(scope, document.document_id, page_number)
                .await?;
            let Some((page, _)) = page else { continue };
            let places = person.places_in(&page.text);
            if places.is_empty() {
                continue;
            }
            let mut kinds: Vec<PersonalKind> =
                personal_data(&page.text).iter().map(|data| data.kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            pages.push(PersonOnPage {
                page_number,
                places: places
                    .into_iter()
                    .map(|(start, end)| CharSpan::new(start as u32, end as u32))
                    .collect(),
                kinds,
            });
        }
        Ok((is_in_details || !pages.is_empty()).then_some(PersonInDocument {
            document,
            is_in_details,
            pages,
        }))
    }

    /// The conversations that name a person.
    ///
    /// # Errors
    /// As [`Library::find_person`].
    pub async fn sessions_with_person(&self, scope: &Scope, person: &str) -> Result<Vec<Session>, Refusal> {
        let person = read_person(person)?;
        let says = |text: &str| !person.places_in(text).is_empty();
        self.sessions_where(scope, |session, messages| {
            says(&session.title)
                || messages.iter().any(|message| {
                    let sources = message.answer.iter().flat_map(|answer| &answer.sources);
                    let nearest = message.answer.iter().flat_map(|answer| &answer.nearest);
                    let why = message
                        .feedback
                        .iter()
                        .filter_map(|feedback| feedback.reason.as_ref());
                    says(&message.content)
                        || why.into_iter().any(|reason| says(reason))
                        || nearest.into_iter().any(|document| says(&document.document_title))
                        || sources.into_iter().any(|source| {
                            [&source.document_title, &source.excerpt, &source.quote]
                                .into_iter()
                                .any(|text| says(text))
                        })
                })
        })
        .await
    }

    async fn sessions_where(
        &self,
        scope: &Scope,
        fits: impl Fn(&Session, &[Message]) -> bool,
    ) -> Result<Vec<Session>, Refusal> {
        let mut found = Vec::new();
        let mut offset = 0;
        loop {
            let query = SessionQuery {
                search: None,
                limit: BATCH,
                offset,
            };
            let list = self.ports.sessions.list_sessions(scope, &query).await?;
            if list.sessions.is_empty() {
                return Ok(found);
            }
            offset += list.sessions.len();
            for session in list.sessions {
                let messages = self
                    .ports
                    .sessions
                    .list_messages(scope, session.session_id, limits::SESSION_MESSAGES)
                    .await;
                // Deleted meanwhile: then it says nothing any more.
                let Ok(messages) = messages else { continue };
                if fits(&session, &messages) {
                    found.push(session);
                }
            }
        }
    }

    /// Removes documents with all that was made of them and what came in them, the conversations that quote any of these, and conversations.
    /// Each is noted in the record by its id alone. What is not there any more is passed over, so that a call that broke off can be repeated.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`; what was erased by then is in the record.
    pub async fn erase(
        &self,
        scope: &Scope,
        key_id: Option<KeyId>,
        documents: &[DocumentId],
        sessions: &[SessionId],
    ) -> Result<Erased, Refusal> {
        let mut families = Vec::new();
        for &document_id in documents {
            families.push((document_id, self.with_members(scope, document_id).await?));
        }
        let going: HashSet<DocumentId> = families.iter().flat_map(|(_, family)| family).copied().collect();
        let mut erased = Erased {
            still_in: self.containers(scope, documents, &going).await?,
            ..Erased::default()
        };
        let mut sessions = sessions.to_vec();
        if !going.is_empty() {
            let quoting = self
                .sessions_where(scope, |_, messages| {
                    let sources = messages
                        .iter()
                        .flat_map(|message| &message.answer)
                        .flat_map(|answer| &answer.sources);
                    sources
                        .into_iter()
                        .any(|source| going.contains(&source.document_id))
                })
                .await?;
            sessions.extend(quoting.into_iter().map(|session| session.session_id));
        }
        for &session_id in &sessions {
            match self.delete_session(scope, session_id).await {
                Ok(()) => {
                    self.record(scope, key_id, "session.erased", &session_id.to_string())
                        .await;
                    erased.sessions.push(session_id);
                }
                Err(refusal) if refusal.code == ErrorCode::SessionNotFound => {}
                Err(refusal) => return Err(refusal),
            }
        }
        for (document_id, family) in families {
            match self.delete_document(scope, document_id).await {
                Ok(_) => {
                    for member in family {
                        self.record(scope, key_id, "document.erased", &member.to_string())
                            .await;
                        erased.documents.push(member);
                    }
                }
                // Gone before, or just now with the document it came in.
                Err(refusal) if refusal.code == ErrorCode::DocumentNotFound => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(erased)
    }

    /// A document and what came in it, at whatever depth, outer ones first.
    async fn with_members(&self, scope: &Scope, document_id: DocumentId) -> Result<Vec<DocumentId>, Refusal> {
        let mut all = Vec::new();
        let mut level = vec![document_id];
        for _ in 0..=limits::MEMBER_LEVELS {
            let mut next = Vec::new();
            for &parent in &level {
                next.extend(self.members_of(scope, parent).await?);
            }
            all.append(&mut level);
            level = next;
        }
        Ok(all)
    }

    async fn members_of(&self, scope: &Scope, parent: DocumentId) -> Result<Vec<DocumentId>, Refusal> {
        let mut members = Vec::new();
        loop {
            let query = DocumentQuery {
                parent_id: Some(parent),
                offset: members.len(),
                ..DocumentQuery::first(BATCH, DocumentOrder::CreatedAt)
            };
            let list = self.ports.documents.list_documents(scope, &query).await?;
            if list.documents.is_empty() {
                return Ok(members);
            }
            members.extend(list.documents.iter().map(|document| document.document_id));
        }
    }

    /// The outermost documents that some of `documents` came in, and that do not go with them.
    async fn containers(
        &self,
        scope: &Scope,
        documents: &[DocumentId],
        going: &HashSet<DocumentId>,
    ) -> Result<Vec<DocumentId>, Refusal> {
        let mut containers = Vec::new();
        for &document_id in documents {
            let mut outermost = document_id;
            for _ in 0..limits::MEMBER_LEVELS {
                let found = self.ports.documents.find_document(scope, outermost).await?;
                let Some(parent) = found.and_then(|document| document.parent_id) else {
                    break;
                };
                outermost = parent;
            }
            if !going.contains(&outermost) && !containers.contains(&outermost) {
                containers.push(outermost);
            }
        }
        Ok(containers)
    }
}

fn read_person(text: &str) -> Result<Person, Refusal> {
    Person::new(text).ok_or_else(|| {
        Refusal::field(
            "person",
            "must be a name, a number or an address with at least 5 letters or digits",
        )
    })
}
