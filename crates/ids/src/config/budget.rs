//! What answers may cost, and what models do.

use std::path::Path;

use ids_core::budget::{
    BudgetCalendar, BudgetSettings, Currency, ModelPrice, Money, PriceTable, Rate, RateMissing,
};
use ids_models::WebhookUrl;
use serde_json::Value;

use super::variables::{ConfigError, Variables, unreadable};

/// The most of a file of prices that is read.
const PRICES_BYTES: u64 = 1024 * 1024;

/// The settings of the budget.
pub(super) fn budget(variables: &Variables) -> Result<BudgetSettings, ConfigError> {
    let currency = match variables.text("AI_BUDGET_CURRENCY") {
        None => Currency::default(),
        Some(name) => Currency::from_name(&name.to_ascii_uppercase())
            .ok_or_else(|| unreadable("AI_BUDGET_CURRENCY", "USD or BRL"))?,
    };
    let amount = "an amount such as `291.50`: at most six digits after the point";
    let monthly = variables
        .text("AI_BUDGET_MONTHLY")
        .map(|text| Money::parse(text).ok_or_else(|| unreadable("AI_BUDGET_MONTHLY", amount)))
        .transpose()?;
    let rate = variables
        .text("USD_BRL_RATE")
        .map(|text| {
            let expected = "reais for a dollar, such as `5.40`";
            Rate::parse(text).ok_or_else(|| unreadable("USD_BRL_RATE", expected))
        })
        .transpose()?;
    Ok(BudgetSettings {
        monthly,
        currency,
        rate,
        calendar: calendar(variables)?,
        prices: prices(variables, currency, rate)?,
    })
}

fn calendar(variables: &Variables) -> Result<BudgetCalendar, ConfigError> {
    let days = BudgetCalendar::START_DAYS;
    let day = variables.number("AI_BUDGET_START_DAY", 1, days)?;
    let zone = variables
        .text("AI_BUDGET_TIMEZONE")
        .unwrap_or(BudgetCalendar::DEFAULT_ZONE);
    BudgetCalendar::new(day, zone)
        .ok_or_else(|| unreadable("AI_BUDGET_TIMEZONE", "a time zone such as `America/Sao_Paulo`"))
}

/// The built-in prices, those of the file over them, those of the environment over both.
fn prices(variables: &Variables, currency: Currency, rate: Option<Rate>) -> Result<PriceTable, ConfigError> {
    let missing = |RateMissing { from, to }: RateMissing| {
        ConfigError(format!(
            "`USD_BRL_RATE` must be set: prices are in {from}, and `AI_BUDGET_CURRENCY` is {to}"
        ))
    };
    let mut table = PriceTable::built_in(currency, rate).map_err(missing)?;
    if let Some(path) = variables.text("AI_PRICES_FILE") {
        let (date, prices) = read_file(Path::new(path))?;
        for price in &prices {
            table.set(price, rate).map_err(missing)?;
        }
        if let Some(date) = date {
            table.set_date(date);
        }
    }
    for entry in variables.list("AI_PRICES") {
        let expected = "prices such as `gpt-4o-mini=0.15/0.60 USD`, for a million tokens read and written, parted by commas";
        let price = price_of(&entry).ok_or_else(|| unreadable("AI_PRICES", expected))?;
        table.set(&price, rate).map_err(missing)?;
    }
    Ok(table)
}

/// `model=input/output`, and a currency where it is not the dollar.
fn price_of(entry: &str) -> Option<ModelPrice> {
    let (model, prices) = entry.rsplit_once('=')?;
    let (prices, currency) = match prices.trim().split_once(' ') {
        None => (prices.trim(), Currency::Usd),
        Some((prices, name)) => (prices, Currency::from_name(&name.trim().to_ascii_uppercase())?),
    };
    let (input, output) = prices.split_once('/')?;
    let model = model.trim();
    (!model.is_empty()).then_some(())?;
    Some(ModelPrice {
        model: model.to_owned(),
        input: Money::parse(input.trim())?,
        output: Money::parse(output.trim())?,
        currency,
    })
}

