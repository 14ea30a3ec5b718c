//! What every [`SessionStore`](ids_core::ports::SessionStore) promises, one function or more a clause of the port's doc.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ids_core::budget::{Currency, Money, UsageBy, UsageCount};
use ids_core::chunk::Filter;
use ids_core::document::ContentType;
use ids_core::error::StoreErrorKind;
use ids_core::id::{ChunkId, DocumentId, MessageId, SessionId};
use ids_core::page::LineBox;
use ids_core::ports::{Clock, Ids, SessionQuery};
use ids_core::scope::{Scope, Tag};
use ids_core::session::{
    AnswerCost, AnswerDetails, AnswerFallback, AnswerMode, Citation, Claim, ClaimStatus, Exchange, Feedback,
    Message, NearestDocument, Rating, Session, TokenUsage,
};
use ids_core::span::{CharSpan, PageSpan};

use crate::belongings::create_key;
use crate::stores::{Stores, collection, content_type};

const SECOND: Duration = Duration::from_secs(1);
const MANY: usize = 1_000;

fn message(stores: &Stores, content: &str, answer: Option<AnswerDetails>) -> Message {
    Message {
        message_id: MessageId::from_uuid(stores.ids.next()),
        created_at: stores.clock.now(),
        content: content.to_owned(),
        answer,
        feedback: None,
    }
}

/// A filter with something in each of its fields.
fn limits() -> Filter {
    Filter {
        collection: Some(collection("Obras públicas")),
        document_ids: vec![DocumentId::from_uuid(uuid::Uuid::from_u128(7))],
        content_types: vec![content_type(ContentType::PDF)],
        tags: vec![Tag::parse("água").unwrap()],
    }
}

/// An answer with something in each of its fields.
fn full_details(stores: &Stores) -> AnswerDetails {
    let citation = |page_number, verified| Citation {
        document_id: DocumentId::from_uuid(stores.ids.next()),
        document_title: "Contrato nº 12/2024".to_owned(),
        chunk_id: ChunkId(7),
        filename: "contrato.pdf".to_owned(),
        place: PageSpan {
            page_number,
            span: CharSpan::new(10, 24),
        },
        quote: "A multa é de 2%".to_owned(),
        excerpt: "… A multa é de 2% ao mês …".to_owned(),
        similarity_score: 0.731,
        boxes: vec![LineBox {
            span: CharSpan::new(10, 24),
            x: 72.5,
            y: 100.25,
            width: 300.0,
            height: 12.0,
        }],
        verified,
    };
    AnswerDetails {
        mode: AnswerMode::Generated,
        answered: true,
        sources: vec![citation(3, true), citation(300, false)],
        claims: vec![
            Claim {
                text: "A multa é de 2% ao mês.".to_owned(),
                status: ClaimStatus::Verified,
                sources: vec![0, 1],
            },
            Claim {
                text: "Vale até 2030.".to_owned(),
                status: ClaimStatus::Unconfirmed,
                sources: vec![1],
            },
        ],
        nearest: vec![NearestDocument {
            document_id: DocumentId::from_uuid(stores.ids.next()),
            document_title: "Edital".to_owned(),
            page_number: 2,
        }],
        search_results: 8,
        model: Some("um-modelo".to_owned()),
        usage: TokenUsage {
            prompt_tokens: 900,
            completion_tokens: 70,
        },
        cost: Some(AnswerCost {
            amount: Money::from_micros(123),
            currency: Currency::Brl,
            is_price_known: false,
        }),
        fallback: Some(AnswerFallback::Unproven),
        processing_time: Duration::from_micros(1_234_567),
    }
}

fn extractive() -> AnswerDetails {
    AnswerDetails {
        mode: AnswerMode::Extractive,
        answered: false,
        sources: Vec::new(),
        claims: Vec::new(),
        nearest: Vec::new(),
        search_results: 0,
        model: None,
        usage: TokenUsage::default(),
        cost: None,
        fallback: None,
        processing_time: Duration::ZERO,
    }
}

fn exchange(stores: &Stores, session_id: SessionId, title: Option<&str>, words: &str) -> Exchange {
    Exchange {
        is_counted: false,
        key_id: None,
        session_id,
        new_title: title.map(str::to_owned),
        filter: Filter::default(),
        replaces: None,
        question: message(stores, words, None),
        answer: message(stores, "Não sei.", Some(extractive())),
    }
}

