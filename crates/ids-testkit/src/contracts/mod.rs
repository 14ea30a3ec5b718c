//! Contract suites: what a port promises, held against every adapter.

pub mod backup_registry_contract;
pub mod blob_store_contract;
pub mod chat_model_contract;
pub mod chunk_index_contract;
pub mod cleanup_store_contract;
pub mod document_store_contract;
pub mod embedder_contract;
pub mod embedding_change_contract;
pub mod extractor_contract;
pub mod job_queue_contract;
pub mod job_store_contract;
pub mod library_archive_contract;
pub mod member_clauses;
pub mod organization_store_contract;
pub mod rate_limiter_contract;
pub mod session_store_contract;
pub mod usage_ledger_contract;
pub mod worker_registry_contract;
