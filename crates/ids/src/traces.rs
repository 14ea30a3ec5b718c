//! Traces for an OpenTelemetry collector, where one is set: spans of requests and jobs, sent over OTLP/HTTP in batches by a thread
//! of their own. A collector that is away costs the spans and nothing else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use ids_core::trace::TARGET;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::TracesConfig;
use crate::http_client::{Target, send, trusting_connector};

/// For one batch; the thread that sends them waits for nothing else.
const PATIENCE: Duration = Duration::from_secs(5);
/// Spans that wait to be sent; more are dropped.
const SPANS_WAITING: usize = 2_048;
/// How long the end of the process waits for the last of them.
const LAST_BATCH: Duration = Duration::from_secs(3);

/// What sends spans; to be stopped, so that the last of them are sent.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sends spans to the collector of `config`, over connections of the runtime this is called in.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn start(config: &TracesConfig) -> anyhow::Result<Self> {
        let collector = Collector {
            target: Target::parse(&config.endpoint).context("the address of the collector cannot be used")?,
            headers: Arc::new(config.headers.clone()),
            tls: trusting_connector()?,
            runtime: Handle::current(),
            is_away: Arc::default(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&config.endpoint)
            .with_timeout(PATIENCE)
            .build()
            .context("the exporter of traces cannot be made")?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(SPANS_WAITING)
            .with_scheduled_delay(Duration::from_secs(1))
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches)
            .build();
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// What hands spans over; it sees those that are made for traces, and no log line.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("ids"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && metadata.target() == TARGET
            }))
    }

    /// Sends what is left, for as long as that may take.
    pub async fn stop(self) {
        let stop = move || self.provider.shutdown_with_timeout(LAST_BATCH);
        // What cannot be sent now is lost, which nobody is kept waiting for.
        let _ = tokio::task::spawn_blocking(stop).await;
    }
}

/// The client that the exporter calls from its own thread, which has no runtime.
#[derive(Clone)]
struct Collector {
    target: Target,
    headers: Arc<Vec<(HeaderName, HeaderValue)>>,
    tls: TlsConnector,
    runtime: Handle,
    /// So that an outage is told once, and its end.
    is_away: Arc<AtomicBool>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let collector = self.clone();
        let sending = self.runtime.spawn(async move {
            let sent = tokio::time::timeout(PATIENCE, collector.send(request)).await;
            let reply = sent.map_err(anyhow::Error::from).flatten();
            collector.tell(&reply);
            reply
        });
        Ok(sending.await??)
    }
}

impl Collector {
    async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let mut request = request.map(Full::new);
        for (name, value) in self.headers.iter() {
            request.headers_mut().insert(name, value.clone());
        }
        let answer = send(&self.target, &self.tls, request).await?;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    fn tell(&self, reply: &anyhow::Result<Response<Bytes>>) {
        let trouble = match reply {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers with HTTP {}", response.status().as_u16())),
            Err(error) => Some(format!("{error:#}")),
        };
        let was_away = self.is_away.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(trouble) if !was_away => {
                tracing::warn!("traces are lost, as the collector does not take them: {trouble}");
            }
            None if was_away => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}
