//! Replies in all the forms that servers of this API give them.

use ids_core::ports::ChatError;
use ids_core::session::TokenUsage;
use ids_testkit::Script;
use ids_testkit::contracts::chat_model_contract::ask;
use serde_json::json;

use crate::support::served;

async fn reply_of(script: Script) -> Result<(String, TokenUsage), ChatError> {
    let (_server, model) = served([script], |config| config.retry.tries = 1).await;
    ask(&model).await
}

fn counted(prompt_tokens: u64, completion_tokens: u64) -> TokenUsage {
    TokenUsage {
        prompt_tokens,
        completion_tokens,
    }
}

#[tokio::test]
async fn a_streamed_reply_is_read_however_it_is_cut_and_ended() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let piece = |text: &str| format!("data: {}\n\n", json!({"choices": [{"delta": {"content": text}}]}));
    let end = format!(
        "data: {}\n\n",
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    );
    let check = async |name: &str, script: Script, text: &str, usage: TokenUsage| {
        assert_eq!(
            reply_of(script).await.unwrap(),
            (text.to_owned(), usage),
            "{name}"
        );
    };
    let none = TokenUsage::default();

    let whole = format!("{}{}{end}data: [DONE]\n\n", piece("ação "), piece("🙂"));
    check(
        "not in chunks",
        Script::raw(format!("{head}{whole}")),
        "ação 🙂",
        none,
    )
    .await;

    let mut in_bytes = Script::stream();
    for byte in whole.as_bytes() {
        in_bytes = in_bytes.bytes(b"1\r\n").bytes([*byte]).bytes(b"\r\n");
    }
    check("byte by byte", in_bytes.bytes("0\r\n\r\n"), "ação 🙂", none).await;

    let with_returns = whole.replace('\n', "\r\n");
    let commented = format!(": waiting\r\n\r\n{with_returns}");
    check(
        "line ends and comments",
        Script::raw(format!("{head}{commented}")),
        "ação 🙂",
        none,
    )
    .await;

    let without_done = Script::raw(format!("{head}{}{end}", piece("a")));
    check("without the last word", without_done, "a", none).await;
    let without_blank_line = Script::raw(format!("{head}{}data: [DONE]", piece("a")));
    check("without the last line end", without_blank_line, "a", none).await;
    let called_json = head.replace("text/event-stream", "application/json");
    check(
        "under a wrong name",
        Script::raw(format!("{called_json}{whole}")),
        "ação 🙂",
        none,
    )
    .await;

    // The usage in an event of its own, in the last one, or in each.
    let counted_last = Script::stream().piece("a").usage(5, 1).done();
    check("usage alone", counted_last, "a", counted(5, 1)).await;
    let last = json!({"choices": [{"delta": {}, "finish_reason": "length"}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}});
    let with_last = Script::stream()
        .piece("a")
        .event(&last)
        .chunk("data: [DONE]\n\n")
        .bytes("0\r\n\r\n");
    check("usage with the end", with_last, "a", counted(5, 2)).await;
    let each = Script::stream().usage(5, 1).piece("a").usage(5, 2).done();
    check("usage again and again", each, "a", counted(5, 2)).await;
}

#[tokio::test]
async fn a_reply_that_is_not_streamed_is_one_piece() {
    let body = json!({
        "id": "x", "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Cinco dias."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    });
    let whole = reply_of(Script::json(&body)).await.unwrap();
    assert_eq!(whole, ("Cinco dias.".to_owned(), counted(12, 3)));

    let padded = Script::status(200, &[], &format!("\n \n{body:#}\n"));
    assert_eq!(reply_of(padded).await.unwrap().0, "Cinco dias.");

    let refused = json!({"choices": [{"message": {"content": null, "refusal": "no"}}]});
    let error = reply_of(Script::json(&refused)).await.unwrap_err();
    assert!(matches!(error, ChatError::Unusable(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_keeps_the_connection_after_the_end_harms_nobody() {
    let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    // With the last word the call ends at once; without it when nothing comes any more.
    let (_server, model) = served([Script::reply(&["a"]).then_hang()], |_| ()).await;
    assert_eq!(ask(&model).await.unwrap().0, "a");
    let script = Script::stream().piece("a").event(&end).then_hang();
    let (_server, model) = served([script], |config| {
        config.deadlines.between_pieces = std::time::Duration::from_millis(50);
    })
    .await;
    assert_eq!(ask(&model).await.unwrap().0, "a");
}

#[tokio::test]
async fn an_error_in_the_middle_is_told_after_the_pieces_before_it() {
    let error = json!({"error": {"message": "overloaded", "type": "server_error"}});
    let (server, model) = served([Script::stream().piece("O prazo").event(&error).done()], |_| ()).await;
    let error = ask(&model).await.unwrap_err();
    assert!(matches!(error, ChatError::Unavailable { .. }), "{error:?}");
    assert_eq!(
        server.requests().len(),
        1,
        "pieces were passed on, so there is no other try"
    );
}
