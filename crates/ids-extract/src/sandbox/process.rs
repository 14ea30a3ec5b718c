//! One child from start to end: its bytes in, its frames out, and what its end means.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ids_core::document::ContentType;
use ids_core::error::Failure;
use ids_core::page::ExtractedDocument;
use ids_core::ports::{ExtractProgress, ExtractRequest};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::ExtractorConfig;
use super::validate::Assembly;
use super::wire::{FRAME_BYTES, Frame, Reason, Request};
use crate::words;

/// Frames of more bytes are decoded off the runtime: half a millisecond's work.
const LARGE_FRAME_BYTES: usize = 128 * 1_024;
/// How much of the child's standard error is kept. It is never logged (it may hold text of the document), only looked
/// at for what tells a lack of memory from another end.
const STDERR_BYTES: usize = 4 * 1_024;
/// Signals by number: `SIGKILL` and `SIGXCPU` on Linux, for all machines we build for.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Runs a child over one document.
pub(crate) async fn extract(
    config: &ExtractorConfig,
    request: &ExtractRequest<'_>,
    progress: &dyn ExtractProgress,
) -> Result<ExtractedDocument, Failure> {
    let name = request.filename;
    let known = [
        ContentType::PDF,
        ContentType::DOCX,
        ContentType::HTML,
        ContentType::MARKDOWN,
        ContentType::TEXT,
    ];
    if !known.contains(&request.content_type.as_str()) {
        return Err(words::unsupported(
            name,
            &format!("a file of type `{}`", request.content_type),
        ));
    }
    let file = tokio::fs::File::open(request.file)
        .await
        .map_err(|_| words::unreadable(name))?;
    let size_bytes = file.metadata().await.map_err(|_| words::unreadable(name))?.len();
    let limit = config.limits.timeout_for(size_bytes);
    let mut child = start(config, request, file.into_std().await, limit)?;
    let answer = timeout(limit, listen(&mut child, config.limits.output_bytes, progress)).await;
    let Ok(answer) = answer else {
        stop(&mut child).await;
        let mut failure = words::timeout(name, limit);
        // Computing time has the same limit, so a child that used all its time waiting met a busy machine.
        failure.retry = ids_core::error::Retry::Backoff;
        return Err(failure);
    };
    match answer.end {
        End::Complete(assembly) => {
            stop(&mut child).await;
            // Over all pages at once: off the runtime.
            let finished = spawn_blocking(move || assembly.finish()).await;
            finished
                .map_err(|_| words::crashed(name))?
                .map_err(|_| words::crashed(name))
        }
        End::Failed(reason, text) => {
            stop(&mut child).await;
            Err(refusal(name, reason, &text))
        }
        End::TooMuch => {
            stop(&mut child).await;
            Err(words::expands_too_far(name))
        }
        End::Nonsense => {
            stop(&mut child).await;
            tracing::warn!("a parser's answer was refused");
            Err(words::crashed(name))
        }
        End::Silence => {
            // The answer's pipe closed without a last frame: the child is ending by itself, or was ended.
            let status = timeout(Duration::from_secs(5), child.wait()).await;
            let status = status.ok().and_then(Result::ok);
            stop(&mut child).await;
            Err(unanswered(name, status, &answer.stderr, limit))
        }
    }
}

/// Starts the child with the document as its standard input, without environment, in a process group of its own.
fn start(
    config: &ExtractorConfig,
    request: &ExtractRequest<'_>,
    file: std::fs::File,
    limit: Duration,
) -> Result<Child, Failure> {
    let fault = |what: &str, error: &dyn std::fmt::Display| {
        tracing::error!(%error, "{what}");
        words::unreadable(request.filename)
    };
    let wire_request = Request {
        content_type: request.content_type.as_str().to_owned(),
        pdfium: config.pdfium.clone(),
        address_space_bytes: config.limits.address_space_bytes,
        cpu_seconds: limit.as_secs().max(1),
    };
    let json = serde_json::to_string(&wire_request)
        .map_err(|error| fault("the path of the PDF engine cannot be passed on", &error))?;
    let mut command = Command::new(&config.child.program);
    command
        .args(&config.child.args)
        .arg(json)
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .kill_on_drop(true);
    command.stdin(file).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
        .spawn()
        .map_err(|error| fault("a child for extraction cannot be started", &error))
}

/// What a child said.
struct Answer {
    end: End,
    /// The last of its standard error.
    stderr: Vec<u8>,
}

enum End {
    Complete(Assembly),
    Failed(Reason, String),
    /// More than the limit of output.
    TooMuch,
    /// Something that is no answer.
    Nonsense,
    /// The end without a last frame.
    Silence,
}

