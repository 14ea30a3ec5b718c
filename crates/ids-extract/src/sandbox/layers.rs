//! What the parent hears of the child's layers.

use super::confine::Layers;
use super::process::{Answer, Step};
use super::validate::BrokenPromise;
use super::wire::Frame;

/// The answer to `Task::Report`.
#[derive(Default)]
pub(crate) struct Report(Option<Layers>);

impl Answer for Report {
    type Whole = Layers;

    fn take(&mut self, frame: &[u8]) -> Step {
        match serde_json::from_slice(frame) {
            Ok(Frame::Layers(layers)) if self.0.is_none() => {
                self.0 = Some(layers);
                Step::More
            }
            Ok(Frame::End) => Step::End,
            Ok(Frame::Failed { reason, text }) => Step::Failed(reason, text),
            _ => Step::Nonsense,
        }
    }

    fn finish(self) -> Result<Layers, BrokenPromise> {
        self.0.ok_or(BrokenPromise)
    }
}
