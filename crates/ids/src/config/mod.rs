//! Configuration: read once, validated, one small struct per concern, printed at start-up with secrets masked.
//! The table for people is docs/configuration.md; `xtask tidy` holds it to the names used here.

mod access;
mod backup;
mod blobs;
mod budget;
mod database;
mod model;
mod ocr;
mod queue;
mod traces;
mod variables;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use access::AccessConfig;
pub use backup::BackupSettings;
pub use blobs::S3Settings;
use ids_core::document::{ContentType, FileType};
use ids_core::library::Settings;
use ids_models::WebhookUrl;
use ids_postgres::PostgresConfig;
use ids_redis::RedisConfig;
pub use model::ModelConfig;
pub use traces::TracesConfig;
use variables::unreadable;
pub use variables::{ConfigError, Variables};

/// Everything that is set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything lies (`IDS_DATA_DIR`, `--data-dir`).
    pub data_dir: PathBuf,
    /// The server's own settings.
    pub server: ServerConfig,
    /// The library's settings.
    pub library: Settings,
    /// How logs look.
    pub log: LogConfig,
    /// Who may ask, and how often.
    pub access: AccessConfig,
    /// PostgreSQL; `None` for SQLite in the data directory.
    pub postgres: Option<PostgresConfig>,
    /// Redis; `None` where jobs are delivered by the database.
    pub redis: Option<RedisConfig>,
    /// S3; `None` for a folder in the data directory.
    pub s3: Option<S3Settings>,
    /// What backups are encrypted with, and where copies of them go.
    pub backup: BackupSettings,
    /// The model that writes answers; `None` where they are made of sentences of the documents.
    pub model: Option<ModelConfig>,
    /// The collector of traces; `None` where nothing is traced.
    pub traces: Option<TracesConfig>,
    /// Who is told that the budget is nearly used up (`AI_BUDGET_WEBHOOK_URL`).
    pub budget_webhook: Option<WebhookUrl>,
    /// Languages of text recognition (`OCR_LANGUAGES`); none where it is off.
    pub ocr_languages: Vec<String>,
    /// Documents prepared at the same time (`WORKER_CONCURRENCY`; the number of cores).
    pub worker_concurrency: usize,
}

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// `ENVIRONMENT` is `production`: unsafe defaults are errors.
    pub production: bool,
    /// `PUBLIC_URL`, without a slash at its end.
    pub public_url: Option<String>,
    /// `CORS_ORIGINS`.
    pub cors_origins: Vec<String>,
}

/// How logs look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// `LOG_LEVEL`: error, warn, info, debug or trace, or directives of `tracing`.
    pub level: String,
    /// `LOG_FORMAT`: `None` means text on a terminal, JSON otherwise.
    pub format: Option<LogFormat>,
}

/// The two forms of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Config {
    /// Takes everything out of `variables`; `data_dir` is that of the command line, which wins.
    ///
    /// # Errors
    /// The first value that cannot be used, by name.
    pub fn new(variables: &Variables, data_dir: Option<&Path>) -> Result<Self, ConfigError> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let worker_concurrency = variables.number("WORKER_CONCURRENCY", cores as u64, 1..=64)? as usize;
        let server = ServerConfig::new(variables)?;
        Ok(Self {
            data_dir: match data_dir {
                Some(given) => given.to_owned(),
                None => default_data_dir(variables)?,
            },
            library: library_settings(variables)?,
            access: AccessConfig::new(variables)?,
            postgres: database::database(variables, server.production)?,
            redis: queue::redis(variables)?,
            s3: blobs::s3(variables)?,
            log: LogConfig::new(variables)?,
            backup: BackupSettings::new(variables)?,
            model: ModelConfig::new(variables)?,
            traces: traces::traces(variables)?,
            budget_webhook: budget::webhook(variables)?,
            ocr_languages: ocr::languages(variables)?,
            server,
            worker_concurrency,
        })
    }
}

impl Config {
    /// Refuses a command that several processes run at once: SQLite has one owner.
    ///
    /// # Errors
    /// Without `POSTGRES_HOST`.
    pub fn needs_postgres(&self, command: &str) -> Result<(), ConfigError> {
        if self.postgres.is_some() {
            return Ok(());
        }
        Err(ConfigError(format!(
            "`{command}` needs PostgreSQL, which several processes can share; set `POSTGRES_HOST`, or run `ids serve`"
        )))
    }

    fn store_text(&self) -> String {
        match &self.postgres {
            Some(it) => format!("PostgreSQL `{}` at {}:{}", it.database, it.host, it.port),
            None => format!("data directory `{}`", self.data_dir.display()),
        }
    }

    fn queue_text(&self) -> String {
        match &self.redis {
            Some(redis) => format!("jobs through {}", redis.masked()),
            None => "jobs through the database".to_owned(),
        }
    }

    fn blobs_text(&self) -> String {
        match &self.s3 {
            Some(s3) => format!("uploads in the bucket `{}`", s3.store.bucket),
            None => format!("uploads in `{}`", self.data_dir.join("blobs").display()),
        }
    }
}

impl fmt::Display for Config {
    /// One line for the log. Passwords and keys are not shown, at most said to be there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            max_file_size,
            chunk_size,
            chunk_overlap,
            keep_originals,
            ..
        } = &self.library;
        write!(
            f,
            "{}, {}, {}, files up to {} MB, chunks of {chunk_size} tokens overlapping by {chunk_overlap}, \
             originals {}, {} documents at a time",
            self.store_text(),
            self.queue_text(),
            self.blobs_text(),
            max_file_size / (1024 * 1024),
            if *keep_originals { "kept" } else { "dropped" },
            self.worker_concurrency,
        )?;
        match &self.model {
            Some(model) => {
                write!(f, ", answers by {model}")?;
                match self.library.budget.monthly {
                    Some(limit) => write!(
                        f,
                        ", for at most {} {limit} a month",
                        self.library.budget.currency
                    ),
                    None => write!(f, ", without a limit of what they cost"),
                }
            }
            None => write!(f, ", answers of sentences of the documents"),
        }?;
        match self.model.as_ref().and_then(|model| model.embedding.as_ref()) {
            Some(of) => write!(f, ", embeddings of {} values by `{}`", of.dimensions, of.model),
            None => Ok(()),
        }
    }
}

