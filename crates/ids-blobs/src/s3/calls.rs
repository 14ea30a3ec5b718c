//! The calls of S3 that the store is made of, each tried again when the server is busy or a connection breaks.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header;
use ids_core::document::ContentHash;
use ids_core::ports::Clock;
use md5::{Digest, Md5};
use rusty_s3::Method;

use super::address::{Address, Request};
use super::body::Payload;
use super::config::RetryPolicy;
use super::error::CallError;
use super::http::{Client, Reply};
use super::xml::Element;

/// The most of a reply in XML that is read: 1,000 keys of 1,024 bytes, each byte encoded in three.
const XML_BYTES: usize = 8 * 1_024 * 1_024;

/// The most of a refusal that is read.
const REFUSAL_BYTES: usize = 64 * 1_024;

/// Names one writing among those of a key: what tells our own success, whose reply was lost, from another's.
const WRITE_ID: &str = "x-amz-meta-ids-write";

/// A bucket that can be called.
pub(super) struct Calls {
    pub address: Address,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub retry: RetryPolicy,
}

/// A call with what goes with it.
struct Call<'a> {
    request: Request<'a>,
    payload: &'a Payload,
    first_byte: Duration,
}

/// What HEAD says of an object.
pub(super) struct ObjectHead {
    pub size: u64,
    pub etag: Option<String>,
    write_id: Option<String>,
}

/// One page of a listing.
pub(super) struct Page {
    /// Keys, and when they were changed last, as the server writes it.
    pub objects: Vec<(String, String)>,
    /// Where the next begins.
    pub next: Option<String>,
}

impl Calls {
    /// What is said of an object; `None` when it is not there, or the bucket is not.
    pub(super) async fn head(&self, object: &str) -> Result<Option<ObjectHead>, CallError> {
        let request = plain(Method::Head, Some(object));
        let reply = match self.send(request, &Payload::Nothing).await {
            Ok(reply) => reply,
            Err(error) if error.status() == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = |name: &header::HeaderName| reply.header(name).map(str::to_owned);
        Ok(Some(ObjectHead {
            size: reply
                .content_length()
                .ok_or(CallError::Unusable("it tells no length"))?,
            etag: text(&header::ETAG),
            write_id: text(&header::HeaderName::from_static(WRITE_ID)),
        }))
    }

    /// Whether the bucket answers.
    pub(super) async fn head_bucket(&self) -> Result<(), CallError> {
        match self.send(plain(Method::Head, None), &Payload::Nothing).await {
            Ok(_) => Ok(()),
            // A reply to HEAD has no text, and this is what it would say.
            Err(error) if error.status() == Some(404) => {
                Err(CallError::refused(404, Some("NoSuchBucket".to_owned()), None))
            }
            Err(error) => Err(error),
        }
    }

    /// Begins to read an object. Broken later, it is not begun again here.
    pub(super) async fn get(&self, object: &str) -> Result<Reply<'_>, CallError> {
        self.send(plain(Method::Get, Some(object)), &Payload::Nothing)
            .await
    }

    /// Writes an object where there is none yet. The server refuses other bytes than those of `hash`.
    pub(super) async fn put_new(
        &self,
        object: &str,
        payload: &Payload,
        hash: &ContentHash,
    ) -> Result<(), CallError> {
        let checksum = BASE64_STANDARD.encode(hash.as_bytes());
        let write_id = random_id()?;
        let conditional = [
            ("content-type", "application/octet-stream"),
            ("if-none-match", "*"),
            ("x-amz-checksum-sha256", checksum.as_str()),
            (WRITE_ID, write_id.as_str()),
        ];
        let unconditional = [conditional[0], conditional[2], conditional[3]];
        let mut headers = &conditional[..];
        let mut tries = self.tries();
        loop {
            let request = Request {
                headers,
                ..plain(Method::Put, Some(object))
            };
            let first_byte = self.client.deadlines().first_byte;
            let call = Call {
                request,
                payload,
                first_byte,
            };
            let error = match self.attempt(&call).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if error.code() == Some("NotImplemented") && headers.len() > unconditional.len() {
                // The look before this call must do, as on servers that know no conditions and do not say so.
                headers = &unconditional;
                continue;
            }
            if tries.are_several() && matches!(error.status(), Some(409 | 412)) {
                let head = self.head(object).await?;
                if head.is_some_and(|head| head.write_id.as_ref() == Some(&write_id)) {
                    return Ok(());
                }
            }
            tries.again(error).await?;
        }
    }

    /// Copies inside the bucket; `if_match` is the tag that the source must still have.
    pub(super) async fn copy(&self, from: &str, to: &str, if_match: Option<&str>) -> Result<(), CallError> {
        let source = self.address.copy_source(from);
        let mut headers = vec![("x-amz-copy-source", source.as_str())];
        headers.extend(if_match.map(|etag| ("x-amz-copy-source-if-match", etag)));
        let request = Request {
            headers: &headers,
            ..plain(Method::Put, Some(to))
        };
        let call = Call {
            request,
            payload: &Payload::Nothing,
            first_byte: self.client.deadlines().copy,
        };
        // A long copy begins its reply well before it knows its end.
        self.document(&call).await.map(drop)
    }

