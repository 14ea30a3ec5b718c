//! The bucket: what we may do in it, its rule for abandoned uploads, its rule for browsers.

use std::sync::Arc;

use ids_blobs::{CorsState, LifecycleState, S3BlobStore};
use ids_http::origin_of;

use super::finding::Finding;
use super::{chain, clock};
use crate::config::{Config, S3Settings};
use crate::system::SystemClock;

pub(super) async fn look(config: &Config, fix: bool) -> Vec<Finding> {
    let Some(settings) = &config.s3 else {
        return Vec::new();
    };
    let store = match S3BlobStore::new(&settings.store, Arc::new(SystemClock)) {
        Ok(store) => store,
        Err(error) => return vec![Finding::fail("s3", chain(&error), "check the variables of S3")],
    };
    let endpoint = settings
        .store
        .endpoint
        .clone()
        .unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", settings.store.region));
    let (access, lifecycle, cors, clock) = tokio::join!(
        access(&store, settings),
        lifecycle(&store, settings, fix),
        cors(&store, config),
        clock::of_s3(&endpoint)
    );
    [Some(access), Some(lifecycle), Some(cors), clock]
        .into_iter()
        .flatten()
        .collect()
}

/// Writes, reads, copies and removes a small object.
async fn access(store: &S3BlobStore, settings: &S3Settings) -> Finding {
    let bucket = &settings.store.bucket;
    match store.round_trip().await {
        Ok(()) => Finding::ok(
            "s3",
            format!("the bucket `{bucket}` takes, gives, copies and removes objects"),
        ),
        Err(failure) => Finding::fail(
            "s3",
            chain(&failure),
            format!(
                "allow `{}` on the bucket `{bucket}`, or check its name, region and keys",
                failure.permission
            ),
        ),
    }
}

async fn lifecycle(store: &S3BlobStore, settings: &S3Settings, fix: bool) -> Finding {
    const WHAT: &str = "lifecycle";
    let (prefix, days) = (&settings.store.temp_prefix, settings.lifecycle_days);
    let good = || format!("what lies under `{prefix}` for {days} days goes by itself");
    let state = match store.lifecycle(prefix, days).await {
        Ok(LifecycleState::Present) => return Finding::ok(WHAT, good()),
        Ok(state) => state,
        Err(error) => {
            return Finding::warn(
                WHAT,
                chain(&error),
                "allow `s3:GetLifecycleConfiguration`; abandoned uploads are removed by the cleanup anyway",
            );
        }
    };
    if fix {
        return match store.ensure_lifecycle(prefix, days).await {
            Ok(()) => Finding::ok(WHAT, format!("set up: {}", good())),
            Err(error) => Finding::fail(WHAT, chain(&error), "allow `s3:PutLifecycleConfiguration`"),
        };
    }
    let found = match state {
        LifecycleState::Different { days: others } => {
            format!("the rule of `{prefix}` says {others} days, not {days}, or more than that")
        }
        LifecycleState::Missing | LifecycleState::Present => {
            format!("no rule removes what is left under `{prefix}`")
        }
    };
    Finding::warn(
        WHAT,
        found,
        "`ids doctor --fix` sets it up and keeps all other rules",
    )
}

async fn cors(store: &S3BlobStore, config: &Config) -> Finding {
    const WHAT: &str = "cors";
    let Some(origin) = config.server.public_url.as_deref().and_then(origin_of) else {
        return Finding::warn(
            WHAT,
            "PUBLIC_URL is not set, so nobody knows from where browsers send",
            "set it to the address that people use",
        );
    };
    let hint =
        format!("let the bucket's CORS rules allow PUT with content-type from `{origin}` (docs/s3.md)");
    match store.check_cors(&origin).await {
        CorsState::Allowed => Finding::ok(WHAT, format!("pages of `{origin}` may send uploads")),
        CorsState::Missing => Finding::warn(
            WHAT,
            format!("pages of `{origin}` may not send uploads; they go through this server instead"),
            hint,
        ),
        CorsState::Unreadable => Finding::warn(
            WHAT,
            "the bucket's CORS rules cannot be read",
            format!("allow `s3:GetBucketCORS`; {hint}"),
        ),
    }
}
