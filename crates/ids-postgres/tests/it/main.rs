//! PostgreSQL with pgvector: the stores, the index, jobs and sessions of the server shape. Held against a real server.
