-- Documents that came in others (files of an archive, attachments of a mail), and signatures by which nearly equal texts are found
-- (Broder 1997; `ids_text::minhash`).

-- What a document came in. No foreign key: a library that is moved may get a document before the one it came in.
alter table documents add column parent_id uuid;
-- The version of that in which it came last: those of others go when the newest one is read.
alter table documents add column parent_version_id uuid;
-- Where it lies in that.
alter table documents add column path text collate "C";
create unique index documents_member_unique on documents (parent_id, path) where parent_id is not null;

create table text_signatures (
    version_no bigint not null,
    organization_id uuid not null,
    -- 128 values of four bytes, little-endian.
    signature bytea not null,
    constraint text_signatures_key primary key (version_no),
    constraint text_signatures_version foreign key (version_no) references versions (version_no) on delete cascade
);

-- Texts that are nearly equal have one of these in common.
create table signature_bands (
    organization_id uuid not null,
    band bigint not null,
    version_no bigint not null,
    constraint signature_bands_key primary key (organization_id, band, version_no),
    constraint signature_bands_version foreign key (version_no) references versions (version_no) on delete cascade
);
create index signature_bands_by_version on signature_bands (version_no);

alter table text_signatures enable row level security;
alter table text_signatures force row level security;
create policy text_signatures_of_organization on text_signatures
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table signature_bands enable row level security;
alter table signature_bands force row level security;
create policy signature_bands_of_organization on signature_bands
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);
