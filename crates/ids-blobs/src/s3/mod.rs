//! Blobs as objects of a bucket, on any server that speaks S3: the key is the object's.
//!
//! Bytes that come through this process are spooled into a file and sent by one PUT, so they are there whole or not at
//! all. Uploads go to the bucket itself, by an address signed here; [`BlobStore::pin`] then takes them away from it.

mod address;
mod admin;
mod body;
mod calls;
mod config;
mod cors;
mod error;
mod http;
mod lifecycle;
mod writer;
mod xml;

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ids_core::document::{BlobKey, ContentHash, Upload};
use ids_core::id::OrganizationId;
use ids_core::ports::{
    BlobError, BlobErrorKind, BlobInfo, BlobStore, BlobWriter, Clock, LocalBlob, SignedUpload,
};
use ids_core::time::Timestamp;
use ids_net::connector;
use rusty_s3::Method;
use sha2::{Digest, Sha256};

use self::address::{Address, Request};
use self::calls::{Calls, Page};
use self::config::LONGEST_TTL;
use self::error::{CallError, failed};
use self::http::{Client, Reply};
use self::writer::S3BlobWriter;
use crate::error::{failed as failed_here, invalid_key};
use crate::key::{is_key, split_prefix};
use crate::partial::{PartialFile, PartialFolder};
use crate::slots::IoSlots;
use crate::spool::Spooler;

pub use self::admin::RoundTripFailure;
pub use self::config::{Deadlines, PathStyle, RetryPolicy, S3Config, S3ConfigError};
pub use self::cors::CorsState;
pub use self::lifecycle::LifecycleState;

/// Keys of one page of a listing; S3 gives no more.
const PAGE: usize = 1_000;

/// Keeps blobs in a bucket. Cheap to clone.
#[derive(Clone)]
pub struct S3BlobStore {
    shared: Arc<Shared>,
}

/// What store and writers share.
struct Shared {
    calls: Calls,
    /// The bucket as browsers reach it.
    public: Address,
    temp_prefix: String,
    originals_prefix: String,
    spool: PartialFolder,
    slots: IoSlots,
}

/// Whether a folder is ours, and nobody else can look into it.
fn is_private(folder: &std::path::Path) -> std::io::Result<bool> {
    let found = std::fs::symlink_metadata(folder)?;
    Ok(found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0)
}

impl S3BlobStore {
    /// Makes a store. Asks nothing of the server: one that is down is no reason not to start. Reads the machine's
    /// certificates and makes the spool folder on the calling thread: for start-up.
    ///
    /// # Errors
    /// What is wrong in the configuration.
    pub fn new(config: &S3Config, clock: Arc<dyn Clock>) -> Result<Self, S3ConfigError> {
        check(config)?;
        let of_folder = |source| S3ConfigError::SpoolFolder {
            folder: config.spool_folder.display().to_string(),
            source,
        };
        let mut builder = std::fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&config.spool_folder);
        made.map_err(of_folder)?;
        // In a folder that all users share, another one may have made it first, to read what comes.
        if !is_private(&config.spool_folder).map_err(of_folder)? {
            return Err(of_folder(std::io::ErrorKind::PermissionDenied.into()));
        }
        let endpoint = config.endpoint.as_deref();
        let calls = Calls {
            address: Address::new(config, endpoint)?,
            client: Client::new(
                connector(&config.roots).map_err(S3ConfigError::Certificates)?,
                config.deadlines,
            ),
            clock,
            retry: config.retry,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                calls,
                public: Address::new(config, config.public_endpoint.as_deref().or(endpoint))?,
                temp_prefix: config.temp_prefix.clone(),
                originals_prefix: config.originals_prefix.clone(),
                spool: PartialFolder::open(&config.spool_folder).map_err(of_folder)?,
                slots: IoSlots::new(),
            }),
        })
    }

    fn calls(&self) -> &Calls {
        &self.shared.calls
    }

    /// Why HEAD found nothing: a bucket that is not there is no absent blob.
    async fn check_bucket(&self, name: &str) -> Result<(), BlobError> {
        self.calls().head_bucket().await.map_err(failed("look for", name))
    }

    async fn partial_file(&self, name: &str) -> Result<PartialFile, BlobError> {
        let (shared, name) = (Arc::clone(&self.shared), name.to_owned());
        self.shared
            .slots
            .run(move || {
                let created = shared.spool.restore().and_then(|()| shared.spool.create());
                created.map_err(failed_here("write", &name))
            })
            .await
    }

    /// Reads an object into a local file.
    async fn fetch(&self, object: &str) -> Result<PartialFile, CallError> {
        let partial = self.partial_file(object).await.map_err(CallError::Here)?;
        let mut spooler = Spooler::new(self.shared.slots.clone(), object, partial);
        let mut reply = self.calls().get(object).await?;
        check_end(&reply)?;
        while let Some(piece) = reply.next().await? {
            spooler.write(&piece).await.map_err(CallError::Here)?;
        }
        let mut spool = spooler.take().map_err(CallError::Here)?;
        let name = object.to_owned();
        let finishing = self.shared.slots.run(move || {
            spool.flush().map_err(failed_here("write", &name))?;
            Ok(spool.finish())
        });
        let (partial, _) = finishing.await.map_err(CallError::Here)?;
        Ok(partial)
    }

    /// Length and hash of an object, from all of its bytes.
    async fn hash(&self, object: &str) -> Result<BlobInfo, CallError> {
        let mut reply = self.calls().get(object).await?;
        check_end(&reply)?;
        let (mut hasher, mut size) = (Sha256::new(), 0);
        while let Some(piece) = reply.next().await? {
            // Pieces are of the network's size: some microseconds each, which is no work for another thread.
            hasher.update(&piece);
            size += piece.len() as u64;
        }
        let hash = ContentHash::from_bytes(hasher.finalize().into());
        Ok(BlobInfo { size, hash })
    }
}

