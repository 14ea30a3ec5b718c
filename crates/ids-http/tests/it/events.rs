//! Server-sent events of a document.

use axum::body::Body;
use axum::http::{Request, header};
use futures_util::StreamExt;
use ids_core::job::Lane;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::{App, HOST};

/// The events of one connection.
struct Events {
    body: axum::body::BodyDataStream,
    buffer: String,
}

impl Events {
    async fn open(app: &App, id: &str, last_event_id: Option<&str>) -> Self {
        let mut request = Request::get(format!("/api/v1/documents/{id}/events")).header(header::HOST, HOST);
        if let Some(last) = last_event_id {
            request = request.header("last-event-id", last);
        }
        let response = app
            .router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            buffer: String::new(),
        }
    }

    /// The next event as (id, data); `None` when the stream has closed.
    async fn next(&mut self) -> Option<(u64, Value)> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let lines: Vec<(String, String)> = event
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .map(|(name, value)| (name.to_owned(), value.trim_start().to_owned()))
                    .collect();
                self.buffer = rest.to_owned();
                let field = |name: &str| {
                    lines
                        .iter()
                        .find(|(key, _)| key == name)
                        .map(|(_, value)| value.clone())
                };
                let Some(data) = field("data") else { continue };
                assert_eq!(field("event").as_deref(), Some("status"));
                return Some((
                    field("id").unwrap().parse().unwrap(),
                    serde_json::from_str(&data).unwrap(),
                ));
            }
            let piece = self.body.next().await?.unwrap();
            self.buffer.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

#[tokio::test]
async fn the_state_comes_at_once_then_each_change_then_the_end() {
    let app = App::new();
    let uploaded = app.upload("a.txt", b"Texto.", &[]).await.expect(202);
    let id = uploaded["document_id"].as_str().unwrap();
    let mut events = Events::open(&app, id, None).await;

    let (first, now) = events.next().await.unwrap();
    assert_eq!((first, &now["status"]), (1, &Value::from("uploaded")));
    assert_eq!(
        now,
        app.get(&format!("/api/v1/documents/{id}/status"))
            .await
            .expect(200)
    );
    app.work_in(Lane::Prepare).await;
    let (second, now) = events.next().await.unwrap();
    assert_eq!((second, &now["status"]), (2, &Value::from("embedding")));
    app.work_in(Lane::Embed).await;
    let (third, now) = events.next().await.unwrap();
    assert_eq!(
        (third, &now["status"], &now["progress"]),
        (3, &Value::from("completed"), &Value::from(100))
    );
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn the_counter_goes_on_from_the_last_event() {
    let app = App::new();
    let id = app.ingest("a.txt", "Texto.", &[]).await;
    let mut events = Events::open(&app, &id, Some("41")).await;
    assert_eq!(events.next().await.unwrap().0, 42);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn the_stream_ends_with_the_document_and_with_the_server() {
    let app = App::new();
    let first = app.upload("a.txt", b"Texto.", &[]).await.expect(202);
    let second = app.upload("b.txt", b"Outro.", &[]).await.expect(202);
    let (first, second) = (
        first["document_id"].as_str().unwrap(),
        second["document_id"].as_str().unwrap(),
    );
    let mut of_deleted = Events::open(&app, first, None).await;
    let mut of_server = Events::open(&app, second, None).await;
    of_deleted.next().await.unwrap();
    of_server.next().await.unwrap();

    app.delete(&format!("/api/v1/documents/{first}"))
        .await
        .expect(200);
    assert!(of_deleted.next().await.is_none());
    app.shutdown.cancel();
    assert!(of_server.next().await.is_none());
}
