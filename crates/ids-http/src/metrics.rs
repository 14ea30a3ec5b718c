//! Counters for /metrics, in the text format of Prometheus (OpenMetrics). Labels are bounded: routes as they are
//! declared, methods and words of ours, never what a client sent.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ids_core::document::DocumentStatus;
use ids_core::id::OrganizationId;
use ids_core::job::{JobCounts, JobStatus};
use ids_core::library::{BudgetStanding, Library, Totals};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The type that OpenMetrics is served with.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds: from a cached asset to a large upload.
const LATENCY_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

type Label = (&'static str, Cow<'static, str>);
type Seconds = Gauge<f64, AtomicU64>;

/// What is counted of one server. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<[Label; 3], Counter>,
    latency: Family<[Label; 3], Histogram>,
    documents: Family<[Label; 1], Gauge>,
    pages: Gauge,
    chunks: Gauge,
    embeddings: Gauge,
    jobs: Family<[Label; 2], Gauge>,
    oldest_job: Seconds,
    resident_memory: Gauge,
    uptime: Seconds,
    store_up: Gauge,
    budget: BudgetGauges,
}

/// What answers cost this month, and may. In millionths: exact, as everywhere.
#[derive(Default)]
struct BudgetGauges {
    limit: Family<[Label; 1], Gauge>,
    spent: Family<[Label; 1], Gauge>,
    reserved: Family<[Label; 1], Gauge>,
    used: Seconds,
}

impl BudgetGauges {
    fn register(&self, registry: &mut Registry) {
        let mut money = |name: &str, help: &str, gauge: &Family<[Label; 1], Gauge>| {
            registry.register(name, help, gauge.clone());
        };
        money(
            "ids_ai_budget_micros",
            "What the installation may spend on answers this month, in millionths; absent without a limit",
            &self.limit,
        );
        money(
            "ids_ai_spent_micros",
            "What answers cost this month, in millionths",
            &self.spent,
        );
        money(
            "ids_ai_reserved_micros",
            "Set aside for answers under way, in millionths",
            &self.reserved,
        );
        let help = "Part of the installation's budget of the month that is spent, 1 once it pays no further question; 0 without a limit";
        registry.register("ids_ai_budget_used_ratio", help, self.used.clone());
    }

