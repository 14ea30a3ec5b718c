//! What answers cost, how far the budget reaches, and what is settled when nobody else does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Library;
use crate::budget::{
    BudgetMonth, BudgetNotice, Currency, Estimate, Money, MonthState, MonthSums, PAGE_TOKENS,
    REMOTE_PAGE_PRICE, Settlement, UsageBy, UsageCount,
};
use crate::error::{Refusal, StoreErrorKind};
use crate::limits;
use crate::scope::Scope;
use crate::time::Timestamp;

/// How long answers may still be left after the stop.
const AFTER_STOP: Duration = Duration::from_secs(1);

/// An answer whose making ended before it was settled: its caller went away, or something failed.
#[derive(Debug, Clone)]
pub struct LeftAnswer {
    pub(crate) scope: Scope,
    pub(crate) settlement: Settlement,
}

/// A line of left answers: dropping cannot wait for a store, so whoever runs [`Library::settle_left_answers`] does.
#[derive(Debug)]
pub(super) struct LeftAnswers {
    line: mpsc::Sender<LeftAnswer>,
    /// Until it is taken.
    end: Mutex<Option<mpsc::Receiver<LeftAnswer>>>,
}

impl Default for LeftAnswers {
    fn default() -> Self {
        let (line, end) = mpsc::channel(limits::LEFT_ANSWERS);
        Self {
            line,
            end: Mutex::new(Some(end)),
        }
    }
}

/// A month's use of an organization, and how it stands to the limits.
#[derive(Debug, Clone, PartialEq)]
pub struct MonthUsage {
    /// The month.
    pub month: BudgetMonth,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// The rows.
    pub counts: Vec<UsageCount>,
    /// The rows after those, summed up by currency: a month's sum is that of its rows, shown or not.
    pub rest: Vec<UsageCount>,
    /// The sums and limits.
    pub standing: BudgetStanding,
}

impl MonthUsage {
    /// What all rows in the budget's currency cost together.
    pub fn spent(&self) -> Money {
        let rows = self.counts.iter().chain(&self.rest);
        let in_currency = rows.filter(|row| row.currency == Some(self.standing.currency));
        in_currency.map(|row| row.cost).sum()
    }
}

/// How a month stands to its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetStanding {
    /// What everything is counted in.
    pub currency: Currency,
    /// The organization's sums.
    pub organization: MonthSums,
    /// Its own limit, in `currency`.
    pub organization_limit: Option<Money>,
    /// All organizations' sums.
    pub installation: MonthSums,
    /// The installation's limit.
    pub installation_limit: Option<Money>,
}

impl BudgetStanding {
    /// The limit that the organization meets first: its own, else the installation's.
    pub fn limit(&self) -> Option<Money> {
        self.organization_limit.or(self.installation_limit)
    }

    /// What the organization may still spend: the least that any limit leaves.
    pub fn remaining(&self) -> Option<Money> {
        let left = |limit: Option<Money>, sums: MonthSums| {
            limit.map(|limit| limit.minus(sums.spent).minus(sums.reserved).at_least_zero())
        };
        let own = left(self.organization_limit, self.organization);
        let all = left(self.installation_limit, self.installation);
        own.into_iter().chain(all).min()
    }

    /// The share that is to be warned of, of whichever limit is used most: 80 or 100.
    pub fn warning(&self) -> Option<u8> {
        let of = |limit: Option<Money>, sums: MonthSums| {
            let limit = limit?;
            let percent = if sums.is_used_up(limit) {
                100
            } else {
                sums.spent.percent_of(limit)
            };
            let mut reached = BudgetNotice::PERCENTS.into_iter().rev();
            reached.find(|share| i64::from(*share) <= percent)
        };
        let own = of(self.organization_limit, self.organization);
        own.max(of(self.installation_limit, self.installation))
    }
}

fn summed_up(rows: Vec<UsageCount>) -> Vec<UsageCount> {
    let mut sums: Vec<UsageCount> = Vec::new();
    for row in rows {
        let known = sums.iter().position(|sum| sum.currency == row.currency);
        let at = known.unwrap_or_else(|| {
            sums.push(UsageCount {
                currency: row.currency,
                ..UsageCount::default()
            });
            sums.len() - 1
        });
        if let Some(sum) = sums.get_mut(at) {
            sum.questions += row.questions;
            sum.embeddings += row.embeddings;
            sum.prompt_tokens = sum.prompt_tokens.saturating_add(row.prompt_tokens);
            sum.completion_tokens = sum.completion_tokens.saturating_add(row.completion_tokens);
            sum.cost = sum.cost.plus(row.cost);
            sum.unknown_prices += row.unknown_prices;
            sum.estimated += row.estimated;
        }
    }
    sums
}

