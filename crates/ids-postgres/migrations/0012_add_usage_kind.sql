-- What a model was paid for: an answer, a follow-up made into a question that stands alone, or vectors of an embedding model.
alter table answer_usage add column kind text not null default 'answer' constraint answer_usage_kind_known check (kind in ('answer', 'rewriting', 'embedding'));
alter table reservations add column kind text not null default 'answer' constraint reservations_kind_known check (kind in ('answer', 'rewriting', 'embedding'));
