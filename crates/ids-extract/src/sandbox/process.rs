//! One child from start to end: its bytes in, its frames out, and what its end means.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ids_core::document::ContentType;
use ids_core::error::Failure;
use ids_core::limits;
use ids_core::password::Password;
use ids_core::ports::{MemberPart, MemberSink};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::ExtractorConfig;
use super::handover;
use super::validate::BrokenPromise;
use super::wire::{FRAME_BYTES, Reason, Request, Task};
use crate::words;

/// Frames of more bytes are decoded off the runtime: half a millisecond's work.
const LARGE_FRAME_BYTES: usize = 128 * 1_024;
/// How much of the child's standard error is kept. It is never logged (it may hold text of the document), only looked
/// at for what tells a lack of memory from another end.
const STDERR_BYTES: usize = 4 * 1_024;
/// Signals by number on Linux, for all machines we build for.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
/// What the filter of system calls ends a child with.
const SIGSYS: i32 = 31;

/// What a child is started for.
pub(crate) struct Work<'a> {
    pub(crate) task: Task,
    pub(crate) file: &'a Path,
    pub(crate) filename: &'a str,
    pub(crate) content_type: &'a ContentType,
    /// What opens it, for `Task::Unlock` alone.
    pub(crate) password: Option<&'a Password>,
}

/// What a child's frames add up to.
pub(crate) trait Answer: Send + 'static {
    /// It, when it is whole.
    type Whole: Send + 'static;

    /// Takes the next frame, and nothing that would break a promise of the domain.
    fn take(&mut self, frame: &[u8]) -> Step;

    /// The whole of it, after the frame that ends it.
    ///
    /// # Errors
    /// When something is missing.
    fn finish(self) -> Result<Self::Whole, BrokenPromise>;
}

/// What a frame meant.
pub(crate) enum Step {
    /// More is to come.
    More,
    /// More is to come; this is for whoever takes members.
    Member(MemberPart),
    /// All is said.
    End,
    /// The child gave up.
    Failed(Reason, String),
    /// It is no answer to what was asked.
    Nonsense,
}

/// How much longer than its reading a document with members may take by the clock: they are written to a store meanwhile, which may be across a
/// network. The child's computing time has the limit of any other.
const MEMBERS_TAKE: Duration = Duration::from_secs(900);

/// Runs a child over one document. `heard` is told of each frame; `members` takes what comes in the document, where that is asked for.
pub(crate) async fn run<A: Answer>(
    config: &ExtractorConfig,
    work: &Work<'_>,
    answer: A,
    heard: &(dyn Fn(&A) + Sync),
    members: Option<&mut dyn MemberSink>,
) -> Result<A::Whole, Failure> {
    let name = work.filename;
    let file = tokio::fs::File::open(work.file)
        .await
        .map_err(|_| words::unreadable(name))?;
    let size_bytes = file.metadata().await.map_err(|_| words::unreadable(name))?.len();
    let (limit, computing) = match work.task {
        Task::Extract | Task::Unlock => {
            let limit = config.limits.timeout_for(size_bytes);
            (limit, limit)
        }
        Task::Unpack => {
            let limit = config.limits.timeout_for(size_bytes);
            (limit + MEMBERS_TAKE, limit)
        }
        Task::Draw { .. } | Task::Scan { .. } | Task::Report => {
            (config.limits.draw_timeout, config.limits.draw_computing)
        }
    };
    let mut child = start(config, work, file.into_std().await, computing)?;
    let output_bytes = match work.task {
        // A piece of 64 KiB takes five bytes more, and members of no bytes their names.
        Task::Unpack => config.limits.output_bytes + limits::MEMBERS_BYTES / 64 * 65,
        Task::Extract | Task::Unlock | Task::Draw { .. } | Task::Scan { .. } | Task::Report => {
            config.limits.output_bytes
        }
    };
    let listening = listen(&mut child, output_bytes, answer, heard, members);
    let said = timeout(limit, listening).await;
    let Ok(said) = said else {
        stop(&mut child).await;
        let mut failure = words::timeout(name, limit);
        // Computing time has a limit of its own, so a child that used all its time waiting met a busy machine.
        failure.retry = ids_core::error::Retry::Backoff;
        return Err(failure);
    };
    match said.end {
        End::Complete(answer) => {
            stop(&mut child).await;
            // Over all pages at once: off the runtime.
            let finished = spawn_blocking(move || answer.finish()).await;
            finished
                .map_err(|_| words::crashed(name))?
                .map_err(|_| words::crashed(name))
        }
        End::Failed(reason, text) => {
            stop(&mut child).await;
            if reason == Reason::Encrypted && work.password.is_some() {
                return Err(words::wrong_password(name));
            }
            Err(refusal(work, reason, &text))
        }
        End::TooMuch => {
            stop(&mut child).await;
            Err(words::expands_too_far(name))
        }
        End::Closed => {
            stop(&mut child).await;
            // Whoever closed the sink knows why.
            Err(words::unreadable(name))
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
            Err(unanswered(name, status, &said.stderr, limit))
        }
    }
}

