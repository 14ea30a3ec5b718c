//! Does it ever cost more than agreed, and what does finding out cost?
//!
//! Each trial is a month of its own: so many questions at once, over several handles of one library as over several processes, through the whole of
//! `Library::ask` and the real client to a server that counts tokens. What that server was asked for is held against the limit.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program")]

mod library;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::future::{join_all, try_join_all};
use ids_core::answer::{AskEvents, AskRequest};
use ids_core::budget::{BudgetSettings, Money, NewReservation, Settlement, UsageBy, UsageKind};
use ids_core::chunk::Filter;
use ids_core::id::{OrganizationId, ReservationId};
use ids_core::library::{Library, Settings};
use ids_core::ports::{ChatModel, Clock};
use ids_core::scope::Scope;
use ids_core::session::{AnswerFallback, TokenUsage};
use ids_models::{ChatModelConfig, OpenAiChatModel};
use ids_testkit::{Script, ScriptedModelServer};

use crate::library::{Opened, postgres_handles, sqlite_handle};

/// What the server's tokens cost by the built-in price of gpt-4o-mini, in millionths of a dollar.
const COST_MICROS: i64 = 1_000 * 150 / 1_000 + 200 * 600 / 1_000;
const PROMPT_TOKENS: u64 = 1_000;
const COMPLETION_TOKENS: u64 = 200;
/// A longer month than any.
const MONTH: Duration = Duration::from_secs(32 * 24 * 3_600);
/// Trials after which the server, which remembers each request, is started anew.
const TRIALS_A_SERVER: usize = 25;

/// Does it ever cost more than agreed, and what does finding out cost?
#[derive(Debug, Parser)]
struct Options {
    /// Months, each with its questions
    #[arg(long, default_value_t = 1_000)]
    trials: usize,
    /// Questions at once
    #[arg(long, default_value_t = 50)]
    at_once: usize,
    /// Handles of the library in PostgreSQL, each with its own connections, as processes have
    #[arg(long, default_value_t = 4)]
    handles: usize,
    /// Reservations that are timed
    #[arg(long, default_value_t = 2_000)]
    reservations: usize,
    /// One of the stores; both if not given
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    shape: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let wants = |shape: &str| options.shape.as_deref().is_none_or(|wanted| wanted == shape);
    if wants("sqlite") {
        let folder = tempfile::tempdir()?;
        let opened = sqlite_handle(folder.path()).await?;
        measure("SQLite", &options, vec![opened]).await?;
    }
    if wants("postgres") {
        let folder = tempfile::tempdir()?;
        let handles = postgres_handles(folder.path(), options.handles).await?;
        measure("PostgreSQL", &options, handles).await?;
    }
    Ok(())
}

