//! How soon a lead is worth following up, from 0 to 100, and what to do.
//!
//! ```text
//! score    = round(100 · progress · tier · recency · intent)
//! progress = 1 − (1 − p) ^ 12          p: the probability of the best channel
//! tier     = 1 enterprise, 0.98 mid-market, 0.95 unknown, 0.92 small business, 0.90 startup
//! recency  = 0.2 + 0.8 · 0.5 ^ (days since the last engagement / 30)
//! intent   = 1 if the recent activity speaks of buying, else 0.85
//! ```
//!
//! `progress` is the probability that at least one of twelve follow-ups succeeds, as if they were independent.
//! A lead whose last engagement is not known counts as one of 30 days ago.
//!
//! Every factor is at most 1, so a score is 100 less what each factor takes away. With several factors that
//! is shared out in proportion to their logarithms (the integrated gradient of the product along a straight
//! line in its logarithms), and in whole points by largest remainder, so that the contributions sum to the
//! score exactly.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::intent::shows_intent;
use super::{Outcome, Tier, Touch, last_said};

/// Of how many follow-ups one has to succeed for a lead to make progress.
pub const FOLLOW_UPS: i32 = 12;

/// After how many days the part of the score that fades is half.
pub const RECENCY_HALF_LIFE_DAYS: f64 = 30.0;

/// What stays of recency however long ago the last engagement was.
pub const RECENCY_FLOOR: f64 = 0.2;

/// How many days ago the last engagement is taken to be if it is not known.
pub const UNKNOWN_ENGAGEMENT_DAYS: i64 = 30;

/// The factor of a lead whose recent activity does not speak of buying.
pub const WITHOUT_INTENT: f64 = 0.85;

/// Below this score a lead is nurtured.
pub const NURTURE_BELOW: u8 = 30;

/// What a priority is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signals<'a> {
    /// The probability of the channel that is recommended, 0 to 1; 0 if there is none.
    pub probability: f64,
    /// The account's tier.
    pub tier: Tier,
    /// The day of the last engagement, UTC. A day to come counts as today.
    pub last_engagement: Option<NaiveDate>,
    /// The day for which the priority is computed, UTC.
    pub today: NaiveDate,
    /// Recent activity, in words.
    pub recent_activity: &'a str,
}

/// What one factor does to a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Contribution {
    /// `base`, `progress`, `tier`, `recency` or `intent`.
    pub name: String,
    /// The factor, 0 to 1; six decimals.
    pub value: f64,
    /// 100 for the base; for every other what it takes away, zero or less.
    pub points: i32,
}

/// How soon a lead is worth following up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Priority {
    /// 0 to 100.
    pub score: u8,
    /// What it is made of; the points sum to the score.
    pub contributions: Vec<Contribution>,
}

/// What to do with a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// Reach out now, on the recommended channel.
    FollowUp,
    /// Stay in touch without asking for anything.
    Nurture,
}

impl Action {
    /// The rule: a lead that said no and has not come back since is nurtured, and so is one with a score below
    /// [`NURTURE_BELOW`]; every other is followed up. A no and a reply of the same age are read as a no.
    pub fn choose(score: u8, touches: &[Touch]) -> Self {
        let declined = |outcome| outcome == Outcome::Declined;
        let came_back = |outcome| matches!(outcome, Outcome::Replied | Outcome::MeetingBooked);
        if score < NURTURE_BELOW || last_said(touches, declined, came_back) { Self::Nurture } else { Self::FollowUp }
    }

