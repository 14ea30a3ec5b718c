//! When a month of the budget begins: on a day of the month, at midnight of a time zone.

use std::fmt;
use std::ops::RangeInclusive;

use jiff::civil;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A month of the budget, named after the calendar month it begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetMonth {
    year: i16,
    month: i8,
}

impl BudgetMonth {
    /// What a month looks like, for people.
    pub const SHAPE: &'static str = "must be a month such as `2026-11`";

    /// Reads `YYYY-MM`.
    ///
    /// # Errors
    /// [`BudgetMonth::SHAPE`].
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let parsed = || {
            let (year, month) = text.split_once('-').filter(|(year, month)| {
                let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
                year.len() == 4 && month.len() == 2 && is_number(year) && is_number(month)
            })?;
            let month = Self {
                year: year.parse().ok()?,
                month: month.parse().ok()?,
            };
            (1..=12).contains(&month.month).then_some(month)
        };
        parsed().ok_or(Self::SHAPE)
    }

    fn next(self) -> Self {
        match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                month: month + 1,
                ..self
            },
        }
    }

    fn previous(self) -> Self {
        match self.month {
            1 => Self {
                year: self.year - 1,
                month: 12,
            },
            month => Self {
                month: month - 1,
                ..self
            },
        }
    }
}

impl fmt::Display for BudgetMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// When months begin (`AI_BUDGET_START_DAY`, `AI_BUDGET_TIMEZONE`).
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetCalendar {
    start_day: i8,
    zone: TimeZone,
}

impl BudgetCalendar {
    /// Days a month may begin on: those that every month has.
    pub const START_DAYS: RangeInclusive<u64> = 1..=28;

    /// The zone where none is set.
    pub const DEFAULT_ZONE: &'static str = "America/Sao_Paulo";

    /// Months from `start_day` on (one of [`BudgetCalendar::START_DAYS`]) in a zone of the IANA's list, which comes with the program.
    /// `None` when it is not in that list, or the day is none.
    pub fn new(start_day: u64, zone: &str) -> Option<Self> {
        if !Self::START_DAYS.contains(&start_day) {
            return None;
        }
        Some(Self {
            start_day: i8::try_from(start_day).ok()?,
            zone: jiff::tz::db().get(zone).ok()?,
        })
    }

    /// The month that `at` lies in.
    pub fn month_of(&self, at: Timestamp) -> BudgetMonth {
        // Past the ends of the calendar (a clock that is years off by thousands) the first month counts.
        let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let date = at.to_zoned(self.zone.clone()).date();
        let month = BudgetMonth {
            year: date.year(),
            month: date.month(),
        };
        if date.day() < self.start_day {
            month.previous()
        } else {
            month
        }
    }

    /// A month's first moment, and that of the next one; `None` past the end of the calendar.
    pub fn bounds(&self, month: BudgetMonth) -> Option<(Timestamp, Timestamp)> {
        Some((self.begin(month)?, self.begin(month.next())?))
    }

    /// The first moment of the month that `at` lies in.
    pub fn begin_of(&self, at: Timestamp) -> Timestamp {
        self.begin(self.month_of(at)).unwrap_or(Timestamp::from_micros(0))
    }

    /// Where midnight does not exist, as when clocks are put forward, the day begins later.
    fn begin(&self, month: BudgetMonth) -> Option<Timestamp> {
        let date = civil::Date::new(month.year, month.month, self.start_day).ok()?;
        let begin = date.to_zoned(self.zone.clone()).ok()?.timestamp();
        Some(Timestamp::from_micros(begin.as_microsecond()))
    }
}

impl Default for BudgetCalendar {
    fn default() -> Self {
        // The list comes with the program; a test holds that this zone is in it.
        Self::new(1, Self::DEFAULT_ZONE).unwrap_or(Self {
            start_day: 1,
            zone: TimeZone::UTC,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BudgetCalendar, BudgetMonth};
    use crate::time::Timestamp;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn a_month_begins_at_midnight_of_its_zone() {
        let check = |day, zone, month: &str, from: &str, until: &str| {
            let calendar = BudgetCalendar::new(day, zone).unwrap();
            let month = BudgetMonth::parse(month).unwrap();
            assert_eq!(calendar.bounds(month), Some((at(from), at(until))));
        };
        check(
            1,
            "America/Sao_Paulo",
            "2026-11",
            "2026-11-01T03:00:00Z",
            "2026-12-01T03:00:00Z",
        );
        check(
            20,
            "America/Sao_Paulo",
            "2026-12",
            "2026-12-20T03:00:00Z",
            "2027-01-20T03:00:00Z",
        );
        check(
            1,
            "UTC",
            "2024-02",
            "2024-02-01T00:00:00Z",
            "2024-03-01T00:00:00Z",
        );
        // Clocks were put forward at midnight of 4 November 2018: the day began at one.
        check(
            4,
            "America/Sao_Paulo",
            "2018-11",
            "2018-11-04T03:00:00Z",
            "2018-12-04T02:00:00Z",
        );
        assert_eq!(
            BudgetCalendar::default(),
            BudgetCalendar::new(1, "America/Sao_Paulo").unwrap()
        );
    }

    #[test]
    fn the_last_moment_still_belongs_to_the_month() {
        let calendar = BudgetCalendar::new(5, "America/Sao_Paulo").unwrap();
        let check = |moment: &str, month: &str| assert_eq!(calendar.month_of(at(moment)).to_string(), month);
        check("2026-12-05T02:59:59.999999Z", "2026-11");
        check("2026-12-05T03:00:00Z", "2026-12");
        check("2027-01-01T12:00:00Z", "2026-12");
    }

    #[test]
    fn what_is_no_month_day_or_zone_is_refused() {
        for text in [
            "", "2026", "2026-13", "2026-00", "26-11", "2026-1", "2026-1a", "+202-11",
        ] {
            assert!(BudgetMonth::parse(text).is_err(), "{text}");
        }
        assert!(BudgetCalendar::new(0, "UTC").is_none() && BudgetCalendar::new(29, "UTC").is_none());
        assert!(BudgetCalendar::new(1, "America/Nowhere").is_none());
        let calendar = BudgetCalendar::default();
        assert_eq!(calendar.bounds(BudgetMonth::parse("9999-12").unwrap()), None);
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_exactly_one_month(
            seconds in 0..4_000_000_000i64,
            day in 1..=28u64,
            zone in prop::sample::select(vec!["America/Sao_Paulo", "UTC", "Asia/Tokyo", "America/Noronha"]),
        ) {
            let calendar = BudgetCalendar::new(day, zone).unwrap();
            let moment = Timestamp::from_micros(seconds * 1_000_000);
            let (from, until) = calendar.bounds(calendar.month_of(moment)).unwrap();
            prop_assert!(from <= moment && moment < until);
            prop_assert_eq!(calendar.begin_of(moment), from);
        }
    }
}
