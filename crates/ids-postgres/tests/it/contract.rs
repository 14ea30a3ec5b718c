//! Every clause of the ports, held against a schema of one PostgreSQL server.

ids_testkit::document_store_contract!(crate::stores);
ids_testkit::job_store_contract!(crate::stores);
ids_testkit::cleanup_store_contract!(crate::stores);
ids_testkit::organization_store_contract!(crate::stores);
ids_testkit::worker_registry_contract!(crate::stores);
ids_testkit::backup_registry_contract!(crate::stores);
ids_testkit::library_archive_contract!(crate::stores);
ids_testkit::usage_ledger_contract!(crate::stores);
