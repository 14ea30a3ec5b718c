//! Counters for /metrics, in the text format of Prometheus: OpenMetrics for who asks for it, else the classic one. Labels are
//! bounded: routes as they are declared, methods and words of ours, never what a client sent.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ids_core::document::DocumentStatus;
use ids_core::id::OrganizationId;
use ids_core::job::{JobCounts, JobStatus};
use ids_core::library::{BudgetStanding, Library, QueueTotals, Totals};
use ids_core::scope::Scope;
use ids_core::time::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::options::BuildInfo;
use crate::process::{ProcessMetrics, WatchedFolder, gauge_value};
use crate::wire::meta::DependencyBody;

/// The type that OpenMetrics is served with.
pub(crate) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The type of the classic text.
pub(crate) const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Seconds: from a cached asset to a large upload.
const LATENCY_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

pub(crate) type Label = (&'static str, Cow<'static, str>);
pub(crate) type Seconds = Gauge<f64, AtomicU64>;

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
    oldest_job: Family<[Label; 1], Seconds>,
    workers: Family<[Label; 1], Gauge>,
    dependency_up: Family<[Label; 1], Gauge>,
    certificate: Family<[Label; 1], Seconds>,
    build: Family<[Label; 1], Gauge>,
    last_backup: Seconds,
    uptime: Seconds,
    store_up: Gauge,
    process: ProcessMetrics,
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
        let latency: Family<[Label; 3], Histogram> =
            Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS));
        let mut inner = Inner {
            registry: Registry::default(),
            requests: Family::default(),
            latency,
            documents: Family::default(),
            pages: Gauge::default(),
            chunks: Gauge::default(),
            embeddings: Gauge::default(),
            jobs: Family::default(),
            oldest_job: Family::default(),
            workers: Family::default(),
            dependency_up: Family::default(),
            certificate: Family::default(),
            build: Family::default(),
            last_backup: Seconds::default(),
            uptime: Seconds::default(),
            store_up: Gauge::default(),
            process: ProcessMetrics::register(&mut registry),
            budget: BudgetGauges::default(),
        };
        register(&mut registry, &inner);
        inner.budget.register(&mut registry);
        inner.registry = registry;
        Self(Arc::new(inner))
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

    /// Says when the certificate that is served at the public address ends. `host` is that of `PUBLIC_URL`, so there is one.
    pub fn set_certificate_end(&self, host: &str, ends_at: Timestamp) {
        let label: [Label; 1] = [("host", host.to_owned().into())];
        self.0.certificate.get_or_create(&label).set(seconds(ends_at));
    }

    /// Says what is running.
    pub(crate) fn set_build(&self, build: &BuildInfo) {
        let label: [Label; 1] = [("version", build.version.clone().into())];
        self.0.build.get_or_create(&label).set(1);
    }

    /// Everything as OpenMetrics, the library's figures read now.
    pub(crate) async fn render(
        &self,
        library: &Library,
        started_at: Timestamp,
        folders: &[WatchedFolder],
        dependencies: &BTreeMap<&'static str, DependencyBody>,
    ) -> String {
        let now = library.ports().clock.now();
        self.0.uptime.set(now.since(started_at).as_secs_f64());
        let (metrics, folders) = (self.clone(), folders.to_vec());
        let process = move || metrics.0.process.read(started_at, &folders);
        // A disk that hangs must not take the other figures with it.
        let read = tokio::task::spawn_blocking(process);
        let _ = tokio::time::timeout(Duration::from_secs(1), read).await;
        for (name, body) in dependencies {
            let is_up = i64::from(body.status == "healthy");
            self.0
                .dependency_up
                .get_or_create(&named("name", name))
                .set(is_up);
        }
        match library.totals().await {
            Ok(totals) => {
                self.0.store_up.set(1);
                self.set_library(&totals, now);
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

    fn set_library(&self, totals: &Totals, now: Timestamp) {
        let counts = &totals.counts;
        for status in DocumentStatus::ALL {
            let number = counts
                .documents
                .iter()
                .find(|(of, _)| *of == status)
                .map_or(0, |(_, number)| *number);
            let label = named("status", status.as_str());
            self.0.documents.get_or_create(&label).set(gauge_value(number));
        }
        self.0.pages.set(gauge_value(counts.pages));
        self.0.chunks.set(gauge_value(counts.chunks));
        self.0.embeddings.set(gauge_value(counts.embeddings));
        self.0.last_backup.set(totals.backed_up_at.map_or(0.0, seconds));
        for of in &totals.queues {
            self.set_queue(of, now);
        }
    }

    fn set_queue(&self, of: &QueueTotals, now: Timestamp) {
        let queue = of.queue().as_str();
        for status in JobStatus::ALL {
            let labels = [("queue", queue.into()), ("status", status.as_str().into())];
            let number = gauge_value(count_of(&of.jobs, status));
            self.0.jobs.get_or_create(&labels).set(number);
        }
        let age = of.oldest_waiting.map_or(Duration::ZERO, |since| now.since(since));
        let label = named("queue", queue);
        self.0.oldest_job.get_or_create(&label).set(age.as_secs_f64());
        self.0.workers.get_or_create(&label).set(gauge_value(of.workers));
    }
}

/// The name and the help of each; docs/monitoring.md has the same table, and a test holds them together.
fn register(registry: &mut Registry, metrics: &Inner) {
    registry.register("http_requests", "Requests answered", metrics.requests.clone());
    registry.register(
        "http_request_duration_seconds",
        "Seconds from a request's head to its answer's head",
        metrics.latency.clone(),
    );
    registry.register("ids_documents", "Documents by status", metrics.documents.clone());
    registry.register("ids_pages", "Pages that can be searched", metrics.pages.clone());
    registry.register(
        "ids_chunks",
        "Chunks that can be searched",
        metrics.chunks.clone(),
    );
    registry.register(
        "ids_embeddings",
        "Chunks that are found by meaning",
        metrics.embeddings.clone(),
    );
    registry.register(
        "ids_jobs",
        "Jobs by queue and status; queued is the queue's length",
        metrics.jobs.clone(),
    );
    registry.register(
        "ids_oldest_job_age_seconds",
        "How long the oldest waiting job of a queue waits; 0 when none does",
        metrics.oldest_job.clone(),
    );
    registry.register(
        "ids_workers",
        "Workers alive that take jobs from a queue",
        metrics.workers.clone(),
    );
    registry.register(
        "ids_dependency_up",
        "1 when a dependency answered, 0 when it did not",
        metrics.dependency_up.clone(),
    );
    registry.register(
        "ids_certificate_expiry_timestamp_seconds",
        "When the certificate that is served at the public address ends, since 1970",
        metrics.certificate.clone(),
    );
    registry.register(
        "ids_last_backup_timestamp_seconds",
        "When the newest backup was whole, since 1970; 0 when there was none",
        metrics.last_backup.clone(),
    );
    registry.register("ids_build_info", "1, with what is running", metrics.build.clone());
    registry.register(
        "ids_uptime_seconds",
        "Seconds since the start",
        metrics.uptime.clone(),
    );
    registry.register(
        "ids_store_up",
        "1 when the figures of the library could be read, 0 when they are old",
        metrics.store_up.clone(),
    );
}

fn named(name: &'static str, value: &'static str) -> [Label; 1] {
    [(name, value.into())]
}

fn seconds(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
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