async fn listen(child: &mut Child, output_bytes: u64, progress: &dyn ExtractProgress) -> Answer {
    let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Answer {
            end: End::Silence,
            stderr: Vec::new(),
        };
    };
    let mut stdout = BufReader::with_capacity(64 * 1_024, stdout.take(output_bytes));
    let mut last_words = Vec::new();
    let answer = async {
        let end = frames(&mut stdout, progress).await;
        if matches!(end, End::Silence) && stdout.get_ref().limit() == 0 {
            End::TooMuch
        } else {
            end
        }
    };
    let drain = async {
        let mut buffer = [0_u8; 1_024];
        while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
            last_words.extend_from_slice(&buffer[..read]);
            let surplus = last_words.len().saturating_sub(STDERR_BYTES);
            last_words.drain(..surplus);
        }
    };
    tokio::pin!(answer);
    tokio::pin!(drain);
    // Both ends of a pipe must be read or a chatty child would block; the answer decides when to stop. What is left of
    // standard error matters only after silence, when the child is ending and closes it.
    let end = tokio::select! {
        end = &mut answer => {
            if matches!(end, End::Silence) {
                drain.await;
            }
            end
        }
        () = &mut drain => answer.await,
    };
    Answer {
        end,
        stderr: last_words,
    }
}

async fn frames(stdout: &mut (impl AsyncRead + Unpin + Send), progress: &dyn ExtractProgress) -> End {
    let mut assembly = Assembly::default();
    let mut bytes = Vec::new();
    loop {
        let Ok(length) = stdout.read_u32_le().await else {
            return End::Silence;
        };
        if length > FRAME_BYTES {
            return End::Nonsense;
        }
        bytes.clear();
        // The buffer grows with what comes, not with what the length promises.
        match stdout.take(u64::from(length)).read_to_end(&mut bytes).await {
            Ok(read) if read == length as usize => {}
            _ => return End::Silence,
        }
        let taken = if bytes.len() > LARGE_FRAME_BYTES {
            let (owned, mut own_assembly) = (std::mem::take(&mut bytes), assembly);
            let work = spawn_blocking(move || {
                let step = take(&mut own_assembly, &owned);
                (own_assembly, step)
            });
            let Ok((back, step)) = work.await else {
                return End::Nonsense;
            };
            assembly = back;
            step
        } else {
            take(&mut assembly, &bytes)
        };
        match taken {
            Step::Page => {
                let (done, total) = assembly.progress();
                progress.pages(done, total);
            }
            Step::Other => {}
            Step::End => return End::Complete(assembly),
            Step::Failed(reason, text) => return End::Failed(reason, text),
            Step::Nonsense => return End::Nonsense,
        }
    }
}

enum Step {
    Page,
    Other,
    End,
    Failed(Reason, String),
    Nonsense,
}

fn take(assembly: &mut Assembly, bytes: &[u8]) -> Step {
    let step = match serde_json::from_slice(bytes) {
        Err(_) => return Step::Nonsense,
        Ok(Frame::End) => return Step::End,
        Ok(Frame::Failed { reason, text }) => return Step::Failed(reason, text),
        Ok(frame @ Frame::Page(_)) => assembly.take(frame).map(|()| Step::Page),
        Ok(frame) => assembly.take(frame).map(|()| Step::Other),
    };
    step.unwrap_or(Step::Nonsense)
}

/// Kills what is left of the child and reaps it.
async fn stop(child: &mut Child) {
    if let Ok(None) = child.try_wait() {
        // An error says that it has ended since.
        let _ = child.start_kill();
    }
    let _ = child.wait().await;
}

fn refusal(name: &str, reason: Reason, text: &str) -> Failure {
    // One of our own clauses; from a child that was taken over it may be anything, so only its look is checked.
    let is_clause = text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let clause = if is_clause { text } else { "it is damaged" };
    match reason {
        Reason::Encrypted => words::encrypted(name),
        Reason::Corrupt => words::corrupt(name, clause),
        Reason::ExpandsTooFar => words::expands_too_far(name),
        Reason::TooLarge => words::too_large(name, clause),
        Reason::Internal => {
            tracing::error!(reason = clause, "a child for extraction met a fault of ours");
            words::unreadable(name)
        }
    }
}

/// What the end of a child without an answer means.
fn unanswered(name: &str, status: Option<ExitStatus>, stderr: &[u8], limit: Duration) -> Failure {
    let stderr = String::from_utf8_lossy(stderr);
    // What Rust, C++ and pdfium say when memory is refused to them.
    let lacks_memory = [
        "memory allocation of",
        "bad_alloc",
        "out of memory",
        "Out of memory",
        "Cannot allocate memory",
    ]
    .iter()
    .any(|sign| stderr.contains(sign));
    match status.and_then(|status| status.signal()) {
        _ if lacks_memory => words::out_of_memory(name),
        Some(SIGXCPU) => words::timeout(name, limit),
        Some(SIGKILL) => words::killed(name),
        _ => words::crashed(name),
    }
}
