//! Reads the answers of other systems up to a size limit, so that no answer can exhaust the memory.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;

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

/// The number of seconds in `Retry-After`, as a duration; `None` without one.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs)
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

    #[tokio::test]
    async fn what_is_longer_than_allowed_is_not_read() {
        assert_eq!(body(response("four"), 4).await.ok().as_deref(), Some(&b"four"[..]));
        assert!(matches!(body(response("fives"), 4).await, Err(Unread::TooLong)));
    }
}
