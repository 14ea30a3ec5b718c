//! The library as tools of an assistant.

use axum::body::Body;
use axum::http::{Request, header};
use ids_core::access::Permission;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::chat::{QUESTION, with_contract};
use crate::keys::{ingest, key, post, with_keys};
use crate::support::{App, Reply, json_request};

fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

fn tool(name: &str, arguments: Value) -> Value {
    request("tools/call", json!({"name": name, "arguments": arguments}))
}

/// What is refused before it is read as a message has the shape of one all the same, and in it what /api/v1 says.
fn refused(reply: &Reply, status: u16, code: &str) {
    let body = reply.expect(status);
    assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &Value::Null));
    assert_eq!(body["error"]["code"], -32_000);
    let data = &body["error"]["data"];
    assert_eq!(
        (&data["error_code"], &data["detail"]),
        (&json!(code), &body["error"]["message"])
    );
}

async fn call(app: &App, name: &str, arguments: Value) -> Value {
    let body = app.post("/mcp", tool(name, arguments)).await.expect(200);
    assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &json!(7)));
    body["result"].clone()
}

#[tokio::test]
async fn a_client_shakes_hands_and_is_told_the_tools() {
    let app = App::new();
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let body = app.post("/mcp", request("initialize", hello)).await.expect(200);
    assert_json_snapshot!("mcp_initialize", body);
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let reply = app.post("/mcp", ready).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (202, 0));
    app.post("/mcp", request("ping", json!({}))).await.expect(200);
    let tools = app
        .post("/mcp", request("tools/list", json!({})))
        .await
        .expect(200);
    assert_json_snapshot!("mcp_tools", tools);
}

#[tokio::test]
async fn a_client_without_a_handshake_says_in_each_request_what_it_speaks() {
    let app = App::new();
    let meta = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let send = |method: &str, version: &str| {
        let mut sent = json_request("POST", "/mcp", request(method, meta.clone()));
        sent.headers_mut()
            .insert("mcp-protocol-version", version.parse().unwrap());
        sent.headers_mut().insert("mcp-method", method.parse().unwrap());
        app.send(sent)
    };
    let found = send("server/discover", "2026-07-28").await.expect(200);
    assert_eq!(found["result"]["supportedVersions"][0], "2026-07-28");
    assert_eq!(found["result"]["resultType"], "complete");
    let tools = send("tools/list", "2026-07-28").await.expect(200);
    assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 4);
    assert_eq!(tools["result"]["cacheScope"], "private");
    assert_eq!(
        send("tools/list", "2025-06-18").await.expect(400)["error"]["code"],
        -32_020
    );
    assert_eq!(
        send("tasks/list", "2026-07-28").await.expect(404)["error"]["code"],
        -32_601
    );
}

#[tokio::test]
async fn passages_pages_answers_and_documents_are_given_as_text_and_as_fields() {
    let app = with_contract(App::new()).await;
    let found = call(&app, "search", json!({"query": "multa por atraso", "limit": 1})).await;
    let hit = &found["structuredContent"]["results"][0];
    assert_eq!(
        (hit["document_title"].as_str(), hit["page"].as_u64()),
        (Some("Contrato 12"), Some(1))
    );
    let id = hit["document_id"].as_str().unwrap();
    assert!(
        hit["url"]
            .as_str()
            .unwrap()
            .starts_with(&format!("http://localhost:8000/#/documents/{id}/pages/1?"))
    );
    let text = found["content"][0]["text"].as_str().unwrap();
    assert!(
        text.contains(hit["content"].as_str().unwrap()) && text.contains(id),
        "{text}"
    );

    let page = call(&app, "read_page", json!({"document_id": id, "page": 1})).await;
    let fields = &page["structuredContent"];
    assert!(fields["text"].as_str().unwrap().contains("2% ao mês"));
    assert_eq!(
        (&fields["page_count"], &fields["has_more"]),
        (&json!(1), &json!(false))
    );
    let rest = call(&app, "read_page", json!({"document_id": id, "start": 12})).await;
    assert!(
        rest["structuredContent"]["text"]
            .as_str()
            .unwrap()
            .starts_with("O contrato"),
        "{rest}"
    );

    let answer = call(&app, "ask", json!({"question": QUESTION})).await;
    let fields = &answer["structuredContent"];
    assert_eq!(
        (&fields["answered"], &fields["sources"][0]["document_id"]),
        (&json!(true), &json!(id))
    );
    assert!(
        answer["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Fontes:\n[1] Contrato 12")
    );
    assert_eq!(app.get("/api/v1/chat/sessions").await.expect(200)["total"], 0);

    let list = call(&app, "list_documents", json!({})).await;
    assert_eq!(list["structuredContent"]["documents"][0]["document_id"], id);
    assert_eq!(list["structuredContent"]["total"], 1);
}

