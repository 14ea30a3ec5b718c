//! What lies beside the rows: bytes in the bucket, and numbers that are kept for ranking.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use ids_blobs::{S3BlobStore, S3Config, Secret};
use ids_core::document::BlobKey;
use ids_core::id::OrganizationId;
use ids_core::ports::{BlobStore, Clock, DocumentStore};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use ids_postgres::{PostgresConfig, PostgresLibrary, SslMode};
use tokio_postgres::Client;

use crate::cluster::{BUCKET, Cluster};
use crate::ledger::Ledger;
use crate::verify::Verdict;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the adapter of a testing program")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

async fn library(cluster: &Cluster) -> Result<PostgresLibrary> {
    let server = &cluster.postgres;
    let config = PostgresConfig {
        port: server.port,
        password: Some(Secret::new(&server.password)),
        ssl_mode: SslMode::Disable,
        ..PostgresConfig::new(&server.host, &server.user, &server.database)
    };
    Ok(PostgresLibrary::connect(&config, Arc::new(SystemClock)).await?)
}

/// Term counts, lengths and postings against those counted anew from the chunks.
pub async fn check_statistics(cluster: &Cluster, ledger: &Ledger) -> Result<()> {
    let library = library(cluster).await?;
    for difference in library.verify_statistics().await? {
        ledger.violation(format!("statistics differ: {difference:?}"));
    }
    library.close();
    Ok(())
}

/// Every byte that a row names is there; every other one is known to the cleanup as nobody's.
pub async fn check_bytes(
    cluster: &Cluster,
    ledger: &Ledger,
    sql: &Client,
    verdict: &mut Verdict,
) -> Result<()> {
    let (listed, store) = list(cluster).await?;
    let named: BTreeSet<String> =
        keys(sql, "select blob_key from versions where blob_key is not null").await?;
    for missing in named.difference(&listed) {
        ledger.violation(format!("the bytes `{missing}` of a version are gone"));
    }
    // An address that was given out may still be used.
    let awaited = keys(sql, "select blob_key from uploads where state <> 'processed'").await?;
    let others: Vec<BlobKey> = listed
        .iter()
        .filter(|key| !named.contains(*key) && !awaited.contains(*key))
        .map(|key| BlobKey(key.clone()))
        .collect();
    // As the cleanup does, which would wait for an hour at least.
    let library = library(cluster).await?;
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let unknown = library.list_unknown_blobs(&scope, &others).await?;
    for key in &unknown {
        store.delete(key).await.context("the bucket does not forget")?;
    }
    library.close();
    for kept in others.iter().filter(|key| !unknown.contains(key)) {
        ledger.violation(format!(
            "the bytes `{}` are nobody's, and no cleanup would remove them",
            kept.0
        ));
    }
    verdict
        .counts
        .push(("blobs of originals".to_owned(), named.len()));
    verdict.counts.push((
        "blobs of announced uploads".to_owned(),
        awaited.intersection(&listed).count(),
    ));
    verdict
        .counts
        .push(("blobs left for the cleanup".to_owned(), unknown.len()));
    Ok(())
}

async fn keys(sql: &Client, query: &str) -> Result<BTreeSet<String>> {
    let rows = sql.query(query, &[]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// All keys of the bucket.
async fn list(cluster: &Cluster) -> Result<(BTreeSet<String>, S3BlobStore)> {
    let s3 = &cluster.s3;
    let spool = std::env::temp_dir().join("ids-chaos-spool");
    let config = S3Config {
        endpoint: Some(s3.endpoint.clone()),
        ..S3Config::new(
            BUCKET,
            &s3.region,
            &s3.access_key,
            Secret::new(&s3.secret_key),
            spool,
        )
    };
    let store = S3BlobStore::new(&config, Arc::new(SystemClock))?;
    let mut listed = BTreeSet::new();
    for prefix in ["temp/", "originals/"] {
        let mut last = None;
        loop {
            let page = store
                .list(prefix, last.as_ref(), 1_000)
                .await
                .context("the bucket cannot be listed")?;
            let Some((end, _)) = page.last().cloned() else {
                break;
            };
            last = Some(end);
            listed.extend(page.into_iter().map(|(key, _)| key.0));
        }
    }
    Ok((listed, store))
}
