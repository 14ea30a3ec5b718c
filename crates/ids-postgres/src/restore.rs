//! A library from the rows of a backup, in one transaction: until its end the one before stands as it was, and when anything fails it
//! still does.
//!
//! The tables are made as they were in the version that the rows come from, filled, and then brought to the schema of this binary by the
//! same migrations that would have done it there.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use deadpool_postgres::{ClientWrapper, Object};
use futures_util::SinkExt;
use ids_core::embedding::EmbeddingModel;
use ids_core::error::StoreError;
use ids_core::ports::RecordedBackup;
use ids_core::time::Timestamp;
use tokio_postgres::CopyInSink;

use crate::backup_tables::{self, BackupTable, Belongs};
use crate::config::PostgresConfig;
use crate::error::{DbError, DbResult, OpenError};
use crate::models::{self, KnownModel, Precision};
use crate::rows::as_number;
use crate::snapshot::{SequenceState, quoted, sequences};
use crate::{capability, database, migrate};

/// Tables that say who works on what just now: nobody does after a restore. Deliveries are made again by the reconciler.
const PASSING: [&str; 3] = ["workers", "leaderships", "deliveries"];
const LIST: &str = "schema_migrations";

/// Rows of a table: of all, and of each organization by its id.
pub type RowCounts = BTreeMap<String, (u64, BTreeMap<String, u64>)>;

/// A library that is being made. Dropped before [`PostgresRestore::finish`], it leaves what was there.
pub struct PostgresRestore {
    client: ClientWrapper,
    config: PostgresConfig,
    schema_version: u32,
    tables: Vec<BackupTable>,
    now: Timestamp,
}

impl PostgresRestore {
    /// The newest schema that this binary knows: backups of newer ones cannot be taken back.
    pub fn newest_schema() -> u32 {
        migrate::known_version()
    }