/// Begins a session with one question; the title is the question.
async fn begin(stores: &Stores, scope: &Scope, words: &str) -> Session {
    let session_id = SessionId::from_uuid(stores.ids.next());
    let exchange = exchange(stores, session_id, Some(words), words);
    stores.sessions.append(scope, &exchange).await.unwrap()
}

async fn titles(stores: &Stores, query: &SessionQuery) -> (Vec<String>, u64) {
    let list = stores
        .sessions
        .list_sessions(&Stores::scope(), query)
        .await
        .unwrap();
    let titles = list.sessions.into_iter().map(|session| session.title).collect();
    (titles, list.total)
}

/// SessionStore, clause 1: what is appended comes back in order, exactly as it was given.
pub async fn messages_come_back_as_they_were_given(stores: &Stores) {
    let scope = Stores::scope();
    let session_id = SessionId::from_uuid(stores.ids.next());
    let first = Exchange {
        is_counted: false,
        key_id: None,
        session_id,
        new_title: Some("Qual é a multa?".to_owned()),
        filter: limits(),
        replaces: None,
        question: message(stores, "Qual é a multa?", None),
        answer: message(
            stores,
            "A multa é de 2% ao mês. Vale até 2030.",
            Some(full_details(stores)),
        ),
    };
    let made = stores.sessions.append(&scope, &first).await.unwrap();
    stores.clock.advance(SECOND);
    let second = exchange(stores, session_id, None, "E depois?");
    let session = stores.sessions.append(&scope, &second).await.unwrap();

    assert_eq!(
        (made.message_count, made.created_at),
        (2, first.question.created_at)
    );
    assert_eq!(
        session,
        Session {
            session_id,
            title: "Qual é a multa?".to_owned(),
            created_at: first.question.created_at,
            updated_at: second.answer.created_at,
            message_count: 4,
            filter: limits(),
        }
    );
    let found = stores.sessions.find_session(&scope, session_id).await.unwrap();
    assert_eq!(found, Some(session));
    let all = [first.question, first.answer, second.question, second.answer];
    let listed = stores
        .sessions
        .list_messages(&scope, session_id, MANY)
        .await
        .unwrap();
    assert_eq!(listed, all);
    let last = stores
        .sessions
        .list_messages(&scope, session_id, 2)
        .await
        .unwrap();
    assert_eq!(last, all[2..]);
}

/// SessionStore, clause 1: a question does not stay without its answer.
pub async fn a_question_whose_answer_cannot_be_kept_is_not_kept(stores: &Stores) {
    let scope = Stores::scope();
    let session = begin(stores, &scope, "Primeira").await;
    let mut again = exchange(stores, session.session_id, None, "Segunda");
    again.answer.message_id = again.question.message_id;

    let error = stores.sessions.append(&scope, &again).await.unwrap_err();

    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    let left = stores
        .sessions
        .list_messages(&scope, session.session_id, MANY)
        .await
        .unwrap();
    assert_eq!(left.len(), 2);
}

/// SessionStore, clause 2: another organization's session is as if it were not there.
pub async fn a_session_of_another_organization_is_not_there(stores: &Stores) {
    let (mine, other) = (Stores::scope(), stores.other_organization().await);
    let session = begin(stores, &mine, "Minha pergunta").await;
    let id = session.session_id;
    let theirs = begin(stores, &other, "Pergunta alheia").await;
    let store = &stores.sessions;

    assert_eq!(store.find_session(&other, id).await.unwrap(), None);
    let kinds = [
        store.list_messages(&other, id, MANY).await.unwrap_err().kind(),
        store.rename_session(&other, id, "x").await.unwrap_err().kind(),
        store.delete_session(&other, id).await.unwrap_err().kind(),
        store
            .append(&other, &exchange(stores, id, None, "x"))
            .await
            .unwrap_err()
            .kind(),
    ];
    assert_eq!(kinds, [StoreErrorKind::NotFound; 4]);
    let query = SessionQuery {
        search: None,
        limit: MANY,
        offset: 0,
    };
    let listed = store.list_sessions(&other, &query).await.unwrap();
    assert_eq!((listed.sessions, listed.total), (vec![theirs], 1));
    assert_eq!(store.find_session(&mine, id).await.unwrap(), Some(session));
    let now = stores.clock.now();
    let used = stores
        .ledger
        .count_usage(&other, now, now.plus(SECOND), UsageBy::KeyAndModel)
        .await
        .unwrap();
    assert_eq!(used[0].questions, 1);
}