    /// Its name in responses.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Computes a priority. A higher probability, a higher tier, a later engagement and buying intent never
/// lower it.
pub fn prioritise(signals: &Signals) -> Priority {
    let factors = [
        ("progress", progress(signals.probability)),
        ("tier", weight(signals.tier)),
        ("recency", recency(signals)),
        ("intent", if shows_intent(signals.recent_activity) { 1.0 } else { WITHOUT_INTENT }),
    ];
    let product: f64 = factors.iter().map(|(_, factor)| factor).product();
    // Between 0 and 100, as every factor is between 0 and 1.
    let score = (100.0 * product).round() as u8;
    let losses = shares(100 - score, factors.map(|(_, factor)| -factor.max(1e-9).ln()));
    let base = Contribution { name: "base".to_owned(), value: 1.0, points: 100 };
    let lost = factors.into_iter().zip(losses).map(|((name, factor), loss)| Contribution {
        name: name.to_owned(),
        value: (factor * 1e6).round() / 1e6,
        points: -i32::from(loss),
    });
    Priority { score, contributions: std::iter::once(base).chain(lost).collect() }
}

fn progress(probability: f64) -> f64 {
    // What is no number passes the clamp, and is 0 after the maximum.
    1.0 - (1.0 - probability.clamp(0.0, 1.0).max(0.0)).powi(FOLLOW_UPS)
}

fn weight(tier: Tier) -> f64 {
    match tier {
        Tier::Enterprise => 1.0,
        Tier::MidMarket => 0.98,
        Tier::Unknown => 0.95,
        Tier::SmallBusiness => 0.92,
        Tier::Startup => 0.90,
    }
}

fn recency(signals: &Signals) -> f64 {
    let days = signals.last_engagement.map_or(UNKNOWN_ENGAGEMENT_DAYS, |last| (signals.today - last).num_days());
    RECENCY_FLOOR + (1.0 - RECENCY_FLOOR) * (-(days.max(0) as f64) / RECENCY_HALF_LIFE_DAYS).exp2()
}

/// Whole parts of `total` in proportion to `weights`, by largest remainder; of equal remainders the earlier
/// is rounded up.
fn shares<const N: usize>(total: u8, weights: [f64; N]) -> [u8; N] {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return [0; N];
    }
    let exact = weights.map(|weight| f64::from(total) * weight / sum);
    let mut parts = exact.map(|share| share as u8);
    let mut by_remainder: Vec<_> = parts.iter_mut().zip(exact).collect();
    by_remainder.sort_by(|one, other| other.1.fract().total_cmp(&one.1.fract()));
    let given: u8 = by_remainder.iter().map(|(part, _)| **part).sum();
    for (part, _) in by_remainder.into_iter().take(usize::from(total.saturating_sub(given))) {
        *part += 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::channel::Channel;
    use crate::outreach::policy::{SegmentRates, channel_named, score};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A lead as good as the others, of which each test changes what it is about.
    fn signals() -> Signals<'static> {
        Signals {
            probability: 0.15,
            tier: Tier::Unknown,
            last_engagement: Some(day("2026-04-20")),
            today: day("2026-05-20"),
            recent_activity: "",
        }
    }

    fn score_of(signals: Signals) -> u8 {
        prioritise(&signals).score
    }

    /// The seed's example, as it is scored on a day.
    fn example(today: &str) -> (Priority, Action) {
        let touches =
            [("email", "opened"), ("phone_call", "no_response"), ("sms", "replied")].map(|(kind, outcome)| Touch {
                channel: channel_named(kind).unwrap(),
                outcome: Outcome::named(outcome),
                age_days: None,
            });
        let tier = Tier::named("mid-market");
        let scores = score(&touches, tier, &SegmentRates::default(), &Channel::SCORED);
        let priority = prioritise(&Signals {
            probability: scores[0].probability,
            tier,
            last_engagement: Some(day("2026-04-20")),
            today: day(today),
            recent_activity: "Requested pricing information during product demo.",
        });
        let action = Action::choose(priority.score, &touches);
        (priority, action)
    }

    #[test]
    fn the_seeds_example_scores_92_on_the_day_after_the_engagement() {
        let (priority, action) = example("2026-04-21");
        let points: Vec<_> = priority.contributions.iter().map(|part| (part.name.as_str(), part.points)).collect();
        assert_eq!(priority.score, 92, "{priority:?}");
        assert_eq!(points, [("base", 100), ("progress", -4), ("tier", -2), ("recency", -2), ("intent", 0)]);
        assert_eq!(action, Action::FollowUp);
    }

