//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{LexiChat, NO_CREDITS};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let operation = Operation::of::<LexiChat>("POST /v1/lexi/chat", "chatWithLexi", "Talks with Lexi")
        .description(
            "Costs 1 credit. Lexi never acts by itself: what it proposes becomes a task that a person approves. Name \
             the `conversation_id` to go on with a conversation. With `Accept: text/event-stream` the answer comes as \
             it is written; a refusal before the first event is an ordinary error.",
        )
        .for_example(
            "A search for prospects",
            json!({
                "message": "Find me 20 CEOs at law firms in New York",
                "context": {"list_id": "5eed0000-0000-4000-8000-000000000501"},
            }),
        )
        .for_example(
            "A campaign",
            json!({
                "message": "Create an outreach campaign for my 'Q1 Leads' list about legal automation",
                "context": {"list_id": "5eed0000-0000-4000-8000-000000000501"},
            }),
        )
        .for_example("A question", json!({"message": "How many credits do we have?"}))
        .answers(
            "It proposes a task",
            json!({
                "response": "I'll search for 20 CEOs at law firms in New York and add them to your list. Please approve this task to proceed.",
                "task_id": "5eed0000-0000-4000-8000-000000000701",
                "requires_approval": true,
                "conversation_id": "5eed0000-0000-4000-8000-000000000711",
                "message_id": "5eed0000-0000-4000-8000-000000000712",
                "credits_remaining": 4862,
            }),
        )
        .answers(
            "It answers",
            json!({
                "response": "Your workspace has 4862 credits.",
                "task_id": null,
                "requires_approval": false,
                "conversation_id": "5eed0000-0000-4000-8000-000000000711",
                "message_id": "5eed0000-0000-4000-8000-000000000714",
                "credits_remaining": 4861,
            }),
        )
        .followed_by(&["getTask", "approveTask", "dismissTask"], "id", "/task_id")
        .followed_by(&["getConversation"], "id", "/conversation_id")
        .streams(
            "Events, each with JSON in `data`: `text` (`delta`, `conversation_id`), `tool_step` (`tool`, `status`, \
             `summary`), in the end `done` with the `data` of the JSON answer and then `[DONE]`, or `error` with an \
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
