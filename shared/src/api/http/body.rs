//! The body of an answer: whole, or events that are sent while the work runs.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc::UnboundedReceiver;

/// The body of a response.
#[derive(Debug)]
pub struct Body {
    /// The part that is already there.
    first: Option<Bytes>,
    /// The channel for the rest; `None` for a whole body.
    rest: Option<UnboundedReceiver<Bytes>>,
}

impl Body {
    /// A complete body.
    pub fn whole(text: impl Into<Bytes>) -> Self {
        Self { first: Some(text.into()), rest: None }
    }

    /// A body with its first piece; the rest follows.
    pub(super) fn coming(first: Bytes, rest: UnboundedReceiver<Bytes>) -> Self {
        Self { first: Some(first), rest: Some(rest) }
    }

    /// Whether more pieces follow.
    pub fn is_coming(&self) -> bool {
        self.rest.is_some()
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match (self.first.take(), &mut self.rest) {
            (Some(first), _) => Poll::Ready(Some(first)),
            (None, Some(rest)) => rest.poll_recv(context),
            (None, None) => Poll::Ready(None),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(ready!(self.poll_next(context)).map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        let ready = self.first.as_ref().map_or(0, |first| first.len() as u64);
        if self.is_coming() { SizeHint::new() } else { SizeHint::with_exact(ready) }
    }
}
