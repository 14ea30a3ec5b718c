//! What questions took.

use axum::Json;
use axum::extract::State;
use ids_core::error::Refusal;
use ids_core::time::Timestamp;
use time::{Date, Month, OffsetDateTime, Time};

use crate::access::{Administering, Granted};
use crate::error::ApiResult;
use crate::extract::QueryOf;
use crate::state::AppState;
use crate::wire::chat::UsageBody;

/// What a month's questions took, by model.
#[utoipa::path(
    get, path = "/api/v1/usage", operation_id = "usage", tag = "chat",
    params(("month" = Option<String>, Query, description = "`YYYY-MM`, in UTC; this month if not given")),
    responses((status = 200, description = "The month so far", body = UsageBody)),
)]
pub(crate) async fn usage(
    State(state): State<AppState>,
    caller: Granted<Administering>,
    QueryOf(mut fields): QueryOf,
) -> ApiResult<Json<UsageBody>> {
    let asked = fields.parsed("month", YearMonth::parse);
    fields.finish()?;
    let library = &state.options.library;
    let month = asked.unwrap_or_else(|| YearMonth::of(library.ports().clock.now()));
    let (from, until) = month
        .bounds()
        .ok_or_else(|| Refusal::field("month", YearMonth::SHAPE))?;
    let counts = library.usage(caller.scope(), from, until).await?;
    Ok(Json(UsageBody::new(month.to_string(), &counts)))
}

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct YearMonth {
    year: i32,
    month: Month,
}

impl YearMonth {
    const SHAPE: &str = "must be a month such as `2026-11`";

    fn of(at: Timestamp) -> Self {
        let date = OffsetDateTime::from_unix_timestamp(at.as_unix_seconds())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .date();
        Self {
            year: date.year(),
            month: date.month(),
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let parsed = || {
            let (year, month) = text.split_once('-').filter(|(year, month)| {
                let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
                year.len() == 4 && month.len() == 2 && is_number(year) && is_number(month)
            })?;
            Some(Self {
                year: year.parse().ok()?,
                month: Month::try_from(month.parse::<u8>().ok()?).ok()?,
            })
        };
        parsed().ok_or(Self::SHAPE)
    }

    fn next(self) -> Self {
        Self {
            year: self.year + i32::from(self.month == Month::December),
            month: self.month.next(),
        }
    }

    fn begin(self) -> Option<Timestamp> {
        let date = Date::from_calendar_date(self.year, self.month, 1).ok()?;
        let seconds = date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp();
        Some(Timestamp::from_micros(seconds * 1_000_000))
    }

    /// Its first moment, and that of the next month; `None` past the end of the calendar.
    fn bounds(self) -> Option<(Timestamp, Timestamp)> {
        Some((self.begin()?, self.next().begin()?))
    }
}

impl std::fmt::Display for YearMonth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, u8::from(self.month))
    }
}

#[cfg(test)]
mod tests {
    use ids_core::time::Timestamp;

    use super::YearMonth;

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let check = |text: &str, next: &str| {
            let month = YearMonth::parse(text).unwrap();
            let (from, until) = month.bounds().unwrap();
            assert_eq!(YearMonth::of(from).to_string(), text);
            assert_eq!(YearMonth::of(until).to_string(), next);
            let last = Timestamp::from_micros(until.as_micros() - 1);
            assert_eq!(YearMonth::of(last).to_string(), text);
        };
        check("2026-11", "2026-12");
        check("2026-12", "2027-01");
        check("2024-02", "2024-03");
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in [
            "", "2026", "2026-13", "2026-00", "26-11", "2026-1", "2026-1a", "+202-11",
        ] {
            assert!(YearMonth::parse(text).is_err(), "{text}");
        }
        assert_eq!(YearMonth::parse("9999-12").unwrap().bounds(), None);
    }
}
