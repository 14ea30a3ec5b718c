//! Looking at documents, changing and removing them.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::App;

const EDITAL: &str = "%PDF\n# Edital 14/2021\n\nO prazo para recurso é de cinco dias úteis.\nConta-se da publicação.\u{c}Segunda página: pagamento de férias.";

#[tokio::test]
async fn a_document_shows_all_that_is_known_of_it() {
    let app = App::new();
    let details = [
        ("title", "Edital"),
        ("description", "Concurso"),
        ("tags", "edital, 2021"),
        ("collection", "rh"),
    ];
    let id = app.ingest("edital.pdf", EDITAL, &details).await;

    assert_json_snapshot!(
        "document",
        app.get(&format!("/api/v1/documents/{id}")).await.expect(200)
    );
    assert_json_snapshot!(
        "status_completed",
        app.get(&format!("/api/v1/documents/{id}/status"))
            .await
            .expect(200)
    );
    assert_json_snapshot!(
        "page",
        app.get(&format!("/api/v1/documents/{id}/pages/1"))
            .await
            .expect(200)
    );
    assert_json_snapshot!(
        "boxes",
        app.get(&format!("/api/v1/documents/{id}/pages/1/boxes?start=20&end=62"))
            .await
            .expect(200)
    );
    assert_json_snapshot!(
        "chunks",
        app.get(&format!("/api/v1/documents/{id}/chunks"))
            .await
            .expect(200)
    );
    assert_json_snapshot!(
        "analysis",
        app.get(&format!("/api/v1/documents/{id}/analysis"))
            .await
            .expect(200)
    );
    assert_json_snapshot!("collections", app.get("/api/v1/collections").await.expect(200));
    assert_json_snapshot!("stats", app.get("/api/v1/documents/stats").await.expect(200));
    assert_json_snapshot!(
        "documents_health",
        app.get("/api/v1/documents/health").await.expect(200)
    );
}

#[tokio::test]
async fn a_list_is_filtered_ordered_and_cut() {
    let app = App::new();
    app.ingest("b.txt", "Segundo texto.", &[("tags", "x")]).await;
    app.ingest("a.txt", "Primeiro texto.", &[("tags", "x,y")]).await;
    app.ingest("c.txt", "Terceiro texto.", &[("collection", "outra")])
        .await;

    let names = async |query: &str| -> Vec<String> {
        let list = app.get(&format!("/api/v1/documents{query}")).await.expect(200);
        let documents = list["documents"].as_array().unwrap().clone();
        documents
            .iter()
            .map(|document| document["filename"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names("?sort_by=filename&sort_order=asc").await,
        ["a.txt", "b.txt", "c.txt"]
    );
    assert_eq!(names("?sort_by=filename").await, ["c.txt", "b.txt", "a.txt"]);
    assert_eq!(names("?tags=x&tags=y").await, ["a.txt"]);
    assert_eq!(names("?tags=x,y").await, ["a.txt"]);
    assert_eq!(names("?collection=outra").await, ["c.txt"]);
    assert_eq!(names("?status=failed").await, [""; 0]);
    assert_eq!(names("?search=B.TX").await, ["b.txt"]);

    let page = app.get("/api/v1/documents?limit=2&offset=0").await.expect(200);
    assert_eq!((&page["total"], &page["has_more"]), (&json!(3), &json!(true)));
    let page = app.get("/api/v1/documents?limit=2&offset=2").await.expect(200);
    assert_eq!((&page["total"], &page["has_more"]), (&json!(3), &json!(false)));
}

#[tokio::test]
async fn only_what_is_given_changes() {
    let app = App::new();
    let id = app
        .ingest(
            "a.txt",
            "Texto.",
            &[("title", "Antes"), ("description", "d"), ("tags", "x")],
        )
        .await;
    let path = format!("/api/v1/documents/{id}");
    let changed = app.patch(&path, json!({"title": "Depois"})).await.expect(200);
    assert_eq!(
        (&changed["title"], &changed["description"], &changed["tags"]),
        (&json!("Depois"), &json!("d"), &json!(["x"]))
    );
    let changed = app
        .patch(&path, json!({"tags": ["b", "a", "b"], "description": ""}))
        .await
        .expect(200);
    assert_eq!(changed["tags"], json!(["b", "a"]));
    assert_eq!(changed["title"], "Depois");
    app.patch(&path, json!({"title": ""}))
        .await
        .expect_error(422, "VALIDATION_FAILED");
}

#[tokio::test]
async fn a_deleted_document_is_gone_from_everywhere() {
    let app = App::new();
    let id = app.ingest("a.txt", "Prazo de recurso.", &[]).await;
    assert_json_snapshot!(
        "deleted",
        app.delete(&format!("/api/v1/documents/{id}")).await.expect(200)
    );
    app.get(&format!("/api/v1/documents/{id}"))
        .await
        .expect_error(404, "DOCUMENT_NOT_FOUND");
    let found = app
        .post("/api/v1/documents/search", json!({"query": "prazo"}))
        .await
        .expect(200);
    assert_eq!(found["results"], json!([]));
}

#[tokio::test]
async fn a_job_can_be_cancelled_and_retried() {
    let app = App::new();
    let uploaded = app.upload("a.txt", b"Texto.", &[]).await.expect(202);
    let job = format!("/api/v1/queue/job/{}", uploaded["job_id"].as_str().unwrap());
    assert_json_snapshot!("job_queued", app.get(&job).await.expect(200));
    assert_json_snapshot!("queues", app.get("/api/v1/queue/info").await.expect(200));

    let cancelled = app.post(&format!("{job}/cancel"), json!({})).await.expect(202);
    assert_eq!(
        (&cancelled["status"], &cancelled["id"]),
        (&json!("cancelled"), &uploaded["job_id"])
    );

    let queue = app
        .get("/api/v1/queue/info/document_processing")
        .await
        .expect(200);
    assert_eq!(
        (&queue["length"], &queue["cancelled_count"]),
        (&json!(0), &json!(1))
    );

    let retried = app.post(&format!("{job}/retry"), json!({})).await.expect(202);
    assert_eq!(
        (&retried["status"], &retried["id"]),
        (&json!("queued"), &uploaded["job_id"])
    );
    app.work().await;
    assert_eq!(app.get(&job).await.expect(200)["status"], "finished");
    app.post(&format!("{job}/cancel"), json!({}))
        .await
        .expect_error(409, "JOB_ALREADY_ENDED");
}

#[tokio::test]
async fn a_failed_job_is_retried_under_the_same_id() {
    let app = App::new();
    let id = app.ingest("cofre.pdf", "%PDF-encrypted", &[]).await;
    let status = app
        .get(&format!("/api/v1/documents/{id}/status"))
        .await
        .expect(200);
    let job = status["job_id"].as_str().unwrap();
    let retried = app
        .post(&format!("/api/v1/queue/job/{job}/retry"), json!({}))
        .await
        .expect(202);
    assert_eq!(
        (&retried["id"], &retried["status"]),
        (&json!(job), &json!("queued"))
    );
}
