//! All rows of a library as they were at one moment, for a backup: every table by COPY, in text, which any version of the server and of
//! pgvector reads back, in one transaction of one snapshot.
//!
//! Row level security is forced on the tables' owner, too: without an organization's name, tables look empty, and a backup of them
//! would be one of nothing. So each table is read in the name of each organization, whose list has no such guard.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use deadpool_postgres::{ClientWrapper, Object};
use futures_util::StreamExt;
use ids_core::backup::{BytesNeed, NamedBytes};
use ids_core::document::{BlobKey, ContentHash};
use ids_core::error::StoreError;
use ids_core::id::{OrganizationId, VersionId};
use tokio_postgres::CopyOutStream;

use crate::backup_tables::{self, BackupTable, Belongs};
use crate::config::PostgresConfig;
use crate::error::{DbError, DbResult, OpenError};
use crate::rows::{Id, as_number};
use crate::{capability, database, ledger, migrate};

/// How long the server may be silent in the middle of a table.
const SILENCE: Duration = Duration::from_secs(300);
/// How often tables are looked for again, when a migration comes in between.
const TRIES: u32 = 3;

/// One moment of a library. Dropped, it ends.
pub struct PostgresSnapshot {
    client: ClientWrapper,
    schema: String,
    schema_version: u32,
    tables: Vec<BackupTable>,
    organizations: Vec<SnapshotOrganization>,
}

/// An organization at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotOrganization {
    /// Its id.
    pub id: OrganizationId,
    number: i32,
}

/// A numbering, which is no part of any snapshot: it stands at or behind what the rows of this one have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceState {
    /// Its name.
    pub name: String,
    /// The last number.
    pub last_value: i64,
    /// Whether that one was given out.
    pub is_called: bool,
}

impl PostgresSnapshot {
    /// Takes the moment. Nothing is changed; those who write go on, and only a migration waits.
    ///
    /// # Errors
    /// See [`OpenError`]; `TooNew` when the tables are of a newer binary that this one does not know, `NoLibrary` where there is none.
    pub async fn begin(config: &PostgresConfig) -> Result<Self, OpenError> {
        config.check()?;
        let failed = |error| migrate::open_error(config, error);
        let patient = PostgresConfig {
            statement_timeout: Duration::ZERO,
            ..config.clone()
        };
        let path = [config.schema(), PostgresConfig::DEFAULT_SCHEMA];
        let pool = database::pool(&patient, 1, &path)?;
        let client = Object::take(database::connect(&pool).await.map_err(failed)?);
        let found = capability::read(&*client).await.map_err(failed)?;
        if found.pgvector.is_none()
            || !migrate::is_there(&client, config.schema())
                .await
                .map_err(failed)?
        {
            return Err(OpenError::NoLibrary {
                database: config.database.clone(),
            });
        }
        for _ in 0..TRIES {
            let tables = backup_tables::list(&*client, config.schema())
                .await
                .map_err(failed)?;
            begin(&client, config.schema(), &tables).await.map_err(failed)?;
            let again = backup_tables::list(&*client, config.schema())
                .await
                .map_err(failed)?;
            if tables == again {
                let schema_version = migrate::usable_version(&client, config).await?;
                let organizations = organizations(&client, config.schema()).await.map_err(failed)?;
                return Ok(Self {
                    client,
                    schema: config.schema().to_owned(),
                    schema_version,
                    tables,
                    organizations,
                });
            }
            client
                .batch_execute("rollback")
                .await
                .map_err(|error| failed(error.into()))?;
        }
        Err(failed(DbError::Silent))
    }

    /// The number of the newest migration.
    pub fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// The tables, those that others refer to first.
    pub fn tables(&self) -> &[BackupTable] {
        &self.tables
    }

    /// The organizations.
    pub fn organizations(&self) -> &[SnapshotOrganization] {
        &self.organizations
    }

