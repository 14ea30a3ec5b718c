//! Backups: what they are encrypted with, and where copies of them go.

use ids_backup::BackupKey;

use super::blobs;
use super::variables::{ConfigError, Variables};

/// Settings of `ids backup` and `ids restore`.
#[derive(Debug, Clone, Default)]
pub struct BackupSettings {
    /// `BACKUP_KEY`; `None` where backups are not encrypted. Never shown.
    pub key: Option<BackupKey>,
    /// `BACKUP_S3_PREFIX`, with its slash: where in the bucket copies go; `None` where they stay in their folder.
    pub s3_prefix: Option<String>,
}

impl BackupSettings {
    pub(super) fn new(variables: &Variables) -> Result<Self, ConfigError> {
        let key = variables.text("BACKUP_KEY").map(BackupKey::new).transpose();
        let key = key.map_err(|short| ConfigError(format!("`BACKUP_KEY` must have {short}")))?;
        let Some(text) = variables.text("BACKUP_S3_PREFIX") else {
            return Ok(Self { key, s3_prefix: None });
        };
        let s3_prefix = blobs::prefix("BACKUP_S3_PREFIX", text)?;
        if variables.text("S3_BUCKET").is_none() {
            return Err(ConfigError(
                "`BACKUP_S3_PREFIX` is set, and `S3_BUCKET` is not: there is no bucket to copy backups to; set both"
                    .to_owned(),
            ));
        }
        let (temporary, originals) = blobs::prefixes(variables)?;
        for (name, other) in [("S3_TEMP_PREFIX", temporary), ("S3_ORIGINALS_PREFIX", originals)] {
            if s3_prefix.starts_with(&other) || other.starts_with(&s3_prefix) {
                // The cleanup of the one would take the other's objects for files without an owner.
                return Err(ConfigError(format!(
                    "`BACKUP_S3_PREFIX` and `{name}` must not begin with each other"
                )));
            }
        }
        Ok(Self {
            key,
            s3_prefix: Some(s3_prefix),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::BackupSettings;
    use crate::config::Variables;

    fn of(pairs: &[(&str, &str)]) -> Result<BackupSettings, String> {
        BackupSettings::new(&Variables::of(pairs).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_must_be_long_and_is_never_shown() {
        let error = of(&[("BACKUP_KEY", "prefeitura")]).unwrap_err();
        assert!(
            error.contains("BACKUP_KEY") && error.contains("16") && !error.contains("prefeitura"),
            "{error}"
        );
        let settings = of(&[("BACKUP_KEY", "a-long-enough-key")]).unwrap();
        assert!(settings.key.is_some());
        assert!(!format!("{settings:?}").contains("long-enough"));
        assert!(of(&[]).unwrap().key.is_none());
    }

    #[test]
    fn copies_go_to_a_bucket_and_lie_apart_from_what_is_cleaned_up() {
        let bucket = ("S3_BUCKET", "b");
        assert_eq!(
            of(&[bucket, ("BACKUP_S3_PREFIX", "backups")])
                .unwrap()
                .s3_prefix
                .as_deref(),
            Some("backups/")
        );
        assert!(
            of(&[("BACKUP_S3_PREFIX", "backups/")])
                .unwrap_err()
                .contains("S3_BUCKET")
        );
        for bad in ["temp/backups", "originals", "/x", "a//b", "../x"] {
            assert!(of(&[bucket, ("BACKUP_S3_PREFIX", bad)]).is_err(), "{bad}");
        }
    }
}
