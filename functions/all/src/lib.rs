//! The list of all functions. `local`, the description of the API and the checks of the parsers read it. `cargo
//! new-function` adds to it.

pub mod openapi;
pub mod parsers;

use shared::api::lambda::{Definition, Function};
use shared::api::openapi::Group;
use shared::base::context::Context;
use shared::base::environment::ConfigError;

/// The groups of the API's description with their functions, in the order in which they are shown; then the functions
/// without operations.
macro_rules! functions {
    ($($group:literal, $description:literal { $($described:ident)* })* workers { $($worker:ident)* }) => {
        $($(pub use $described;)*)*
        $(pub use $worker;)*

        /// Every function.
        pub const ALL: &[Definition] = &[$($($described::FUNCTION,)*)* $($worker::FUNCTION),*];

        /// The operations of the API, in their groups.
        pub fn groups() -> Vec<Group> {
            vec![$(Group {
                name: $group,
                description: $description,
                operations: [$($described::operations()),*].into_iter().flatten().collect(),
            }),*]
        }
    };
}

functions! {
    "Follow-ups", "Suggestions for a contact, and follow-ups for every channel." {
        suggest_followups
        lead_follow_up
        commands
    }
    "Recommendations", "What to do next with a lead. A reviewer approves, edits, rejects or snoozes it." {
        followup_recommendation
        recommendations
    }
    "Lexi", "An assistant that looks things up and proposes tasks for a person to approve." {
        lexi_chat
        lexi_tasks
        campaigns
    }
    "Leads", "A user's leads on WhatsApp, Instagram and webchat." {
        list_leads
        lead_stats
        get_lead
        lead_messages
    }
    "Contacts and lists", "The workspace's contacts, and lists of them." {
        lists
    }
    "Ingestion", "Record what happened in other systems. The same event again changes nothing." {
        ingest
    }
    "Credits", "The workspace's balance." {
        credits
    }
    "Webhooks", "Called by Meta and Twilio, which sign their requests." {
        meta_webhook
        delivery_events
    }
    "Service", "About the API itself." {
        fallback
    }
    workers {
        analyst
        copywriter
        delivery
        email_events
        lead_scorer
        lexi_worker
        message_worker
        notifier
        score_due
        sweeper
    }
}

/// Builds the function with this name, with metrics and traces for each invocation; `None` if there is none.
pub fn build(name: &str, context: &Context) -> Result<Option<Function>, ConfigError> {
    let Some(entry) = ALL.iter().find(|entry| entry.name == name) else { return Ok(None) };
    Ok(Some((entry.build)(context)?.observed(&context.observer(name))))
}

/// The targets that functions log to: their crates.
pub fn log_targets() -> impl Iterator<Item = String> {
    ALL.iter().map(|entry| entry.name.replace('-', "_"))
}
