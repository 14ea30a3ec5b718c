//! How much is read, how long it may take, and how many calls there are at once.

use std::time::Duration;

use futures_util::future::join_all;
use ids_core::ports::ChatError;
use ids_testkit::contracts::chat_model_contract::ask;
use ids_testkit::{Gate, Script};

use crate::support::served;

fn is_unusable(error: &ChatError) -> bool {
    matches!(error, ChatError::Unusable(_))
}

#[tokio::test]
async fn a_reply_without_end_is_given_up() {
    // 9 MiB each: of one event, of many, of a plain reply, and of a head.
    let mebibyte = "a".repeat(1_024 * 1_024);
    let in_pieces = (0..9).fold(Script::stream(), |script, _| script.piece(&mebibyte[..1_000_000]));
    let comments = (0..9).fold(Script::stream(), |script, _| {
        script.chunk(&format!(": {}\n\n", &mebibyte[..1_000_000]))
    });
    let one_event = (0..9).fold(Script::stream().chunk("data: "), |script, _| {
        script.chunk(&mebibyte)
    });
    let plain = (0..9).fold(Script::raw("HTTP/1.1 200 OK\r\n\r\n{"), |script, _| {
        script.bytes(&mebibyte)
    });
    let head = (0..9).fold(Script::raw("HTTP/1.1 200 OK\r\nx: "), |script, _| {
        script.bytes(&mebibyte)
    });
    for (name, script) in [
        ("pieces", in_pieces),
        ("comments", comments),
        ("one event", one_event),
        ("plain", plain),
        ("head", head),
    ] {
        let (_server, model) = served([script.then_hang()], |_| ()).await;
        let error = ask(&model).await.unwrap_err();
        assert!(is_unusable(&error), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_trickles_is_given_up_in_the_end() {
    // The deadline between two pieces alone would let it go on for ever.
    let begun = Script::stream().chunk(": wait\n\n");
    let (_server, model) = served([begun.then_hang()], |config| {
        config.deadlines.whole = Duration::from_millis(200);
    })
    .await;
    let error = ask(&model).await.unwrap_err();
    assert!(matches!(error, ChatError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn only_so_many_calls_are_made_at_once() {
    let gate = Gate::default();
    let waits = Script::default()
        .gate(&gate)
        .bytes("HTTP/1.1 200 OK\r\n\r\n{\"choices\": [{\"message\": {\"content\": \"a\"}}]}");
    let (server, model) = served([waits], |config| config.calls_at_once = 2).await;
    let calls = join_all((0..6).map(|_| ask(&model)));
    let steps = async {
        gate.reached().await;
        // The others do not even connect, however long the first two take.
        assert!(server.requests().len() <= 2);
        gate.open();
    };
    let (replies, ()) = tokio::join!(calls, steps);
    assert!(
        replies
            .iter()
            .all(|reply| reply.as_ref().is_ok_and(|(text, _)| text == "a"))
    );
    assert_eq!(server.requests().len(), 6);
}