/// How far a budget reaches, in questions and pages.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeEstimate {
    /// The model that is asked.
    pub model: String,
    /// The budget it is for.
    pub budget: Option<Money>,
    /// Questions.
    pub questions: Estimate,
    /// The model that embeds, where somebody is paid for it; `None` where the built-in one does, for nothing.
    pub embedding_model: Option<String>,
    /// What a page costs to embed by that model, or would cost by a small one of an API.
    pub remote_page_cost: Option<Money>,
    /// Pages that the budget would pay there.
    pub remote_pages: Option<u64>,
}

impl Library {
    /// A month's use, told apart `by`; this month's if none is named.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for a month past the end of the calendar; `DEPENDENCY_UNAVAILABLE`.
    pub async fn usage(
        &self,
        scope: &Scope,
        month: Option<BudgetMonth>,
        by: UsageBy,
    ) -> Result<MonthUsage, Refusal> {
        let calendar = &self.settings.budget.calendar;
        let month = month.unwrap_or_else(|| calendar.month_of(self.ports.clock.now()));
        let (from, until) = calendar
            .bounds(month)
            .ok_or_else(|| Refusal::field("month", BudgetMonth::SHAPE))?;
        // Where no worker runs, as between two commands of the embedded shape, nobody else settles what was left.
        self.settle_what_ran_out(scope).await?;
        let ledger = &self.ports.ledger;
        let standing = self.budget_standing_from(scope, from).await?;
        let mut counts = ledger.count_usage(scope, from, until, by).await?;
        let rest = summed_up(counts.split_off(counts.len().min(limits::USAGE_ROWS)));
        Ok(MonthUsage {
            month,
            from,
            until,
            counts,
            rest,
            standing,
        })
    }

