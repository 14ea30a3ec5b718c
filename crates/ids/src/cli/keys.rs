//! `ids keys`: what callers of a server need.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Reply, segment, with_client};
use super::exit::Failed;
use super::organizations::{id_of, in_name_of};
use super::output;
use crate::config::Config;
use crate::local::Work;

/// The one organization of the embedded shape.
const DEFAULT: &str = "default";

/// Make the keys that callers of a server need, list and revoke them.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key; it is shown this once
    Create(CreateArgs),
    /// List the keys of an organization, newest first
    List(OfArgs),
    /// Take a key out of use, for ever and at once
    Revoke {
        /// The key's id (`ids keys list` names it)
        #[arg(value_name = "ID")]
        key_id: String,
        #[command(flatten)]
        of: OfArgs,
    },
}

#[derive(Debug, Args)]
struct OfArgs {
    /// The organization
    #[arg(long, value_name = "NAME", default_value = DEFAULT)]
    organization: String,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The organization that the key speaks for; made where there is none
    #[arg(long, value_name = "NAME", default_value = DEFAULT)]
    organization: String,
    /// What it allows, parted by commas: search, ask, ingest, admin
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
    scopes: Vec<String>,
    /// The collections it may see, parted by commas; all if not given
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    collections: Vec<String>,
    /// How long it works, such as 90d or 12h; until it is revoked if not given
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    expires: Option<Duration>,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a number of days or hours, such as 90d or 12h".to_owned();
    let (number, seconds) = match text.as_bytes().last() {
        Some(b'd') => (&text[..text.len() - 1], 24 * 3_600),
        Some(b'h') => (&text[..text.len() - 1], 3_600),
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    // A hundred years: longer is a slip of the finger.
    if number == 0 || number.saturating_mul(seconds) > 100 * 365 * 24 * 3_600 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(number * seconds))
}

/// Runs the command.
pub async fn run(args: KeysArgs, config: &Config) -> Result<u8, Failed> {
    if let Action::Create(create) = &args.action
        && config.postgres.is_none()
        && create.organization != DEFAULT
    {
        return Err(Failed::usage(
            "without PostgreSQL there is one organization, `default`; leave --organization out",
        ));
    }
    with_client(config, Work::None, async |client: &Client| match &args.action {
        Action::Create(args) => create(client, args).await,
        Action::List(args) => list(client, args).await,
        Action::Revoke { key_id, of } => revoke(client, key_id, of).await,
    })
    .await?;
    Ok(0)
}

async fn create(client: &Client, args: &CreateArgs) -> Result<(), Failed> {
    let organization = client
        .post("/local/organizations", &json!({"name": args.organization}))
        .await
        .map_err(|error| error.into_failed(args.json))?;
    let id = organization.body["organization_id"].as_str().unwrap_or_default();
    let mut request = json!({"scopes": args.scopes});
    if !args.collections.is_empty() {
        request["collections"] = args.collections.clone().into();
    }
    if let Some(expires) = args.expires {
        request["expires_in"] = expires.as_secs().into();
    }
    if let Some(name) = &args.name {
        request["name"] = name.clone().into();
    }
    let body = Body::from(request.to_string());
    let reply = send(client, Method::POST, "/api/v1/keys", body, id, args.json).await?;
    if args.json {
        return output::print_raw(&reply.raw);
    }
    let text = |name: &str| output::clean(reply.body[name].as_str().unwrap_or_default());
    output::print(&format!(
        "{}\n\nThis is key `{}` of `{}`. It is shown this once: keep it where passwords are kept.",
        text("key"),
        text("key_id"),
        text("organization")
    ))
}

async fn list(client: &Client, of: &OfArgs) -> Result<(), Failed> {
    let id = id_of(client, &of.organization, of.json).await?;
    let reply = send(client, Method::GET, "/api/v1/keys", Body::empty(), &id, of.json).await?;
    if of.json {
        return output::print_raw(&reply.raw);
    }
    output::print(&render(&reply.body))
}

fn render(body: &Value) -> String {
    let keys = body["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if keys.is_empty() {
        return "no keys yet; `ids keys create` makes one".to_owned();
    }
    let mut rows = vec![
        ["key", "begins", "name", "scopes", "collections", "made", "state"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for key in keys {
        let text = |name: &str| output::clean(key[name].as_str().unwrap_or_default());
        let words = |name: &str| {
            let words = key[name].as_array().into_iter().flatten();
            words
                .filter_map(Value::as_str)
                .map(output::clean)
                .collect::<Vec<_>>()
                .join(",")
        };
        let collections = if key["collections"].is_null() {
            "all".to_owned()
        } else {
            words("collections")
        };
        let state = match (key["revoked_at"].as_str(), key["expires_at"].as_str()) {
            (Some(at), _) => format!("revoked {}", output::clean(at)),
            (None, Some(at)) => format!("until {}", output::clean(at)),
            (None, None) => "works".to_owned(),
        };
        rows.push(vec![
            text("key_id"),
            format!("{}…", text("hint")),
            text("name"),
            words("scopes"),
            collections,
            text("created_at"),
            state,
        ]);
    }
    output::table(&rows)
}

async fn revoke(client: &Client, key_id: &str, of: &OfArgs) -> Result<(), Failed> {
    let id = id_of(client, &of.organization, of.json).await?;
    let path = format!("/api/v1/keys/{}", segment(key_id));
    let reply = send(client, Method::DELETE, &path, Body::empty(), &id, of.json).await?;
    if of.json {
        output::print_raw(&reply.raw)
    } else {
        output::print(&format!(
            "key `{}` no longer opens anything",
            output::clean(key_id)
        ))
    }
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    body: Body,
    organization_id: &str,
    json: bool,
) -> Result<Reply, Failed> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|error| Failed::because(error.to_string()))?;
    client
        .send(in_name_of(request, organization_id)?)
        .await
        .map_err(|error| error.into_failed(json))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::lifetime;

    #[test]
    fn lifetimes_are_days_or_hours() {
        assert_eq!(lifetime("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(lifetime("12h"), Ok(Duration::from_secs(43_200)));
        for wrong in ["", "d", "90", "0d", "-1d", "1w", "99999999d", "1.5h"] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }
}