    fn set(&self, standing: &BudgetStanding) {
        let label: [Label; 1] = [("currency", standing.currency.as_str().into())];
        let sums = standing.installation;
        let mut used = 0.0;
        if let Some(limit) = standing.installation_limit {
            self.limit.get_or_create(&label).set(limit.as_micros());
            used = sums.spent.as_micros() as f64 / limit.as_micros().max(1) as f64;
            // The last of it may be too little for any question.
            if sums.is_used_up(limit) {
                used = used.max(1.0);
            }
        }
        self.used.set(used);
        self.spent.get_or_create(&label).set(sums.spent.as_micros());
        self.reserved.get_or_create(&label).set(sums.reserved.as_micros());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let requests = Family::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let latency: Family<[Label; 3], Histogram> =
            Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS));
        let help = "Seconds from a request's head to its answer's head";
        registry.register("http_request_duration_seconds", help, latency.clone());
        let documents = Family::default();
        registry.register("ids_documents", "Documents by status", documents.clone());
        let jobs = Family::default();
        registry.register(
            "ids_jobs",
            "Jobs by queue and status; queued is the queue's length",
            jobs.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge: Gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let pages = gauge("ids_pages", "Pages that can be searched");
        let chunks = gauge("ids_chunks", "Chunks that can be searched");
        let embeddings = gauge("ids_embeddings", "Chunks that are found by meaning");
        let resident_memory = gauge("process_resident_memory_bytes", "Memory in RAM of this process");
        let store_up = gauge(
            "ids_store_up",
            "1 when the figures of the library could be read, 0 when they are old",
        );
        let oldest_job = Seconds::default();
        let help = "How long the oldest waiting job waits; 0 when none does";
        registry.register("ids_oldest_job_age_seconds", help, oldest_job.clone());
        let uptime = Seconds::default();
        registry.register("ids_uptime_seconds", "Seconds since the start", uptime.clone());
        let budget = BudgetGauges::default();
        budget.register(&mut registry);
        Self(Arc::new(Inner {
            registry,
            requests,
            latency,
            documents,
            pages,
            chunks,
            embeddings,
            jobs,
            oldest_job,
            resident_memory,
            uptime,
            store_up,
            budget,
        }))
    }

    /// Counts a request. `route` is the declared one, `method` one of HTTP's own.
    pub(crate) fn count(
        &self,
        method: &'static str,
        route: String,
        status_class: &'static str,
        took: Duration,
    ) {
        let labels: [Label; 3] = [
            ("method", method.into()),
            ("route", route.into()),
            ("status", status_class.into()),
        ];
        self.0.requests.get_or_create(&labels).inc();
        self.0.latency.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Everything as text, the library's figures read now.
    pub(crate) async fn render(&self, library: &Library, started_at: Timestamp) -> String {
        let now = library.ports().clock.now();
        self.0.uptime.set(now.since(started_at).as_secs_f64());
        if let Some(bytes) = resident_memory() {
            self.0.resident_memory.set(bytes);
        }
        match library.totals().await {
            Ok(totals) => {
                self.0.store_up.set(1);
                self.set_library(&totals);
                let oldest = totals.oldest_waiting;
                self.0
                    .oldest_job
                    .set(oldest.map_or(0.0, |since| now.since(since).as_secs_f64()));
            }
            // What counts requests must go on while the store is down: that is when it is needed.
            Err(refusal) => {
                self.0.store_up.set(0);
                tracing::warn!(
                    error = &refusal as &dyn std::error::Error,
                    "the library's figures cannot be read; /metrics shows the last ones"
                );
            }
        }
        // The installation's figures, which every organization sees alike.
        let operator = Scope::organization(OrganizationId::DEFAULT);
        // A store that is down was told of above.
        if let Ok(standing) = library.budget_standing(&operator).await {
            self.0.budget.set(&standing);
        }
        let mut text = String::new();
        // Writing to a String never fails.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    fn set_library(&self, totals: &Totals) {
        let counts = &totals.counts;
        for status in DocumentStatus::ALL {
            let number = counts
                .documents
                .iter()
                .find(|(of, _)| *of == status)
                .map_or(0, |(_, number)| *number);
            self.0
                .documents
                .get_or_create(&[("status", status.as_str().into())])
                .set(gauge_value(number));
        }
        self.0.pages.set(gauge_value(counts.pages));
        self.0.chunks.set(gauge_value(counts.chunks));
        self.0.embeddings.set(gauge_value(counts.embeddings));
        for of in &totals.jobs {
            for status in JobStatus::ALL {
                let labels = [
                    ("queue", of.queue.as_str().into()),
                    ("status", status.as_str().into()),
                ];
                self.0
                    .jobs
                    .get_or_create(&labels)
                    .set(gauge_value(count_of(of, status)));
            }
        }
    }
}

const fn count_of(counts: &JobCounts, status: JobStatus) -> u64 {
    match status {
        JobStatus::Queued => counts.queued,
        JobStatus::Started => counts.started,
        JobStatus::Deferred => counts.deferred,
        JobStatus::Finished => counts.finished,
        JobStatus::Failed => counts.failed,
        JobStatus::Cancelled => counts.cancelled,
    }
}

fn gauge_value(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Bytes of this process in RAM; `None` where the system does not say.
fn resident_memory() -> Option<i64> {
    // A file of the kernel: reading it never waits for a disk.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?
        .trim()
        .strip_suffix("kB")?;
    Some(kilobytes.trim().parse::<i64>().ok()? * 1024)
}