/// SessionStore, clause 3: a session must be there, or be made, once.
pub async fn a_session_is_there_or_made_once(stores: &Stores) {
    let scope = Stores::scope();
    let session_id = SessionId::from_uuid(stores.ids.next());
    let append = async |title| {
        let exchange = exchange(stores, session_id, title, "x");
        stores.sessions.append(&scope, &exchange).await
    };
    assert_eq!(append(None).await.unwrap_err().kind(), StoreErrorKind::NotFound);
    append(Some("x")).await.unwrap();
    assert_eq!(
        append(Some("x")).await.unwrap_err().kind(),
        StoreErrorKind::Conflict
    );
    let session = append(None).await.unwrap();
    assert_eq!(session.message_count, 4);
}

/// SessionStore, clause 4: what changed last comes first, and paging shows each once.
pub async fn sessions_are_listed_by_their_last_change(stores: &Stores) {
    let scope = Stores::scope();
    let mut sessions = Vec::new();
    for words in ["um", "dois", "três"] {
        sessions.push(begin(stores, &scope, words).await);
        stores.clock.advance(SECOND);
    }
    let again = exchange(stores, sessions[0].session_id, None, "e mais um");
    stores.sessions.append(&scope, &again).await.unwrap();
    let page = |limit, offset| SessionQuery {
        search: None,
        limit,
        offset,
    };

    let (all, total) = titles(stores, &page(MANY, 0)).await;
    assert_eq!(
        (all, total),
        (["um", "três", "dois"].map(str::to_owned).to_vec(), 3)
    );
    let (two, total) = titles(stores, &page(2, 1)).await;
    assert_eq!((two, total), (["três", "dois"].map(str::to_owned).to_vec(), 3));
}

/// SessionStore, clause 4: words of titles and messages are found whatever their case and accents.
pub async fn sessions_are_found_by_their_words(stores: &Stores) {
    let scope = Stores::scope();
    let first = begin(stores, &scope, "Licitação de merenda").await;
    begin(stores, &scope, "Férias 100% pagas").await;
    let more = exchange(stores, first.session_id, None, "E o PREGÃO?");
    stores.sessions.append(&scope, &more).await.unwrap();
    let check = async |search: &str, expected: &[&str]| {
        let query = SessionQuery {
            search: Some(search.to_owned()),
            limit: MANY,
            offset: 0,
        };
        let (found, total) = titles(stores, &query).await;
        assert_eq!(
            (found.as_slice(), total as usize),
            (
                expected
                    .iter()
                    .map(|&title| title.to_owned())
                    .collect::<Vec<_>>()
                    .as_slice(),
                expected.len()
            ),
            "{search}"
        );
    };
    check("LICITACAO", &["Licitação de merenda"]).await;
    check("pregão", &["Licitação de merenda"]).await;
    check("0% p", &["Férias 100% pagas"]).await;
    check("_", &[]).await;
    check("obra", &[]).await;
}

/// SessionStore, clause 5: a new title, and nothing else.
pub async fn a_renamed_session_keeps_everything_else(stores: &Stores) {
    let scope = Stores::scope();
    let session = begin(stores, &scope, "antigo").await;
    stores.clock.advance(SECOND);

    let renamed = stores
        .sessions
        .rename_session(&scope, session.session_id, "Novo título")
        .await
        .unwrap();

    let expected = Session {
        title: "Novo título".to_owned(),
        ..session.clone()
    };
    assert_eq!(renamed, expected);
    let query = SessionQuery {
        search: Some("novo titulo".to_owned()),
        limit: MANY,
        offset: 0,
    };
    assert_eq!(titles(stores, &query).await.1, 1);
    let nobody = SessionId::from_uuid(stores.ids.next());
    let error = stores
        .sessions
        .rename_session(&scope, nobody, "x")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
}

/// SessionStore, clause 6: a session goes with its messages, once.
pub async fn a_deleted_session_is_gone_with_its_messages(stores: &Stores) {
    let scope = Stores::scope();
    let session = begin(stores, &scope, "some").await;
    let other = begin(stores, &scope, "fica").await;
    let id = session.session_id;
    stores.sessions.delete_session(&scope, id).await.unwrap();

    assert_eq!(stores.sessions.find_session(&scope, id).await.unwrap(), None);
    let kinds = [
        stores
            .sessions
            .delete_session(&scope, id)
            .await
            .unwrap_err()
            .kind(),
        stores
            .sessions
            .list_messages(&scope, id, MANY)
            .await
            .unwrap_err()
            .kind(),
    ];
    assert_eq!(kinds, [StoreErrorKind::NotFound; 2]);
    let left = stores
        .sessions
        .list_messages(&scope, other.session_id, MANY)
        .await
        .unwrap();
    assert_eq!(left.len(), 2);
}