    /// Removes an object; not being there is no error.
    pub(super) async fn delete(&self, object: &str) -> Result<(), CallError> {
        match self
            .send(plain(Method::Delete, Some(object)), &Payload::Nothing)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One page of the objects under `prefix`: at most `limit` behind `after`, or from where a page before ended.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Page, CallError> {
        let limit = limit.to_string();
        let mut query = Vec::with_capacity(6);
        query.extend(token.map(|token| ("continuation-token", token)));
        // Keys can hold what XML cannot.
        query.extend([
            ("encoding-type", "url"),
            ("list-type", "2"),
            ("max-keys", limit.as_str()),
        ]);
        query.push(("prefix", prefix));
        query.extend(after.map(|after| ("start-after", after)));
        let request = Request {
            query: &query,
            ..plain(Method::Get, None)
        };
        let (root, _) = self.document(&self.call(request, &Payload::Nothing)).await?;
        page_of(&root)
    }

    /// Reads a setting of the bucket (`cors`, `lifecycle`): the document itself, and a header of the reply.
    pub(super) async fn setting(
        &self,
        name: &str,
        header: &'static str,
    ) -> Result<(String, Option<String>), CallError> {
        let query = [(name, "")];
        let request = Request {
            query: &query,
            ..plain(Method::Get, None)
        };
        let mut tries = self.tries();
        loop {
            let call = self.call(request_again(&request), &Payload::Nothing);
            let read = async {
                let mut reply = self.attempt(&call).await?;
                let header = reply
                    .header(&header::HeaderName::from_static(header))
                    .map(str::to_owned);
                Ok((reply.text(XML_BYTES).await?, header))
            };
            match read.await {
                Ok(read) => return Ok(read),
                Err(error) => tries.again(error).await?,
            }
        }
    }

    /// Replaces a setting of the bucket.
    pub(super) async fn set(
        &self,
        name: &str,
        document: String,
        header: Option<(&str, &str)>,
    ) -> Result<(), CallError> {
        // The one digest that all servers know here, and some insist on.
        let md5 = BASE64_STANDARD.encode(Md5::digest(&document));
        let mut headers = vec![("content-md5", md5.as_str()), ("content-type", "application/xml")];
        headers.extend(header);
        headers.sort_unstable();
        let query = [(name, "")];
        let request = Request {
            query: &query,
            headers: &headers,
            ..plain(Method::Put, None)
        };
        self.send(request, &Payload::Bytes(document.into()))
            .await
            .map(drop)
    }

    fn call<'a>(&self, request: Request<'a>, payload: &'a Payload) -> Call<'a> {
        Call {
            request,
            payload,
            first_byte: self.client.deadlines().first_byte,
        }
    }

    /// The head of the reply, after as many tries as it takes.
    async fn send(&self, request: Request<'_>, payload: &Payload) -> Result<Reply<'_>, CallError> {
        let call = self.call(request, payload);
        let mut tries = self.tries();
        loop {
            match self.attempt(&call).await {
                Ok(reply) => return Ok(reply),
                Err(error) => tries.again(error).await?,
            }
        }
    }

    /// A reply in XML, after as many tries as it takes, as text and as a tree.
    async fn document(&self, call: &Call<'_>) -> Result<(Element, String), CallError> {
        let mut tries = self.tries();
        loop {
            match self.attempt_document(call).await {
                Ok(document) => return Ok(document),
                Err(error) => tries.again(error).await?,
            }
        }
    }

    async fn attempt_document(&self, call: &Call<'_>) -> Result<(Element, String), CallError> {
        let mut reply = self.attempt(call).await?;
        let status = reply.status();
        let text = reply.text(XML_BYTES).await?;
        let root = Element::parse(&text)?;
        if root.name == "Error" {
            return Err(refusal(status, &root));
        }
        Ok((root, text))
    }

    /// One try: the head of a reply that is no refusal.
    async fn attempt(&self, call: &Call<'_>) -> Result<Reply<'_>, CallError> {
        let request = &call.request;
        // Signed anew for each try: pauses must not eat up its time.
        let target = self.address.target(request, self.clock.now());
        let mut reply = self
            .client
            .send(
                request.method.to_str(),
                &target,
                request.headers,
                call.payload,
                call.first_byte,
            )
            .await?;
        let status = reply.status();
        if (200..300).contains(&status) {
            return Ok(reply);
        }
        // What cannot be read as a refusal is one all the same.
        let text = reply.text(REFUSAL_BYTES).await.unwrap_or_default();
        Err(match Element::parse(&text) {
            Ok(root) => refusal(status, &root),
            Err(_) => CallError::refused(status, None, None),
        })
    }

    /// Begins to count.
    pub(super) fn tries(&self) -> Tries {
        Tries {
            left: self.retry.tries.saturating_sub(1),
            pause: self.retry.pause,
            are_several: false,
        }
    }
}

/// How often one call may still be tried.
pub(super) struct Tries {
    left: u32,
    pause: Duration,
    are_several: bool,
}

impl Tries {
    fn are_several(&self) -> bool {
        self.are_several
    }

    /// Waits until the next try.
    ///
    /// # Errors
    /// The error itself, when there is none.
    pub(super) async fn again(&mut self, error: CallError) -> Result<(), CallError> {
        if self.left == 0 || !error.is_passing() {
            return Err(error);
        }
        self.left -= 1;
        self.are_several = true;
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a call to the bucket failed and is tried again"
        );
        // Shortened at random by up to half, so that those who were refused together do not come back together.
        let mut random = [0; 1];
        let share = match getrandom::fill(&mut random) {
            Ok(()) => u32::from(random[0]),
            Err(_) => 0,
        };
        tokio::time::sleep(self.pause - self.pause * share / 512).await;
        self.pause *= 2;
        Ok(())
    }
}

fn plain(method: Method, object: Option<&str>) -> Request<'_> {
    Request {
        method,
        object,
        query: &[],
        headers: &[],
    }
}

fn request_again<'a>(request: &Request<'a>) -> Request<'a> {
    Request { ..*request }
}

