//! S3, where uploads and kept originals lie in the server shape.

use ids_blobs::{S3Config, Secret};

use super::variables::{ConfigError, Variables, unreadable};

/// A bucket.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// Where it is, and how it is spoken to.
    pub store: S3Config,
    /// After how many days what lies under the temporary prefix goes by itself (`S3_LIFECYCLE_DAYS`), once `ids doctor --fix` has set it up.
    pub lifecycle_days: u32,
}

/// The prefixes of uploads and of kept originals, which the folder store has too.
pub(super) fn prefixes(variables: &Variables) -> Result<(String, String), ConfigError> {
    let prefix = |name: &str, default: &str| prefix(name, variables.text(name).unwrap_or(default));
    let temporary = prefix("S3_TEMP_PREFIX", "temp/")?;
    let originals = prefix("S3_ORIGINALS_PREFIX", "originals/")?;
    if temporary.starts_with(&originals) || originals.starts_with(&temporary) {
        // The lifecycle rule and the cleanup of the one would reach the other.
        return Err(ConfigError(
            "`S3_TEMP_PREFIX` and `S3_ORIGINALS_PREFIX` must not begin with each other".to_owned(),
        ));
    }
    Ok((temporary, originals))
}

/// A beginning of keys, with its slash.
pub(super) fn prefix(name: &str, text: &str) -> Result<String, ConfigError> {
    let named = text.trim_end_matches('/');
    let good = !named.is_empty()
        && !named.starts_with('/')
        && named
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'))
        && !named.contains("//");
    if good {
        Ok(format!("{named}/"))
    } else {
        Err(unreadable(name, "the beginning of keys, such as `temp/`"))
    }
}

/// The bucket that is set; `None` where `S3_BUCKET` is not, and a folder in the data directory is used.
pub(super) fn s3(variables: &Variables) -> Result<Option<S3Settings>, ConfigError> {
    let lifecycle_days = variables.number("S3_LIFECYCLE_DAYS", 7, 1..=365)? as u32;
    let Some(bucket) = variables.text("S3_BUCKET") else {
        return Ok(None);
    };
    let any_of = |names: [&str; 2]| names.into_iter().find_map(|name| variables.text(name));
    let key = |names: [&str; 2]| {
        any_of(names)
            .ok_or_else(|| ConfigError(format!("`S3_BUCKET` is set, and `{}` is not; set both", names[0])))
    };
    let access_key = key(["AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])?;
    let secret_key = key(["AWS_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"])?;
    let region = variables
        .text("S3_REGION")
        .or_else(|| any_of(["AWS_REGION", "AWS_DEFAULT_REGION"]))
        .unwrap_or("us-east-1");
    let (temp_prefix, originals_prefix) = prefixes(variables)?;
    let upload_ttl = variables.number("UPLOAD_URL_TTL_SECONDS", 3_600, 1..=604_800)?;
    // Not in the data directory, which the server shape does not need: `TMPDIR` moves it.
    let user = rustix::process::geteuid().as_raw();
    let spool_folder = std::env::temp_dir().join(format!("ids-spool-{user}"));
    Ok(Some(S3Settings {
        store: S3Config {
            endpoint: variables.text("S3_ENDPOINT").map(str::to_owned),
            public_endpoint: variables.text("S3_PUBLIC_ENDPOINT").map(str::to_owned),
            session_token: variables.text("AWS_SESSION_TOKEN").map(Secret::new),
            temp_prefix,
            originals_prefix,
            upload_ttl: std::time::Duration::from_secs(upload_ttl),
            ..S3Config::new(bucket, region, access_key, Secret::new(secret_key), spool_folder)
        },
        lifecycle_days,
    }))
}

#[cfg(test)]
mod tests {
    use super::{prefixes, s3};
    use crate::config::Variables;

    #[test]
    fn a_bucket_needs_keys_under_either_name() {
        let of =
            |pairs: &[(&str, &str)]| s3(&Variables::of(pairs).unwrap()).map_err(|error| error.to_string());
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[("S3_BUCKET", "b")]).unwrap_err().contains("AWS_ACCESS_KEY"));
        let names = [
            ("S3_BUCKET", "documents"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "hidden-value"),
            ("AWS_REGION", "sa-east-1"),
        ];
        let settings = of(&names).unwrap().unwrap();
        assert_eq!(settings.store.region, "sa-east-1");
        assert!(!format!("{settings:?}").contains("hidden-value"));
    }

    #[test]
    fn prefixes_are_apart() {
        let of = |temporary: &str, originals: &str| {
            let pairs = [("S3_TEMP_PREFIX", temporary), ("S3_ORIGINALS_PREFIX", originals)];
            prefixes(&Variables::of(&pairs).unwrap()).ok()
        };
        let ok = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(of("", ""), ok("temp/", "originals/"));
        assert_eq!(of("ids/in", "ids/kept/"), ok("ids/in/", "ids/kept/"));
        assert_eq!(of("ids", "ids/kept"), None);
        assert_eq!(of("/temp", "kept"), None);
        assert_eq!(of("a//b", "kept"), None);
    }
}
