//! What stands between organizations when a query forgets to name one: row level security, forced on the tables' owner.

use std::collections::BTreeSet;

use deadpool_postgres::tokio_postgres::Client;
use deadpool_postgres::tokio_postgres::error::SqlState;
use ids_core::id::OrganizationId;
use ids_core::page::ExtractedDocument;
use ids_core::scope::Scope;
use ids_testkit::Stores;
use ids_testkit::belongings::fill;
use ids_testkit::services::postgres;
use ids_testkit::stores::{NewDocument, extracted, hash_of};
use ids_text::minhash::Signature;

use crate::Library;
use crate::library::connect_as;

/// Tables that hold no one's data, or what is looked up before it is known whose it is; each migration says why.
const OPEN: [&str; 7] = [
    "backups",
    "deliveries",
    "embedding_models",
    "leaderships",
    "organizations",
    "schema_migrations",
    "workers",
];

/// Tables with sums of the whole installation, under this organization, beside those of each.
const SHARED: [&str; 2] = ["budget_months", "budget_notices"];
const INSTALLATION: &str = "00000000-0000-0000-0000-000000000000";

/// Two organizations with something of everything, and a plain connection with the schema in its path.
async fn two_organizations() -> (Stores, Client, String, Scope, Scope) {
    let library = Library::open().await;
    let client = library.connect().await;
    let schema = library.schema.name.clone();
    let stores = library.stores();
    let (one, other) = (Stores::scope(), stores.other_organization().await);
    fill(&stores, &one).await;
    fill(&stores, &other).await;
    (stores, client, schema, one, other)
}

/// Tables of the schema, and whether row level security holds for their owner too.
async fn tables(client: &Client, schema: &str) -> Vec<(String, bool)> {
    let rows = client
        .query(
            "select c.relname::text, c.relrowsecurity and c.relforcerowsecurity from pg_class c
             join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = $1 and c.relkind in ('r', 'p') order by 1",
            &[&schema],
        )
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn tenant_tables(client: &Client, schema: &str) -> Vec<String> {
    let tables = tables(client, schema).await;
    tables
        .into_iter()
        .filter(|(_, forced)| *forced)
        .map(|(name, _)| name)
        .collect()
}

/// The column that says whose a row is, and the value of an organization in it.
async fn owner(client: &Client, schema: &str, table: &str, organization: OrganizationId) -> (String, String) {
    let by_number: bool = client
        .query_one(
            "select exists (select 1 from information_schema.columns
             where table_schema = $1 and table_name = $2 and column_name = 'organization_no')",
            &[&schema, &table],
        )
        .await
        .unwrap()
        .get(0);
    let id = organization.as_uuid();
    if !by_number {
        return ("organization_id".to_owned(), format!("'{id}'::uuid"));
    }
    let number: i32 = client
        .query_one(
            "select organization_no from organizations where organization_id = $1",
            &[&id],
        )
        .await
        .unwrap()
        .get(0);
    ("organization_no".to_owned(), number.to_string())
}

