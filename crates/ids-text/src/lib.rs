//! Pure text: what a word, a sentence, a passage and "the same text" are, for Portuguese and English.
//!
//! No I/O, no clock, no shared state: the same input gives the same output on every machine and in every store, which
//! is why ranking can agree between them. Nothing of ours is imported. Every position in every interface counts
//! **Unicode scalar values** of the text handed in; ends are exclusive.
//!
//! | module | question it answers |
//! |---|---|
//! | [`mod@fold`] | what is left of a word without accents, ligatures and case |
//! | [`term`] | how a word is written in an index, so that no store's tokenizer can change it |
//! | [`mod@analyze`] | which terms a text has, where, and which of its words a query hit |
//! | [`number`] | that `14.133/2021` and `14133/2021` are one law, `1.234,56` and `1,234.56` one amount |
//! | [`stem`] | which stem a word has, with accents typed or not |
//! | [`stopword`] | which words are grammar and not content |
//! | [`mod@sentences`] | where a sentence ends |
//! | [`mod@chunks`] | where a passage to be indexed ends |
//! | [`normalize`] | whether two texts are the same text |
//! | [`minhash`] | whether two texts are nearly the same |
//! | [`personal`] | which parts are numbers and addresses of persons |
//! | [`language`] | Portuguese, English, or neither; what a document is written in |
//! | [`legal`] | which article, paragraph, item and letter of an act a line belongs to |
//!
//! Order of a text on its way into the index: [`chunks::units`] (over [`sentences::sentences`]), [`chunks::pack`], then
//! [`analyze::index_terms`] of each chunk. Order of a question: [`analyze::query_terms`], and [`analyze::highlights`]
//! on each hit.

pub mod analyze;
pub mod chunks;
pub mod fold;
pub mod language;
pub mod legal;
pub mod minhash;
pub mod normalize;
pub mod number;
pub mod personal;
pub mod sentences;
pub mod stem;
pub mod stopword;
pub mod term;

pub use analyze::{AnalyzedWord, analyze, highlights, index_terms, query_terms};
pub use chunks::{TokenCounter, Unit, pack, units};
pub use fold::fold;
pub use language::Language;
pub use normalize::{fold_for_match, normalized_for_hash};
pub use sentences::sentences;
pub use term::Term;
