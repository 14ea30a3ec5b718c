//! Every clause of the index, deliveries and conversations; the index also as older versions of pgvector are asked.

use std::sync::Arc;

use ids_core::ports::Clock;
use ids_postgres::{Capabilities, PostgresLibrary};
use ids_testkit::{ManualClock, Stores};

use crate::library::{Library, Schema};

ids_testkit::job_queue_contract!(crate::stores);
ids_testkit::session_store_contract!(crate::stores);

mod newest {
    ids_testkit::chunk_index_contract!(crate::stores);
}

mod without_iterative_scans {
    ids_testkit::chunk_index_contract!(crate::search::pgvector_0_7);
}

mod without_half_precision {
    ids_testkit::chunk_index_contract!(crate::search::pgvector_0_6);
}

pub async fn pgvector_0_7() -> Stores {
    with_pgvector((0, 7)).await.stores()
}

pub async fn pgvector_0_6() -> Stores {
    with_pgvector((0, 6)).await.stores()
}

/// A library that takes the server's pgvector for an older one.
pub async fn with_pgvector(pgvector: (u32, u32)) -> Library {
    let schema = Schema::new();
    let clock = Arc::new(ManualClock::default());
    let capabilities = Capabilities {
        server_version: 180_000,
        pgvector,
    };
    let library = PostgresLibrary::open_with(
        &schema.config(),
        Arc::clone(&clock) as Arc<dyn Clock>,
        Some(capabilities),
    )
    .await
    .expect("the library opens");
    Library {
        library,
        clock,
        schema,
    }
}
