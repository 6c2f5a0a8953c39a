//! Static pages: the description of the API, and the reference that shows it.

use std::sync::LazyLock;

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use shared::api::http::{Reply, Response, header};

/// One that is served.
pub(crate) struct Page {
    content_type: &'static str,
    text: &'static str,
    etag: String,
    /// The page's Content-Security-Policy.
    policy: Option<String>,
}

static DOCUMENT: LazyLock<Page> =
    LazyLock::new(|| Page::new("application/json", include_str!(concat!(env!("OUT_DIR"), "/openapi.json")), None));

static REFERENCE: LazyLock<Page> = LazyLock::new(|| {
    let text = include_str!("docs.html");
    Page::new("text/html; charset=utf-8", text, Some(policy(text)))
});

/// The page of a route.
pub(crate) fn page(method: &str, path: &str) -> Option<&'static Page> {
    match (method, path) {
        ("GET", "/openapi.json") => Some(&DOCUMENT),
        ("GET", "/docs") => Some(&REFERENCE),
        _ => None,
    }
}

/// Allows only the page's own style and script, which may call only this API (Content Security Policy Level 3).
fn policy(text: &str) -> String {
    let hash = |element: &str| {
        let content =
            text.split_once(&format!("<{element}>")).and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
        BASE64.encode(&Sha256::digest(content.map_or("", |(content, _)| content)))
    };
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash("style"),
        hash("script"),
    )
}

impl Page {
    fn new(content_type: &'static str, text: &'static str, policy: Option<String>) -> Self {
        let etag = format!("\"{}\"", &HEXLOWER.encode(&Sha256::digest(text))[..32]);
        Self { content_type, text, etag, policy }
    }

    /// The page, or 304 if the client has it already.
    pub(crate) fn reply(&self, headers: &header::HeaderMap) -> Reply {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let is_known = known.flat_map(|value| value.split(',')).any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag
        });
        let (status, text) = if is_known { (304, "") } else { (200, self.text) };
        Reply { content_type: self.content_type, ..Reply::text(status, text.to_owned()) }
    }

    /// Adds the page's headers to the answer.
    pub(crate) fn with_headers(&self, mut response: Response) -> Response {
        let mut set = |name, value: &str| {
            if let Ok(value) = header::HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        set(header::CACHE_CONTROL, "public, max-age=300");
        set(header::ETAG, &self.etag);
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        if let Some(policy) = &self.policy {
            set(header::CONTENT_SECURITY_POLICY, policy);
            set(header::REFERRER_POLICY, "no-referrer");
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_one_style_and_one_script_and_loads_nothing() {
        for element in ["<style>", "<script>"] {
            assert_eq!(REFERENCE.text.matches(element).count(), 1, "{element}");
        }
        for outside in ["http://", "https://", "src=", "<link", "@import", "url(", "style=\""] {
            assert!(!REFERENCE.text.contains(outside), "{outside}");
        }
        let empty = BASE64.encode(&Sha256::digest(""));
        assert!(!REFERENCE.policy.as_ref().unwrap().contains(&empty));
    }

    #[test]
    fn a_client_that_has_a_page_is_told_so() {
        let asked = |tag: &str| {
            let headers = header::HeaderMap::from_iter([(header::IF_NONE_MATCH, tag.parse().unwrap())]);
            DOCUMENT.reply(&headers).status
        };
        let etag = &DOCUMENT.etag;
        for tag in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
            assert_eq!(asked(&tag), 304, "{tag}");
        }
        assert_eq!(asked("\"x\""), 200);
        assert_eq!(DOCUMENT.reply(&header::HeaderMap::new()).status, 200);
    }
}