#[tokio::test]
async fn a_very_long_page_comes_in_parts() {
    let app = App::new();
    let text = "palavra ".repeat(5_000);
    let id = app.ingest("longo.txt", text.trim(), &[]).await;
    let first = call(&app, "read_page", json!({"document_id": id})).await;
    let fields = &first["structuredContent"];
    assert_eq!(
        (&fields["has_more"], &fields["end"]),
        (&json!(true), &json!(30_000))
    );
    let rest = call(&app, "read_page", json!({"document_id": id, "start": 30_000})).await;
    let whole = [&first, &rest]
        .map(|part| part["structuredContent"]["text"].as_str().unwrap())
        .concat();
    assert_eq!(whole, text.trim());
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_told_where_the_assistant_reads_it() {
    let app = App::new();
    let told = async |name: &str, arguments: Value| {
        let result = call(&app, name, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        assert!(result.get("structuredContent").is_none());
        result["content"][0]["text"].as_str().unwrap().to_owned()
    };
    let text = told("search", json!({"limit": 51, "mode": "fast"})).await;
    for field in ["`query`", "`limit`", "`mode`"] {
        assert!(text.contains(field), "{text}");
    }
    assert!(
        told("read_page", json!({"document_id": "x"}))
            .await
            .contains("no document")
    );
    assert!(
        told("ask", json!({"question": "Qual?", "collection": "nada"}))
            .await
            .contains("`nada`")
    );
    let unknown = app.post("/mcp", tool("delete_all", json!({}))).await.expect(200);
    assert_eq!(unknown["error"]["code"], -32_602);
    let listed = app
        .post(
            "/mcp",
            request("tools/call", json!({"name": "ask", "arguments": [1]})),
        )
        .await
        .expect(200);
    assert_eq!(listed["error"]["code"], -32_602);
    assert_eq!(
        app.post("/mcp", request("prompts/list", json!({})))
            .await
            .expect(200)["error"]["code"],
        -32_601
    );
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let app = App::new();
    let send = |body: &'static str| {
        let request = Request::post("/mcp").header(header::CONTENT_TYPE, "application/json");
        app.send(request.body(Body::from(body)).unwrap())
    };
    assert_eq!(send("{").await.expect(400)["error"]["code"], -32_700);
    assert_eq!(send("[]").await.expect(400)["error"]["code"], -32_600);
    let plain = Request::post("/mcp").header(header::CONTENT_TYPE, "text/plain");
    refused(
        &app.send(plain.body(Body::from("{}")).unwrap()).await,
        415,
        "UNSUPPORTED_TYPE",
    );
    refused(&app.get("/mcp").await, 405, "METHOD_NOT_ALLOWED");
    refused(&app.delete("/mcp").await, 405, "METHOD_NOT_ALLOWED");
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(300 * 1024));
    let request = Request::post("/mcp").header(header::CONTENT_TYPE, "application/json");
    let large = app.send(request.body(Body::from(large)).unwrap()).await;
    refused(&large, 413, "FILE_TOO_LARGE");
}

#[tokio::test]
async fn strangers_that_steer_a_browser_do_not_come_in() {
    let app = App::new();
    for (name, value) in [
        (header::ORIGIN, "https://mau.example"),
        (header::ORIGIN, "null"),
        (header::ORIGIN, "http://localhost:9999"),
        (header::HOST, "mau.example"),
        (header::HOST, "localhost.mau.example:8000"),
    ] {
        let mut sent = json_request("POST", "/mcp", request("ping", json!({})));
        sent.headers_mut().insert(name, value.parse().unwrap());
        refused(&app.send(sent).await, 403, "ORIGIN_REFUSED");
    }
}

#[tokio::test]
async fn a_key_is_shown_the_tools_it_may_use_and_uses_no_others() {
    let app = with_keys(1_000, 1_000);
    let nobody = app.post("/mcp", request("ping", json!({}))).await;
    refused(&nobody, 401, "UNAUTHENTICATED");
    assert!(nobody.headers.contains_key(header::WWW_AUTHENTICATE));
    let admin = key(&app, "default", &[Permission::Admin]).await;
    ingest(&app, &admin, "a.txt", "O prazo da obra é de dez dias.", &[]).await;
    let names = async |key: &str| {
        let list = post(&app, key, "/mcp", request("tools/list", json!({})))
            .await
            .expect(200);
        let tools = list["result"]["tools"].as_array().unwrap().clone();
        tools
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&admin).await,
        ["search", "read_page", "ask", "list_documents"]
    );
    let asker = key(&app, "default", &[Permission::Ask]).await;
    assert_eq!(names(&asker).await, ["read_page", "ask"]);
    let refused = post(&app, &asker, "/mcp", tool("search", json!({"query": "prazo"})))
        .await
        .expect(200);
    assert_eq!(refused["result"]["isError"], true);
    assert_eq!(
        refused["result"]["content"][0]["text"],
        "this needs a key with the scope `search`"
    );
    let stranger = key(&app, "Prefeitura de Lá", &[Permission::Admin]).await;
    let found = post(
        &app,
        &stranger,
        "/mcp",
        tool("search", json!({"query": "prazo da obra"})),
    )
    .await
    .expect(200);
    assert_eq!(found["result"]["structuredContent"]["results"], json!([]));
}