fn refusal(status: u16, root: &Element) -> CallError {
    CallError::refused(
        status,
        root.text_of("Code").map(str::to_owned),
        root.text_of("Message").map(str::to_owned),
    )
}

fn page_of(root: &Element) -> Result<Page, CallError> {
    if root.name != "ListBucketResult" {
        return Err(CallError::Unusable("it is no listing"));
    }
    let is_encoded = root.text_of("EncodingType") == Some("url");
    let objects = root
        .all("Contents")
        .map(|object| {
            let key = object
                .child("Key")
                .ok_or(CallError::Unusable("an object has no key"))?;
            let changed = object
                .text_of("LastModified")
                .ok_or(CallError::Unusable("an object has no time"))?;
            let key = if is_encoded {
                decode(&key.text)?
            } else {
                key.text.clone()
            };
            Ok((key, changed.to_owned()))
        })
        .collect::<Result<_, CallError>>()?;
    let next = match root.text_of("IsTruncated") {
        Some("true") => {
            let token = root
                .child("NextContinuationToken")
                .map(|token| token.text.clone());
            Some(token.ok_or(CallError::Unusable("the listing cannot be gone on with"))?)
        }
        _ => None,
    };
    Ok(Page { objects, next })
}

/// Decodes a key: AWS, MinIO and SeaweedFS write a space as `+`, others as `%20`; a plus is `%2B` for all.
fn decode(key: &str) -> Result<String, CallError> {
    let no_key = || CallError::Unusable("a key is badly encoded");
    let mut decoded = Vec::with_capacity(key.len());
    let mut bytes = key.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit().ok_or_else(no_key)?, digit().ok_or_else(no_key)?);
                u8::try_from(high * 16 + low).map_err(|_| no_key())?
            }
            _ => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| no_key())
}

fn random_id() -> Result<String, CallError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| CallError::Unusable("this machine has no randomness"))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were_written() {
        for (encoded, key) in [
            ("odd/a+b", "odd/a b"),
            ("odd/a%20b", "odd/a b"),
            ("odd/a%2Bb%25", "odd/a+b%"),
            ("odd/a%C3%A7%c3%a3o", "odd/ação"),
            ("%00%0A", "\0\n"),
        ] {
            assert_eq!(decode(encoded).unwrap(), key);
        }
        for broken in ["%", "%4", "%zz", "%FF"] {
            assert!(decode(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_page_is_read_with_or_without_encoding() {
        let page = |encoding: &str, key: &str, more: &str| {
            let text = format!(
                "<ListBucketResult xmlns=\"u\">{encoding}<Contents><Key>{key}</Key><LastModified>2025-01-01T00:00:00.5Z\
                 </LastModified></Contents>{more}</ListBucketResult>"
            );
            page_of(&Element::parse(&text).unwrap())
        };
        let encoded = page("<EncodingType>url</EncodingType>", "a+b", "").unwrap();
        assert_eq!(
            encoded.objects,
            [("a b".to_owned(), "2025-01-01T00:00:00.5Z".to_owned())]
        );
        assert_eq!(encoded.next, None);
        let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>";
        let plain = page("", "a+b&lt;", more).unwrap();
        assert_eq!(plain.objects[0].0, "a+b<");
        assert_eq!(plain.next.as_deref(), Some("t&1"));
        assert!(page("", "a", "<IsTruncated>true</IsTruncated>").is_err());
    }
}
