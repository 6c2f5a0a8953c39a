//! The description of the endpoint.

use serde_json::json;
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::LeadMessages;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let route = "GET /users/{user_id}/leads/{customer_phone}/messages";
    let operation = Operation::of::<LeadMessages>(route, "listLeadMessages", "Lists a lead's messages")
        .description("Across all its conversations, oldest first.")
        .answers(
            "One message",
            json!({
                "customer_phone": "918979556941",
                "lead_info": {"name": "Siddhant", "email": null, "company": null, "lead_status": "Warm", "total_score": 8},
                "pagination": {"total": 1, "limit": 50, "offset": 0, "hasMore": false},
                "messages": [{
                    "message_id": "wamid.HBgMOTE4OTc5NTU2OTQx",
                    "conversation_id": "conv-918979556941",
                    "agent_id": "agent-001",
                    "agent_name": "Sales Agent",
                    "platform": "whatsapp",
                    "phone_number_id": "106540352242922",
                    "sender": "user",
                    "text": "Do you have a demo this week?",
                    "timestamp": "2026-11-20T09:30:00.000Z",
                    "status": "sent",
                    "sequence_no": 1,
                }],
            }),
        )
        .refuses_with(Problem::new(Code::LeadNotFound, "Lead not found"));
    vec![operation]
}