#[async_trait]
impl BlobStore for S3BlobStore {
    async fn create(&self, key: &BlobKey) -> Result<Box<dyn BlobWriter>, BlobError> {
        check_key(key)?;
        let partial = self.partial_file(&key.0).await?;
        let spooler = Spooler::new(self.shared.slots.clone(), &key.0, partial);
        Ok(Box::new(S3BlobWriter::new(
            Arc::clone(&self.shared),
            key.clone(),
            spooler,
        )))
    }

    async fn find(&self, key: &BlobKey) -> Result<Option<u64>, BlobError> {
        check_key(key)?;
        let head = self.calls().head(&key.0).await;
        match head.map_err(failed("look for", &key.0))? {
            Some(head) => Ok(Some(head.size)),
            None => {
                self.check_bucket(&key.0).await?;
                Ok(None)
            }
        }
    }

    async fn open_local(&self, key: &BlobKey) -> Result<LocalBlob, BlobError> {
        check_key(key)?;
        let mut tries = self.calls().tries();
        loop {
            match self.fetch(&key.0).await {
                Ok(partial) => return Ok(LocalBlob::temporary(partial.path().to_owned(), partial)),
                Err(error) => tries.again(error).await.map_err(failed("read", &key.0))?,
            }
        }
    }

    /// Replaces what is at `to`: a version's original is named by its id, so both are the same bytes.
    async fn rename(&self, from: &BlobKey, to: &BlobKey) -> Result<(), BlobError> {
        check_key(from)?;
        check_key(to)?;
        if from != to {
            match self.calls().copy(&from.0, &to.0, None).await {
                Ok(()) => {
                    let deleted = self.calls().delete(&from.0).await;
                    return deleted.map_err(failed("move", &from.0));
                }
                // Perhaps moved by an earlier call.
                Err(error) if error.code() == Some("NoSuchKey") => {}
                Err(error) => return Err(failed("move", &from.0)(error)),
            }
        }
        match self.calls().head(&to.0).await.map_err(failed("move", &from.0))? {
            Some(_) => Ok(()),
            None => Err(BlobError::new(BlobErrorKind::NotFound)),
        }
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        check_key(key)?;
        self.calls()
            .delete(&key.0)
            .await
            .map_err(failed("delete", &key.0))
    }

