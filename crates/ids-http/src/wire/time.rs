//! Points in time on the wire: RFC 3339 in UTC, with microseconds.

use ids_core::time::Timestamp;
use time::OffsetDateTime;

/// `2025-11-23T22:59:59.000001Z`. Always as long, so that texts order as times do.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let nanos = i128::from(at.as_micros()) * 1_000;
    // Past the year 9999 there is no RFC 3339; such a time is no time of ours but a fault, shown as the epoch.
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second, micros) = at.to_hms_micro();
    format!(
        "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z",
        u8::from(month)
    )
}

#[cfg(test)]
mod tests {
    use ids_core::time::Timestamp;

    use super::rfc3339;

    #[test]
    fn times_are_utc_with_microseconds() {
        assert_eq!(rfc3339(Timestamp::from_micros(0)), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            rfc3339(Timestamp::from_micros(1_709_251_199_000_001)),
            "2024-02-29T23:59:59.000001Z"
        );
        assert_eq!(
            rfc3339(Timestamp::from_micros(i64::MAX)),
            "1970-01-01T00:00:00.000000Z"
        );
    }
}