async fn act_for(client: &Client, organization: &str) {
    let sql = format!("select set_config('ids.organization', '{organization}', false)");
    client.simple_query(&sql).await.unwrap();
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn all_tables_but_the_documented_ones_force_it() {
    let library = Library::open().await;
    let client = library.connect().await;
    let open: Vec<String> = tables(&client, &library.schema.name)
        .await
        .into_iter()
        .filter(|(_, forced)| !forced)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(open, OPEN);
}

#[tokio::test]
async fn the_role_of_the_tests_is_an_ordinary_one_that_owns_the_tables() {
    let library = Library::open().await;
    let client = library.connect().await;
    let row = client
        .query_one(
            "select rolsuper or rolbypassrls, (select bool_and(tableowner = current_user) from pg_tables where schemaname = $1)
             from pg_roles where rolname = current_user",
            &[&library.schema.name],
        )
        .await
        .unwrap();
    assert!(!row.get::<_, bool>(0), "it must not pass by the policies");
    assert!(
        row.get::<_, bool>(1),
        "and owns every table, which is why they are forced"
    );
}

/// A document whose text has a signature.
async fn sign(stores: &Stores, scope: &Scope) {
    let accepted = stores.accept(scope, &NewDocument::named("signed.txt")).await;
    let lease = stores.claim(&accepted).await.lease;
    let document = ExtractedDocument {
        signature: Signature::of(&"palavra ".repeat(40)),
        ..extracted(&["palavra"])
    };
    let saved = stores
        .documents
        .save_extraction(&lease, &document, hash_of("signed"));
    saved.await.unwrap();
}

#[tokio::test]
async fn reading_without_a_condition_gives_the_rows_of_the_organization_that_is_named() {
    let (stores, client, schema, one, other) = two_organizations().await;
    for scope in [&one, &other] {
        sign(&stores, scope).await;
    }
    let mut empty = BTreeSet::new();
    for table in tenant_tables(&client, &schema).await {
        for (mine, theirs) in [(&one, &other), (&other, &one)] {
            act_for(&client, &mine.organization.to_string()).await;
            let (column, theirs) = owner(&client, &schema, &table, theirs.organization).await;
            let visible = number(&client, &format!("select count(*) from {table}")).await;
            let foreign = number(
                &client,
                &format!("select count(*) from {table} where {column} = {theirs}"),
            )
            .await;
            assert_eq!(foreign, 0, "{table}");
            if visible == 0 {
                empty.insert(table.clone());
            }
        }
        for nobody in ["", "00000000-0000-0000-0000-0000000000ff"] {
            act_for(&client, nobody).await;
            // The sums of all together are everybody's who is anybody.
            let shared = match (SHARED.contains(&table.as_str()), nobody) {
                (true, id) if !id.is_empty() => format!("where organization_id <> '{INSTALLATION}'"),
                _ => String::new(),
            };
            let visible = number(&client, &format!("select count(*) from {table} {shared}")).await;
            assert_eq!(visible, 0, "{table} for `{nobody}`");
        }
    }
    // What `fill` makes nothing of; all others had rows that were kept apart.
    let expected = [
        "extraction_notes",
        "message_claims",
        "message_nearest",
        "message_sources",
        "term_statistics",
    ];
    assert_eq!(empty.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn changing_and_removing_without_a_condition_leaves_all_others_alone() {
    let (_stores, client, schema, one, other) = two_organizations().await;
    let server = postgres();
    let admin = connect_as(server, &server.superuser, &server.superuser_password).await;
    for table in tenant_tables(&client, &schema).await {
        let (column, theirs) = owner(&client, &schema, &table, other.organization).await;
        let count = format!("select count(*) from {schema}.{table} where {column} = {theirs}");
        let before = number(&admin, &count).await;
        act_for(&client, &one.organization.to_string()).await;
        let visible = number(&client, &format!("select count(*) from {table}")).await;
        let changed = client
            .execute(&format!("update {table} set {column} = {column}"), &[])
            .await
            .unwrap();
        assert_eq!(i64::try_from(changed), Ok(visible), "{table}");
        assert_eq!(number(&admin, &count).await, before, "{table}");
    }
    // As that role, without the foreign keys, so that each table stands for itself.
    let sql = format!(
        "set session_replication_role = replica; set role {}; set search_path = {schema}, public",
        server.user
    );
    let unchecked = connect_as(server, &server.superuser, &server.superuser_password).await;
    unchecked.batch_execute(&sql).await.unwrap();
    for table in tenant_tables(&client, &schema).await {
        let (column, theirs) = owner(&client, &schema, &table, other.organization).await;
        let count = format!("select count(*) from {schema}.{table} where {column} = {theirs}");
        let before = number(&admin, &count).await;
        act_for(&unchecked, &one.organization.to_string()).await;
        unchecked
            .execute(&format!("delete from {table}"), &[])
            .await
            .unwrap();
        assert_eq!(number(&admin, &count).await, before, "{table}");
        assert_eq!(
            number(&admin, &format!("select count(*) from {schema}.{table}")).await,
            before,
            "{table}"
        );
    }
}

#[tokio::test]
async fn a_row_of_another_organization_cannot_be_written() {
    let (_stores, client, schema, one, other) = two_organizations().await;
    act_for(&client, &one.organization.to_string()).await;
    for table in tenant_tables(&client, &schema).await {
        if number(&client, &format!("select count(*) from {table}")).await == 0 {
            continue;
        }
        let (column, theirs) = owner(&client, &schema, &table, other.organization).await;
        let columns: String = client
            .query_one(
                "select string_agg(attname, ', ' order by attnum) from pg_attribute
                 where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''",
                &[&format!("{schema}.{table}")],
            )
            .await
            .unwrap()
            .get(0);
        let inserted = format!(
            "insert into {table} ({columns}) overriding system value
             select {columns} from (
                 select (jsonb_populate_record(t, jsonb_build_object('{column}', {theirs}))).* from {table} t limit 1
             ) as row_of_mine"
        );
        for sql in [inserted, format!("update {table} set {column} = {theirs}")] {
            let refused = client.execute(&sql, &[]).await.unwrap_err();
            assert_eq!(
                refused.code(),
                Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                "{table}: {refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_hash_of_a_key_shows_that_key_and_nothing_else() {
    let (stores, client, _schema, one, _) = two_organizations().await;
    let (key, hash) = ids_testkit::belongings::create_key(&stores, &one).await;
    let hex: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    client
        .simple_query(&format!("select set_config('ids.key_hash', '{hex}', false)"))
        .await
        .unwrap();

    let rows = client.query("select key_id from api_keys", &[]).await.unwrap();
    let seen: Vec<uuid::Uuid> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(seen, [key.key_id.as_uuid()]);
    let changed = client
        .execute("update api_keys set revoked_at = 0", &[])
        .await
        .unwrap();
    let removed = client.execute("delete from api_keys", &[]).await.unwrap();
    assert_eq!([changed, removed], [0, 0], "it may be read only");
}

#[tokio::test]
async fn a_deleted_organization_leaves_no_row_in_any_table() {
    let (stores, client, schema, _, other) = two_organizations().await;
    let server = postgres();
    let admin = connect_as(server, &server.superuser, &server.superuser_password).await;
    let mut counts = Vec::new();
    for (table, _) in tables(&client, &schema).await {
        let owned: bool = client
            .query_one(
                "select exists (select 1 from information_schema.columns where table_schema = $1 and table_name = $2
                 and column_name in ('organization_id', 'organization_no'))",
                &[&schema, &table],
            )
            .await
            .unwrap()
            .get(0);
        if owned {
            let (column, theirs) = owner(&client, &schema, &table, other.organization).await;
            counts.push((
                table.clone(),
                format!("select count(*) from {schema}.{table} where {column} = {theirs}"),
            ));
        }
    }
    stores.organizations.delete_organization(&other).await.unwrap();
    for (table, sql) in counts {
        assert_eq!(number(&admin, &sql).await, 0, "{table}");
    }
}
