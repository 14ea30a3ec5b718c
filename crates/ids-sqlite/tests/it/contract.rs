//! Every clause of the five ports, held against one SQLite file.

ids_testkit::document_store_contract!(crate::stores);
ids_testkit::job_store_contract!(crate::stores);
ids_testkit::job_queue_contract!(crate::stores);
ids_testkit::chunk_index_contract!(crate::stores);
ids_testkit::session_store_contract!(crate::stores);
