//! One module for each part of the API. A handler reads, asks the library, and writes; it decides nothing.

mod answer_stream;
pub(crate) mod chat;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod keys;
mod links;
pub(crate) mod local;
pub(crate) mod mcp;
pub(crate) mod meta;
pub(crate) mod openai;
pub(crate) mod pages;
pub(crate) mod privacy;
pub(crate) mod queue;
pub(crate) mod reindex;
pub(crate) mod search;
pub(crate) mod sources;
pub(crate) mod uploads;
pub(crate) mod usage;
pub(crate) mod web;

use axum::body::BodyDataStream;
use axum::extract::Request;
use futures_util::StreamExt;
use std::time::Duration;

/// What is read of a body whose request was refused already; see [`drain`].
const DRAIN_BYTES: usize = 256 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Reads the rest of a refused request's body and throws it away, within bounds. A connection that is closed with unread
/// bytes is reset, and many clients then never see the answer they were given.
pub(crate) async fn drain(request: Request) {
    if request.headers().contains_key(axum::http::header::EXPECT) {
        return; // the client waits for our word before it sends anything
    }
    drain_stream(request.into_body().into_data_stream()).await;
}

/// The same for a body of which a part was read.
pub(crate) async fn drain_stream(mut body: BodyDataStream) {
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(piece)) = body.next().await {
            seen += piece.len();
            if seen > DRAIN_BYTES {
                break;
            }
        }
    };
    // Too slow: then the client must do without the answer.
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}
