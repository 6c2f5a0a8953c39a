//! The plan of a follow-up sequence: how many steps, when, on which channel and for which purpose. It follows from the
//! interval, the stage and the type of the request; the model has no part in it.

use chrono::{DateTime, TimeDelta, Utc};
use shared::base::channel::Channel;
use shared::outreach::aim::{Ask, Stage};
use shared::outreach::writing::Messages;

/// The shortest and the longest interval.
const SHORTEST: TimeDelta = TimeDelta::hours(1);
const LONGEST: TimeDelta = TimeDelta::days(90);

/// A step of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub channel: Channel,
    pub due_at: DateTime<Utc>,
    pub purpose: String,
}

/// The purposes of the steps for a lead in a stage: of some stages there are fewer. `{ask}` is what the type of the
/// follow-up asks for.
fn purposes(stage: Stage) -> &'static [&'static str] {
    match stage {
        Stage::Early => &[
            "Take up the lead's interest and ask for {ask}",
            "Learn what the lead needs",
            "Show what helps with that need",
            "Ask again for {ask}",
            "Ask whether to stay in touch",
        ],
        Stage::Engaged => &[
            "Take up the last exchange and ask for {ask}",
            "Show how the need that the lead named is met",
            "Answer what may keep the lead from deciding",
            "Ask again for {ask}",
            "Ask whether to stay in touch",
        ],
        Stage::Closing => &[
            "Ask what is still open about the proposal",
            "Answer the concern that holds the decision up",
            "Ask for {ask} to settle what is open",
            "Ask whether to keep the proposal open",
        ],
        Stage::Customer => &["Ask how it is going", "Show what else helps", "Ask for {ask} about what comes next"],
        Stage::Lost => &["Ask whether anything has changed", "Leave the door open"],
    }
}

/// What the lead is asked for, in words.
fn words(ask: Ask) -> &'static str {
    match ask {
        Ask::Call => "a short call",
        Ask::Meeting => "a meeting",
        Ask::Answer => "an answer",
    }
}

/// The steps of a sequence that begins now with `messages`, each an interval after the one before. None without an
/// interval that can be read.
pub fn plan(
    (interval_text, stage, kind): (Option<&str>, Option<&str>, Option<&str>),
    messages: &Messages,
    now: DateTime<Utc>,
) -> Vec<Planned> {
    let Some(interval) = interval_text.and_then(interval) else { return Vec::new() };
    let is_written = |channel: &Channel| messages.of(*channel).is_some();
    // E-mail first: WhatsApp closes a day after the lead's last message.
    let Some(usual) = [Channel::Email, Channel::Whatsapp].into_iter().find(is_written) else { return Vec::new() };
    let asked = kind.filter(|kind| kind.eq_ignore_ascii_case("whatsapp")).map(|_| Channel::Whatsapp);
    let first = asked.filter(is_written).unwrap_or(usual);
    let mut due_at = now;
    let purposes = purposes(Stage::of(stage)).iter().enumerate();
    let steps = purposes.map(|(index, purpose)| {
        if index > 0 {
            due_at += interval;
        }
        let channel = if index == 0 { first } else { usual };
        Planned { channel, due_at, purpose: purpose.replace("{ask}", words(Ask::of(kind))) }
    });
    steps.collect()
}

/// Reads an interval such as `3 days`, `1 week`, `every 48h`, `weekly` or `P3D`.
fn interval(text: &str) -> Option<TimeDelta> {
    let text = text.trim().to_lowercase();
    let named = match text.as_str() {
        "hourly" => Some(TimeDelta::hours(1)),
        "daily" => Some(TimeDelta::days(1)),
        "weekly" => Some(TimeDelta::weeks(1)),
        "fortnightly" | "biweekly" => Some(TimeDelta::weeks(2)),
        "monthly" => Some(TimeDelta::days(30)),
        _ => None,
    };
    let counted = || {
        let text = text.strip_prefix("every ").unwrap_or(&text);
        let text = text.strip_prefix("pt").or_else(|| text.strip_prefix('p')).unwrap_or(text);
        let digits = text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let (number, unit) = match digits {
            0 => (
                "1",
                text.split_once(' ').filter(|(one, _)| ["a", "an", "one"].contains(one)).map_or(text, |(_, unit)| unit),
            ),
            _ => text.split_at(digits),
        };
        let unit = unit.trim().trim_start_matches(['-']).trim_start_matches("business ").trim_start_matches("working ");
        let one = match unit {
            "h" | "hr" | "hrs" | "hour" | "hours" => TimeDelta::hours(1),
            "d" | "day" | "days" => TimeDelta::days(1),
            "w" | "wk" | "week" | "weeks" => TimeDelta::weeks(1),
            "month" | "months" => TimeDelta::days(30),
            _ => return None,
        };
        one.checked_mul(number.parse().ok()?)
    };
    named.or_else(counted).filter(|interval| (SHORTEST..=LONGEST).contains(interval))
}

#[cfg(test)]
mod tests {
    use shared::outreach::writing::ChannelMessage;

    use super::*;

    fn messages(channels: &[Channel]) -> Messages {
        let mut messages = Messages::default();
        for channel in channels {
            let text = String::from("text");
            let written = ChannelMessage { title: text.clone(), message: text.clone(), strategy: text };
            messages.set(*channel, Some(written));
        }
        messages
    }

    #[test]
    fn intervals_are_read_as_people_write_them_and_nothing_is_guessed() {
        for (text, hours) in [
            ("3 days", Some(72)),
            ("1 week", Some(168)),
            ("2 Weeks", Some(336)),
            ("every 48h", Some(48)),
            ("a week", Some(168)),
            ("day", Some(24)),
            ("weekly", Some(168)),
            ("P3D", Some(72)),
            ("PT36H", Some(36)),
            ("2 business days", Some(48)),
            ("1 month", Some(720)),
            ("soon", None),
            ("3", None),
            ("0 days", None),
            ("99999999999999999999 days", None),
            ("99999999999 weeks", None),
            ("1 year", None),
            ("91 days", None),
            ("", None),
        ] {
            assert_eq!(interval(text).map(|interval| interval.num_hours()), hours, "{text:?}");
        }
    }

    #[test]
    fn steps_are_an_interval_apart_and_follow_stage_and_type() {
        let both = messages(&[Channel::Email, Channel::Whatsapp]);
        let now = DateTime::UNIX_EPOCH;
        let of = |stage, kind| plan((Some("3 days"), stage, kind), &both, now);
        let steps = of(Some("qualified"), Some("email"));
        let days: Vec<_> = steps.iter().map(|step| (step.due_at - now).num_days()).collect();
        assert_eq!(days, [0, 3, 6, 9, 12]);
        assert!(steps.iter().all(|step| step.channel == Channel::Email));
        let steps = of(None, Some("whatsapp"));
        assert_eq!((steps[0].channel, steps[1].channel), (Channel::Whatsapp, Channel::Email));
        assert_eq!([of(Some("Negotiation"), None).len(), of(Some("closed lost"), None).len()], [4, 2]);
        assert!(of(None, Some("meeting"))[0].purpose.ends_with("ask for a meeting"));
        for stage in ["new", "qualified", "proposal", "customer", "lost"] {
            let steps = of(Some(stage), None);
            assert!((2..=5).contains(&steps.len()) && steps.iter().all(|step| !step.purpose.contains('{')), "{stage}");
        }
        assert_eq!(plan((Some("3 days"), None, None), &messages(&[Channel::Web]), now), []);
        assert_eq!(plan((Some("soon"), None, None), &both, now), []);
        assert_eq!(plan((None, None, None), &both, now), []);
    }
}
