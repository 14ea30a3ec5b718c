-- What answers cost, what may be spent, and what is set aside for answers being made (docs/adr/0012). Money is in millionths.

alter table answer_usage add column session_id uuid;
-- The first moment of the month it counts in; null for what cost nothing, and of before there were prices.
alter table answer_usage add column month_from bigint;
alter table answer_usage add column currency text;
alter table answer_usage add column cost_micros bigint not null default 0;
alter table answer_usage add column is_price_known boolean not null default true;
-- Whether the model did not tell its tokens.
alter table answer_usage add column is_estimated boolean not null default false;

alter table messages add column cost_micros bigint;
alter table messages add column currency text;
alter table messages add column is_price_known boolean;
-- Why a model that is there did not write it.
alter table messages add column fallback text;

-- What each document whose passages a model read has of an answer; together they are the whole.
create table usage_documents (
    usage_no bigint not null,
    position integer not null,
    organization_id uuid not null,
    document_id uuid not null,
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    cost_micros bigint not null,
    constraint usage_documents_key primary key (usage_no, position),
    constraint usage_documents_usage foreign key (usage_no) references answer_usage (usage_no) on delete cascade
);

-- Money set aside for an answer. It goes when the answer is settled.
create table reservations (
    reservation_id uuid not null,
    organization_id uuid not null,
    key_id uuid,
    session_id uuid,
    model text collate "C" not null,
    month_from bigint not null,
    currency text not null,
    amount_micros bigint not null,
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    is_price_known boolean not null,
    document_ids uuid[] not null,
    reserved_at bigint not null,
    constraint reservations_key primary key (reservation_id),
    constraint reservations_organization foreign key (organization_id) references organizations (organization_id)
);
create index reservations_by_time on reservations (organization_id, reserved_at);

-- Sums of a month: of each organization, and under the organization of zeros of all together.
create table budget_months (
    organization_id uuid not null,
    month_from bigint not null,
    currency text not null,
    spent_micros bigint not null,
    reserved_micros bigint not null,
    constraint budget_months_key primary key (organization_id, month_from, currency)
);

-- What an organization may spend in a month.
create table organization_budgets (
    organization_id uuid not null,
    limit_micros bigint not null,
    currency text not null,
    constraint organization_budgets_key primary key (organization_id),
    constraint organization_budgets_organization foreign key (organization_id) references organizations (organization_id)
);

-- That a share of a limit is used; under the organization of zeros, of the installation's. One a month, party and share.
create table budget_notices (
    organization_id uuid not null,
    month_from bigint not null,
    currency text not null,
    percent integer not null,
    limit_micros bigint not null,
    spent_micros bigint not null,
    created_at bigint not null,
    tries integer not null default 0,
    -- Null once it was told.
    next_try_at bigint,
    constraint budget_notices_key primary key (organization_id, month_from, currency, percent)
);

alter table usage_documents enable row level security;
alter table usage_documents force row level security;
create policy usage_documents_of_organization on usage_documents
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table reservations enable row level security;
alter table reservations force row level security;
create policy reservations_of_organization on reservations
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

alter table organization_budgets enable row level security;
alter table organization_budgets force row level security;
create policy organization_budgets_of_organization on organization_budgets
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid);

-- Of an organization, and those of all together, which everyone who asks must raise: sums, and nothing that was asked.
alter table budget_months enable row level security;
alter table budget_months force row level security;
create policy budget_months_of_organization on budget_months
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null);

alter table budget_notices enable row level security;
alter table budget_notices force row level security;
create policy budget_notices_of_organization on budget_notices
    using (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null)
    with check (organization_id = nullif(current_setting('ids.organization', true), '')::uuid
        or organization_id = '00000000-0000-0000-0000-000000000000' and nullif(current_setting('ids.organization', true), '') is not null);
