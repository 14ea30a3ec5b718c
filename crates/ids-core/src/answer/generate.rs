//! An answer by a model, of which only what the documents bear out is kept.

use tokio::sync::mpsc;

use super::extract::no_answer;
use super::facts::{self, Proof};
use super::guard;
use super::prompt::{SYSTEM, prompt};
use super::reply::{Part, ReplyReader, Statement};
use super::spend::Funds;
use super::{AskEvent, AskEvents, AskStage, Asking, Draft, Found};
use crate::error::Refusal;
use crate::library::Library;
use crate::ports::ChatError;
use crate::scope::Scope;
use crate::search::Hit;
use crate::session::{AnswerCost, AnswerFallback, AnswerMode, Citation, ClaimStatus, TokenUsage};
use crate::shield::Hidden;
use crate::trace::TARGET;
use tracing::Instrument;

/// Pieces that may wait while a statement is being checked.
const PIECES_WAITING: usize = 64;
/// Letters and digits a proof must have: a shorter one stands everywhere.
const PROOF_CHARS: usize = 8;

/// What came of asking a model.
pub(super) enum Generated {
    /// An answer that can be shown.
    Answer(Draft),
    /// None; what it cost is to be counted all the same.
    Nothing {
        /// Whether text was shown, all of which was taken back.
        was_shown: bool,
        /// The model that was asked, if one was.
        model: Option<String>,
        /// What it counted.
        usage: TokenUsage,
        /// What that cost.
        cost: Option<AnswerCost>,
        /// What was held back of the prompt, where a shield stands in front of the model.
        hidden: Option<Hidden>,
        /// Why there is no answer of a model that is there.
        fallback: Option<AnswerFallback>,
    },
}

impl Generated {
    /// No model was asked.
    fn nothing(fallback: Option<AnswerFallback>) -> Self {
        Self::Nothing {
            was_shown: false,
            model: None,
            usage: TokenUsage::default(),
            cost: None,
            hidden: None,
            fallback,
        }
    }
}

impl Library {
    /// Lets the model answer from what was found.
    pub(super) async fn generate(
        &self,
        scope: &Scope,
        asking: &Asking,
        found: &Found,
        events: &AskEvents,
    ) -> Result<Generated, Refusal> {
        let Some(chat) = self.ports.chat.as_deref().filter(|_| !found.relevant.is_empty()) else {
            return Ok(Generated::nothing(None));
        };
        let request = &asking.request;
        let hits = &self.pack(scope, &found.relevant).await?;
        let prompt = prompt(&request.question, &asking.history, hits, asking.temperature);
        let outgoing = chat.outgoing(&prompt);
        let funds = self.reserve(
            scope,
            request,
            asking.session_id,
            chat.name(),
            &outgoing.prompt,
            hits,
        );
        let mut spending = match funds.await? {
            Funds::Granted(spending) => spending,
            Funds::Refused(party) => {
                return Ok(Generated::nothing(Some(AnswerFallback::of_budget(party))));
            }
        };
        events.stage(AskStage::Writing).await;
        spending.begin();
        let (sender, mut pieces) = mpsc::channel(PIECES_WAITING);
        let step = tracing::info_span!(target: TARGET, "write_answer", model = chat.name());
        let call = chat.stream(&prompt, sender).instrument(step);
        tokio::pin!(call);
        let mut writing = Writing::new(self, scope, hits, events);
        let mut outcome = None;
        // A reply without end is left: dropping the call closes the connection.
        while !writing.reader.is_too_long() {
            // `recv` may be dropped: a piece that is there is given by the next call. The call itself is only borrowed.
            tokio::select! {
                piece = pieces.recv() => match piece {
                    Some(piece) => {
                        spending.read(&piece);
                        writing.take(&piece).await?;
                    }
                    // The sender went with the call's end, whose outcome is at hand.
                    None => break,
                },
                ended = &mut call, if outcome.is_none() => outcome = Some(ended),
            }
        }
        if outcome.is_none() && !writing.reader.is_too_long() {
            outcome = Some(call.await);
        }
        let cost = Some(spending.settle(outcome.as_ref()).await);
        let usage = outcome.unwrap_or_else(|| Ok(TokenUsage::default()));
        let failed = usage.as_ref().err().inspect(|error| log(error)).is_some();
        let usage = usage.unwrap_or_default();
        let model = Some(chat.name().to_owned());
        events.stage(AskStage::Checking).await;
        let mut draft = writing.finish(!failed).await?;
        let said_nothing = draft.statements == 0 && !failed;
        if !draft.draft.claims.is_empty() {
            draft.draft.model = model;
            draft.draft.usage = usage;
            draft.draft.cost = cost;
            draft.draft.hidden = outgoing.hidden;
            return Ok(Generated::Answer(draft.draft));
        }
        if said_nothing {
            let refused = Draft {
                mode: AnswerMode::Generated,
                model,
                usage,
                cost,
                hidden: outgoing.hidden,
                ..no_answer(&request.question, found)
            };
            events.delta(&refused.text).await;
            return Ok(Generated::Answer(refused));
        }
        Ok(Generated::Nothing {
            was_shown: draft.statements > 0,
            model,
            usage,
            cost,
            hidden: outgoing.hidden,
            fallback: Some(if failed {
                AnswerFallback::ModelFailed
            } else {
                AnswerFallback::Unproven
            }),
        })
    }
}

