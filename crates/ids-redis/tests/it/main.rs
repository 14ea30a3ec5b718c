//! Redis: delivery of job ids, a cache of conversations, rate limits shared by many processes. Held against a real server.
