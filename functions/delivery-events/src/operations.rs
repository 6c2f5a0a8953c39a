//! The description of the endpoints.

use serde_json::{Map, Value};
use shared::api::openapi::Operation;
use shared::base::problem::{Code, Problem};

use crate::Taken;

/// What the function answers.
pub fn operations() -> Vec<Operation> {
    let twilio = |operation: Operation| {
        operation
            .signed("X-Twilio-Signature", "Twilio's signature of the address and the form.")
            .takes_as::<Map<String, Value>>("application/x-www-form-urlencoded")
            .refuses_with(Problem::new(Code::InvalidKey, "X-Twilio-Signature is missing or does not fit the request"))
    };
    let taken = |operation: Operation| {
        operation.refuses(&[Code::NoSuchRoute, Code::PayloadTooLarge, Code::Internal, Code::ServiceUnavailable])
    };
    let status = Operation::bare::<Taken>(
        "POST /webhooks/twilio/status",
        "takeTwilioStatus",
        "Receive the delivery status of a text message",
    );
    let message = Operation::bare::<Taken>(
        "POST /webhooks/twilio/messages",
        "takeTwilioMessage",
        "Receive a lead's text message",
    );
    vec![taken(twilio(status)), taken(twilio(message))]
}
