//! What a person reads when a file is refused. Never a path of the server, never text of the document.

use std::time::Duration;

use ids_core::document::FileType;
use ids_core::error::{ErrorCode, Failure};

/// A kind of file that is not read.
pub(crate) fn unsupported(filename: &str, what: &str) -> Failure {
    let message = format!(
        "`{filename}` is {what}, which is not read; these types are: {}",
        FileType::short_names()
    );
    Failure::of_input(ErrorCode::UnsupportedType, message)
}

/// It needs a password; `opens`: giving it would do.
pub(crate) fn encrypted(filename: &str, opens: bool) -> Failure {
    let what_to_do = match opens {
        true => "give the password with it, or remove it and upload the file again",
        false => "remove the password and upload it again",
    };
    let message = format!("`{filename}` is password protected; {what_to_do}");
    Failure::of_input(ErrorCode::Encrypted, message)
}

/// It needs another password than the one given, which is never repeated.
pub(crate) fn wrong_password(filename: &str) -> Failure {
    let message = format!("`{filename}` is password protected, and the password given does not open it");
    Failure::of_input(ErrorCode::Encrypted, message)
}

/// It is damaged; `what` is a clause such as `its ZIP is damaged`.
pub(crate) fn corrupt(filename: &str, what: &str) -> Failure {
    let message =
        format!("`{filename}` cannot be read: {what}; open it in its program, save it anew and try again");
    Failure::of_input(ErrorCode::Corrupt, message)
}

/// It unpacks to far more than it is.
pub(crate) fn expands_too_far(filename: &str) -> Failure {
    let message = format!("`{filename}` unpacks to far more than its size and was not read");
    Failure::of_input(ErrorCode::ExpandsTooFar, message)
}

/// A part of it is over a limit; `what` is a clause such as `it has more pages than can be indexed`.
pub(crate) fn too_large(filename: &str, what: &str) -> Failure {
    let message = format!("`{filename}` is too large: {what}; split it and upload the parts");
    Failure::of_input(ErrorCode::FileTooLarge, message)
}

/// Its parser took more than `limit`: of waiting time, which may pass, or of computing time, which will not.
pub(crate) fn timeout(filename: &str, limit: Duration) -> Failure {
    let seconds = limit.as_secs_f32().ceil();
    let message =
        format!("`{filename}` took longer than {seconds} s to read and was given up; split it and try again");
    Failure::of_input(ErrorCode::Timeout, message)
}

/// Its parser needed more memory than it may have.
pub(crate) fn out_of_memory(filename: &str) -> Failure {
    let message =
        format!("`{filename}` needs more memory to read than a document may take; split it and try again");
    Failure::of_input(ErrorCode::OutOfMemory, message)
}

/// The parser was ended by the machine, for want of memory as a rule: that may pass.
pub(crate) fn killed(filename: &str) -> Failure {
    let message =
        format!("reading `{filename}` was ended by the operating system, probably for want of memory");
    Failure::passing(ErrorCode::OutOfMemory, message)
}

/// The parser ended without an answer, or with one that cannot be right.
pub(crate) fn crashed(filename: &str) -> Failure {
    let message = format!(
        "`{filename}` made its parser fail; it may be damaged: open it in its program, save it anew and try again"
    );
    Failure::of_input(ErrorCode::ParserCrashed, message)
}

/// A fault of ours that may pass: the stored bytes are not there, no process could be started.
pub(crate) fn unreadable(filename: &str) -> Failure {
    Failure::passing(
        ErrorCode::Internal,
        format!("`{filename}` could not be read for a fault of the server's"),
    )
}
