//! Redis: delivery of job ids, a cache of conversations, rate limits shared by many processes.
