//! When something happened, in the forms in which CRMs and spreadsheets write it. Reasons never
//! repeat the value.

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, SubsecRound, Utc};
use clap::ValueEnum;

/// Which part comes first in a date with slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DateOrder {
    /// Month, day, year: 01/31/2026
    Mdy,
    /// Day, month, year: 31/01/2026
    Dmy,
}

const NO_DATE: &str = "is not a date such as 2026-01-31, 31.01.2026, 2026-01-31 14:05 or 2026-01-31T14:05:00Z";
const NO_ORDER: &str = "can begin with its day or its month; say which with --date-order dmy or mdy";
const OTHER_ORDER: &str = "does not fit --date-order";

/// A time: RFC 3339, or a date, with or without a time, in UTC. Within five years before `now` and
/// a year after tomorrow.
pub fn moment(text: &str, order: Option<DateOrder>, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let at = parsed(text, order)?;
    let earliest = now.checked_sub_months(Months::new(60)).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let latest = now.checked_add_days(Days::new(366)).unwrap_or(DateTime::<Utc>::MAX_UTC);
    if at < earliest {
        return Err("is more than five years ago".to_owned());
    }
    if at > latest {
        return Err("is more than a year ahead".to_owned());
    }
    // What is stored has milliseconds, and has to compare equal to what is read again.
    Ok(at.trunc_subsecs(3))
}

fn parsed(text: &str, order: Option<DateOrder>) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let end_of_date = |character: char| character.is_whitespace() || matches!(character, 'T' | ',');
    let (date, time) = match text.split_once(end_of_date) {
        Some((date, rest)) => (date, time(rest).ok_or(NO_DATE)?),
        None => (text, NaiveTime::MIN),
    };
    let date = match date.contains('/') {
        true => slashed(date, order)?,
        false => day(date, "%Y-%m-%d").or_else(|| day(date, "%d.%m.%Y")).ok_or(NO_DATE)?,
    };
    Ok(date.and_time(time).and_utc())
}

/// A time of day: 24 hours, or 12 with AM or PM.
fn time(text: &str) -> Option<NaiveTime> {
    let text: String = text.split_whitespace().collect();
    let forms = ["%H:%M", "%H:%M:%S%.f", "%I:%M%p", "%I:%M:%S%p"];
    forms.iter().find_map(|form| NaiveTime::parse_from_str(&text, form).ok())
}

/// A date with slashes. Without an order, only an unambiguous one.
fn slashed(text: &str, order: Option<DateOrder>) -> Result<NaiveDate, &'static str> {
    let (mdy, dmy) = (day(text, "%m/%d/%Y"), day(text, "%d/%m/%Y"));
    match (order, mdy, dmy) {
        (_, None, None) => Err(NO_DATE),
        (Some(DateOrder::Mdy), date, _) | (Some(DateOrder::Dmy), _, date) => date.ok_or(OTHER_ORDER),
        (None, Some(mdy), Some(dmy)) if mdy != dmy => Err(NO_ORDER),
        (None, mdy, dmy) => mdy.or(dmy).ok_or(NO_DATE),
    }
}

/// The day in this form, if it has nothing but digits between its marks and the year has four: in two, centuries
/// are guessed.
fn day(text: &str, form: &str) -> Option<NaiveDate> {
    let mut parts = text.split(['-', '.', '/']);
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = parts.clone().all(|part| !part.is_empty() && is_number(part)) && parts.any(|part| part.len() == 4);
    NaiveDate::parse_from_str(text, form).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, order: Option<DateOrder>) -> Result<DateTime<Utc>, String> {
        moment(text, order, "2026-06-01T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_time_is_read_in_its_usual_forms() {
        for (text, expected) in [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31 14:05", "2026-01-31T14:05:00Z"),
            ("2026-01-31 14:05:06", "2026-01-31T14:05:06Z"),
            ("2026-01-31T14:05:06", "2026-01-31T14:05:06Z"),
            ("2026-01-31T14:05:06+02:00", "2026-01-31T12:05:06Z"),
            ("2026-01-31T14:05:06.123456Z", "2026-01-31T14:05:06.123Z"),
            ("31.01.2026", "2026-01-31T00:00:00Z"),
            ("1.2.2026", "2026-02-01T00:00:00Z"),
            ("31.01.2026 14:05", "2026-01-31T14:05:00Z"),
            ("31.01.2026, 14:05:06", "2026-01-31T14:05:06Z"),
        ] {
            assert_eq!(read(text, None), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            "2026-02-30",
            "2021-05-31",
            "2027-06-03",
            "yesterday",
            "31.01.26",
            "31.01.2026 25:00",
            "31.13.2026",
            "2026-01-31 ",
            "2026-01-31-01",
            "+026-01-31",
        ] {
            assert!(read(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_with_slashes_is_read_where_it_has_one_reading() {
        for (text, expected) in [
            ("31/01/2026", "2026-01-31T00:00:00Z"),
            ("1/31/2026", "2026-01-31T00:00:00Z"),
            ("02/02/2026 14:05", "2026-02-02T14:05:00Z"),
            ("1/31/2026 2:05 PM", "2026-01-31T14:05:00Z"),
        ] {
            assert_eq!(read(text, None), Ok(expected.parse().unwrap()), "{text}");
        }
        assert_eq!(read("01/02/2026", None).unwrap_err(), NO_ORDER);
        assert_eq!(read("31/31/2026", None).unwrap_err(), NO_DATE);
    }

    #[test]
    fn the_date_order_decides_and_does_not_guess() {
        let day = |text: &str| Ok(format!("{text}T00:00:00Z").parse().unwrap());
        assert_eq!(read("01/02/2026", Some(DateOrder::Mdy)), day("2026-01-02"));
        assert_eq!(read("01/02/2026", Some(DateOrder::Dmy)), day("2026-02-01"));
        assert_eq!(read("31/01/2026", Some(DateOrder::Dmy)), day("2026-01-31"));
        assert_eq!(read("31/01/2026", Some(DateOrder::Mdy)).unwrap_err(), OTHER_ORDER);
        assert_eq!(read("31.01.2026", Some(DateOrder::Mdy)), day("2026-01-31"));
    }
}
