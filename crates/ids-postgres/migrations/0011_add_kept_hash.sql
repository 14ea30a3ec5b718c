-- SHA-256 of the bytes that are kept, where these are not those that were sent: the unprotected copy of a file with a password.
alter table versions add column kept_hash bytea;