impl ServerConfig {
    fn new(variables: &Variables) -> Result<Self, ConfigError> {
        let production = match variables.text("ENVIRONMENT") {
            None | Some("development" | "test") => false,
            Some("production") => true,
            Some(_) => return Err(unreadable("ENVIRONMENT", "development, test or production")),
        };
        let public_url = match variables.text("PUBLIC_URL") {
            None => None,
            Some(url) if is_web_address(url) => Some(url.trim_end_matches('/').to_owned()),
            Some(_) => {
                return Err(unreadable(
                    "PUBLIC_URL",
                    "an address such as `https://search.example.org`",
                ));
            }
        };
        if production && public_url.is_none() {
            // Without it, upload addresses and cookies follow what the request says of itself.
            return Err(ConfigError(
                "`PUBLIC_URL` must be set in production: the address that people use, such as `https://search.example.org`"
                    .to_owned(),
            ));
        }
        let cors_origins = variables.list("CORS_ORIGINS");
        if !cors_origins.iter().all(|origin| is_web_address(origin)) {
            return Err(unreadable(
                "CORS_ORIGINS",
                "origins such as `https://intranet.example.org`, parted by commas",
            ));
        }
        Ok(Self {
            production,
            public_url,
            cors_origins,
        })
    }
}

impl LogConfig {
    fn new(variables: &Variables) -> Result<Self, ConfigError> {
        let level = variables.text("LOG_LEVEL").unwrap_or("info").to_ascii_lowercase();
        if level.parse::<tracing_subscriber::EnvFilter>().is_err() {
            return Err(unreadable("LOG_LEVEL", "error, warn, info, debug or trace"));
        }
        let format = match variables.text("LOG_FORMAT") {
            None => None,
            Some("text") => Some(LogFormat::Text),
            Some("json") => Some(LogFormat::Json),
            Some(_) => return Err(unreadable("LOG_FORMAT", "text or json")),
        };
        Ok(Self { level, format })
    }
}

fn library_settings(variables: &Variables) -> Result<Settings, ConfigError> {
    let defaults = Settings::default();
    let megabytes = variables.number(
        "MAX_FILE_SIZE_MB",
        defaults.max_file_size / (1024 * 1024),
        1..=5_000,
    )?;
    let mut allowed_types = Vec::new();
    for name in variables.list("ALLOWED_FILE_TYPES") {
        let expected = "MIME types such as `application/pdf`, or names such as `pdf`, parted by commas";
        allowed_types.push(allowed_type(&name).ok_or_else(|| unreadable("ALLOWED_FILE_TYPES", expected))?);
    }
    // 480: with prefix, title and headings a chunk stays within the model's 512 tokens.
    let chunk_size = variables.number("CHUNK_SIZE", defaults.chunk_size as u64, 16..=480)?;
    let usual_overlap = (defaults.chunk_overlap as u64).min(chunk_size / 2);
    let chunk_overlap = variables.number("CHUNK_OVERLAP", usual_overlap, 0..=chunk_size / 2)?;
    let seconds = |name, default: Duration, range| {
        variables
            .number(name, default.as_secs(), range)
            .map(Duration::from_secs)
    };
    let (temp_prefix, originals_prefix) = blobs::prefixes(variables)?;
    let orphan_hours = variables.number("CLEANUP_ORPHANED_FILES_HOURS", 24, 1..=8_760)?;
    Ok(Settings {
        max_file_size: megabytes * 1024 * 1024,
        allowed_types,
        upload_ttl: seconds("UPLOAD_URL_TTL_SECONDS", defaults.upload_ttl, 1..=604_800)?,
        chunk_size: chunk_size as usize,
        chunk_overlap: chunk_overlap as usize,
        keep_originals: variables.switch("KEEP_ORIGINALS", defaults.keep_originals)?,
        job_timeout: seconds(
            "DOCUMENT_PROCESSING_JOB_TIMEOUT_SECONDS",
            defaults.job_timeout,
            1..=86_400,
        )?,
        orphan_age: Duration::from_secs(orphan_hours * 3_600),
        temp_prefix,
        originals_prefix,
        budget: budget::budget(variables)?,
    })
}

fn allowed_type(name: &str) -> Option<ContentType> {
    let name = name.trim_start_matches('.');
    ContentType::parse(FileType::of_extension(name).map_or(name, |of| of.content_type))
}

fn is_web_address(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && !host.starts_with('/') && !host.contains(|c: char| c.is_whitespace() || c == '@')
    })
}

fn default_data_dir(variables: &Variables) -> Result<PathBuf, ConfigError> {
    if let Some(given) = variables.text("IDS_DATA_DIR") {
        return Ok(PathBuf::from(given));
    }
    if let Some(data) = variables
        .text("XDG_DATA_HOME")
        .filter(|path| path.starts_with('/'))
    {
        return Ok(Path::new(data).join("ids"));
    }
    let home = variables.text("HOME").ok_or_else(|| {
        ConfigError(
            "there is no home directory to keep data in; set `IDS_DATA_DIR` or give --data-dir".to_owned(),
        )
    })?;
    Ok(Path::new(home).join(".local/share/ids"))
}
