//! Measuring search and answers: a set of documents, questions and judgements, run through the real pipeline, the one search and the one way to
//! an answer.

mod asked;
mod metrics;
mod overlap;
mod quotes;
mod run;

pub use asked::{AskedOutcome, QuestionKind, QuestionOutcome};
pub use metrics::{Grades, RankingMetrics, mean, percentile};
pub use quotes::QuotesOutcome;
pub use run::{
    EvalDocument, EvalOptions, EvalOutcome, EvalProgress, EvalQuery, EvalSet, evaluate, index_set,
};
