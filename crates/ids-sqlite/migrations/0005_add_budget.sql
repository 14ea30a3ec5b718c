-- What answers cost, what may be spent, and what is set aside for answers being made (docs/adr/0012). Money is in millionths.

alter table answer_usage add column session_id blob;
-- The first moment of the month it counts in; null for what cost nothing, and of before there were prices.
alter table answer_usage add column month_from integer;
alter table answer_usage add column currency text;
alter table answer_usage add column cost_micros integer not null default 0;
alter table answer_usage add column is_price_known integer not null default 1;
-- Whether the model did not tell its tokens.
alter table answer_usage add column is_estimated integer not null default 0;

alter table messages add column cost_micros integer;
alter table messages add column currency text;
alter table messages add column is_price_known integer;
-- Why a model that is there did not write it.
alter table messages add column fallback text;

-- What each document whose passages a model read has of an answer; together they are the whole.
create table usage_documents (
    usage_no integer not null,
    position integer not null,
    organization_id blob not null,
    document_id blob not null,
    prompt_tokens integer not null,
    completion_tokens integer not null,
    cost_micros integer not null,
    constraint usage_documents_key primary key (usage_no, position),
    constraint usage_documents_usage foreign key (usage_no) references answer_usage (usage_no) on delete cascade
) strict, without rowid;

-- Money set aside for an answer. It goes when the answer is settled.
create table reservations (
    reservation_id blob not null,
    organization_id blob not null,
    key_id blob,
    session_id blob,
    model text not null,
    month_from integer not null,
    currency text not null,
    amount_micros integer not null,
    prompt_tokens integer not null,
    completion_tokens integer not null,
    is_price_known integer not null,
    -- 16 bytes each.
    document_ids blob not null,
    reserved_at integer not null,
    constraint reservations_key primary key (reservation_id),
    constraint reservations_id_is_uuid check (length(reservation_id) = 16),
    constraint reservations_organization foreign key (organization_id) references organizations (organization_id)
) strict, without rowid;
create index reservations_by_time on reservations (organization_id, reserved_at);

-- Sums of a month: of each organization, and under the organization of zeros of all together.
create table budget_months (
    organization_id blob not null,
    month_from integer not null,
    currency text not null,
    spent_micros integer not null,
    reserved_micros integer not null,
    constraint budget_months_key primary key (organization_id, month_from, currency)
) strict, without rowid;

-- What an organization may spend in a month.
create table organization_budgets (
    organization_id blob not null,
    limit_micros integer not null,
    currency text not null,
    constraint organization_budgets_key primary key (organization_id),
    constraint organization_budgets_organization foreign key (organization_id) references organizations (organization_id)
) strict, without rowid;

-- That a share of a limit is used; under the organization of zeros, of the installation's. One a month, party and share.
create table budget_notices (
    organization_id blob not null,
    month_from integer not null,
    currency text not null,
    percent integer not null,
    limit_micros integer not null,
    spent_micros integer not null,
    created_at integer not null,
    tries integer not null default 0,
    -- Null once it was told.
    next_try_at integer,
    constraint budget_notices_key primary key (organization_id, month_from, currency, percent)
) strict, without rowid;
