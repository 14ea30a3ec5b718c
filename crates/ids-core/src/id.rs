//! Identifiers: one type per thing, so that a job id can never be passed where a document id is meant.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID made by the [`Ids`](crate::ports::Ids) port or read from a store.
            pub const fn from_uuid(value: Uuid) -> Self {
                Self(value)
            }

            /// The UUID inside.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

/// A text that is no identifier. What it was is not repeated: it may be anything a stranger sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id; ids look like `0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e`")]
pub struct InvalidId;

uuid_id!(
    /// A municipality or company: the border that no query crosses.
    OrganizationId
);
uuid_id!(
    /// What the user gave, across all its versions.
    DocumentId
);
uuid_id!(
    /// One state of a document's content; chunks belong to a version.
    VersionId
);
uuid_id!(
    /// A row of truth about work to be done.
    JobId
);
uuid_id!(
    /// One announced upload and its signed address.
    UploadId
);
uuid_id!(
    /// One conversation.
    SessionId
);
uuid_id!(
    /// One question or answer in a conversation.
    MessageId
);
uuid_id!(
    /// A key that speaks for an organization.
    KeyId
);
uuid_id!(
    /// Money that is set aside for an answer.
    ReservationId
);

impl OrganizationId {
    /// The one organization of the embedded shape, `default`.
    pub const DEFAULT: Self = Self(Uuid::from_u128(1));
}

/// A chunk, numbered by its store in the order of ingestion. Never used to order hits: it differs between stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId(pub i64);

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
