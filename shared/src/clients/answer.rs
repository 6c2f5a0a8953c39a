//! Reading what another system answers, as long as it is not too long: whoever answers, and whatever went wrong
//! there, it takes no more memory than this.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It is longer than what is taken.
    #[error("the answer is too long")]
    TooLong,
    /// It broke off, or did not come in time.
    #[error("the answer broke off")]
    BrokenOff(#[source] reqwest::Error),
}

/// How long an answer wants its sender to wait, if it says so in seconds.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs)
}

/// The body of an answer, if it has at most this many bytes. No more than that is kept in memory, whatever the
/// answer says of its length.
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

    #[tokio::test]
    async fn what_is_longer_than_allowed_is_not_read() {
        assert_eq!(body(response("four"), 4).await.ok().as_deref(), Some(&b"four"[..]));
        assert!(matches!(body(response("fives"), 4).await, Err(Unread::TooLong)));
    }
}
