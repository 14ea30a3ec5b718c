//! A reply out of its bytes: server-sent events, or the plain JSON of servers that do not stream.

use ids_core::session::TokenUsage;
use tokio::sync::mpsc;

use crate::error::CallError;
use crate::http::Reply;
use crate::sse::{EventReader, TooLong};
use crate::wire::ReplyBody;

/// Where the pieces of a reply go.
pub(crate) struct Pieces<'a> {
    sender: &'a mpsc::Sender<String>,
    /// Whether a piece was passed on: from then on no other try may be made.
    pub(crate) has_begun: bool,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(sender: &'a mpsc::Sender<String>) -> Self {
        Self {
            sender,
            has_begun: false,
        }
    }

    /// Passes a piece on; `false` when nobody reads any more.
    async fn pass_on(&mut self, text: String) -> bool {
        if text.is_empty() {
            return true;
        }
        self.has_begun = true;
        self.sender.send(text).await.is_ok()
    }
}

/// Reads a reply that began well, passing its pieces on; returns what the model counted.
pub(crate) async fn read(mut reply: Reply, pieces: &mut Pieces<'_>) -> Result<TokenUsage, CallError> {
    let mut begun = Vec::new();
    loop {
        let Some(bytes) = reply.next().await? else {
            return Err(NOT_OF_THIS_API);
        };
        begun.extend_from_slice(&bytes);
        // No line of server-sent events begins with a brace. What the server says its content is, is often wrong.
        match begun.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => return read_whole(begun, reply, pieces).await,
            Some(_) => return read_events(&begun, reply, pieces).await,
            None => {}
        }
    }
}

const NOT_OF_THIS_API: CallError = CallError::Unusable("the answer is no reply of this API");
const WITHOUT_WORDS: CallError = CallError::Unusable("the reply has no words");

async fn read_whole(
    mut json: Vec<u8>,
    mut reply: Reply,
    pieces: &mut Pieces<'_>,
) -> Result<TokenUsage, CallError> {
    while let Some(bytes) = reply.next().await? {
        json.extend_from_slice(&bytes);
    }
    let body = parse(&json)?;
    let usage = body.usage().unwrap_or_default();
    let text = body.into_text();
    if text.is_empty() {
        return Err(WITHOUT_WORDS);
    }
    pieces.pass_on(text).await;
    Ok(usage)
}

async fn read_events(
    begun: &[u8],
    mut reply: Reply,
    pieces: &mut Pieces<'_>,
) -> Result<TokenUsage, CallError> {
    let mut reader = EventReader::default();
    let mut stream = Stream::default();
    for event in reader.push(begun).map_err(too_long)? {
        if let Next::Stop = stream.take(&event, pieces).await? {
            return stream.end(pieces);
        }
    }
    loop {
        let bytes = match reply.next().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            // The model has ended; that its server forgets to say so, or to close, harms nobody.
            Err(_) if stream.is_finished => return stream.end(pieces),
            Err(error) => return Err(error),
        };
        for event in reader.push(&bytes).map_err(too_long)? {
            if let Next::Stop = stream.take(&event, pieces).await? {
                return stream.end(pieces);
            }
        }
    }
    if let Some(event) = reader.finish().map_err(too_long)? {
        stream.take(&event, pieces).await?;
    }
    stream.end(pieces)
}

/// A streamed reply so far.
#[derive(Default)]
struct Stream {
    has_events: bool,
    /// The model, or the server, said that this was all.
    is_finished: bool,
    usage: TokenUsage,
    /// Nobody reads any more.
    is_unread: bool,
}

enum Next {
    More,
    Stop,
}

impl Stream {
    async fn take(&mut self, event: &[u8], pieces: &mut Pieces<'_>) -> Result<Next, CallError> {
        let event = event.trim_ascii();
        if event.is_empty() {
            return Ok(Next::More);
        }
        if event == b"[DONE]" {
            self.has_events = true;
            self.is_finished = true;
            return Ok(Next::Stop);
        }
        let body = parse(event)?;
        self.has_events = true;
        self.is_finished |= body.is_finished();
        // Where it comes more than once, each is of all so far.
        self.usage = body.usage().unwrap_or(self.usage);
        if pieces.pass_on(body.into_text()).await {
            Ok(Next::More)
        } else {
            self.is_unread = true;
            Ok(Next::Stop)
        }
    }

    fn end(self, pieces: &Pieces<'_>) -> Result<TokenUsage, CallError> {
        if self.is_finished && !pieces.has_begun {
            Err(WITHOUT_WORDS)
        } else if self.is_finished || self.is_unread {
            Ok(self.usage)
        } else if self.has_events {
            Err(CallError::CutShort)
        } else {
            Err(NOT_OF_THIS_API)
        }
    }
}

fn parse(json: &[u8]) -> Result<ReplyBody, CallError> {
    // The parser's own error may quote the reply, which is not for the log.
    let body: ReplyBody = serde_json::from_slice(json).map_err(|_| NOT_OF_THIS_API)?;
    if body.is_error() {
        return Err(CallError::Reported);
    }
    Ok(body)
}

fn too_long(TooLong: TooLong) -> CallError {
    CallError::Unusable("a piece of the reply is longer than any answer")
}