async fn measure(shape: &str, options: &Options, handles: Vec<Opened>) -> Result<()> {
    let clock = Arc::clone(&handles[0].clock);
    time_reservations(shape, options, &handles).await?;
    let mut granted = 0;
    let mut refused = 0;
    let mut overspent = 0;
    let mut least_left = i64::MAX;
    let begun = Instant::now();
    let mut server = None;
    for trial in 0..options.trials {
        if trial % TRIALS_A_SERVER == 0 {
            let script = Script::stream()
                .piece("NO_ANSWER")
                .usage(PROMPT_TOKENS, COMPLETION_TOKENS)
                .done();
            server = Some(ScriptedModelServer::start([script]).await);
        }
        let server = server.as_ref().context("started by the first trial")?;
        let limit = Money::from_micros(limit_of(trial));
        let libraries = handles
            .iter()
            .map(|opened| with_model(opened, &server.base_url(), limit))
            .collect::<Result<Vec<_>>>()?;
        let before = server.requests().len();
        let seen = one_month(&libraries, options.at_once).await?;
        let asked = (server.requests().len() - before) as i64;
        let spent = asked * COST_MICROS;
        ensure!(
            asked == seen.granted as i64,
            "trial {trial}: {asked} requests for {} answers",
            seen.granted
        );
        ensure!(
            seen.spent == spent,
            "trial {trial}: {} are in the ledger for {spent}",
            seen.spent
        );
        ensure!(
            seen.rows == seen.spent,
            "trial {trial}: the rows add up to {}",
            seen.rows
        );
        ensure!(
            seen.reserved == 0,
            "trial {trial}: {} stay set aside",
            seen.reserved
        );
        overspent += usize::from(spent > limit.as_micros());
        least_left = least_left.min(limit.as_micros() - spent);
        granted += seen.granted;
        refused += seen.refused;
        clock.advance(MONTH);
        if trial % 50 == 49 {
            eprintln!("{shape}: {} of {} trials", trial + 1, options.trials);
        }
    }
    println!(
        "{shape}: {} trials of {} questions at once over {} handles in {:.0} s: {granted} answered by the model, {refused} without; \
         overspent in {overspent} trials; closest to the limit: {least_left} millionths below it",
        options.trials,
        options.at_once,
        handles.len(),
        begun.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// From less than one answer's most to more than all of them need.
const fn limit_of(trial: usize) -> i64 {
    500 + (trial as i64 * 7_919) % 20_000
}

fn with_model(opened: &Opened, base_url: &str, limit: Money) -> Result<Library> {
    let mut config = ChatModelConfig::new(base_url.parse()?, None, "gpt-4o-mini");
    // All of them may be with the model at the same time: what holds them back is to be the money.
    config.calls_at_once = 64;
    let chat: Arc<dyn ChatModel> = Arc::new(OpenAiChatModel::new(config)?);
    let mut ports = opened.ports.clone();
    ports.chat = Some(chat);
    let settings = Settings {
        budget: BudgetSettings {
            monthly: Some(limit),
            ..BudgetSettings::default()
        },
        ..Settings::default()
    };
    Ok(Library::new(ports, settings))
}

struct Seen {
    granted: usize,
    refused: usize,
    spent: i64,
    rows: i64,
    reserved: i64,
}

async fn one_month(libraries: &[Library], at_once: usize) -> Result<Seen> {
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let asked = (0..at_once).map(|number| {
        let (library, scope) = (&libraries[number % libraries.len()], scope.clone());
        async move {
            let request = AskRequest {
                question: "Qual é o prazo para recurso?".to_owned(),
                session_id: None,
                filter: Filter::default(),
                key_id: None,
            };
            library.ask(&scope, &request, &AskEvents::none()).await
        }
    });
    let mut seen = Seen {
        granted: 0,
        refused: 0,
        spent: 0,
        rows: 0,
        reserved: 0,
    };
    for answer in join_all(asked).await {
        match answer?.details.fallback {
            None => seen.granted += 1,
            Some(AnswerFallback::Budget) => seen.refused += 1,
            Some(other) => anyhow::bail!("an answer was made without the model: {}", other.as_str()),
        }
    }
    let usage = libraries[0].usage(&scope, None, UsageBy::Document).await?;
    seen.rows = usage.spent().as_micros();
    seen.spent = usage.standing.installation.spent.as_micros();
    seen.reserved = usage.standing.installation.reserved.as_micros();
    Ok(seen)
}

/// What one answer pays for being counted: alone, and with all others at once.
async fn time_reservations(shape: &str, options: &Options, handles: &[Opened]) -> Result<()> {
    let mut alone = Vec::with_capacity(options.reservations);
    for _ in 0..options.reservations {
        alone.push(reserve_and_settle(&handles[0]).await?);
    }
    let mut together = Vec::with_capacity(options.reservations);
    while together.len() < options.reservations {
        let at_once = (0..options.at_once).map(|number| reserve_and_settle(&handles[number % handles.len()]));
        together.extend(try_join_all(at_once).await?);
    }
    for (how, mut taken) in [("one after another", alone), ("at once", together)] {
        taken.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize];
        println!(
            "{shape}: reserve and settle, {how}: median {:.2} ms, p99 {:.2} ms",
            at(0.5),
            at(0.99)
        );
    }
    handles[0].clock.advance(MONTH);
    Ok(())
}

/// Milliseconds.
async fn reserve_and_settle(opened: &Opened) -> Result<f64> {
    let scope = Scope::organization(OrganizationId::DEFAULT);
    let settings = BudgetSettings {
        monthly: Some(Money::from_micros(i64::MAX / 4)),
        ..BudgetSettings::default()
    };
    let limits = settings.limits();
    let usage = TokenUsage {
        prompt_tokens: PROMPT_TOKENS,
        completion_tokens: COMPLETION_TOKENS,
    };
    let reservation = NewReservation {
        reservation_id: ReservationId::from_uuid(opened.ports.ids.next()),
        kind: UsageKind::Answer,
        key_id: None,
        session_id: None,
        model: "gpt-4o-mini".to_owned(),
        month_from: settings.calendar.begin_of(opened.clock.now()),
        amount: Money::from_micros(1_000),
        usage,
        is_price_known: true,
        documents: vec![opened.document_id],
    };
    let begun = Instant::now();
    let reserved = opened.ports.ledger.reserve(&scope, &reservation, &limits).await?;
    ensure!(reserved.refused_by.is_none(), "refused");
    let settlement = Settlement {
        reservation_id: reservation.reservation_id,
        usage,
        cost: Money::from_micros(COST_MICROS),
        is_estimated: false,
    };
    opened.ports.ledger.settle(&scope, &settlement, &limits).await?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}