/// An answer that is being written.
struct Writing<'a> {
    library: &'a Library,
    scope: &'a Scope,
    hits: &'a [Hit],
    events: &'a AskEvents,
    reader: ReplyReader,
    draft: Draft,
    /// Statements so far, those that were struck too.
    statements: u32,
    /// Whether text of the next statement was shown.
    has_begun: bool,
    /// What was read of it, and how much of that was shown: what may be an address or markup waits until it is checked.
    text: String,
    shown: usize,
}

/// A draft, and how many statements were read for it.
struct Written {
    draft: Draft,
    statements: u32,
}

impl<'a> Writing<'a> {
    fn new(library: &'a Library, scope: &'a Scope, hits: &'a [Hit], events: &'a AskEvents) -> Self {
        Self {
            library,
            scope,
            hits,
            events,
            reader: ReplyReader::default(),
            draft: Draft::empty(AnswerMode::Generated),
            statements: 0,
            has_begun: false,
            text: String::new(),
            shown: 0,
        }
    }

    async fn take(&mut self, piece: &str) -> Result<(), Refusal> {
        let parts = self.reader.push(piece);
        self.add(parts).await
    }

    /// Ends the reply. Of one that broke off, the last line is not whole, and struck.
    async fn finish(mut self, is_whole: bool) -> Result<Written, Refusal> {
        let rest = std::mem::take(&mut self.reader).finish();
        if is_whole {
            self.add(rest).await?;
        } else if self.has_begun {
            self.events.send(AskEvent::Retract(self.statements)).await;
            self.statements += 1;
        }
        Ok(Written {
            draft: self.draft,
            statements: self.statements,
        })
    }

    async fn add(&mut self, parts: Vec<Part>) -> Result<(), Refusal> {
        for part in parts {
            match part {
                Part::Text(text) => self.show(&text).await,
                Part::Line(statements) => {
                    for (at, statement) in statements.iter().enumerate() {
                        if at > 0 || !self.has_begun {
                            self.show(&statement.text).await;
                        }
                        self.check(statement).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Statements are parted by a blank line, so that whoever shows them can take one back.
    async fn show(&mut self, text: &str) {
        if !self.has_begun && self.statements > 0 {
            self.events.delta("\n\n").await;
        }
        self.has_begun = true;
        self.text.push_str(text);
        let end = guard::harmless_part(&self.text).len();
        self.show_up_to(end).await;
    }

    async fn show_up_to(&mut self, end: usize) {
        if end > self.shown {
            let part = self.text[self.shown..end].to_owned();
            self.shown = end;
            self.events.delta(part).await;
        }
    }

    async fn check(&mut self, statement: &Statement) -> Result<(), Refusal> {
        let number = self.statements;
        self.statements += 1;
        self.has_begun = false;
        // Models that run on repeat themselves.
        let is_repeated = self.draft.claims.iter().any(|claim| claim.text == statement.text);
        let citations = if is_repeated || guard::tells(&statement.text, SYSTEM) {
            Vec::new()
        } else {
            self.citations(statement).await?
        };
        let quotes = || citations.iter().map(|(citation, _)| citation.quote.as_str());
        if citations.is_empty() || guard::smuggles(&statement.text, quotes()) {
            self.events.send(AskEvent::Retract(number)).await;
        } else {
            self.show_up_to(self.text.len()).await;
            let status = status_of(&statement.text, &citations);
            let citations = citations.into_iter().map(|(citation, _)| citation).collect();
            self.draft.push(statement.text.clone(), status, citations);
        }
        self.text.clear();
        self.shown = 0;
        Ok(())
    }

    /// What bears a statement out, each with the headings it stands under.
    async fn citations(&self, statement: &Statement) -> Result<Vec<(Citation, Option<String>)>, Refusal> {
        let mut citations = Vec::new();
        for proof in &statement.proofs {
            let Some(hit) = proof.passage.checked_sub(1).and_then(|at| self.hits.get(at)) else {
                continue;
            };
            // Without words of its own the statement itself must stand there.
            let words = proof.words.as_deref().unwrap_or(&statement.text);
            let found = self
                .library
                .cite_words(self.scope, &hit.chunk, words, hit.similarity_score)
                .await?;
            // What counts is the quote: words that run over a page's end are cut there. Words that speak to a model prove nothing.
            citations.extend(
                found
                    .filter(|citation| {
                        let letters = citation.quote.chars().filter(|c| c.is_alphanumeric());
                        letters.count() >= PROOF_CHARS
                            && !guard::is_an_order(&hit.chunk.content, &citation.quote)
                    })
                    .map(|citation| (citation, hit.chunk.heading.clone())),
            );
        }
        Ok(citations)
    }
}

/// Whether what a claim says stands in what proves it.
fn status_of(claim: &str, citations: &[(Citation, Option<String>)]) -> ClaimStatus {
    let quotes = || citations.iter().map(|(citation, _)| citation.quote.as_str());
    let titles = citations.iter().flat_map(|(citation, heading)| {
        [Some(citation.document_title.as_str()), heading.as_deref()]
            .into_iter()
            .flatten()
    });
    if Proof::new(quotes(), titles).bears_out(claim) && facts::has_in_common(claim, quotes()) {
        ClaimStatus::Verified
    } else {
        ClaimStatus::Unconfirmed
    }
}

fn log(error: &ChatError) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the answering model failed; the answer is made of sentences of the documents"
    );
}