/// SessionStore, clause 7: answers are counted by model within a time span, whether their session is there or not.
pub async fn usage_is_counted_by_model_and_time(stores: &Stores) {
    let scope = Stores::scope();
    let session = begin(stores, &scope, "sem modelo").await;
    let generated = Exchange {
        filter: Filter::default(),
        replaces: None,
        is_counted: false,
        key_id: None,
        session_id: session.session_id,
        new_title: None,
        question: message(stores, "com modelo", None),
        answer: message(stores, "Sim.", Some(full_details(stores))),
    };
    stores.sessions.append(&scope, &generated).await.unwrap();
    let begun = stores.clock.now();
    stores.clock.advance(SECOND * 10);
    begin(stores, &scope, "mais tarde").await;
    stores
        .sessions
        .delete_session(&scope, session.session_id)
        .await
        .unwrap();

    let counted = |until| {
        stores
            .ledger
            .count_usage(&scope, begun, until, UsageBy::KeyAndModel)
    };
    let count = |model: Option<&str>, questions, prompt_tokens, completion_tokens| UsageCount {
        key_id: None,
        model: model.map(str::to_owned),
        questions,
        prompt_tokens,
        completion_tokens,
        ..UsageCount::default()
    };
    let early = counted(begun.plus(SECOND * 10)).await.unwrap();
    assert_eq!(
        early,
        [count(None, 1, 0, 0), count(Some("um-modelo"), 1, 900, 70)]
    );
    let all = counted(begun.plus(SECOND * 11)).await.unwrap();
    assert_eq!(all, [count(None, 2, 0, 0), count(Some("um-modelo"), 1, 900, 70)]);
    assert_eq!(counted(begun).await.unwrap(), []);
}

/// SessionStore, clause 7: by key too, the most asked first, then keyless, then by key and model.
pub async fn usage_is_counted_by_key(stores: &Stores) {
    let scope = Stores::scope();
    let first = create_key(stores, &scope).await.0.key_id;
    let second = create_key(stores, &scope).await.0.key_id;
    let session = begin(stores, &scope, "sem chave").await;
    let begun = stores.clock.now();
    let ask = async |key_id, answer| {
        let exchange = Exchange {
            filter: Filter::default(),
            replaces: None,
            is_counted: false,
            key_id,
            session_id: session.session_id,
            new_title: None,
            question: message(stores, "Pergunta", None),
            answer: message(stores, "Resposta.", Some(answer)),
        };
        stores.sessions.append(&scope, &exchange).await.unwrap();
    };
    ask(Some(second), full_details(stores)).await;
    ask(Some(first), full_details(stores)).await;
    ask(Some(second), extractive()).await;
    ask(Some(first), extractive()).await;
    ask(Some(second), full_details(stores)).await;
    stores.organizations.revoke_key(&scope, second).await.unwrap();

    let counted = stores
        .ledger
        .count_usage(&scope, begun, begun.plus(SECOND), UsageBy::KeyAndModel)
        .await
        .unwrap();
    let count = |key_id, model: Option<&str>, questions: u64| UsageCount {
        key_id,
        model: model.map(str::to_owned),
        questions,
        prompt_tokens: if model.is_some() { 900 * questions } else { 0 },
        completion_tokens: if model.is_some() { 70 * questions } else { 0 },
        ..UsageCount::default()
    };
    assert_eq!(
        counted,
        [
            count(Some(second), Some("um-modelo"), 2),
            count(None, None, 1),
            count(Some(first), None, 1),
            count(Some(first), Some("um-modelo"), 1),
            count(Some(second), None, 1),
        ]
    );
}