    #[test]
    fn the_seeds_example_fades_with_time() {
        let scores = ["2026-04-20", "2026-04-22", "2026-04-30", "2026-07-20"].map(|today| example(today).0.score);
        assert_eq!(scores, [94, 91, 79, 28]);
    }

    #[test]
    fn a_lead_that_nothing_is_known_of_counts_as_one_of_thirty_days_ago() {
        assert_eq!(score_of(Signals { last_engagement: None, ..signals() }), score_of(signals()));
    }

    #[test]
    fn an_engagement_to_come_counts_as_one_of_today() {
        let (today, later) = (day("2026-04-20"), Some(day("2026-04-25")));
        assert_eq!(
            score_of(Signals { last_engagement: later, today, ..signals() }),
            score_of(Signals { today, ..signals() })
        );
    }

    #[test]
    fn remainders_go_to_the_largest_first() {
        assert_eq!(shares(10, [1.0, 1.0, 1.0]), [4, 3, 3]);
        assert_eq!(shares(7, [0.0, 1.0, 2.0]), [0, 2, 5]);
        assert_eq!(shares(0, [0.0, 0.0]), [0, 0]);
    }

    #[test]
    fn a_lead_that_no_channel_promises_anything_of_scores_nothing() {
        let score = score_of(Signals { probability: 0.0, ..signals() });
        assert_eq!((score, Action::choose(score, &[])), (0, Action::Nurture));
    }

    #[test]
    fn a_lead_that_said_no_is_nurtured_until_it_comes_back() {
        let touch = |outcome, age_days| Touch { channel: Channel::Email, outcome, age_days };
        let choose = |touches: &[Touch]| Action::choose(90, touches);
        let declined = touch(Outcome::Declined, Some(5.0));
        assert_eq!(choose(&[touch(Outcome::Replied, Some(9.0)), declined]), Action::Nurture);
        assert_eq!(choose(&[touch(Outcome::Replied, Some(2.0)), declined]), Action::FollowUp);
        assert_eq!(choose(&[]), Action::FollowUp);
        assert_eq!(Action::choose(NURTURE_BELOW - 1, &[]), Action::Nurture);
    }

    proptest! {
        #[test]
        fn the_contributions_sum_to_a_score_between_0_and_100(
            probability: f64, tier in 0..5_usize, days in -400..4000_i64, intent: bool,
        ) {
            let today = day("2026-05-20");
            let last_engagement = Some(today - chrono::TimeDelta::days(days));
            let recent_activity = if intent { "quote" } else { "" };
            let tier = Tier::ALL[tier];
            for probability in [probability, probability.abs().fract()] {
                let signals = Signals { probability, tier, last_engagement, today, recent_activity };
                let Priority { score, contributions } = prioritise(&signals);
                prop_assert!(score <= 100);
                prop_assert_eq!(contributions.iter().map(|part| part.points).sum::<i32>(), i32::from(score));
                prop_assert!(contributions.iter().skip(1).all(|part| part.points <= 0));
                prop_assert!(contributions.iter().all(|part| (0.0..=1.0).contains(&part.value)));
            }
        }

        #[test]
        fn a_better_lead_never_scores_lower(
            probability in 0.0..=1.0_f64, more in 0.0..=1.0_f64,
            tier in 0..5_usize, higher in 0..5_usize,
            days in 0..400_i64, sooner in 0..400_i64,
        ) {
            let today = day("2026-05-20");
            let scored = |probability, tier: usize, days, recent_activity| score_of(Signals {
                probability, tier: Tier::ALL[tier], last_engagement: Some(today - chrono::TimeDelta::days(days)), today, recent_activity,
            });
            let before = scored(probability, tier, days, "");
            prop_assert!(scored(probability.max(more), tier, days, "") >= before);
            prop_assert!(scored(probability, tier.min(higher), days, "") >= before);
            prop_assert!(scored(probability, tier, days.min(sooner), "") >= before);
            prop_assert!(scored(probability, tier, days, "quote") >= before);
        }
    }
}
