//! Errors as responses: each dialect's error bodies, with the codes and statuses of `Code::rendered`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{example_stamp, media};
use super::headers;
use super::operation::{Access, Operation};
use crate::api::http::Dialect;
use crate::base::problem::{Code, Problem};

/// The meaning of an error, and what the client should do.
pub(super) fn meaning(code: Code) -> &'static str {
    match code {
        Code::Validation => "something in the request is missing or malformed; `details.fields` names it",
        Code::IdentityTaken => "an identity of the contact belongs to another contact; `details.fields` names it",
        Code::NoSuchRoute => "no such route",
        Code::MethodNotAllowed => "this route does not take the method; `Allow` names those that it takes",
        Code::PayloadTooLarge => "the body is larger than this route takes; send less at a time",
        Code::UnsupportedMediaType => "send JSON in UTF-8, with Content-Type: application/json",
        Code::InvalidKey => "invalid or expired API key; send Authorization: Bearer wbk_…",
        Code::InsufficientPermissions => "this API key lacks the route's permission; use one that has it",
        Code::InvalidInput => "an identifier is no UUID",
        Code::InvalidPhoneNumber => "phone_number must be a string with at least 7 digits",
        Code::NoChannelsConfigured => "the site has neither email nor WhatsApp configured",
        Code::NoValidChannelsForLead => "none of the site's channels fits the lead's contact data",
        Code::LeadNotFound => "no such lead in this workspace",
        Code::SiteNotFound => "no such site in this workspace",
        Code::AgentNotFound => "no such active agent for this site",
        Code::CommandNotFound => "no command with this id in this workspace",
        Code::RecommendationNotFound => "no recommendation with this id in this workspace",
        Code::NotFound => "nothing with this id in this workspace",
        Code::TaskNotPending => "the task was decided on already",
        Code::Conflict => "somebody has decided meanwhile; read it again and decide anew",
        Code::PiiBlocked => "the text holds personal data of somebody else, and is blocked; approve another text",
        Code::ChannelNotEligible => "the lead cannot be reached by this channel now; choose another",
        Code::InsufficientData => "too little is known of the lead's engagement; complete its data",
        Code::NoContentGenerated => "the AI model wrote nothing that can be used; retry",
        Code::NoValidChannels => "the AI model wrote nothing for a channel that reaches the lead; retry",
        Code::IdempotencyConflict => "a request with this Idempotency-Key is still running; retry after a moment",
        Code::IdempotencyKeyReused => "this Idempotency-Key was used for another request; use a new one",
        Code::InsufficientCredits => "the workspace has too few credits; add credits and retry",
        Code::RateLimited => "Request rate limit exceeded. Retry after 30 seconds.",
        Code::AiUnavailable => "the AI model gave no usable answer; retry once",
        Code::AiUnusable => "nothing that the AI model answered can be used; retry once",
        Code::ServiceUnavailable => "the service is temporarily unavailable; retry after a few seconds",
        Code::AiCircuitOpen => "the AI model failed too often, so its circuit breaker is open; retry later",
        Code::Internal => "an unexpected error occurred; report it with the request id",
    }
}

/// The name of the schema for a dialect's error body.
fn error_schema(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Leadlex => "LeadlexError",
        Dialect::Agents => "AgentsError",
        Dialect::Followup => "FollowupError",
        Dialect::Leads => "LeadsError",
    }
}

/// The schemas of the error bodies, one for each dialect.
pub(super) fn schemas() -> serde_json::Result<BTreeMap<String, Value>> {
    serde_json::from_str(include_str!("errors.json"))
}

/// An operation's errors by status, each as a reference. Adds the referenced responses to `responses`.
pub(super) fn of(operation: &Operation, headers: &Value, responses: &mut BTreeMap<String, Value>) -> Vec<(u16, Value)> {
    let mut by_status: BTreeMap<u16, Vec<&Problem>> = BTreeMap::new();
    for problem in &operation.refusals {
        by_status.entry(problem.code.rendered(operation.dialect).0).or_default().push(problem);
    }
    let reference = |(status, problems): (u16, Vec<&Problem>)| {
        let response = response(operation, headers, status, &problems);
        // An operation's own wording gets its own response.
        if problems.iter().any(|problem| problem.message != meaning(problem.code)) {
            return (status, response);
        }
        let codes: Vec<_> = problems.iter().map(|problem| format!("{:?}", problem.code)).collect();
        let key = match operation.access {
            Access::Key(_) if is_replayed(operation, &problems) => "Replayable",
            Access::Key(_) => "",
            Access::Signature(_) | Access::Open => "Open",
        };
        let name = format!("{:?}{key}{}", operation.dialect, codes.join("Or"));
        responses.insert(name.clone(), response);
        (status, json!({"$ref": format!("#/components/responses/{name}")}))
    };
    by_status.into_iter().map(reference).collect()
}

fn response(operation: &Operation, headers: &Value, status: u16, problems: &[&Problem]) -> Value {
    let dialect = operation.dialect;
    let mut codes: Vec<&str> = problems.iter().map(|problem| problem.code.rendered(dialect).1).collect();
    codes.dedup();
    let description: Vec<_> =
        problems.iter().map(|problem| format!("`{}`: {}", problem.code.rendered(dialect).1, problem.message)).collect();
    let narrowed = match dialect {
        Dialect::Leads => json!({"properties": {"error": {"enum": codes}}}),
        _ => json!({"properties": {"error": {"properties": {"code": {"enum": codes}}}}}),
    };
    let base = json!({"$ref": format!("#/components/schemas/{}", error_schema(dialect))});
    let examples =
        problems.iter().map(|problem| (problem.message.as_str(), dialect.failure(problem, &example_stamp())));
    json!({
        "description": description.join("\n\n"),
        "headers": headers_of(operation, headers, status, problems),
        "content": {"application/json": media(&json!({"allOf": [base, narrowed]}), examples)},
    })
}

fn headers_of(operation: &Operation, components: &Value, status: u16, problems: &[&Problem]) -> Value {
    let (mut always, mut sometimes) = (vec!["X-Request-Id", "Cache-Control"], Vec::new());
    if operation.dialect == Dialect::Leads {
        always.push("X-Correlation-Id");
    }
    // Errors before or during the check of the key have no rate headers.
    let is_recognised = !matches!(status, 401 | 413 | 415 | 500..);
    match operation.access {
        Access::Key(_) if is_recognised => always.extend(headers::RATE),
        Access::Key(_) if status >= 500 => sometimes.extend(headers::RATE),
        _ => {}
    }
    let waits = |problem: &&Problem| matches!(problem.code, Code::RateLimited | Code::IdempotencyConflict);
    if problems.iter().all(waits) {
        always.push("Retry-After");
    } else if problems.iter().any(waits) || status >= 500 {
        sometimes.push("Retry-After");
    }
    if is_replayed(operation, problems) {
        sometimes.push("Idempotent-Replayed");
    }
    if status == 405 {
        always.push("Allow");
    }
    if status == 401 {
        always.push("WWW-Authenticate");
    }
    headers::of(components, &always, &sometimes)
}

/// Whether one of these errors is stored under an idempotency key.
fn is_replayed(operation: &Operation, problems: &[&Problem]) -> bool {
    operation.is_idempotent && problems.iter().any(|problem| problem.code.is_kept())
}