    /// In the server's order, which inside one folder is that of bytes. What is no blob of ours is left out.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<(BlobKey, Timestamp)>, BlobError> {
        split_prefix(prefix)?;
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        while found.len() < limit {
            let wanted = (limit - found.len()).min(PAGE);
            let begin = after.map(|key| key.0.as_str()).filter(|_| token.is_none());
            let listed = self.calls().list(prefix, begin, token.as_deref(), wanted).await;
            let Page { objects, next } = listed.map_err(failed("list", prefix))?;
            for (key, changed) in objects {
                if key.starts_with(prefix) && is_key(&key) {
                    found.push((BlobKey(key), timestamp(&changed).map_err(failed("list", prefix))?));
                }
            }
            match next {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                // The same again would never end.
                _ => break,
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Type and length are signed. Of these only the type is told: clients send the length themselves, and browsers let
    /// no page set it.
    fn sign_upload(&self, _: OrganizationId, upload: &Upload) -> Result<SignedUpload, BlobError> {
        check_key(&upload.blob)?;
        let now = self.calls().clock.now();
        let ttl = upload.expires_at.since(now);
        let length = upload.file_size.to_string();
        let headers = [
            ("content-length", length.as_str()),
            ("content-type", upload.content_type.as_str()),
        ];
        let request = Request {
            method: Method::Put,
            object: Some(&upload.blob.0),
            query: &[],
            headers: &headers,
        };
        let ttl = ttl.clamp(Duration::from_secs(1), LONGEST_TTL);
        let url = self.shared.public.sign(&request, now, ttl);
        let headers = vec![("content-type".to_owned(), upload.content_type.as_str().to_owned())];
        Ok(SignedUpload { url, headers })
    }

    /// May be repeated with the same `to` wherever an earlier call ended: what was copied there once stays, whatever
    /// was sent to the signed address since.
    async fn pin(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<BlobInfo>, BlobError> {
        check_key(from)?;
        check_key(to)?;
        if from == to {
            return Err(invalid_key(&to.0));
        }
        let (calls, action) = (self.calls(), "pin");
        let mut copied = None;
        if calls.head(&to.0).await.map_err(failed(action, &to.0))?.is_none() {
            let Some(head) = calls.head(&from.0).await.map_err(failed(action, &from.0))? else {
                self.check_bucket(&from.0).await?;
                return Ok(None);
            };
            match calls.copy(&from.0, &to.0, head.etag.as_deref()).await {
                Ok(()) => copied = Some(head.size),
                // Another call took it away in this instant.
                Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
                Err(error) => return Err(failed(action, &from.0)(error)),
            }
        }
        let info = self.pinned(&to.0).await?;
        if copied.is_some_and(|size| size != info.size) {
            // A server that knows no condition on copies took what came after the look at it.
            calls.delete(&to.0).await.map_err(failed(action, &to.0))?;
            return Err(BlobError::new(BlobErrorKind::Conflict));
        }
        calls.delete(&from.0).await.map_err(failed(action, &from.0))?;
        Ok(Some(info))
    }

    fn upload_origin(&self) -> Option<String> {
        Some(self.shared.public.origin())
    }

    /// Lists at most one upload: that the server is there, knows the key and has the bucket.
    async fn ping(&self) -> Result<(), BlobError> {
        let prefix = &self.shared.temp_prefix;
        let listed = self.calls().list(prefix, None, None, 1).await;
        listed.map(drop).map_err(failed("list", prefix))
    }

    fn verify_upload(&self, _: OrganizationId, _: &Upload, _: &str) -> bool {
        false
    }
}

impl S3BlobStore {
    async fn pinned(&self, object: &str) -> Result<BlobInfo, BlobError> {
        let mut tries = self.calls().tries();
        loop {
            match self.hash(object).await {
                Ok(info) => return Ok(info),
                Err(error) => tries.again(error).await.map_err(failed("read", object))?,
            }
        }
    }
}

fn check(config: &S3Config) -> Result<(), S3ConfigError> {
    let name = &config.bucket;
    let is_bucket = (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    if !is_bucket {
        return Err(S3ConfigError::Bucket(name.clone()));
    }
    for prefix in [&config.temp_prefix, &config.originals_prefix] {
        if !prefix.strip_suffix('/').is_some_and(is_key) {
            return Err(S3ConfigError::Prefix(prefix.clone()));
        }
    }
    if config.access_key.is_empty() || config.secret_key.expose().is_empty() {
        return Err(S3ConfigError::Keys);
    }
    if config.region.is_empty() {
        return Err(S3ConfigError::Region);
    }
    if config.upload_ttl < Duration::from_secs(1) || config.upload_ttl > LONGEST_TTL {
        return Err(S3ConfigError::UploadTtl);
    }
    Ok(())
}

fn check_key(key: &BlobKey) -> Result<(), BlobError> {
    if is_key(&key.0) {
        Ok(())
    } else {
        Err(invalid_key(&key.0))
    }
}

/// Refuses bytes whose end nobody can tell: where a length is announced, a connection that breaks before it is an error.
fn check_end(reply: &Reply<'_>) -> Result<(), CallError> {
    match reply.content_length() {
        Some(_) => Ok(()),
        None => Err(CallError::Unusable("it tells no length")),
    }
}

fn timestamp(text: &str) -> Result<Timestamp, CallError> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| CallError::Unusable("an object's time is none"))?;
    Ok(Timestamp::from_micros(time.as_microsecond()))
}