    /// In whose names a table is to be read: of the organizations and of the installation, whose budget stands under a name of its
    /// own; or of nobody.
    pub fn owners_of(&self, table: &BackupTable) -> Vec<Option<SnapshotOrganization>> {
        match table.belongs {
            Belongs::ToNobody => vec![None],
            Belongs::ToOrganizationId | Belongs::ToOrganizationNo => {
                let installation = SnapshotOrganization {
                    id: ledger::INSTALLATION,
                    // No organization has it: they are numbered from 1.
                    number: 0,
                };
                let organizations = self.organizations.iter().cloned();
                organizations.chain([installation]).map(Some).collect()
            }
        }
    }

    /// Reads the rows of a table: of one owner, or all where they are nobody's.
    ///
    /// # Errors
    /// `Internal` when an organization is named for rows that are nobody's, or none for those of somebody; `Unavailable`.
    pub async fn rows(
        &self,
        table: &BackupTable,
        organization: Option<&SnapshotOrganization>,
    ) -> Result<RowStream, StoreError> {
        let condition = match (table.belongs, organization) {
            (Belongs::ToNobody, None) => String::new(),
            (Belongs::ToOrganizationId, Some(it)) => format!(" where organization_id = '{}'", it.id),
            (Belongs::ToOrganizationNo, Some(it)) => format!(" where organization_no = {}", it.number),
            _ => return Err(DbError::INTERNAL.into()),
        };
        self.name_organization(organization.map(|it| it.id)).await?;
        let sql = format!(
            "copy (select {} from \"{}\".\"{}\"{condition}) to stdout",
            quoted(&table.columns),
            self.schema,
            table.name
        );
        let stream = self.client.copy_out(&sql).await.map_err(DbError::from)?;
        Ok(RowStream(Box::pin(stream)))
    }

    /// Bytes that the rows name.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    pub async fn named_bytes(&self) -> Result<Vec<NamedBytes>, StoreError> {
        let mut named = Vec::new();
        for organization in &self.organizations {
            self.name_organization(Some(organization.id)).await?;
            let sql = include_str!("../queries/list_named_bytes.sql");
            let rows = self.client.query(sql, &[&organization.id.to_uuid()]).await;
            for row in rows.map_err(DbError::from)? {
                named.push(named_of(&row, organization.id)?);
            }
        }
        Ok(named)
    }

    /// Where all numberings stand.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn sequences(&self) -> Result<Vec<SequenceState>, StoreError> {
        Ok(sequences(&self.client, &self.schema).await?)
    }

    /// How many documents, conversations and keys there are, to tell an empty library.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn contents(&self) -> Result<Contents, StoreError> {
        let mut contents = Contents {
            organizations: self.organizations.len() as u64,
            ..Contents::default()
        };
        for organization in &self.organizations {
            self.name_organization(Some(organization.id)).await?;
            for (table, count) in [
                ("documents", &mut contents.documents),
                ("sessions", &mut contents.sessions),
                ("api_keys", &mut contents.keys),
            ] {
                if self.tables.iter().any(|known| known.name == table) {
                    let sql = format!(
                        "select count(*) from \"{}\".{table} where organization_id = '{}'",
                        self.schema, organization.id
                    );
                    let row = self.client.query_one(&sql, &[]).await.map_err(DbError::from)?;
                    *count += as_number::<u64>(row.try_get::<_, i64>(0).map_err(DbError::from)?);
                }
            }
        }
        Ok(contents)
    }

    /// Lets go of the moment at once. Dropped instead, it ends when the server notices that the connection is closed.
    pub async fn end(self) {
        // Nothing was written, so there is nothing that could fail to be undone.
        let _ = self.client.batch_execute("rollback").await;
    }

    async fn name_organization(&self, organization: Option<OrganizationId>) -> DbResult<()> {
        let name = organization.map_or_else(String::new, |id| id.to_string());
        self.client
            .query_one("select set_config('ids.organization', $1, true)", &[&name])
            .await?;
        Ok(())
    }
}

