-- Documents that came in others (files of an archive, attachments of a mail), and signatures by which nearly equal texts are found
-- (Broder 1997; `ids_text::minhash`).

-- What a document came in. No foreign key: a library that is moved may get a document before the one it came in.
alter table documents add column parent_id blob;
-- The version of that in which it came last: those of others go when the newest one is read.
alter table documents add column parent_version_id blob;
-- Where it lies in that.
alter table documents add column path text;
create unique index documents_member_unique on documents (parent_id, path) where parent_id is not null;

create table text_signatures (
    version_no integer not null,
    organization_id blob not null,
    -- 128 values of four bytes, little-endian.
    signature blob not null,
    constraint text_signatures_key primary key (version_no),
    constraint text_signatures_version foreign key (version_no) references versions (version_no) on delete cascade
) strict;

-- Texts that are nearly equal have one of these in common.
create table signature_bands (
    organization_id blob not null,
    band integer not null,
    version_no integer not null,
    constraint signature_bands_key primary key (organization_id, band, version_no),
    constraint signature_bands_version foreign key (version_no) references versions (version_no) on delete cascade
) strict, without rowid;
create index signature_bands_by_version on signature_bands (version_no);
