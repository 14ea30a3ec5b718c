//! Domain values to columns and back. A value that cannot be what was written is `Corrupt`, never a panic.

use ids_core::document::{ContentHash, ContentType, DocumentStatus, VersionStage};
use ids_core::error::{ErrorCode, Failure};
use ids_core::id::{
    DocumentId, JobId, KeyId, MessageId, OrganizationId, ReservationId, SessionId, UploadId, VersionId,
};
use ids_core::job::{JobCounts, JobStatus, QueueName};
use ids_core::scope::{CollectionAccess, CollectionName, Tag};
use ids_core::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::FromSql;
use uuid::Uuid;

use crate::error::{DbError, DbResult};

pub(crate) use ids_rows::words::{folded, lane_of, retry_name, stage_name};
use ids_rows::words::{retry_from_name, stage_from_name};

/// An identifier as 16 bytes.
pub(crate) trait Id: Sized {
    fn to_blob(self) -> [u8; 16];
    fn from_blob(bytes: [u8; 16]) -> Self;
}

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl Id for $name {
            fn to_blob(self) -> [u8; 16] {
                self.as_uuid().into_bytes()
            }

            fn from_blob(bytes: [u8; 16]) -> Self {
                Self::from_uuid(Uuid::from_bytes(bytes))
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
pub(crate) struct Columns<'r, 's> {
    row: &'r Row<'s>,
    table: &'static str,
    next: usize,
}

impl<'r, 's> Columns<'r, 's> {
    pub(crate) fn new(row: &'r Row<'s>, table: &'static str) -> Self {
        Self { row, table, next: 0 }
    }

    /// The next column as SQLite gives it.
    pub(crate) fn get<T: FromSql>(&mut self) -> DbResult<T> {
        let at = self.next;
        self.next += 1;
        Ok(self.row.get(at)?)
    }

    pub(crate) fn id<T: Id>(&mut self) -> DbResult<T> {
        Ok(T::from_blob(self.get()?))
    }

    pub(crate) fn optional_id<T: Id>(&mut self) -> DbResult<Option<T>> {
        Ok(self.get::<Option<[u8; 16]>>()?.map(T::from_blob))
    }

    pub(crate) fn hash(&mut self) -> DbResult<ContentHash> {
        Ok(ContentHash::from_bytes(self.get()?))
    }

    pub(crate) fn optional_hash(&mut self) -> DbResult<Option<ContentHash>> {
        Ok(self.get::<Option<[u8; 32]>>()?.map(ContentHash::from_bytes))
    }

    pub(crate) fn time(&mut self) -> DbResult<Timestamp> {
        Ok(Timestamp::from_micros(self.get()?))
    }

    pub(crate) fn optional_time(&mut self) -> DbResult<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    pub(crate) fn count(&mut self) -> DbResult<u64> {
        let value: i64 = self.get()?;
        u64::try_from(value).map_err(|_| DbError::row(self.table, value))
    }

    pub(crate) fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> DbResult<T> {
        let word: String = self.get()?;
        parse(&word).ok_or_else(|| DbError::row(self.table, word))
    }

    /// Words parted by commas, as [`joined`] writes them.
    pub(crate) fn words<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> DbResult<Vec<T>> {
        let words: String = self.get()?;
        let known: Option<Vec<T>> = words
            .split(',')
            .filter(|word| !word.is_empty())
            .map(parse)
            .collect();
        known.ok_or_else(|| DbError::row(self.table, words))
    }

    /// Names, each ended by a line feed; null is all.
    pub(crate) fn collection_access(&mut self) -> DbResult<CollectionAccess> {
        let Some(text) = self.get::<Option<String>>()? else {
            return Ok(CollectionAccess::All);
        };
        let names: Result<Vec<CollectionName>, _> = text.lines().map(CollectionName::parse).collect();
        names
            .map(CollectionAccess::Only)
            .map_err(|_| DbError::row(self.table, text))
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

    pub(crate) fn tag(&mut self) -> DbResult<Tag> {
        self.word(|tag| Tag::parse(tag).ok())
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

/// Words of which none holds a comma, parted by commas.
pub(crate) fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(",")
}

/// Notes how many jobs have that status.
pub(crate) const fn set_count(counts: &mut JobCounts, status: JobStatus, count: u64) {
    match status {
        JobStatus::Queued => counts.queued = count,
        JobStatus::Started => counts.started = count,
        JobStatus::Deferred => counts.deferred = count,
        JobStatus::Finished => counts.finished = count,
        JobStatus::Failed => counts.failed = count,
        JobStatus::Cancelled => counts.cancelled = count,
    }
}

/// Sizes and counts as SQLite keeps them; none comes near the border.
pub(crate) fn as_integer(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
