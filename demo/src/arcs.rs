//! How stories with leads go: each arc is a run of touches, days before its end.

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use shared::crm::leads::Activity;
use uuid::Uuid;

/// Days before the arc's end (negative: planned), kind, direction, outcome, title, text.
type Touch = (i64, &'static str, &'static str, &'static str, &'static str, &'static str);

const ARCS: [&[Touch]; 12] = [
    &[
        (
            0,
            "call",
            "outbound",
            "answered",
            "Pricing call",
            "Asked how pricing works for 40 seats and whether annual billing is cheaper. Wants a quote in writing.",
        ),
        (
            4,
            "email",
            "inbound",
            "replied",
            "Re: Your trial",
            "The trial went well. What does it cost for the whole team?",
        ),
        (9, "email", "outbound", "opened", "Your trial", "Checked in halfway through the trial."),
        (16, "email", "outbound", "opened", "Getting started", "Sent the getting-started guide."),
    ],
    &[
        (0, "email", "outbound", "no_response", "One last question", "Asked whether the project is still on."),
        (7, "email", "outbound", "no_response", "Following up", "Repeated the offer of a short call."),
        (15, "call", "outbound", "no_response", "Introductory call", "No answer, left a voicemail."),
        (21, "email", "outbound", "opened", "Introduction", "Introduced the service after the trade fair."),
    ],
    &[
        (0, "email", "inbound", "replied", "Re: Demo", "Thursday suits me, can my colleague from IT join the demo?"),
        (2, "email", "outbound", "opened", "Demo", "Offered two dates for a demo."),
        (11, "linkedin", "inbound", "replied", "Message", "Saw your post on intake forms. We have the same problem."),
    ],
    &[
        (-5, "meeting", "", "", "Contract review", "Planned with their counsel and ours."),
        (
            1,
            "email",
            "inbound",
            "replied",
            "Re: Draft contract",
            "Our counsel has three remarks on the liability clause, let us go through the contract together.",
        ),
        (6, "email", "outbound", "opened", "Draft contract", "Sent the draft."),
        (12, "meeting", "", "completed", "Scoping meeting", "Agreed on scope. Procurement needs two more weeks."),
        (30, "call", "outbound", "answered", "First call", "Good fit. Budget is approved for this quarter."),
    ],
    &[
        (0, "whatsapp", "inbound", "replied", "", "Hi, are you still offering the onboarding package?"),
        (
            1,
            "whatsapp",
            "outbound",
            "read",
            "",
            "Good morning, just checking whether you had time to look at our offer.",
        ),
        (10, "email", "outbound", "opened", "Our offer", "Sent the offer with the onboarding package."),
    ],
    &[
        (
            0,
            "note",
            "",
            "",
            "Reorganisation",
            "Heard from a colleague that the department is being reorganised; timeline unclear until next quarter.",
        ),
        (14, "call", "outbound", "answered", "Status call", "Project is on hold until the budget round."),
        (
            40,
            "meeting",
            "",
            "completed",
            "Kick-off demo",
            "Showed the product to five people. Positive, asked about exports.",
        ),
    ],
    &[
        (0, "sms", "outbound", "delivered", "", "Reminder of tomorrow's appointment."),
        (3, "sms", "inbound", "replied", "", "Yes, tomorrow at ten is fine."),
        (
            8,
            "call",
            "inbound",
            "answered",
            "Incoming call",
            "Asked for an appointment; prefers text messages to e-mail.",
        ),
    ],
    &[
        (
            0,
            "meeting",
            "",
            "completed",
            "Proposal review",
            "Went through the proposal line by line. They compare with one competitor and decide at the end of the month.",
        ),
        (5, "email", "outbound", "opened", "Proposal", "Sent the proposal as agreed."),
        (13, "meeting", "", "completed", "Discovery call", "Main pain: contracts wait two weeks for a first review."),
        (20, "linkedin", "outbound", "accepted", "Connection", "Connected after the panel discussion."),
    ],
    &[
        (55, "email", "outbound", "opened", "Newsletter", "Opened the newsletter on intake automation."),
        (
            70,
            "call",
            "outbound",
            "answered",
            "Cold call",
            "Interested, but not before next year. Asked to be called again.",
        ),
    ],
    &[
        (
            0,
            "email",
            "inbound",
            "replied",
            "Complaint about the invoice",
            "The second invoice has the wrong address. Please correct it before we talk about an extension.",
        ),
        (
            18,
            "meeting",
            "",
            "completed",
            "Quarterly review",
            "Uses about half of the licences. Wants training for the new team.",
        ),
        (50, "email", "outbound", "opened", "Training dates", "Sent the training dates."),
    ],
    &[(
        2,
        "email",
        "inbound",
        "replied",
        "Question from the website",
        "Do you work with practices of our size, about fifteen people?",
    )],
    &[],
];

/// The activity of one lead: an arc, ended somewhere in the last weeks.
pub fn activities(random: &mut StdRng, lead_id: Uuid, now: DateTime<Utc>) -> Vec<Activity> {
    let arc = ARCS.choose(random).copied().unwrap_or_default();
    let longest = arc.iter().map(|touch| touch.0).max().unwrap_or_default();
    // A planned touch stays ahead of now.
    let latest = if arc.iter().any(|touch| touch.0 < 0) { 2 } else { (88 - longest).clamp(1, 45) };
    let end = random.random_range(0..=latest);
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let touches = (0_u128..).zip(arc).map(|(index, (days, kind, direction, outcome, title, body))| Activity {
        opens_window: false,
        activity_id: Uuid::from_u128(lead_id.as_u128() ^ (0xac << 40 | index << 32)),
        kind: (*kind).into(),
        occurred_at: now - TimeDelta::days(days + end) - TimeDelta::minutes(random.random_range(1..600)),
        direction: direction.parse().ok(),
        outcome: text(outcome),
        title: text(title),
        body: text(body),
    });
    touches.collect()
}
