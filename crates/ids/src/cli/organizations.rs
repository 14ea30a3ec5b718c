//! `ids organizations`: the municipalities or companies of an installation.

use axum::http::{HeaderValue, Request, header};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Reply, segment, with_client};
use super::exit::Failed;
use super::{confirm, output};
use crate::config::Config;
use crate::local::Work;

/// Look at organizations, limit what they spend, and remove them. `ids keys create` makes them.
#[derive(Debug, Args)]
pub struct OrganizationsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the organizations
    List {
        /// Print the reply as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show how much an organization has
    Show(NameArgs),
    /// Show or set what an organization may spend on answers in a month
    Budget(BudgetArgs),
    /// Remove an organization with all its documents, conversations and keys
    Delete {
        #[command(flatten)]
        named: NameArgs,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
struct NameArgs {
    /// The organization
    #[arg(value_name = "NAME")]
    name: String,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct BudgetArgs {
    #[command(flatten)]
    named: NameArgs,
    /// The limit in AI_BUDGET_CURRENCY, such as 100.00, or `none`; without it the limit is shown
    #[arg(value_name = "AMOUNT")]
    amount: Option<String>,
}

/// Runs the command.
pub async fn run(args: OrganizationsArgs, config: &Config) -> Result<u8, Failed> {
    with_client(config, Work::None, async |client: &Client| match &args.action {
        Action::List { json } => list(client, *json).await,
        Action::Show(named) => show(client, named).await,
        Action::Budget(args) => budget(client, args).await,
        Action::Delete { named, yes } => delete(client, named, *yes).await,
    })
    .await?;
    Ok(0)
}

async fn all(client: &Client, json: bool) -> Result<Reply, Failed> {
    client
        .get("/local/organizations")
        .await
        .map_err(|error| error.into_failed(json))
}

/// The id of the organization called `name`.
///
/// # Errors
/// When there is none.
pub async fn id_of(client: &Client, name: &str, json: bool) -> Result<String, Failed> {
    let reply = all(client, json).await?;
    let organizations = reply.body["organizations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = organizations.iter().find(|it| it["name"] == name);
    let id = found.and_then(|it| it["organization_id"].as_str());
    id.map(str::to_owned).ok_or_else(|| {
        Failed::because(format!(
            "there is no organization `{}`; `ids organizations list` names those there are",
            output::clean(name)
        ))
    })
}

/// A request in the name of an organization.
///
/// # Errors
/// When the id is no header value, which ids are.
pub fn in_name_of(
    mut request: Request<axum::body::Body>,
    organization_id: &str,
) -> Result<Request<axum::body::Body>, Failed> {
    let value = HeaderValue::from_str(organization_id)
        .map_err(|_| Failed::because("the organization's id cannot be sent"))?;
    request
        .headers_mut()
        .insert(header::HeaderName::from_static("x-ids-organization"), value);
    Ok(request)
}

async fn list(client: &Client, json: bool) -> Result<(), Failed> {
    let reply = all(client, json).await?;
    if json {
        return output::print_raw(&reply.raw);
    }
    let mut rows = vec![["organization", "since", "id"].map(str::to_owned).to_vec()];
    for organization in reply.body["organizations"].as_array().into_iter().flatten() {
        let text = |name: &str| output::clean(organization[name].as_str().unwrap_or_default());
        rows.push(vec![text("name"), text("created_at"), text("organization_id")]);
    }
    output::print(&output::table(&rows))
}

async fn show(client: &Client, named: &NameArgs) -> Result<(), Failed> {
    let id = id_of(client, &named.name, named.json).await?;
    let request = Request::get("/api/v1/documents/stats")
        .body(axum::body::Body::empty())
        .map_err(|error| Failed::because(error.to_string()))?;
    let reply = client
        .send(in_name_of(request, &id)?)
        .await
        .map_err(|error| error.into_failed(named.json))?;
    let mut body = json!({"organization": named.name, "organization_id": id});
    if let (Value::Object(body), Value::Object(stats)) = (&mut body, &reply.body) {
        body.extend(stats.clone());
    }
    if named.json {
        return output::print(&body.to_string());
    }
    let mut lines = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), output::clean);
        lines.push(vec![name.clone(), text]);
    }
    output::print(&output::table(&lines))
}

async fn budget(client: &Client, args: &BudgetArgs) -> Result<(), Failed> {
    const PATH: &str = "/api/v1/usage/budget";
    let (name, json) = (&args.named.name, args.named.json);
    let id = id_of(client, name, json).await?;
    let request = match &args.amount {
        None => Request::get(PATH).body(axum::body::Body::empty()),
        Some(amount) => Request::put(PATH)
            .header(header::CONTENT_TYPE, "application/json")
            .body(axum::body::Body::from(json!({"monthly": amount}).to_string())),
    };
    let request = request.map_err(|error| Failed::because(error.to_string()))?;
    let reply = client.send(in_name_of(request, &id)?).await;
    let reply = reply.map_err(|error| error.into_failed(json))?;
    if json {
        return output::print_raw(&reply.raw);
    }
    let amount = |field: &str| reply.body[field].as_f64().map(|amount| format!("{amount:.2}"));
    let currency = reply.body["currency"].as_str().unwrap_or_default();
    let limit = match amount("monthly") {
        Some(limit) => format!("may spend {currency} {limit} a month"),
        None => "has no limit of its own".to_owned(),
    };
    let spent = amount("spent").unwrap_or_default();
    output::print(&format!(
        "organization `{}` {limit}; {currency} {spent} are spent this month",
        output::clean(name)
    ))
}

async fn delete(client: &Client, named: &NameArgs, yes: bool) -> Result<(), Failed> {
    id_of(client, &named.name, named.json).await?;
    if !yes {
        let question = format!(
            "All documents, conversations and keys of `{0}` will be gone for ever. Remove `{0}`? [y/N] ",
            output::clean(&named.name)
        );
        if !confirm::confirmed(&question).await? {
            return Err(Failed::because("nothing was removed"));
        }
    }
    let reply = client
        .delete(&format!("/local/organizations/{}", segment(&named.name)))
        .await
        .map_err(|error| error.into_failed(named.json))?;
    if named.json {
        output::print_raw(&reply.raw)
    } else {
        output::print(&format!("organization `{}` is gone", output::clean(&named.name)))
    }
}
