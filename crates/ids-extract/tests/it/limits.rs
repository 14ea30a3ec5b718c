//! A child that misbehaves is ended, and its end is told from others.

use std::time::Duration;

use ids_core::error::{ErrorCode, Failure, Retry};
use ids_extract::{ChildLimits, Layers, landlock_is_available};
use ids_testkit::contracts::extractor_contract::read;

use crate::support::{extractor, extractor_with};

async fn failure_of(word: &str, limits: ChildLimits) -> Failure {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    std::fs::write(&file, "texto").unwrap();
    read(&extractor_with(word, limits), &file, "a.txt")
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_child_that_takes_all_memory_is_out_of_memory() {
    let limits = ChildLimits {
        address_space_bytes: 256 * 1_024 * 1_024,
        ..ChildLimits::default()
    };
    assert_eq!(failure_of("allocate", limits).await.code, ErrorCode::OutOfMemory);
}

#[tokio::test]
async fn a_child_that_computes_without_end_is_out_of_time() {
    let limits = ChildLimits {
        timeout: Duration::from_secs(1),
        ..ChildLimits::default()
    };
    assert_eq!(failure_of("spin", limits).await.code, ErrorCode::Timeout);
}

#[tokio::test]
async fn a_child_that_waits_without_end_is_out_of_time_and_may_be_tried_again() {
    let limits = ChildLimits {
        timeout: Duration::from_millis(300),
        ..ChildLimits::default()
    };
    let failure = failure_of("wait", limits).await;
    assert_eq!(
        (failure.code, failure.retry),
        (ErrorCode::Timeout, Retry::Backoff)
    );
}

#[tokio::test]
async fn a_child_that_crashes_is_told() {
    for word in ["abort", "overflow", "nonsense", "no such word"] {
        let failure = failure_of(word, ChildLimits::default()).await;
        assert_eq!(
            (failure.code, failure.retry),
            (ErrorCode::ParserCrashed, Retry::Never),
            "{word}"
        );
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let limits = ChildLimits {
        output_bytes: 1_024 * 1_024,
        ..ChildLimits::default()
    };
    assert_eq!(failure_of("chatter", limits).await.code, ErrorCode::ExpandsTooFar);
}

/// What the kernel here lets a child take from itself.
async fn layers() -> Layers {
    extractor().layers().await.unwrap()
}

#[tokio::test]
async fn a_child_tells_what_it_took_from_itself() {
    assert_eq!(layers().await.landlock_version > 0, landlock_is_available());
    // The system says itself which filters it knows.
    let known = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    assert_eq!(
        layers().await.filters_system_calls,
        known.contains("errno") && known.contains("kill_process")
    );
}

#[tokio::test]
async fn a_child_can_open_and_look_at_no_file() {
    if !layers().await.filters_system_calls {
        println!("this kernel has no filter of system calls");
        return;
    }
    assert_eq!(
        failure_of("open", ChildLimits::default()).await.code,
        ErrorCode::Encrypted
    );
}

#[tokio::test]
async fn a_child_that_was_taken_over_is_ended_or_refused() {
    if !layers().await.filters_system_calls {
        println!("this kernel has no filter of system calls");
        return;
    }
    // Refused, and told so by the child: `Encrypted`. Ended at once: `ParserCrashed`. `FileTooLarge` would say that it worked.
    for (word, code) in [
        ("socket", ErrorCode::ParserCrashed),
        ("execute", ErrorCode::ParserCrashed),
        ("ptrace", ErrorCode::ParserCrashed),
        ("fork", ErrorCode::Encrypted),
        ("thread", ErrorCode::Encrypted),
        ("program-memory", ErrorCode::Encrypted),
    ] {
        assert_eq!(
            failure_of(word, ChildLimits::default()).await.code,
            code,
            "{word}"
        );
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_our_own_fault_and_names_no_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing.txt");
    let content_type = ids_core::document::ContentType::parse("text/plain").unwrap();
    let request = ids_core::ports::ExtractRequest {
        file: &file,
        filename: "a.txt",
        content_type: &content_type,
    };
    let failure = ids_core::ports::Extractor::extract(
        &extractor(),
        request,
        &ids_testkit::contracts::extractor_contract::NoProgress,
    )
    .await
    .unwrap_err();
    assert_eq!(
        (failure.code, failure.retry),
        (ErrorCode::Internal, Retry::Backoff)
    );
    assert!(!failure.message.contains('/'), "{failure}");
}
