//! Traces, taken by a collector of the test that speaks the real protocol: OTLP over HTTP with protobuf, read by the types that
//! OpenTelemetry generates from its own definitions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::place::Place;
use crate::server::Server;

/// What came in one request.
struct Received {
    head: Vec<String>,
    request: ExportTraceServiceRequest,
}

/// Takes spans at the address it gives.
fn collector() -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if sender.send(receive(stream.unwrap())).is_err() {
                return;
            }
        }
    });
    (address, received)
}

fn receive(stream: TcpStream) -> Received {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head
        .iter()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    reader
        .into_inner()
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    Received {
        head,
        request: ExportTraceServiceRequest::decode(body.as_slice()).unwrap(),
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|it| it.key == key)?;
    match found.value.clone()?.value? {
        Any::StringValue(text) => Some(text),
        Any::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

#[test]
fn requests_and_jobs_with_their_steps_reach_the_collector() {
    let (address, received) = collector();
    let place = Place::new();
    let server = Server::start_with(
        &place,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=geheim%20sehr"),
            ("OTEL_SERVICE_NAME", "prefeitura"),
        ],
    );
    let document_id = server.upload("a.txt", b"Um texto curto.");
    let status = server.until_completed(&document_id);
    server.search("texto", "hybrid");
    let question = br#"{"message": "O que vence?", "stream": true}"#;
    assert_eq!(
        server
            .send("POST", "/api/v1/chat/ask", "application/json", question)
            .status,
        200
    );
    // What is left is sent at the end.
    server.stop(rustix::process::Signal::INT);

    let received: Vec<Received> = received.try_iter().collect();
    let spans: Vec<&Span> = received
        .iter()
        .flat_map(|it| &it.request.resource_spans)
        .flat_map(|of| &of.scope_spans)
        .flat_map(|of| &of.spans)
        .collect();
    let head = received[0].head.join("\n").to_ascii_lowercase();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    assert!(head.contains("x-key: geheim sehr"), "{head}");
    let resource = received[0].request.resource_spans[0].resource.clone().unwrap();
    let service = resource
        .attributes
        .iter()
        .find(|it| it.key == "service.name")
        .unwrap();
    assert!(format!("{service:?}").contains("prefeitura"), "{service:?}");

    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        *found.unwrap_or_else(|| {
            panic!(
                "no `{name}` in {:?}",
                spans.iter().map(|it| &it.name).collect::<Vec<_>>()
            )
        })
    };
    let upload = named("POST /api/v1/documents");
    assert_eq!(
        attribute(upload, "http.response.status_code").as_deref(),
        Some("202")
    );
    assert!(attribute(upload, "request.id").is_some());
    assert!(upload.end_time_unix_nano > upload.start_time_unix_nano);
    let job_id = status["job_id"].as_str();
    let jobs: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "job" && attribute(span, "job.id").as_deref() == job_id)
        .collect();
    assert!(jobs.len() >= 2, "one in each lane: {jobs:?}");
    assert_eq!(
        attribute(jobs[0], "document.id").as_deref(),
        Some(document_id.as_str())
    );
    for step in ["extract", "check_duplicates", "chunk", "embed", "complete"] {
        let step = named(step);
        assert!(
            jobs.iter().any(|job| job.span_id == step.parent_span_id),
            "{step:?} is a part of a job"
        );
    }
    let search = named("POST /api/v1/documents/search");
    assert_eq!(named("embed_query").trace_id, search.trace_id);
    let ask = named("POST /api/v1/chat/ask");
    let searches: Vec<_> = spans.iter().filter(|span| span.name == "search").collect();
    assert!(
        searches.iter().any(|it| it.trace_id == ask.trace_id),
        "{searches:?}"
    );
    assert!(
        spans
            .iter()
            .all(|span| !span.parent_span_id.is_empty() || span.name == "job" || span.name.contains(" /")),
        "no step is alone: {spans:?}"
    );
    let text = format!("{spans:?}");
    assert!(
        !text.contains("texto"),
        "neither documents nor queries leave: {text}"
    );
}

#[test]
fn a_collector_that_hangs_or_is_gone_slows_nothing() {
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = format!("http://{}", hangs.local_addr().unwrap());
    for collector in [hanging.as_str(), "http://127.0.0.1:9"] {
        let place = Place::new();
        let server = Server::start_with(&place, &[("OTEL_EXPORTER_OTLP_ENDPOINT", collector)]);
        let document_id = server.upload("a.txt", b"Um texto curto.");
        server.until_completed(&document_id);
        let began = Instant::now();
        for _ in 0..200 {
            assert_eq!(server.status_of("/live", None), 200);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let stopping = Instant::now();
        assert_eq!(server.stop(rustix::process::Signal::INT).code(), Some(130));
        assert!(
            stopping.elapsed() < Duration::from_secs(15),
            "{:?}",
            stopping.elapsed()
        );
    }
}