/// How the child's allocator treats memory that a page needed: it is kept for the next page. By default glibc gives large
/// blocks back to the system at once and asks for them again, zeroed, which took a fifth of the time of PDFs. Without fast bins, of which each
/// larger block makes it gather what is free: a twelfth of the time of PDFs of many short pages.
const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_TRIM_THRESHOLD_", "67108864"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("GLIBC_TUNABLES", "glibc.malloc.mxfast=0"),
];

/// Starts the child with the document as its standard input, with nothing of the environment, in a process group of its own.
fn start(
    config: &ExtractorConfig,
    work: &Work<'_>,
    file: std::fs::File,
    computing: Duration,
) -> Result<Child, Failure> {
    let fault = |what: &str, error: &dyn std::fmt::Display| {
        tracing::error!(%error, "{what}");
        words::unreadable(work.filename)
    };
    let request = Request {
        task: work.task,
        content_type: work.content_type.as_str().to_owned(),
        pdfium: config.pdfium.clone(),
        address_space_bytes: config.limits.address_space_bytes,
        cpu_seconds: computing.as_secs().max(1),
    };
    let json = serde_json::to_string(&request)
        .map_err(|error| fault("the path of the PDF engine cannot be passed on", &error))?;
    let mut command = Command::new(&config.child.program);
    command
        .args(&config.child.args)
        .arg(json)
        .env_clear()
        .envs(ALLOCATOR)
        .current_dir("/")
        .process_group(0)
        .kill_on_drop(true);
    let stdin = match work.password {
        None => Stdio::from(file),
        Some(password) => handover::send(&file, password.expose())
            .map_err(|error| fault("a password cannot be passed on", &error))?
            .into(),
    };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
        .spawn()
        .map_err(|error| fault("a child for extraction cannot be started", &error))
}

/// What a child said.
struct Said<A> {
    end: End<A>,
    /// The last of its standard error.
    stderr: Vec<u8>,
}

enum End<A> {
    Complete(A),
    Failed(Reason, String),
    /// More than the limit of output.
    TooMuch,
    /// Whoever takes members wants no more.
    Closed,
    /// Something that is no answer.
    Nonsense,
    /// The end without a last frame.
    Silence,
}

async fn listen<A: Answer>(
    child: &mut Child,
    output_bytes: u64,
    answer: A,
    heard: &(dyn Fn(&A) + Sync),
    members: Option<&mut dyn MemberSink>,
) -> Said<A> {
    let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Said {
            end: End::Silence,
            stderr: Vec::new(),
        };
    };
    let mut stdout = BufReader::with_capacity(64 * 1_024, stdout.take(output_bytes));
    let mut last_words = Vec::new();
    let hear = async {
        let end = frames(&mut stdout, answer, heard, members).await;
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
    tokio::pin!(hear);
    tokio::pin!(drain);
    // Both ends of a pipe must be read or a chatty child would block; the answer decides when to stop. What is left of
    // standard error matters only after silence, when the child is ending and closes it.
    let end = tokio::select! {
        end = &mut hear => {
            if matches!(end, End::Silence) {
                drain.await;
            }
            end
        }
        () = &mut drain => hear.await,
    };
    Said {
        end,
        stderr: last_words,
    }
}

async fn frames<A: Answer>(
    stdout: &mut (impl AsyncRead + Unpin + Send),
    mut answer: A,
    heard: &(dyn Fn(&A) + Sync),
    mut members: Option<&mut dyn MemberSink>,
) -> End<A> {
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
        let step = if bytes.len() > LARGE_FRAME_BYTES {
            let (frame, mut taken_along) = (std::mem::take(&mut bytes), answer);
            let work = spawn_blocking(move || {
                let step = taken_along.take(&frame);
                (taken_along, step)
            });
            let Ok((back, step)) = work.await else {
                return End::Nonsense;
            };
            answer = back;
            step
        } else {
            answer.take(&bytes)
        };
        match step {
            Step::More => heard(&answer),
            Step::Member(part) => {
                let Some(sink) = members.as_mut() else {
                    return End::Nonsense;
                };
                if sink.take(part).await.is_err() {
                    return End::Closed;
                }
            }
            Step::End => return End::Complete(answer),
            Step::Failed(reason, text) => return End::Failed(reason, text),
            Step::Nonsense => return End::Nonsense,
        }
    }
}

/// Kills what is left of the child and reaps it.
async fn stop(child: &mut Child) {
    if let Ok(None) = child.try_wait() {
        // An error says that it has ended since.
        let _ = child.start_kill();
    }
    let _ = child.wait().await;
}

fn refusal(work: &Work<'_>, reason: Reason, text: &str) -> Failure {
    let name = work.filename;
    // One of our own clauses; from a child that was taken over it may be anything, so only its look is checked.
    let is_clause = text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let clause = if is_clause { text } else { "it is damaged" };
    match reason {
        Reason::Encrypted => words::encrypted(name, work.content_type.takes_a_password()),
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
        Some(SIGSYS) => {
            tracing::warn!(
                "a parser tried what no parser does (a socket, a program, another process) and was ended"
            );
            words::crashed(name)
        }
        _ => words::crashed(name),
    }
}
