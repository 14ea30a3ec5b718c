-- Where a page was read by OCR: its words, each with how sure that is.
alter table pages add column words blob not null default x'';
