//! Measuring search: a set of documents, questions and judgements, run through the real pipeline and the one search.

mod metrics;
mod run;

pub use metrics::{Grades, RankingMetrics, mean, percentile};
pub use run::{
    AnswersOutcome, EvalDocument, EvalOutcome, EvalProgress, EvalQuery, EvalSet, evaluate, index_set,
};