/// SessionStore, clause 8: a session begun in a scope limited to collections is of these.
pub async fn a_session_is_seen_only_by_who_may_see_all_it_is_of(stores: &Stores) {
    let sessions = &*stores.sessions;
    let (everything, health) = (Stores::scope(), Stores::scope_of(&["health"]));
    let both = Stores::scope_of(&["works", "health"]);
    let begun = [&everything, &health, &both];
    let mut ids = Vec::new();
    for (number, scope) in begun.into_iter().enumerate() {
        let session_id = SessionId::from_uuid(stores.ids.next());
        let title = format!("session {number}");
        let first = exchange(stores, session_id, Some(&title), "words");
        sessions.append(scope, &first).await.unwrap();
        ids.push(session_id);
    }
    let other = Stores::scope_of(&["works"]);
    // A name that ends as another does is another collection.
    let alike = Stores::scope_of(&["th", "health clinics"]);
    let expected: [(&Scope, [bool; 3]); 5] = [
        (&everything, [true, true, true]),
        (&health, [false, true, false]),
        (&both, [false, true, true]),
        (&other, [false, false, false]),
        (&alike, [false, false, false]),
    ];
    for (scope, seen) in expected {
        for (session_id, is_seen) in ids.iter().zip(seen) {
            let found = sessions.find_session(scope, *session_id).await.unwrap();
            assert_eq!(found.is_some(), is_seen, "{scope:?}");
            if !is_seen {
                let refused = [
                    sessions.list_messages(scope, *session_id, 10).await.err(),
                    sessions.rename_session(scope, *session_id, "x").await.err(),
                    sessions.delete_session(scope, *session_id).await.err(),
                    sessions
                        .append(scope, &exchange(stores, *session_id, None, "more"))
                        .await
                        .err(),
                ];
                for error in refused {
                    assert_eq!(error.unwrap().kind(), StoreErrorKind::NotFound);
                }
            }
        }
        let query = SessionQuery {
            limit: 10,
            ..SessionQuery::default()
        };
        let listed = sessions.list_sessions(scope, &query).await.unwrap();
        let count = seen.into_iter().filter(|is_seen| *is_seen).count();
        assert_eq!((listed.sessions.len(), listed.total), (count, count as u64));
    }
    // What somebody who sees more adds may quote what the others must not see.
    let more = exchange(stores, ids[1], None, "more");
    sessions.append(&both, &more).await.unwrap();
    assert_eq!(sessions.find_session(&health, ids[1]).await.unwrap(), None);
    assert!(sessions.find_session(&both, ids[1]).await.unwrap().is_some());
    let all = exchange(stores, ids[1], None, "all");
    sessions.append(&everything, &all).await.unwrap();
    assert_eq!(sessions.find_session(&both, ids[1]).await.unwrap(), None);
}

/// SessionStore, clause 9: a new answer stands where the last one stood.
pub async fn the_last_answer_is_replaced_behind_the_same_question(stores: &Stores) {
    let scope = Stores::scope();
    let session = begin(stores, &scope, "Qual é a multa?").await;
    let more = exchange(stores, session.session_id, None, "E o prazo?");
    stores.sessions.append(&scope, &more).await.unwrap();
    let rated = Some(thumb(stores, Rating::Down));
    let replaced = more.answer.message_id;
    stores
        .sessions
        .rate_answer(&scope, session.session_id, replaced, rated.as_ref())
        .await
        .unwrap();
    stores.clock.advance(SECOND);
    let again = Exchange {
        answer: message(stores, "São dez dias.", Some(full_details(stores))),
        replaces: Some(replaced),
        ..exchange(stores, session.session_id, None, "unused")
    };

    let changed = stores.sessions.append(&scope, &again).await.unwrap();

    assert_eq!(
        (changed.message_count, changed.updated_at),
        (4, again.answer.created_at)
    );
    let listed = stores
        .sessions
        .list_messages(&scope, session.session_id, MANY)
        .await
        .unwrap();
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[2..], [more.question, again.answer]);
    // The usage of both answers was used.
    let now = stores.clock.now();
    let used = stores
        .ledger
        .count_usage(&scope, session.created_at, now.plus(SECOND), UsageBy::KeyAndModel)
        .await
        .unwrap();
    assert_eq!(used.iter().map(|count| count.questions).sum::<u64>(), 3);
}

/// SessionStore, clause 9: only the last answer can be replaced, and only by an answer.
pub async fn an_answer_that_is_not_the_last_stays(stores: &Stores) {
    let scope = Stores::scope();
    let session_id = SessionId::from_uuid(stores.ids.next());
    let first = exchange(stores, session_id, Some("um"), "um");
    let second = exchange(stores, session_id, None, "dois");
    for exchange in [&first, &second] {
        stores.sessions.append(&scope, exchange).await.unwrap();
    }
    for replaces in [first.answer.message_id, second.question.message_id] {
        let again = Exchange {
            replaces: Some(replaces),
            ..exchange(stores, session_id, None, "x")
        };
        let error = stores.sessions.append(&scope, &again).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    }
    let listed = stores
        .sessions
        .list_messages(&scope, session_id, MANY)
        .await
        .unwrap();
    assert_eq!(
        listed,
        [first.question, first.answer, second.question, second.answer]
    );
}