/// `{"date": "2026-11-25", "currency": "USD", "models": {"gpt-4o-mini": {"input": 0.15, "output": 0.60}}}`.
fn read_file(path: &Path) -> Result<(Option<String>, Vec<ModelPrice>), ConfigError> {
    let bad = |what: &str| ConfigError(format!("`AI_PRICES_FILE` ({}) {what}", path.display()));
    let size = std::fs::metadata(path)
        .map_err(|error| bad(&format!("cannot be read: {error}")))?
        .len();
    if size > PRICES_BYTES {
        return Err(bad("is larger than 1 MB"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| bad(&format!("cannot be read: {error}")))?;
    let file: Value = serde_json::from_str(&text).map_err(|error| {
        bad(&format!(
            "is no JSON: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let currency = match &file["currency"] {
        Value::Null => Currency::Usd,
        name => name
            .as_str()
            .and_then(Currency::from_name)
            .ok_or_else(|| bad("has a `currency` that is neither USD nor BRL"))?,
    };
    let models = file["models"].as_object().ok_or_else(|| {
        bad("has no `models`; it must look like {\"models\": {\"gpt-4o-mini\": {\"input\": 0.15, \"output\": 0.60}}}")
    })?;
    let mut prices = Vec::with_capacity(models.len());
    for (model, price) in models {
        let amount = |field: &str| {
            decimal(&price[field]).ok_or_else(|| {
                bad(&format!(
                    "has no usable `{field}` for `{model}`: it must be the price of a million tokens, such as 0.15"
                ))
            })
        };
        prices.push(ModelPrice {
            model: model.clone(),
            input: amount("input")?,
            output: amount("output")?,
            currency,
        });
    }
    Ok((file["date"].as_str().map(str::to_owned), prices))
}

/// A number's shortest decimal is the one that was written, up to 15 digits: no price has more.
fn decimal(value: &Value) -> Option<Money> {
    match value {
        Value::String(text) => Money::parse(text),
        Value::Number(number) => Money::parse(&number.to_string()),
        _ => None,
    }
}

/// Whom to tell.
pub(super) fn webhook(variables: &Variables) -> Result<Option<WebhookUrl>, ConfigError> {
    let text = variables.text("AI_BUDGET_WEBHOOK_URL");
    text.map(|text| {
        let expected = "an address such as `https://hooks.example.org/ids`, without user or fragment";
        text.parse()
            .map_err(|_| unreadable("AI_BUDGET_WEBHOOK_URL", expected))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use ids_core::budget::Currency;

    use super::super::{Config, Variables};

    fn config(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let variables = Variables::of(pairs).map_err(|error| error.to_string())?;
        Config::new(&variables, Some("/data".as_ref())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_budget_in_reais_needs_a_rate() {
        let error = config(&[("AI_BUDGET_CURRENCY", "BRL"), ("AI_BUDGET_MONTHLY", "278.60")]).unwrap_err();
        assert!(error.contains("`USD_BRL_RATE`"), "{error}");
        let set = [
            ("AI_BUDGET_CURRENCY", "brl"),
            ("AI_BUDGET_MONTHLY", "278.60"),
            ("USD_BRL_RATE", "5.40"),
            ("AI_BUDGET_START_DAY", "20"),
        ];
        let budget = config(&set).unwrap().library.budget;
        assert_eq!(
            (budget.currency, budget.monthly.unwrap().as_micros()),
            (Currency::Brl, 278_600_000)
        );
        assert_eq!(budget.prices.of("gpt-4o-mini").input.as_micros(), 810_000);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_repeated() {
        for (name, value) in [
            ("AI_BUDGET_MONTHLY", "-5secret"),
            ("AI_BUDGET_CURRENCY", "EURsecret"),
            ("AI_BUDGET_START_DAY", "29"),
            ("AI_BUDGET_TIMEZONE", "America/secret"),
            ("USD_BRL_RATE", "0"),
            ("AI_BUDGET_WEBHOOK_URL", "secret"),
            ("AI_PRICES", "gpt=secret"),
            ("AI_PRICES", "=1/2"),
            ("AI_PRICES_FILE", "/does/not/exist"),
        ] {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(
                error.contains(&format!("`{name}`")) && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn prices_of_the_environment_win_over_the_file_and_both_over_those_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prices.json");
        let text = r#"{"date": "2026-11-25", "currency": "BRL", "models": {
            "local": {"input": 0, "output": "0"}, "gpt-4o-mini": {"input": 0.9, "output": 3.6}}}"#;
        std::fs::write(&file, text).unwrap();
        let set = [
            ("AI_BUDGET_CURRENCY", "BRL"),
            ("USD_BRL_RATE", "5"),
            ("AI_PRICES_FILE", file.to_str().unwrap()),
            ("AI_PRICES", "gpt-4o-mini=0.2/0.8, a=b=1/2 BRL"),
        ];
        let prices = config(&set).unwrap().library.budget.prices;
        assert_eq!(prices.date(), "2026-11-25");
        assert_eq!(prices.of("gpt-4o-mini").input.as_micros(), 1_000_000);
        assert_eq!(prices.of("a=b").output.as_micros(), 2_000_000);
        assert_eq!(
            (prices.of("local").output.as_micros(), prices.of("local").is_known),
            (0, true)
        );
        assert_eq!(prices.of("gpt-4o").input.as_micros(), 12_500_000);
    }

    #[test]
    fn a_file_that_is_none_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prices.json");
        for (text, says) in [
            ("{", "line 1"),
            ("{}", "`models`"),
            (r#"{"models": {"m": {"input": 1}}}"#, "`output` for `m`"),
            (
                r#"{"models": {"m": {"input": -1, "output": 1}}}"#,
                "`input` for `m`",
            ),
            (r#"{"currency": "EUR", "models": {}}"#, "`currency`"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = config(&[("AI_PRICES_FILE", file.to_str().unwrap())]).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
