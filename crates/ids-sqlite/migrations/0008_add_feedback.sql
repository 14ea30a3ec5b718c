-- What the questions of a conversation are limited to, as `ids_rows::filter` writes it; null for nothing.
alter table sessions add column filter text;
-- What somebody thought of an answer, why, and when; null when nobody said.
alter table messages add column rating text constraint messages_rating_known check (rating in ('up', 'down'));
alter table messages add column rating_reason text;
alter table messages add column rated_at integer;
