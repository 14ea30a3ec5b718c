//! Keys on the command line, and a server that asks for them.

use serde_json::json;

use crate::place::Place;
use crate::server::Server;

#[test]
fn a_server_with_keys_lets_in_who_has_one() {
    let place = Place::new();
    let server = Server::start_with(&place, &[("IDS_AUTH", "keys")]);
    assert_eq!(server.status_of("/api/v1/documents", None), 401);
    assert_eq!(server.status_of("/health", None), 200);

    let made = place.json(&["keys", "create", "--scopes", "search,ask", "--expires", "90d"]);
    assert_eq!(made["organization"], "default");
    assert_eq!(made["scopes"], json!(["search", "ask"]));
    let (key, id) = (made["key"].as_str().unwrap(), made["key_id"].as_str().unwrap());
    assert_eq!(server.status_of("/api/v1/documents", Some(key)), 200);
    assert_eq!(server.status_of("/api/v1/keys", Some(key)), 403);
    // Whoever can open the data directory needs none.
    place.json(&["documents", "list"]);

    let listed = place.ids(&["keys", "list"]);
    assert!(
        listed.stdout.contains(id) && !listed.stdout.contains(key),
        "{}",
        listed.stdout
    );
    let revoked = place.ids(&["keys", "revoke", id]);
    assert_eq!(revoked.code, Some(0), "{}", revoked.stderr);
    assert_eq!(server.status_of("/api/v1/documents", Some(key)), 401);
    let again = place.ids(&["keys", "revoke", "0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e"]);
    assert_eq!(again.code, Some(1));
}

#[test]
fn keys_are_made_without_a_server_too() {
    let place = Place::new();
    let made = place.json(&["keys", "create", "--scopes", "admin"]);
    assert!(made["key"].as_str().unwrap().starts_with("ids_"));
    let organizations = place.ids(&["organizations", "list"]);
    assert!(
        organizations.stdout.contains("default"),
        "{}",
        organizations.stdout
    );
    let kept = place.ids(&["organizations", "delete", "default", "--yes"]);
    assert_eq!(kept.code, Some(2), "{}{}", kept.stdout, kept.stderr);
}

#[test]
fn a_library_looks_after_itself_on_demand() {
    let place = Place::new();
    let cleaned = place.ids(&["queue", "cleanup", "orphaned_files"]);
    assert_eq!(cleaned.code, Some(0), "{}", cleaned.stderr);
    assert!(
        cleaned.stdout.contains("is finished; 0 removed"),
        "{}",
        cleaned.stdout
    );
    let jobs = place.ids(&["queue", "jobs", "--queue", "cleanup_tasks"]);
    assert!(jobs.stdout.contains("orphaned_files"), "{}", jobs.stdout);
    assert_eq!(place.ids(&["queue", "cleanup", "everything"]).code, Some(2));

    assert_eq!(place.ids(&["collections", "create", "obras"]).code, Some(0));
    assert!(place.ids(&["collections", "list"]).stdout.contains("obras"));
    assert_eq!(place.ids(&["collections", "delete", "obras"]).code, Some(0));
    assert_eq!(place.ids(&["collections", "delete", "obras"]).code, Some(1));
    assert_eq!(place.ids(&["migrate"]).code, Some(0));
    let doctor = place.ids(&["doctor", "--json"]);
    assert_eq!(doctor.code, Some(0), "{}", doctor.stdout);
    assert_eq!(doctor.body()["checks"][0]["check"], "database");
}
