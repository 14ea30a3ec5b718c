//! Tells an address that a budget is nearly used up.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use hyper::Uri;
use ids_core::budget::BudgetNotice;
use ids_core::ports::{AlarmError, BudgetAlarm};
use ids_core::time::Timestamp;
use ids_net::TrustedRoots;
use serde::Serialize;
use tokio::time::sleep;

use crate::backoff::pause;
use crate::config::{BaseUrl, ConfigError, Deadlines, RetryPolicy};
use crate::error::CallError;
use crate::http::{Server, within};

/// A few seconds each: whoever tells has other things to do, and comes again.
const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(3),
    first_byte: Duration::from_secs(5),
    between_pieces: Duration::from_secs(2),
    whole: Duration::from_secs(8),
};

/// Where to tell it: `http` or `https`, with a query if need be. It often holds a secret, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    server: BaseUrl,
    target: String,
}

impl FromStr for WebhookUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if text.contains('#') {
            return Err(ConfigError::BaseUrl);
        }
        let uri: Uri = text.parse().map_err(|_| ConfigError::BaseUrl)?;
        let (scheme, authority) = uri
            .scheme_str()
            .zip(uri.authority())
            .ok_or(ConfigError::BaseUrl)?;
        Ok(Self {
            server: format!("{scheme}://{authority}").parse()?,
            target: uri
                .path_and_query()
                .map_or("/", |target| target.as_str())
                .to_owned(),
        })
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(***)")
    }
}

/// A [`BudgetAlarm`] that posts JSON (`AI_BUDGET_WEBHOOK_URL`).
pub struct BudgetWebhook {
    server: Server,
    target: String,
    retry: RetryPolicy,
}

/// What is sent: sums and ids.
#[derive(Serialize)]
struct NoticeBody {
    event: &'static str,
    /// installation or organization.
    scope: &'static str,
    organization_id: Option<String>,
    percent: u8,
    currency: &'static str,
    /// Decimals as text: no reader may round them.
    limit: String,
    spent: String,
    month_from: String,
    at: String,
    /// One line for people: what chat programs show.
    text: String,
}

impl NoticeBody {
    fn new(notice: &BudgetNotice) -> Self {
        let whose = match notice.organization {
            None => "of this installation".to_owned(),
            Some(id) => format!("of organization {id}"),
        };
        Self {
            event: "ai_budget",
            scope: match notice.organization {
                None => "installation",
                Some(_) => "organization",
            },
            organization_id: notice.organization.map(|id| id.to_string()),
            percent: notice.percent,
            currency: notice.currency.as_str(),
            limit: notice.limit.to_string(),
            spent: notice.spent.to_string(),
            month_from: rfc3339(notice.month_from),
            at: rfc3339(notice.created_at),
            text: format!(
                "ids: {}% of the AI budget {whose} for the month are used ({symbol} {} of {symbol} {})",
                notice.percent,
                notice.spent,
                notice.limit,
                symbol = notice.currency.symbol(),
            ),
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .unwrap_or_default()
        .to_string()
}

impl BudgetWebhook {
    /// A client; nothing is sent yet. With `https://` the machine's certificates are read.
    ///
    /// # Errors
    /// Certificates that are none.
    pub fn new(url: WebhookUrl) -> Result<Self, ConfigError> {
        Self::with(url, &TrustedRoots::System, RetryPolicy::default())
    }

    /// The same with other tries, trusting others.
    ///
    /// # Errors
    /// As [`BudgetWebhook::new`].
    pub fn with(url: WebhookUrl, roots: &TrustedRoots, retry: RetryPolicy) -> Result<Self, ConfigError> {
        Ok(Self {
            server: Server::new(url.server, None, roots, DEADLINES)?,
            target: url.target,
            retry,
        })
    }

    async fn post(&self, json: Vec<u8>) -> Result<(), CallError> {
        let sending = self
            .server
            .post_to(&self.target, json, |reply| async move { reply.check_status() });
        within(DEADLINES.whole, "to take it", sending).await.flatten()
    }
}

#[async_trait]
impl BudgetAlarm for BudgetWebhook {
    async fn tell(&self, notice: &BudgetNotice) -> Result<(), AlarmError> {
        let json =
            serde_json::to_vec(&NoticeBody::new(notice)).map_err(|error| AlarmError(Box::new(error)))?;
        let mut tried = 0;
        loop {
            let Err(error) = self.post(json.clone()).await else {
                return Ok(());
            };
            tried += 1;
            let again = error
                .may_pass()
                .then(|| pause(&self.retry, tried, error.retry_after()));
            let Some(pause) = again.flatten() else {
                return Err(AlarmError(Box::new(error)));
            };
            sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WebhookUrl;

    #[test]
    fn an_address_keeps_its_query_and_is_never_shown() {
        let url: WebhookUrl = "https://hooks.example.org/services/T1/secret?sig=secret"
            .parse()
            .unwrap();
        assert_eq!(url.target, "/services/T1/secret?sig=secret");
        assert!(!format!("{url:?}").contains("secret"));
        for text in [
            "",
            "hooks.example.org",
            "ftp://host/x",
            "https://user:secret@host/x",
            "https://host/#secret",
        ] {
            let error = text.parse::<WebhookUrl>().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
