create table sessions (
    session_id blob not null,
    organization_id blob not null,
    title text not null,
    title_folded text not null,
    message_count integer not null,
    created_at integer not null,
    updated_at integer not null,
    constraint sessions_key primary key (session_id),
    constraint sessions_id_is_uuid check (length(session_id) = 16),
    constraint sessions_organization foreign key (organization_id) references organizations (organization_id)
) strict;
create index sessions_by_updated_at on sessions (organization_id, updated_at, session_id);

-- Questions and answers. What only answers have is null in a question.
create table messages (
    -- The order of the conversation.
    message_no integer not null constraint messages_key primary key autoincrement,
    message_id blob not null,
    session_id blob not null,
    organization_id blob not null,
    content text not null,
    content_folded text not null,
    created_at integer not null,
    mode text,
    answered integer,
    search_results integer,
    model text,
    prompt_tokens integer,
    completion_tokens integer,
    processing_micros integer,
    constraint messages_id_unique unique (message_id),
    constraint messages_id_is_uuid check (length(message_id) = 16),
    constraint messages_mode_known check (mode in ('generated', 'extractive')),
    constraint messages_answer_is_whole check (
        (mode is null) = (answered is null)
        and (mode is null) = (search_results is null)
        and (mode is null) = (prompt_tokens is null)
        and (mode is null) = (completion_tokens is null)
        and (mode is null) = (processing_micros is null)
    ),
    constraint messages_session foreign key (session_id) references sessions (session_id) on delete cascade
) strict;
create index messages_by_session on messages (session_id, message_no);

-- The evidence of an answer, as it was when the answer was made: it stays when the document changes or goes.
create table message_sources (
    message_no integer not null,
    position integer not null,
    organization_id blob not null,
    document_id blob not null,
    document_title text not null,
    chunk_id integer not null,
    filename text not null,
    page_number integer not null,
    quote_start integer not null,
    quote_end integer not null,
    quote text not null,
    excerpt text not null,
    similarity_score real not null,
    boxes blob not null,
    verified integer not null,
    constraint message_sources_key primary key (message_no, position),
    constraint message_sources_message foreign key (message_no) references messages (message_no) on delete cascade
) strict;
create index message_sources_by_document on message_sources (document_id);

create table message_claims (
    message_no integer not null,
    position integer not null,
    organization_id blob not null,
    text text not null,
    status text not null,
    -- Positions of the sources it rests on.
    sources blob not null,
    constraint message_claims_key primary key (message_no, position),
    constraint message_claims_status_known check (status in ('verified', 'unconfirmed')),
    constraint message_claims_message foreign key (message_no) references messages (message_no) on delete cascade
) strict, without rowid;

create table message_nearest (
    message_no integer not null,
    position integer not null,
    organization_id blob not null,
    document_id blob not null,
    document_title text not null,
    page_number integer not null,
    constraint message_nearest_key primary key (message_no, position),
    constraint message_nearest_message foreign key (message_no) references messages (message_no) on delete cascade
) strict, without rowid;

-- One row an answer, which outlives its session: what was used was used.
create table answer_usage (
    usage_no integer not null constraint answer_usage_key primary key autoincrement,
    organization_id blob not null,
    -- Null for an extractive answer.
    model text,
    prompt_tokens integer not null,
    completion_tokens integer not null,
    answered_at integer not null,
    constraint answer_usage_organization foreign key (organization_id) references organizations (organization_id)
) strict;
create index answer_usage_by_time on answer_usage (organization_id, answered_at);