    /// How this month stands to the limits that the organization of `scope` meets.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn budget_standing(&self, scope: &Scope) -> Result<BudgetStanding, Refusal> {
        let from = self.settings.budget.calendar.begin_of(self.ports.clock.now());
        self.budget_standing_from(scope, from).await
    }

    async fn budget_standing_from(&self, scope: &Scope, from: Timestamp) -> Result<BudgetStanding, Refusal> {
        let budget = &self.settings.budget;
        let state = self
            .ports
            .ledger
            .month_state(scope, from, budget.currency)
            .await?;
        let MonthState {
            installation,
            organization,
            organization_limit,
        } = state;
        Ok(BudgetStanding {
            currency: budget.currency,
            organization,
            organization_limit: budget.limits().of_organization(organization_limit),
            installation,
            installation_limit: budget.monthly,
        })
    }

    /// Sets what an organization may spend in a month, in the currency of the budget; `None` for no limit of its own.
    ///
    /// # Errors
    /// `ORGANIZATION_NOT_FOUND`, `DEPENDENCY_UNAVAILABLE`.
    pub async fn set_organization_budget(&self, scope: &Scope, limit: Option<Money>) -> Result<(), Refusal> {
        let stored = limit.map(|amount| (amount, self.settings.budget.currency));
        let set = self.ports.ledger.set_organization_limit(scope, stored).await;
        set.map_err(|error| match error.kind() {
            StoreErrorKind::NotFound => Refusal::new(
                crate::error::ErrorCode::OrganizationNotFound,
                "the organization is gone; nothing was set",
            ),
            _ => error.into(),
        })
    }

    /// How far `budget` reaches with `model`, by what this month and the one before recorded; the limit that is set, and the model that answers, where none is
    /// given.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` where no model is set and none is given; `DEPENDENCY_UNAVAILABLE`.
    pub async fn estimate(
        &self,
        scope: &Scope,
        model: Option<String>,
        budget: Option<Money>,
    ) -> Result<WholeEstimate, Refusal> {
        let settings = &self.settings.budget;
        let set = self.ports.chat.as_ref().map(|chat| chat.name().to_owned());
        let model = model.or(set).ok_or_else(|| {
            Refusal::field(
                "model",
                "is required where no model is set; name one, such as `gpt-4o-mini`",
            )
        })?;
        let now = self.ports.clock.now();
        let standing = self.budget_standing(scope).await?;
        let budget = budget.or_else(|| standing.limit());
        let from = settings
            .calendar
            .begin_of(settings.calendar.begin_of(now).minus(Duration::from_secs(1)));
        let counts = self
            .ports
            .ledger
            .count_usage(scope, from, now.plus(Duration::from_micros(1)), UsageBy::Model)
            .await?;
        let price = settings.prices.of(&model);
        let questions = Estimate::new(&counts, &model, price, settings.currency, budget);
        let embedder = self.ports.embedders.current();
        let embedding_model = embedder.billed_as().map(str::to_owned);
        let million = match (&embedding_model, settings.currency, settings.rate) {
            (Some(model), ..) => Some(settings.prices.of_embedding(model).input),
            (None, Currency::Usd, _) => Some(REMOTE_PAGE_PRICE),
            (None, to, Some(rate)) => Some(rate.convert(REMOTE_PAGE_PRICE, Currency::Usd, to)),
            (None, _, None) => None,
        };
        let page_cost = million.map(|million| {
            let micros = i128::from(million.as_micros()) * i128::from(PAGE_TOKENS);
            Money::from_micros(i64::try_from((micros + 999_999).div_euclid(1_000_000)).unwrap_or(i64::MAX))
        });
        let pages = budget.zip(page_cost).and_then(|(budget, page)| {
            let budget = budget.at_least_zero().as_micros();
            budget.checked_div(page.as_micros()).map(i64::unsigned_abs)
        });
        Ok(WholeEstimate {
            model,
            budget,
            questions,
            embedding_model,
            remote_page_cost: page_cost,
            remote_pages: pages,
        })
    }

    /// Settles answers that were left half way, until `stop`. Each process that answers questions runs one.
    pub async fn settle_left_answers(&self, stop: &CancellationToken) {
        let taken = self
            .left
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut left) = taken else { return };
        loop {
            // `recv` may be dropped: what was not given is given by the next call.
            let next = tokio::select! {
                next = left.recv() => next,
                () = stop.cancelled() => break,
            };
            let Some(next) = next else { return };
            self.settle_left(next).await;
        }
        // Streams that end with the server leave their answers a moment later.
        while let Ok(Some(next)) = tokio::time::timeout(AFTER_STOP, left.recv()).await {
            self.settle_left(next).await;
        }
    }

    async fn settle_left(&self, left: LeftAnswer) {
        let limits = self.settings.budget.limits();
        match self
            .ports
            .ledger
            .settle(&left.scope, &left.settlement, &limits)
            .await
        {
            Ok(notices) => self.announce(&notices.unwrap_or_default()),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what an answer that was left cost could not be written; it counts at the amount that was reserved"
            ),
        }
    }

    /// Puts a left answer into the line. Where that is full, or nobody works on it, the reservation runs out at its whole amount.
    pub(crate) fn leave(&self, answer: LeftAnswer) {
        let _ = self.left.line.try_send(answer);
    }

    /// Settles what nobody settled in time, at what was reserved.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`; what was settled until then stays settled.
    pub async fn settle_what_ran_out(&self, scope: &Scope) -> Result<u64, Refusal> {
        let before = self.ports.clock.now().minus(limits::RESERVATION_LASTS);
        let of = self.settings.budget.limits();
        let mut settled = 0;
        loop {
            let ledger = &self.ports.ledger;
            let (count, notices) = ledger
                .settle_expired(scope, before, &of, limits::RESERVATIONS_AT_ONCE)
                .await?;
            self.announce(&notices);
            settled += count as u64;
            if count < limits::RESERVATIONS_AT_ONCE {
                break;
            }
        }
        if settled > 0 {
            tracing::warn!(
                settled,
                "answers whose cost nobody wrote were settled at what was reserved for them"
            );
        }
        Ok(settled)
    }

    /// Tells the address that is set of what it was not told yet.
    ///
    /// # Errors
    /// `DEPENDENCY_UNAVAILABLE`.
    pub async fn tell_of_budget(&self, scope: &Scope) -> Result<(), Refusal> {
        let Some(alarm) = &self.ports.alarm else {
            return Ok(());
        };
        let ledger = &self.ports.ledger;
        let since = self.ports.clock.now().minus(limits::NOTICE_LASTS);
        while let Some(notice) = ledger.take_notice(scope, since).await? {
            match alarm.tell(&notice).await {
                Ok(()) => ledger.end_notice(scope, &notice).await?,
                // It comes again by itself; the next one would fail as well.
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "`AI_BUDGET_WEBHOOK_URL` could not be told of the budget; trying again later"
                    );
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Into the log, by whichever process made the notices.
    pub(crate) fn announce(&self, notices: &[BudgetNotice]) {
        for notice in notices {
            let organization = notice.organization.map(|id| id.to_string());
            let whose = match &organization {
                None => "the installation's budget".to_owned(),
                Some(id) => format!("the budget of organization `{id}`"),
            };
            let then = if notice.percent >= 100 {
                "; answers are made of sentences of the documents until the next month"
            } else {
                ""
            };
            tracing::warn!(
                organization.id = organization,
                budget.percent = notice.percent,
                budget.limit = %notice.limit,
                budget.spent = %notice.spent,
                budget.currency = notice.currency.as_str(),
                "{}% of {whose} for the month are used: {} {} of {}{then}",
                notice.percent,
                notice.currency.symbol(),
                notice.spent,
                notice.limit,
            );
        }
    }
}
