//! Every clause of the ten ports, held against one SQLite file.

ids_testkit::document_store_contract!(crate::stores);
ids_testkit::job_store_contract!(crate::stores);
ids_testkit::job_queue_contract!(crate::stores);
ids_testkit::chunk_index_contract!(crate::stores);
ids_testkit::embedding_change_contract!(crate::stores);
ids_testkit::session_store_contract!(crate::stores);
ids_testkit::organization_store_contract!(crate::stores);
ids_testkit::cleanup_store_contract!(crate::stores);
ids_testkit::worker_registry_contract!(crate::stores);
ids_testkit::backup_registry_contract!(crate::stores);
ids_testkit::library_archive_contract!(crate::stores);
ids_testkit::usage_ledger_contract!(crate::stores);
