//! One file on its way into the library: hash, what is known of it, the form, streamed from the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::{Request, header};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, Take};

use crate::cli::client::{CallError, Client, Reply};

/// Bytes read and sent at once.
const PIECE_BYTES: usize = 256 * 1024;

/// Why a file was not accepted.
#[derive(Debug)]
pub enum UploadError {
    /// The file itself cannot be read.
    Unreadable(io::Error),
    /// The API refused it, or is gone.
    Call(CallError),
}

impl From<CallError> for UploadError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// The SHA-256 of a file's bytes in hexadecimal digits.
///
/// # Errors
/// When it cannot be read.
pub async fn hash(path: PathBuf) -> io::Result<String> {
    let hashed = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::File::open(path)?;
        let mut hasher = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match io::Read::read(&mut file, &mut piece)? {
                0 => break,
                read => hasher.update(&piece[..read]),
            }
        }
        Ok(hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    });
    hashed.await.map_err(io::Error::other)?
}

/// Sends a file with what is said of it to POST /documents.
///
/// # Errors
/// See [`UploadError`].
pub async fn upload(client: &Client, path: &Path, fields: &[(&str, String)]) -> Result<Reply, UploadError> {
    let file = tokio::fs::File::open(path)
        .await
        .map_err(UploadError::Unreadable)?;
    let size = file.metadata().await.map_err(UploadError::Unreadable)?.len();
    let boundary = boundary(path, size);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let head = head(&boundary, fields, &name);
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = head.len() as u64 + size + tail.len() as u64;

    // A file that shrinks or breaks while it is read shows as a failed request; this tells it from a gone server.
    let broken = Arc::new(OnceLock::new());
    let bytes = stream::once(async move { Ok(Bytes::from(head)) })
        .chain(pieces(file.take(size), size, Arc::clone(&broken)))
        .chain(stream::once(async move { Ok(Bytes::from(tail)) }));
    let request = Request::post("/api/v1/documents")
        .header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={boundary}"),
        )
        .header(header::CONTENT_LENGTH, length)
        .body(Body::from_stream(bytes))
        .map_err(|error| CallError::Gone(error.into()))?;
    let sent = client.send(request).await;
    match (sent, broken.get()) {
        (Ok(reply), _) => Ok(reply),
        (Err(_), Some(text)) => Err(UploadError::Unreadable(io::Error::other(String::clone(text)))),
        (Err(error), None) => Err(error.into()),
    }
}

/// The file's bytes; exactly `size` or an error.
fn pieces(
    file: Take<tokio::fs::File>,
    size: u64,
    broken: Arc<OnceLock<String>>,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((file, size), move |(mut file, left)| {
        let broken = Arc::clone(&broken);
        async move {
            if left == 0 {
                return Ok(None);
            }
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = match (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await {
                Ok(0) => Err(io::Error::other("the file became shorter while it was read")),
                other => other,
            };
            match read {
                Ok(read) => Ok(Some((Bytes::from(piece), (file, left - read as u64)))),
                Err(error) => {
                    // Set once: the stream ends here.
                    let _ = broken.set(error.to_string());
                    Err(error)
                }
            }
        }
    })
}

/// Everything in front of the file's bytes.
fn head(boundary: &str, fields: &[(&str, String)], filename: &str) -> String {
    let mut head = String::new();
    for (name, value) in fields {
        head.push_str(&format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    let filename = quoted(filename);
    head.push_str(&format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    ));
    head
}

/// A file name inside quotes. Control characters would end the header, a backslash would be taken for a folder's end.
fn quoted(filename: &str) -> String {
    let tame = |char: char| {
        if char.is_control() || char == '\\' {
            '_'
        } else {
            char
        }
    };
    filename
        .chars()
        .map(tame)
        .collect::<String>()
        .replace('"', "\\\"")
}

/// A line that stands nowhere in the file: made of its name and size, which the file can hardly know.
fn boundary(path: &Path, size: u64) -> String {
    let mut hasher = Sha256::new();
    hasher.update(path.as_os_str().as_encoded_bytes());
    hasher.update(size.to_le_bytes());
    hasher.update(std::process::id().to_le_bytes());
    let digest = hasher.finalize();
    digest
        .iter()
        .take(20)
        .fold(String::from("ids-"), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::{hash, head, quoted};

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(quoted("a\"b\r\nc\\"), "a\\\"b__c_");
        assert!(head("x", &[("title", "T".to_owned())], "ação.txt").contains("filename=\"ação.txt\"\r\n"));
    }

    #[tokio::test]
    async fn the_hash_is_of_all_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(path).await.unwrap(), expected);
        assert!(hash(folder.path().join("none")).await.is_err());
    }
}
