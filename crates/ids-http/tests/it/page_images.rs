//! Pages as pictures: found, kept, told to be the same, and drawn by a few at once.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use ids_core::limits::{PAGE_IMAGES_AT_ONCE, PAGE_IMAGES_WAITING};
use insta::assert_json_snapshot;

use crate::support::{App, Reply, reply};

const TWO_PAGES: &str = "%PDF\nPrimeira página.\u{c}Segunda página.";

async fn ingested(app: &App, filename: &str, text: &str) -> String {
    let id = app.ingest(filename, text, &[]).await;
    format!("/api/v1/documents/{id}/pages")
}

async fn get_unless(router: &Router, path: &str, known: &str) -> Reply {
    let request = Request::get(path).header("if-none-match", known);
    reply(router, request.body(Body::empty()).unwrap()).await
}

/// How many pages were drawn, or begun to be.
fn drawn(app: &App) -> usize {
    *app.extractor.begun.borrow()
}

#[tokio::test]
async fn a_page_is_drawn_once_and_then_kept() {
    let app = App::new();
    let pages = ingested(&app, "a.pdf", TWO_PAGES).await;

    let reply = app.get(&format!("{pages}/2/image?width=300")).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text()),
        (200, "page 2 at 300".to_owned())
    );
    assert_eq!(reply.header("content-type"), "image/png");
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    app.get(&format!("{pages}/2/image?width=300")).await;
    assert_eq!(drawn(&app), 1);

    let usual = app.get(&format!("{pages}/2/image")).await;
    assert_eq!(usual.text(), "page 2 at 1200");
    assert_ne!(usual.header("etag"), reply.header("etag"));
    assert_eq!(drawn(&app), 2);
}

#[tokio::test]
async fn a_picture_that_the_browser_has_is_neither_sent_nor_drawn() {
    let app = App::new();
    let pages = ingested(&app, "a.pdf", TWO_PAGES).await;
    let path = format!("{pages}/1/image");
    let tag = app.get(&path).await.header("etag").to_owned();
    let other = app
        .get(&format!("{pages}/2/image"))
        .await
        .header("etag")
        .to_owned();
    let restarted = app.restarted();

    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("{other}, {tag}"),
        "*".to_owned(),
    ] {
        let reply = get_unless(&restarted, &path, &known).await;
        assert_eq!(reply.status.as_u16(), 304, "{known}");
        assert_eq!((reply.header("etag"), reply.body.len()), (tag.as_str(), 0));
        assert_eq!(reply.header("cache-control"), "private, no-cache");
    }
    assert_eq!(drawn(&app), 2);

    let reply = get_unless(&restarted, &path, &other).await;
    assert_eq!(reply.status.as_u16(), 200);
}

#[tokio::test]
async fn a_width_out_of_range_is_refused() {
    let app = App::new();
    let pages = ingested(&app, "a.pdf", TWO_PAGES).await;
    let reply = app.get(&format!("{pages}/1/image?width=99")).await;
    assert_json_snapshot!("image_width", reply.expect_error(422, "VALIDATION_FAILED"));
    for width in ["3001", "99999999999", "-1", "wide"] {
        app.get(&format!("{pages}/1/image?width={width}"))
            .await
            .expect_error(422, "VALIDATION_FAILED");
    }
    for width in ["100", "3000"] {
        let reply = app.get(&format!("{pages}/1/image?width={width}")).await;
        assert_eq!(reply.status.as_u16(), 200);
    }
    app.get(&format!("{pages}/3/image"))
        .await
        .expect_error(404, "PAGE_NOT_FOUND");
}

#[tokio::test]
async fn a_page_that_cannot_be_drawn_is_tried_once_and_one_that_waits_again() {
    let app = App::new();
    let pages = ingested(&app, "a.pdf", "%PDF\nundrawable").await;
    for _ in 0..2 {
        app.get(&format!("{pages}/1/image"))
            .await
            .expect_error(404, "PAGE_IMAGE_UNAVAILABLE");
    }
    assert_eq!(drawn(&app), 1);

    let pages = ingested(&app, "b.pdf", "%PDF\nslow to draw").await;
    for _ in 0..2 {
        let reply = app.get(&format!("{pages}/1/image")).await;
        reply.expect_error(503, "BUSY");
        assert_eq!(reply.header("retry-after"), "5");
    }
    assert_eq!(drawn(&app), 3);
}

#[tokio::test]
async fn a_deleted_document_has_no_pictures_though_they_were_kept() {
    let app = App::new();
    let pages = ingested(&app, "a.pdf", TWO_PAGES).await;
    app.get(&format!("{pages}/1/image")).await;
    app.delete(pages.trim_end_matches("/pages")).await.expect(200);
    app.get(&format!("{pages}/1/image"))
        .await
        .expect_error(404, "DOCUMENT_NOT_FOUND");
}

#[tokio::test]
async fn a_few_pages_are_drawn_at_once_and_who_goes_away_makes_room() {
    let app = App::new();
    let pages = ingested(&app, "a.pdf", TWO_PAGES).await;
    app.extractor.is_held.send_replace(true);
    let draw = |widths: std::ops::Range<usize>| {
        let paths = widths.map(|width| format!("{pages}/1/image?width={width}"));
        let replies = paths.map(|path| {
            let app = &app;
            async move { app.get(&path).await }
        });
        replies.collect::<FuturesUnordered<_>>()
    };

    let mut going_away = draw(100..100 + PAGE_IMAGES_AT_ONCE);
    begun(&app, PAGE_IMAGES_AT_ONCE, &mut going_away).await;
    drop(going_away);
    let mut staying = draw(200..200 + PAGE_IMAGES_AT_ONCE);
    begun(&app, 2 * PAGE_IMAGES_AT_ONCE, &mut staying).await;

    // One more than may wait: the one that comes last is told to come back, and nobody else.
    let mut waiting = draw(300..301 + PAGE_IMAGES_WAITING);
    let refused = waiting.next().await.unwrap();
    refused.expect_error(503, "BUSY");
    assert_eq!(refused.header("retry-after"), "2");

    app.extractor.is_held.send_replace(false);
    let replies = staying.chain(waiting).collect::<Vec<_>>().await;
    assert_eq!(replies.len(), PAGE_IMAGES_AT_ONCE + PAGE_IMAGES_WAITING);
    for reply in replies {
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text());
    }
}

/// Goes on with `requests` until so many pages are being drawn, or were.
async fn begun(app: &App, pages: usize, requests: &mut (impl Stream<Item = Reply> + Unpin)) {
    let mut begun = app.extractor.begun.subscribe();
    tokio::select! {
        Some(reply) = requests.next() => panic!("nothing can be drawn yet: {reply:?}"),
        done = begun.wait_for(|&begun| begun == pages) => assert!(done.is_ok()),
    }
}
