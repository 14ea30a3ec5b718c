//! Domain values to columns and back. A value that cannot be what was written is `Corrupt`, never a panic.

use std::borrow::Cow;

use ids_core::document::{ContentHash, ContentType, DocumentStatus, VersionStage};
use ids_core::error::{ErrorCode, Failure};
use ids_core::id::{
    DocumentId, JobId, KeyId, MessageId, OrganizationId, ReservationId, SessionId, UploadId, VersionId,
};
use ids_core::job::{JobStatus, QueueName};
use ids_core::scope::CollectionName;
use ids_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use crate::error::{DbError, DbResult};

pub(crate) use ids_rows::words::{folded, lane_of, retry_name, stage_name};
use ids_rows::words::{retry_from_name, stage_from_name};

/// An identifier as a column of type `uuid`.
pub(crate) trait Id: Sized {
    fn to_uuid(self) -> Uuid;
    fn of_uuid(value: Uuid) -> Self;
}

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl Id for $name {
            fn to_uuid(self) -> Uuid {
                self.as_uuid()
            }

            fn of_uuid(value: Uuid) -> Self {
                Self::from_uuid(value)
            }
        }
    )*};
}

ids!(
    OrganizationId,
    DocumentId,
    VersionId,
    JobId,
    UploadId,
    SessionId,
    MessageId,
    KeyId,
    ReservationId
);

/// Reads the columns of a row in order, naming the table where one cannot be decoded.
pub(crate) struct Columns<'r> {
    row: &'r Row,
    table: &'static str,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn new(row: &'r Row, table: &'static str) -> Self {
        Self { row, table, next: 0 }
    }

    /// The next column as PostgreSQL gives it.
    pub(crate) fn get<T: FromSqlOwned>(&mut self) -> DbResult<T> {
        let at = self.next;
        self.next += 1;
        self.row
            .try_get(at)
            .map_err(|_| DbError::row(self.table, format!("column {at}")))
    }

    pub(crate) fn id<T: Id>(&mut self) -> DbResult<T> {
        Ok(T::of_uuid(self.get()?))
    }

    pub(crate) fn optional_id<T: Id>(&mut self) -> DbResult<Option<T>> {
        Ok(self.get::<Option<Uuid>>()?.map(T::of_uuid))
    }

    pub(crate) fn hash(&mut self) -> DbResult<ContentHash> {
        let bytes: Vec<u8> = self.get()?;
        self.hash_of(bytes)
    }

    pub(crate) fn optional_hash(&mut self) -> DbResult<Option<ContentHash>> {
        let bytes: Option<Vec<u8>> = self.get()?;
        bytes.map(|bytes| self.hash_of(bytes)).transpose()
    }

    fn hash_of(&self, bytes: Vec<u8>) -> DbResult<ContentHash> {
        let length = bytes.len();
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_| DbError::row(self.table, format!("a hash of {length} bytes")))?;
        Ok(ContentHash::from_bytes(bytes))
    }

    pub(crate) fn time(&mut self) -> DbResult<Timestamp> {
        Ok(Timestamp::from_micros(self.get()?))
    }

    pub(crate) fn optional_time(&mut self) -> DbResult<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    /// A column of type `bigint` that counts.
    pub(crate) fn count(&mut self) -> DbResult<u64> {
        let value: i64 = self.get()?;
        u64::try_from(value).map_err(|_| DbError::row(self.table, value))
    }

    /// A column of type `integer` that counts.
    pub(crate) fn number<T: TryFrom<i32>>(&mut self) -> DbResult<T> {
        let value: i32 = self.get()?;
        T::try_from(value).map_err(|_| DbError::row(self.table, value))
    }

    /// The same, or null.
    pub(crate) fn optional_number<T: TryFrom<i32>>(&mut self) -> DbResult<Option<T>> {
        let value: Option<i32> = self.get()?;
        value
            .map(|value| T::try_from(value).map_err(|_| DbError::row(self.table, value)))
            .transpose()
    }

    pub(crate) fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> DbResult<T> {
        let word: String = self.get()?;
        parse(&word).ok_or_else(|| DbError::row(self.table, word))
    }

    /// The same, or null.
    pub(crate) fn optional_word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> DbResult<Option<T>> {
        let Some(word) = self.get::<Option<String>>()? else {
            return Ok(None);
        };
        parse(&word)
            .map(Some)
            .ok_or_else(|| DbError::row(self.table, word))
    }

    pub(crate) fn content_type(&mut self) -> DbResult<ContentType> {
        self.word(ContentType::parse)
    }

    pub(crate) fn collection(&mut self) -> DbResult<CollectionName> {
        self.word(|name| CollectionName::parse(name).ok())
    }

    pub(crate) fn document_status(&mut self) -> DbResult<DocumentStatus> {
        self.word(DocumentStatus::from_name)
    }

    pub(crate) fn job_status(&mut self) -> DbResult<JobStatus> {
        self.word(JobStatus::from_name)
    }

    pub(crate) fn queue(&mut self) -> DbResult<QueueName> {
        self.word(QueueName::from_name)
    }

    pub(crate) fn stage(&mut self) -> DbResult<VersionStage> {
        self.word(stage_from_name)
    }

    /// Three columns: code, message, retry.
    pub(crate) fn failure(&mut self) -> DbResult<Option<Failure>> {
        let (code, message, retry): (Option<String>, Option<String>, Option<String>) =
            (self.get()?, self.get()?, self.get()?);
        let (Some(code), Some(message)) = (code, message) else {
            return Ok(None);
        };
        let code = ErrorCode::from_name(&code).ok_or_else(|| DbError::row(self.table, code))?;
        let retry = retry_from_name(retry.as_deref());
        Ok(Some(Failure { code, message, retry }))
    }
}

/// Sizes and counts as `bigint` keeps them; none comes near the border.
pub(crate) fn as_integer(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Numbers from one width or sign to another; none of ours comes near a border, and one that did would be cut to zero.
pub(crate) fn as_number<T: Default>(value: impl TryInto<T>) -> T {
    value.try_into().unwrap_or_default()
}

/// Text as PostgreSQL keeps it: the character NUL, which it cannot, becomes U+FFFD, so that no place moves.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{FFFD}").into()
    } else {
        text.into()
    }
}