/// SessionStore, clause 10: other limits, and nothing else.
pub async fn a_limited_session_keeps_everything_else(stores: &Stores) {
    let scope = Stores::scope();
    let session = begin(stores, &scope, "x").await;
    stores.clock.advance(SECOND);
    for filter in [limits(), Filter::default()] {
        let limited = stores
            .sessions
            .limit_session(&scope, session.session_id, &filter)
            .await
            .unwrap();
        let expected = Session {
            filter,
            ..session.clone()
        };
        assert_eq!(limited, expected);
        let found = stores
            .sessions
            .find_session(&scope, session.session_id)
            .await
            .unwrap();
        assert_eq!(found, Some(expected));
    }
    let other = stores.other_organization().await;
    for (scope, id) in [
        (&other, session.session_id),
        (&scope, SessionId::from_uuid(stores.ids.next())),
    ] {
        let error = stores
            .sessions
            .limit_session(scope, id, &limits())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::NotFound);
    }
}

fn thumb(stores: &Stores, rating: Rating) -> Feedback {
    Feedback {
        rating,
        reason: Some("porque não".to_owned()),
        rated_at: stores.clock.now(),
    }
}

/// SessionStore, clause 11: what was thought last of an answer is kept, or forgotten.
pub async fn an_answer_is_rated_again_and_not_at_all(stores: &Stores) {
    let scope = Stores::scope();
    let session_id = SessionId::from_uuid(stores.ids.next());
    let first = exchange(stores, session_id, Some("um"), "um");
    stores.sessions.append(&scope, &first).await.unwrap();
    let rate = async |scope: &Scope, message_id, feedback: Option<Feedback>| {
        stores
            .sessions
            .rate_answer(scope, session_id, message_id, feedback.as_ref())
            .await
    };
    let up = Feedback {
        reason: None,
        ..thumb(stores, Rating::Up)
    };
    for feedback in [Some(thumb(stores, Rating::Down)), Some(up), None] {
        rate(&scope, first.answer.message_id, feedback.clone())
            .await
            .unwrap();
        let listed = stores
            .sessions
            .list_messages(&scope, session_id, MANY)
            .await
            .unwrap();
        let expected = Message {
            feedback,
            ..first.answer.clone()
        };
        assert_eq!(listed, [first.question.clone(), expected]);
    }
    let other = stores.other_organization().await;
    let nobody = MessageId::from_uuid(stores.ids.next());
    for (scope, message_id) in [
        (&scope, first.question.message_id),
        (&scope, nobody),
        (&other, first.answer.message_id),
    ] {
        let error = rate(scope, message_id, Some(thumb(stores, Rating::Up)))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::NotFound);
    }
}

/// Runs every clause against an adapter: `session_store_contract!(make);`, where `make` is an `async fn` without arguments
/// that returns new [`Stores`](crate::Stores).
#[macro_export]
macro_rules! session_store_contract {
    ($make:path) => {
        $crate::session_store_contract! { @clauses $make:
            messages_come_back_as_they_were_given
            a_question_whose_answer_cannot_be_kept_is_not_kept
            a_session_of_another_organization_is_not_there
            a_session_is_there_or_made_once
            sessions_are_listed_by_their_last_change
            sessions_are_found_by_their_words
            a_renamed_session_keeps_everything_else
            a_deleted_session_is_gone_with_its_messages
            usage_is_counted_by_model_and_time
            a_session_is_seen_only_by_who_may_see_all_it_is_of
            usage_is_counted_by_key
            the_last_answer_is_replaced_behind_the_same_question
            an_answer_that_is_not_the_last_stays
            a_limited_session_keeps_everything_else
            an_answer_is_rated_again_and_not_at_all
        }
    };
    (@clauses $make:path: $($clause:ident)+) => {
        $(
            #[tokio::test]
            async fn $clause() {
                let stores = $make().await;
                $crate::contracts::session_store_contract::$clause(&stores).await;
            }
        )+
    };
}