    /// How many other connections use the library.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn others(config: &PostgresConfig) -> Result<u64, OpenError> {
        let failed = |error| migrate::open_error(config, error);
        let pool = database::pool(config, 1, &[config.schema(), PostgresConfig::DEFAULT_SCHEMA])?;
        let client = Object::take(database::connect(&pool).await.map_err(failed)?);
        let row = client
            .query_one(
                "select count(*) from pg_stat_activity where datname = current_database()
                 and application_name = left($1, 63) and pid <> pg_backend_pid()",
                &[&database::application_name(config)],
            )
            .await
            .map_err(|error| failed(error.into()))?;
        let count: i64 = row.try_get(0).map_err(|error| failed(error.into()))?;
        Ok(as_number(count))
    }

    /// Begins: takes what is there out of the way, and makes the empty tables of the schema `schema_version`.
    ///
    /// # Errors
    /// See [`OpenError`]; `TooNew` when this binary does not know that schema.
    pub async fn begin(
        config: &PostgresConfig,
        schema_version: u32,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        config.check()?;
        let known = migrate::known_version();
        if schema_version > known || schema_version == 0 {
            return Err(OpenError::TooNew {
                found: schema_version,
                known,
            });
        }
        let failed = |error| migrate::open_error(config, error);
        let patient = PostgresConfig {
            statement_timeout: Duration::ZERO,
            ..config.clone()
        };
        let schema = config.schema();
        let pool = database::pool(&patient, 1, &[schema, PostgresConfig::DEFAULT_SCHEMA])?;
        let mut client = Object::take(database::connect(&pool).await.map_err(failed)?);
        migrate::ensure_extension(&mut client, config).await?;
        let (_, types) = capability::read(&*client)
            .await
            .map_err(failed)?
            .pgvector
            .ok_or(OpenError::ExtensionMissing)?;
        let mut restore = Self {
            client,
            config: config.clone(),
            schema_version,
            tables: Vec::new(),
            now,
        };
        restore.make_tables(&types).await.map_err(failed)?;
        Ok(restore)
    }

    async fn make_tables(&mut self, types: &str) -> DbResult<()> {
        let (client, schema) = (&self.client, self.config.schema());
        let exists = client
            .query_one(
                "select exists (select 1 from pg_namespace where nspname = $1)",
                &[&schema],
            )
            .await?;
        let make = if exists.try_get(0)? {
            String::new()
        } else {
            format!("create schema if not exists \"{schema}\";")
        };
        client
            .batch_execute(&format!(
                "set idle_in_transaction_session_timeout = 0; begin; {make} set local search_path = \"{schema}\", \"{types}\""
            ))
            .await?;
        client
            .query_one(
                "select pg_advisory_xact_lock(hashtextextended($1, 0))",
                &[&migrate::lock_name(schema)],
            )
            .await?;
        if migrate::is_there(client, schema).await? {
            self.drop_old().await?;
        }
        migrate::within_transaction(&**client, schema, (0, self.schema_version), self.now).await?;
        let mut tables = backup_tables::list(&**client, schema).await?;
        // Somebody else's tables may lie in the same schema: they are neither emptied nor filled.
        let (ours, _) = migrate::relations();
        tables.retain(|table| ours.contains(table.name.as_str()));
        for table in tables.iter().filter(|table| table.belongs != Belongs::ToNobody) {
            // COPY does not fill a guarded table; this transaction alone sees it without.
            let sql = format!(
                "alter table \"{schema}\".\"{}\" no force row level security",
                table.name
            );
            client.batch_execute(&sql).await?;
        }
        let filled = tables.iter().filter(|table| table.name != LIST);
        let names: Vec<String> = filled
            .map(|table| format!("\"{schema}\".\"{}\"", table.name))
            .collect();
        // What migrations put in stands in the backup, too.
        client
            .batch_execute(&format!("truncate {}", names.join(", ")))
            .await?;
        self.tables = tables;
        Ok(())
    }

    /// Drops what our migrations made, and nothing else that may lie in the schema.
    async fn drop_old(&self) -> DbResult<()> {
        let (tables, sequences) = migrate::relations();
        let schema = self.config.schema();
        let named = |names: BTreeSet<&str>| {
            let names: Vec<String> = names
                .iter()
                .map(|name| format!("\"{schema}\".\"{name}\""))
                .collect();
            names.join(", ")
        };
        let sql = format!(
            "drop table if exists {}; drop sequence if exists {}",
            named(tables),
            named(sequences)
        );
        self.client.batch_execute(&sql).await?;
        Ok(())
    }

    /// Whether the library has such a table; a backup of a shared schema may hold tables of others.
    pub fn takes(&self, table: &str) -> bool {
        table != LIST && self.tables.iter().any(|known| known.name == table)
    }

    /// Begins to fill a table.
    ///
    /// # Errors
    /// `Internal` when it has no such columns; `Unavailable`.
    pub async fn rows(&self, table: &str, columns: &[String]) -> Result<RowSink, StoreError> {
        let known = self.tables.iter().find(|known| known.name == table);
        let fits = known.is_some_and(|known| columns.iter().all(|column| known.columns.contains(column)));
        if !fits {
            return Err(DbError::INTERNAL.into());
        }
        let schema = self.config.schema();
        let sql = format!("copy \"{schema}\".\"{table}\" ({}) from stdin", quoted(columns));
        let sink = self.client.copy_in(&sql).await.map_err(DbError::from)?;
        Ok(RowSink(Box::pin(sink)))
    }

    /// Counts what is there.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn count(&self) -> Result<RowCounts, StoreError> {
        Ok(self.counted().await?)
    }

    async fn counted(&self) -> DbResult<RowCounts> {
        let schema = self.config.schema();
        let mut counts = RowCounts::new();
        for table in self.tables.iter().filter(|table| table.name != LIST) {
            let name = format!("\"{schema}\".\"{}\"", table.name);
            let sql = match table.belongs {
                Belongs::ToNobody => format!("select null::text, count(*) from {name}"),
                Belongs::ToOrganizationId => {
                    format!("select organization_id::text, count(*) from {name} group by 1")
                }
                Belongs::ToOrganizationNo => format!(
                    "select o.organization_id::text, count(*) from {name} t
                     left join \"{schema}\".organizations o on o.organization_no = t.organization_no group by 1"
                ),
            };
            let mut rows = 0;
            let mut by_organization = BTreeMap::new();
            for row in self.client.query(&sql, &[]).await? {
                let count = as_number::<u64>(row.try_get::<_, i64>(1)?);
                rows += count;
                if let Some(organization) = row.try_get::<_, Option<String>>(0)? {
                    by_organization.insert(organization, count);
                }
            }
            counts.insert(table.name.clone(), (rows, by_organization));
        }
        Ok(counts)
    }

    /// Sets the numberings, brings the schema to that of this binary, and commits: from then on this is the library.
    ///
    /// # Errors
    /// See [`OpenError`]; what was there before is still there.
    pub async fn finish(
        self,
        numberings: &[SequenceState],
        backup: &RecordedBackup,
    ) -> Result<(), OpenError> {
        let failed = |error| migrate::open_error(&self.config, error);
        self.finished(numberings, backup).await.map_err(failed)
    }

    async fn finished(&self, numberings: &[SequenceState], backup: &RecordedBackup) -> DbResult<()> {
        let (client, schema) = (&self.client, self.config.schema());
        let there: BTreeSet<String> = sequences(client, schema)
            .await?
            .into_iter()
            .map(|it| it.name)
            .collect();
        let ours = |name: &String| there.contains(name) && self.is_sequence_of_ours(name);
        for numbering in numberings.iter().filter(|it| ours(&it.name)) {
            let name = format!("\"{schema}\".\"{}\"", numbering.name);
            client
                .query_one(
                    "select setval($1::text::regclass, $2, $3)",
                    &[&name, &numbering.last_value, &numbering.is_called],
                )
                .await?;
        }
        let steps = (self.schema_version, migrate::known_version());
        migrate::within_transaction(&**client, schema, steps, self.now).await?;
        self.let_go().await?;
        self.guard_again().await?;
        self.index_vectors().await?;
        let size = i64::try_from(backup.size_bytes).unwrap_or(i64::MAX);
        client
            .execute(
                "insert into backups (file_name, started_at, finished_at, size_bytes, copied_to) values ($1, $2, $3, $4, $5)
                 on conflict (file_name) do nothing",
                &[
                    &backup.file_name,
                    &backup.started_at.as_micros(),
                    &backup.finished_at.as_micros(),
                    &size,
                    &backup.copied_to,
                ],
            )
            .await?;
        client.batch_execute("commit").await?;
        // Without counts of its own the server would read whole tables for the first hours. Nothing is lost if it fails.
        let names: Vec<String> = self
            .tables
            .iter()
            .map(|it| format!("\"{schema}\".\"{}\"", it.name))
            .collect();
        if let Err(error) = client
            .batch_execute(&format!("analyze {}", names.join(", ")))
            .await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the restored tables are not analyzed yet"
            );
        }
        Ok(())
    }

    /// Whether our migrations made a sequence, or one of our tables has it for its numbers.
    fn is_sequence_of_ours(&self, name: &str) -> bool {
        let (_, sequences) = migrate::relations();
        let of_table = |table: &BackupTable| {
            let rest = name.strip_prefix(table.name.as_str());
            rest.is_some_and(|rest| rest.starts_with('_') && rest.ends_with("_seq"))
        };
        sequences.contains(name) || self.tables.iter().any(of_table)
    }

    /// Who held a lease, a role or a delivery when the backup was made is gone.
    async fn let_go(&self) -> DbResult<()> {
        let past = self.now.as_micros() - 1;
        for table in ["jobs", "cleanup_jobs"] {
            let sql = format!("update {table} set lease_expires_at = $1 where lease_expires_at > $1");
            self.client.execute(&sql, &[&past]).await?;
        }
        for table in PASSING {
            self.client.execute(&format!("delete from {table}"), &[]).await?;
        }
        Ok(())
    }

    async fn guard_again(&self) -> DbResult<()> {
        let schema = self.config.schema();
        for table in self
            .tables
            .iter()
            .filter(|table| table.belongs != Belongs::ToNobody)
        {
            let sql = format!(
                "alter table \"{schema}\".\"{}\" force row level security",
                table.name
            );
            self.client.batch_execute(&sql).await?;
        }
        Ok(())
    }

    async fn index_vectors(&self) -> DbResult<()> {
        let rows = self
            .client
            .query(
                "select m.model_no, m.name, m.dimensions, (
                     select t.typname = 'halfvec' from pg_attribute a join pg_type t on t.oid = a.atttypid
                     where a.attrelid = 'embeddings'::regclass and a.attname = 'vector')
                 from embedding_models m order by m.model_no",
                &[],
            )
            .await?;
        for row in rows {
            let model = EmbeddingModel {
                name: row.try_get(1)?,
                dimensions: as_number(row.try_get::<_, i32>(2)?),
            };
            let known = KnownModel {
                model_no: row.try_get(0)?,
                precision: if row.try_get(3)? {
                    Precision::Half
                } else {
                    Precision::Single
                },
            };
            models::make_indexes(&self.client, &model, known).await?;
        }
        Ok(())
    }
}

/// Takes rows of one table.
pub struct RowSink(Pin<Box<CopyInSink<Bytes>>>);

impl RowSink {
    /// Sends some bytes; they need not end with a row.
    ///
    /// # Errors
    /// `Conflict`, `Full`, `Unavailable`, `Internal` for what is no row.
    pub async fn send(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        Ok(self.0.send(bytes).await.map_err(DbError::from)?)
    }

    /// Ends; says how many rows came.
    ///
    /// # Errors
    /// As [`RowSink::send`].
    pub async fn finish(mut self) -> Result<u64, StoreError> {
        Ok(self.0.as_mut().finish().await.map_err(DbError::from)?)
    }
}
