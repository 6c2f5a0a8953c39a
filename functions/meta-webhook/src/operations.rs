//! The description of the endpoints.

use serde_json::{Map, Value};
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::{Handshake, Receipt};

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let refused = Problem::new(Code::InsufficientPermissions, "the verify token is not this deployment's");
    let forged = Problem::new(Code::InvalidKey, "X-Hub-Signature-256 is missing or does not fit the body");
    let taken = "The HMAC-SHA256 of the body's bytes with the app secret: `sha256=` and 64 hexadecimal digits.";
    vec![
        Operation::bare::<String>("GET /webhooks/meta", "confirmMetaWebhook", "Confirm a Meta webhook subscription")
            .description("Meta calls this route when you set up a subscription. The answer is the `hub.challenge` of the request.")
            .query::<Handshake>()
            .text("text/plain")
            .refuses_with(refused)
            .refuses(&[Code::NoSuchRoute, Code::Internal, Code::ServiceUnavailable]),
        Operation::bare::<Receipt>(
            "POST /webhooks/meta",
            "takeMetaWebhook",
            "Receive WhatsApp and Instagram events",
        )
        .description("At most 5 MB. Events of an unknown kind or an unknown channel are ignored.")
        .signed("X-Hub-Signature-256", taken)
        .takes_as::<Map<String, Value>>("application/json")
        .refuses_with(forged)
        .refuses(&[
            Code::Validation,
            Code::NoSuchRoute,
            Code::PayloadTooLarge,
            Code::Internal,
            Code::ServiceUnavailable,
        ]),
    ]
}
