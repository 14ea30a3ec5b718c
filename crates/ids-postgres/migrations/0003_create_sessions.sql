create table sessions (
    session_id uuid not null,
    organization_id uuid not null,
    title text not null,
    title_folded text collate "C" not null,
    message_count integer not null,
    created_at bigint not null,
    updated_at bigint not null,
    -- The collections that a conversation is of; null for all. Whoever may not see all of them does not see it.
    collections text[],
    constraint sessions_key primary key (session_id),
    constraint sessions_organization foreign key (organization_id) references organizations (organization_id)
);
create index sessions_by_updated_at on sessions (organization_id, updated_at, session_id);

-- Questions and answers. What only answers have is null in a question.
create table messages (
    -- The order of the conversation.
    message_no bigint not null generated always as identity,
    message_id uuid not null,
    session_id uuid not null,
    organization_id uuid not null,
    content text not null,
    content_folded text collate "C" not null,
    created_at bigint not null,
    mode text,
    answered boolean,
    search_results integer,
    model text,
    prompt_tokens bigint,
    completion_tokens bigint,
    processing_micros bigint,
    constraint messages_key primary key (message_no),
    constraint messages_id_unique unique (message_id),
    constraint messages_mode_known check (mode in ('generated', 'extractive')),
    constraint messages_answer_is_whole check (
        (mode is null) = (answered is null)
        and (mode is null) = (search_results is null)
        and (mode is null) = (prompt_tokens is null)
        and (mode is null) = (completion_tokens is null)
        and (mode is null) = (processing_micros is null)
    ),
    constraint messages_session foreign key (session_id) references sessions (session_id) on delete cascade
);
create index messages_by_session on messages (session_id, message_no);

-- The evidence of an answer, as it was when the answer was made: it stays when the document changes or goes.
create table message_sources (
    message_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    document_id uuid not null,
    document_title text not null,
    chunk_id bigint not null,
    filename text not null,
    page_number integer not null,
    quote_start integer not null,
    quote_end integer not null,
    quote text not null,
    excerpt text not null,
    similarity_score real not null,
    boxes bytea not null,
    verified boolean not null,
    constraint message_sources_key primary key (message_no, position),
    constraint message_sources_message foreign key (message_no) references messages (message_no) on delete cascade
);
create index message_sources_by_document on message_sources (document_id);

create table message_claims (
    message_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    text text not null,
    status text not null,
    -- Positions of the sources it rests on.
    sources bytea not null,
    constraint message_claims_key primary key (message_no, position),
    constraint message_claims_status_known check (status in ('verified', 'unconfirmed')),
    constraint message_claims_message foreign key (message_no) references messages (message_no) on delete cascade
);

create table message_nearest (
    message_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    document_id uuid not null,
    document_title text not null,
    page_number integer not null,
    constraint message_nearest_key primary key (message_no, position),
    constraint message_nearest_message foreign key (message_no) references messages (message_no) on delete cascade
);

-- One row an answer, which outlives its session: what was used was used.
create table answer_usage (
    usage_no bigint not null generated always as identity,
    organization_id uuid not null,
    -- Null where no key was needed; the key itself may be gone.
    key_id uuid,
    -- Null for an extractive answer.
    model text collate "C",
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    answered_at bigint not null,
    constraint answer_usage_key primary key (usage_no),
    constraint answer_usage_organization foreign key (organization_id) references organizations (organization_id)
);
create index answer_usage_by_time on answer_usage (organization_id, answered_at);

alter table sessions enable row level security;
alter table sessions force row level security;
create policy sessions_of_organization on sessions
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table messages enable row level security;
alter table messages force row level security;
create policy messages_of_organization on messages
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table message_sources enable row level security;
alter table message_sources force row level security;
create policy message_sources_of_organization on message_sources
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table message_claims enable row level security;
alter table message_claims force row level security;
create policy message_claims_of_organization on message_claims
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table message_nearest enable row level security;
alter table message_nearest force row level security;
create policy message_nearest_of_organization on message_nearest
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table answer_usage enable row level security;
alter table answer_usage force row level security;
create policy answer_usage_of_organization on answer_usage
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);
