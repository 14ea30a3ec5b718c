//! Where traces go.

use axum::http::{HeaderName, HeaderValue};

use super::variables::{ConfigError, Variables, unreadable};
use crate::http_client::Target;

/// A collector of OpenTelemetry.
#[derive(Debug, Clone)]
pub struct TracesConfig {
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, else `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces`.
    pub endpoint: String,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: what the collector asks for, such as a key.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// `OTEL_SERVICE_NAME`.
    pub service_name: String,
}

/// The collector that is set; `None` where none is, and nothing is traced.
pub(super) fn traces(variables: &Variables) -> Result<Option<TracesConfig>, ConfigError> {
    const WHOLE: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
    let (name, endpoint) = match (variables.text(WHOLE), variables.text(BASE)) {
        (Some(whole), _) => (WHOLE, whole.to_owned()),
        (None, Some(base)) => (BASE, format!("{}/v1/traces", base.trim_end_matches('/'))),
        (None, None) => return Ok(None),
    };
    if Target::parse(&endpoint).is_none() {
        return Err(unreadable(name, "an address such as `http://collector:4318`"));
    }
    if variables
        .text(PROTOCOL)
        .is_some_and(|protocol| protocol != "http/protobuf")
    {
        return Err(unreadable(
            PROTOCOL,
            "http/protobuf, which collectors take on port 4318",
        ));
    }
    let headers = variables
        .list("OTEL_EXPORTER_OTLP_HEADERS")
        .iter()
        .map(|pair| header(pair))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| {
            unreadable(
                "OTEL_EXPORTER_OTLP_HEADERS",
                "`name=value` pairs, parted by commas",
            )
        })?;
    Ok(Some(TracesConfig {
        endpoint,
        headers,
        service_name: variables.text("OTEL_SERVICE_NAME").unwrap_or("ids").to_owned(),
    }))
}

/// A pair as the specification writes it: the value encoded as in addresses.
fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    // A plus is a plus here, where forms would have a space.
    let encoded = format!("={}", value.trim().replace('+', "%2B"));
    let (_, value) = form_urlencoded::parse(encoded.as_bytes()).next()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    // It is most likely a key: never shown.
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::traces;
    use crate::config::Variables;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<super::TracesConfig>, String> {
        traces(&Variables::of(pairs).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_collector_is_named_as_the_specification_says() {
        assert!(read(&[("OTEL_SERVICE_NAME", "ids")]).unwrap().is_none());
        let set = read(&[
            ("OTEL_SERVICE_NAME", "prefeitura"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Basic%20abc+=, x-team=city",
            ),
        ]);
        let set = set.unwrap().unwrap();
        assert_eq!(set.endpoint, "http://collector:4318/v1/traces");
        assert_eq!(set.service_name, "prefeitura");
        let headers = set
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let headers: Vec<_> = headers.collect();
        assert_eq!(headers, [("authorization", "Basic abc+="), ("x-team", "city")]);
        assert!(!format!("{set:?}").contains("Basic abc"));
        let whole = read(&[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c/in"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "x"),
        ]);
        assert_eq!(whole.unwrap().unwrap().endpoint, "https://c/in");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        for bad in [
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "otel:4318")],
            vec![endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "secret-without-a-name")],
            vec![endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        ] {
            let (name, value) = *bad.last().unwrap();
            let error = read(&bad).unwrap_err();
            assert!(error.contains(name) && !error.contains(value), "{error}");
        }
    }
}