/// What a library holds, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Organizations.
    pub organizations: u64,
    /// Documents.
    pub documents: u64,
    /// Conversations.
    pub sessions: u64,
    /// Keys.
    pub keys: u64,
}

/// Rows of one table, each ended by a line feed.
pub struct RowStream(Pin<Box<CopyOutStream>>);

impl RowStream {
    /// Some whole rows; `None` at the end.
    ///
    /// # Errors
    /// `Unavailable`; `Full`, since the server may have to sort or to spill.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let next = tokio::time::timeout(SILENCE, self.0.next());
        let next = next.await.map_err(|_| DbError::Silent)?;
        Ok(next.transpose().map_err(DbError::from)?)
    }
}

/// Begins the transaction. The tables are locked against migrations before its snapshot is taken: a table that is written anew looks empty
/// to those whose snapshot is older.
async fn begin(client: &ClientWrapper, schema: &str, tables: &[BackupTable]) -> DbResult<()> {
    client
        .batch_execute(
            "set idle_in_transaction_session_timeout = 0; begin isolation level repeatable read, read only",
        )
        .await?;
    let names: Vec<String> = tables
        .iter()
        .map(|table| format!("\"{schema}\".\"{}\"", table.name))
        .collect();
    client
        .batch_execute(&format!("lock table {} in access share mode", names.join(", ")))
        .await?;
    Ok(())
}

async fn organizations(client: &ClientWrapper, schema: &str) -> DbResult<Vec<SnapshotOrganization>> {
    let sql = format!(
        "select organization_id, organization_no from \"{schema}\".organizations order by organization_no"
    );
    let mut organizations = Vec::new();
    for row in client.query(&sql, &[]).await? {
        organizations.push(SnapshotOrganization {
            id: OrganizationId::of_uuid(row.try_get(0)?),
            number: row.try_get(1)?,
        });
    }
    Ok(organizations)
}

pub(crate) async fn sequences(client: &ClientWrapper, schema: &str) -> DbResult<Vec<SequenceState>> {
    let names = client
        .query(
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
             join pg_class m on m.relnamespace = n.oid and m.relname = 'schema_migrations' and m.relowner = c.relowner
             where n.nspname = $1 and c.relkind = 'S' order by 1",
            &[&schema],
        )
        .await?;
    let mut states = Vec::new();
    for row in names {
        let name: String = row.try_get(0)?;
        let sql = format!("select last_value, is_called from \"{schema}\".\"{name}\"");
        let state = client.query_one(&sql, &[]).await?;
        states.push(SequenceState {
            last_value: state.try_get(0)?,
            is_called: state.try_get(1)?,
            name,
        });
    }
    Ok(states)
}

fn named_of(row: &tokio_postgres::Row, organization: OrganizationId) -> DbResult<NamedBytes> {
    let key: String = row.try_get(0)?;
    let version: Option<uuid::Uuid> = row.try_get(1)?;
    let stored: Option<Vec<u8>> = row.try_get(2)?;
    let file_size: i64 = row.try_get(3)?;
    let is_in_work: bool = row.try_get(4)?;
    let hash = match stored {
        None => None,
        Some(bytes) => {
            let bytes = bytes.try_into().map_err(|_| DbError::row("versions", &key))?;
            Some(ContentHash::from_bytes(bytes))
        }
    };
    Ok(NamedBytes {
        key: BlobKey(key),
        organization,
        version_id: version.map(VersionId::of_uuid),
        hash,
        file_size: file_size.unsigned_abs(),
        need: match (version, is_in_work) {
            (None, _) => BytesNeed::Upload,
            (Some(_), true) => BytesNeed::Work,
            (Some(_), false) => BytesNeed::Original,
        },
    })
}

pub(crate) fn quoted(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    quoted.join(", ")
}
