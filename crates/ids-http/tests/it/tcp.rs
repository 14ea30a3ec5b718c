//! What only a real connection shows.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{App, MAX_FILE_SIZE};

/// Serves `app` while `client` talks to it.
async fn with_server<T>(app: &App, client: impl AsyncFnOnce(TcpStream) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let talk = async {
        let stream = TcpStream::connect(address).await.unwrap();
        client(stream).await
    };
    tokio::select! {
        served = async { axum::serve(listener, app.router.clone()).await } => panic!("the server ended: {served:?}"),
        told = talk => told,
    }
}

/// Sends all of it before it reads anything, as many clients do.
async fn ask(stream: &mut TcpStream, head: &str, body: &[u8]) -> String {
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn who_sends_far_too_much_still_reads_why_it_was_refused() {
    let app = App::new();
    let body = vec![b'a'; 8 * usize::try_from(MAX_FILE_SIZE).unwrap()];
    let length = body.len();
    for (line, code) in [
        ("POST /api/v1/documents", "FILE_TOO_LARGE"),
        ("PUT /api/v1/uploads/x/y", "UPLOAD_NOT_FOUND"),
    ] {
        let head = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        );
        let answer = with_server(&app, async |mut stream| ask(&mut stream, &head, &body).await).await;
        assert!(answer.contains(code), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_leaves_nothing() {
    let app = App::new();
    let head = "POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\
                Content-Type: multipart/form-data; boundary=x\r\n\r\n\
                --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf";
    with_server(&app, async |mut stream| {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        // The server closes when it has seen the end.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    })
    .await;
    assert!(
        app.library
            .ports()
            .blobs
            .list("", None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}
