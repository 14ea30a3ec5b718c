//! What the server can do beyond what every supported version can.

use std::fmt;

use crate::error::DbResult;
use crate::rows::as_number;
use tokio_postgres::GenericClient;

/// Versions of the server and of pgvector, read when a library is opened. Older ones get the slower way, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// As the server counts: 180_006 is 18.6.
    pub server_version: u32,
    /// Major and minor version of pgvector.
    pub pgvector: (u32, u32),
}

impl Capabilities {
    /// Vectors of half precision and their indexes: pgvector 0.7.
    pub fn halfvec(&self) -> bool {
        self.pgvector >= (0, 7)
    }

    /// A filtered search by an index goes on until it has enough: pgvector 0.8.
    pub fn iterative_scan(&self) -> bool {
        self.pgvector >= (0, 8)
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, (major, minor)) = (self.server_version, self.pgvector);
        write!(
            f,
            "PostgreSQL {}.{}, pgvector {major}.{minor}",
            server / 10_000,
            server % 10_000
        )
    }
}

/// What a server has, and the schema of pgvector's types; `None` where the extension is not there.
pub(crate) struct Found {
    pub(crate) server_version: u32,
    pub(crate) pgvector: Option<((u32, u32), String)>,
    /// The role is a superuser, or may pass by row level security otherwise.
    pub(crate) passes_by_policies: bool,
}

pub(crate) async fn read(client: &impl GenericClient) -> DbResult<Found> {
    let row = client
        .query_one(
            "select current_setting('server_version_num')::int4, e.extversion, n.nspname::text, r.rolsuper or r.rolbypassrls
             from pg_roles r
             left join pg_extension e on e.extname = 'vector'
             left join pg_namespace n on n.oid = e.extnamespace
             where r.rolname = current_user",
            &[],
        )
        .await?;
    let version: Option<String> = row.try_get(1)?;
    let schema: Option<String> = row.try_get(2)?;
    Ok(Found {
        server_version: as_number(row.try_get::<_, i32>(0)?),
        pgvector: version.map(|version| parse(&version)).zip(schema),
        passes_by_policies: row.try_get(3)?,
    })
}

/// Major and minor of a version such as `0.8.0`; what cannot be read counts as zero, the most careful answer.
fn parse(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, parse};

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse("0.8.6"), (0, 8));
        assert_eq!(parse("1"), (1, 0));
        assert_eq!(parse("next"), (0, 0));
        let with = |pgvector| Capabilities {
            server_version: 160_000,
            pgvector,
        };
        assert!(!with((0, 6)).halfvec());
        assert!(with((0, 7)).halfvec() && !with((0, 7)).iterative_scan());
        assert!(with((0, 10)).iterative_scan() && with((1, 0)).iterative_scan());
    }
}
