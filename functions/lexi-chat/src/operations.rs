//! The description of the endpoint.

use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{LexiChat, NO_CREDITS};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<LexiChat>("POST /v1/lexi/chat", "chatWithLexi", "Send a message to Lexi")
        .description(
            "A message costs 1 credit. Lexi never acts by itself: what it proposes becomes a task that a person approves. \
             Send the `conversation_id` to continue a conversation. With `Accept: text/event-stream` the answer is \
             streamed; an error before the first event is an ordinary error answer.",
        )
        .followed_by(&["getTask", "approveTask", "dismissTask"], "id", "/task_id")
        .followed_by(&["getConversation"], "id", "/conversation_id")
        .streams(
            "A stream of events with JSON in `data`: `text` (`delta`, `conversation_id`), `tool_step` (`tool`, `status`, \
             `summary`), at the end `done` with the `data` of the JSON answer and then `[DONE]`, or `error` with an \
             error body.",
            "event: text\ndata: {\"delta\":\"Your workspace has\",\"conversation_id\":\"5eed0000-0000-4000-8000-000000000711\"}\n\n\
             event: done\ndata: {\"response\":\"Your workspace has 4862 credits.\",\"task_id\":null,\"requires_approval\":false}\n\n\
             data: [DONE]\n\n",
        )
        .idempotent()
        .refuses_with(Problem::field("message", "is required"))
        .refuses_with(Problem::new(Code::InsufficientCredits, NO_CREDITS))
        .refuses(&[Code::NotFound, Code::AiUnavailable]);
    vec![operation]
}
