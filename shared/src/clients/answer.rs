//! Reads the answers of other systems up to a size limit, so that no answer can exhaust the memory.

use std::time::Duration;

use chrono::DateTime;
use reqwest::Response;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The reason why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The body exceeds the size limit.
    #[error("the answer is too long")]
    TooLong,
    /// The body broke off or timed out.
    #[error("the answer broke off")]
    BrokenOff(#[source] reqwest::Error),
}

/// The time in `Retry-After`, rounded up to seconds; `None` without one. It is a number, which some endpoints write with
/// decimals, or a date (RFC 9110, section 10.2.3), which the answer's own `Date` makes a time.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let value = text(RETRY_AFTER)?;
    let seconds = match value.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => (date(value)? - date(text(DATE)?)?).as_seconds_f64(),
    };
    Duration::try_from_secs_f64(seconds.max(0.0).ceil()).ok()
}

/// Reads the body of an answer of at most `most` bytes. Keeps no more than that in memory, whatever length the answer
/// announces.
pub async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::BrokenOff)? {
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &'static str) -> Response {
        Response::from(http::Response::new(body))
    }

    #[test]
    fn a_retry_is_asked_for_in_seconds_decimals_or_by_a_date() {
        let after = |value: &str| {
            let date = "Tue, 01 Dec 2026 08:00:00 GMT".parse().unwrap();
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap()), (DATE, date)]))
        };
        for (value, seconds) in [
            ("3", 3),
            ("2.5", 3),
            ("0", 0),
            ("-4", 0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
            ("Tue, 01 Dec 2026 08:01:30 GMT", 90),
        ] {
            assert_eq!(after(value), Some(Duration::from_secs(seconds)), "{value}");
        }
        assert_eq!((after("soon"), after("1e400")), (None, None));
    }

    #[tokio::test]
    async fn what_is_longer_than_allowed_is_not_read() {
        assert_eq!(body(response("four"), 4).await.ok().as_deref(), Some(&b"four"[..]));
        assert!(matches!(body(response("fives"), 4).await, Err(Unread::TooLong)));
    }
}
