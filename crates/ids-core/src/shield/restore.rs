//! Placeholders back to what they stand for, in a text that comes in pieces.

use super::placeholders::{Placeholders, Shape, shape, unescaped};

/// Puts values back. A placeholder may be cut across pieces: what may be the beginning of one waits for the next.
#[derive(Debug)]
pub struct Restorer<'a> {
    placeholders: &'a Placeholders,
    waiting: String,
}

impl<'a> Restorer<'a> {
    /// Over the placeholders of a request.
    pub const fn new(placeholders: &'a Placeholders) -> Self {
        Self {
            placeholders,
            waiting: String::new(),
        }
    }

    /// What can be passed on after this piece.
    pub fn push(&mut self, piece: &str) -> String {
        if self.placeholders.is_empty() {
            return piece.to_owned();
        }
        let text = std::mem::take(&mut self.waiting) + piece;
        let mut ready = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(begin) = rest.find('[') {
            ready.push_str(&rest[..begin]);
            rest = &rest[begin..];
            match shape(rest) {
                Shape::Whole(length) => {
                    let placeholder = &rest[..length];
                    let original = self.placeholders.original(&unescaped(placeholder));
                    ready.push_str(original.unwrap_or(placeholder));
                    rest = &rest[length..];
                }
                Shape::Begun => {
                    rest.clone_into(&mut self.waiting);
                    return ready;
                }
                Shape::Other => {
                    ready.push('[');
                    rest = &rest[1..];
                }
            }
        }
        ready.push_str(rest);
        ready
    }

    /// What is left when no piece comes any more.
    pub fn finish(self) -> String {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Placeholders, Restorer};

    const TEXT: &str = "CPF 529.982.247-25, [ e ], [2: \"a@b.org\"] e [CPF_9] da 111.444.777-35 [";

    #[test]
    fn a_placeholder_that_is_cut_is_put_back_whole() {
        let mut placeholders = Placeholders::default();
        placeholders.hide("529.982.247-25");
        let mut restorer = Restorer::new(&placeholders);
        assert_eq!(restorer.push("o CPF [C"), "o CPF ");
        assert_eq!(restorer.push("PF_1"), "");
        assert_eq!(restorer.push("] e [1: "), "529.982.247-25 e [1: ");
        assert_eq!(restorer.push("[CPF\\_"), "");
        assert_eq!(restorer.push("1], [CPF\\"), "529.982.247-25, ");
        assert_eq!(restorer.push(" fim [CPF"), "[CPF\\ fim ");
        assert_eq!(restorer.finish(), "[CPF");
    }

    proptest! {
        #[test]
        fn however_a_text_is_cut_it_comes_back(cuts in prop::collection::vec(1_usize..6, 0..60)) {
            let mut placeholders = Placeholders::default();
            placeholders.avoid(TEXT);
            let hidden: Vec<char> = placeholders.hide(TEXT).chars().collect();
            prop_assert!(!hidden.iter().collect::<String>().contains("529"));
            let mut restorer = Restorer::new(&placeholders);
            let (mut text, mut at) = (String::new(), 0_usize);
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let end = at.saturating_add(cut).min(hidden.len());
                text += &restorer.push(&hidden[at..end].iter().collect::<String>());
                at = end;
            }
            text += &restorer.finish();
            prop_assert_eq!(text, TEXT);
        }
    }
}
