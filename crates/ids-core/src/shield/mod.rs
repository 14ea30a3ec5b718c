//! Personal data stays here: before a text leaves for the server of a model, numbers and addresses of persons are replaced by placeholders
//! (`[CPF_1]`), and in what comes back the placeholders by what they stand for.
//!
//! One value has one placeholder within a request, whatever its points and dashes. What leaves is decided here alone: `ShieldedChatModel`
//! and `ShieldedEmbedder` stand in front of a client, which never sees the rest. The answer is checked against the documents after it was put
//! together again, as any other. What is recognized is `ids_text::personal`'s to say.

mod chat;
mod embedder;
mod placeholders;
mod restore;

use std::fmt;

pub use chat::ShieldedChatModel;
pub use embedder::ShieldedEmbedder;
pub use ids_text::personal::PersonalKind;
pub use placeholders::Placeholders;
pub use restore::Restorer;

/// How many values of each kind were replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    counts: Vec<(PersonalKind, u32)>,
}

impl Hidden {
    /// The kinds that were met, in their order, each with the number of its values.
    pub fn counts(&self) -> &[(PersonalKind, u32)] {
        &self.counts
    }

    /// All values.
    pub fn total(&self) -> u32 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// What was held back of two texts that say much the same: of each kind the larger number.
    #[must_use]
    pub fn or_more(mut self, other: &Self) -> Self {
        for (kind, count) in &other.counts {
            let own = self.count_of(*kind);
            *own = (*own).max(*count);
        }
        self
    }

    fn add(&mut self, kind: PersonalKind) -> u32 {
        let count = self.count_of(kind);
        *count += 1;
        *count
    }

    /// The number of a kind, 0 where it was not met; kinds stay in their order.
    fn count_of(&mut self, kind: PersonalKind) -> &mut u32 {
        let at = match self.counts.binary_search_by_key(&kind, |(kind, _)| *kind) {
            Ok(at) => at,
            Err(at) => {
                self.counts.insert(at, (kind, 0));
                at
            }
        };
        &mut self.counts[at].1
    }
}

/// When texts are replaced (`PII_SHIELD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShieldMode {
    /// For servers elsewhere, not for those of this machine or a network of one's own.
    #[default]
    Auto,
    /// For every server.
    On,
    /// For none.
    Off,
}

impl ShieldMode {
    /// The mode of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "on" => Some(Self::On),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// Whether it stands in front of a server that is on this machine or in a network of one's own, or is not.
    pub const fn covers(self, is_private: bool) -> bool {
        match self {
            Self::Auto => !is_private,
            Self::On => true,
            Self::Off => false,
        }
    }
}

impl fmt::Display for ShieldMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        })
    }
}
