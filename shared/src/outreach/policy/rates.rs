//! How often a channel succeeds with leads of an account tier, learned in each workspace from the outcomes
//! that it records.
//!
//! A few outcomes say little, so a segment's rate leans on what the other tiers see on the same channel,
//! and that on a published prior:
//!
//! ```text
//! rate(channel)       = (successes in the other tiers + 20 · prior)         / (trials there + 20)
//! rate(tier, channel) = (successes in this tier       + 20 · rate(channel)) / (trials here  + 20)
//! ```
//!
//! Outcomes count alike however old they are: a counter pair for each segment can be stored and grow by
//! one atomic addition ([`Count::of`]), which decay would not allow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{Channel, Outcome, bare};

/// The size of the account that a lead belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Tier {
    /// A large company.
    Enterprise,
    /// A company of middle size.
    MidMarket,
    /// Not given, or an unknown word.
    #[default]
    Unknown,
    /// A small company.
    SmallBusiness,
    /// A startup.
    Startup,
}

impl Tier {
    /// Every tier, the highest first.
    pub const ALL: [Self; 5] = [Self::Enterprise, Self::MidMarket, Self::Unknown, Self::SmallBusiness, Self::Startup];

    /// Its name where it is stored.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The tier that a word means, in any case and with any separators.
    pub fn named(word: &str) -> Self {
        match bare(word).as_str() {
            "enterprise" | "large" | "corporate" | "strategic" | "keyaccount" => Self::Enterprise,
            "midmarket" | "mid" | "medium" | "mediumbusiness" => Self::MidMarket,
            "smallbusiness" | "smb" | "sme" | "small" => Self::SmallBusiness,
            "startup" | "micro" | "freelancer" | "soloentrepreneur" => Self::Startup,
            _ => Self::Unknown,
        }
    }
}

/// The number of trials and of successes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Replies and meetings.
    pub successes: u64,
    /// Everything that came to an end.
    pub trials: u64,
}

impl Count {
    /// What one outcome adds; `None` if it does not tell. Only a full success counts as one, so that a rate
    /// is the probability of a reply or a meeting and nothing else.
    pub fn of(outcome: Outcome) -> Option<Self> {
        outcome.success().map(|success| Self { successes: u64::from(success >= 1.0), trials: 1 })
    }

    fn plus(self, other: Self) -> Self {
        Self {
            successes: self.successes.saturating_add(other.successes),
            trials: self.trials.saturating_add(other.trials),
        }
    }

    /// Its rate, with [`SegmentRates::STRENGTH`] further trials at `rate`. More successes than trials can
    /// only be a store's mistake, and count as all.
    fn shrunk(self, rate: f64) -> f64 {
        let successes = self.successes.min(self.trials) as f64;
        (successes + SegmentRates::STRENGTH * rate) / (self.trials as f64 + SegmentRates::STRENGTH)
    }
}

/// What a workspace has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentRates(BTreeMap<Tier, BTreeMap<Channel, Count>>);

impl SegmentRates {
    /// As how many trials that counts which a segment leans on: of 5, 10, 20 and 40 the one with the lowest
    /// log-loss in simulated workspaces of 100 leads (`cargo cli evaluate --leads 100 --seed 101`).
    pub const STRENGTH: f64 = 20.0;

    /// How often a channel is taken to succeed where nothing is known. These are assumptions, made so that
    /// a new workspace has an order to begin with; a few dozen outcomes outweigh them.
    pub fn prior(channel: Channel) -> f64 {
        match channel {
            Channel::Email => 0.10,
            Channel::Sms => 0.18,
            Channel::Whatsapp => 0.20,
            Channel::PhoneCall => 0.12,
            Channel::Meeting => 0.15,
            // No model knows these; they are never scored.
            Channel::Linkedin | Channel::Instagram | Channel::Webchat | Channel::Notification | Channel::Web => 0.0,
        }
    }

    /// Adds a stored counter, or what an outcome counts.
    pub fn add(&mut self, tier: Tier, channel: Channel, count: Count) {
        let of_segment = self.0.entry(tier).or_default().entry(channel).or_default();
        *of_segment = of_segment.plus(count);
    }

    /// Learns from an outcome; one that does not tell changes nothing.
    pub fn observe(&mut self, tier: Tier, channel: Channel, outcome: Outcome) {
        if let Some(count) = Count::of(outcome) {
            self.add(tier, channel, count);
        }
    }

    /// The probability that reaching out to a lead of this tier on this channel succeeds, above 0 and
    /// below 1. The tier's own outcomes are left out of what it leans on, so that none counts twice.
    pub fn rate(&self, tier: Tier, channel: Channel) -> f64 {
        let others = self.0.keys().filter(|other| **other != tier);
        let others = others.map(|other| self.count(*other, channel)).fold(Count::default(), Count::plus);
        self.count(tier, channel).shrunk(others.shrunk(Self::prior(channel)))
    }

    /// What was counted in a segment.
    pub fn count(&self, tier: Tier, channel: Channel) -> Count {
        self.0.get(&tier).and_then(|channels| channels.get(&channel)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(tier: Tier, successes: u64, trials: u64) -> SegmentRates {
        let mut rates = SegmentRates::default();
        rates.add(tier, Channel::Sms, Count { successes, trials });
        rates
    }

    #[test]
    fn without_outcomes_a_rate_is_the_prior() {
        let rates = SegmentRates::default();
        for channel in Channel::SCORED {
            assert!((rates.rate(Tier::Startup, channel) - SegmentRates::prior(channel)).abs() < 1e-12);
        }
    }

    #[test]
    fn twenty_outcomes_weigh_as_much_as_what_a_segment_leans_on() {
        let rate = learned(Tier::Startup, 20, 20).rate(Tier::Startup, Channel::Sms);
        assert!((rate - f64::midpoint(1.0, SegmentRates::prior(Channel::Sms))).abs() < 1e-12);
    }

    #[test]
    fn the_other_tiers_tell_of_a_tier_without_outcomes() {
        let rates = learned(Tier::Enterprise, 180, 180);
        assert!((rates.rate(Tier::Startup, Channel::Sms) - (180.0 + 3.6) / 200.0).abs() < 1e-12);
        assert!((rates.rate(Tier::Startup, Channel::Email) - 0.10).abs() < 1e-12);
    }

    #[test]
    fn only_what_came_to_an_end_is_counted_and_only_replies_and_meetings_are_successes() {
        let mut rates = SegmentRates::default();
        for outcome in ["replied", "meeting_booked", "opened", "clicked", "no_response", "delivered", "bounced", "?"] {
            rates.observe(Tier::MidMarket, Channel::Email, Outcome::named(outcome));
        }
        assert_eq!(rates.count(Tier::MidMarket, Channel::Email), Count { successes: 2, trials: 5 });
    }

    #[test]
    fn rates_are_written_by_tier_and_channel() {
        let rates = learned(Tier::MidMarket, 1, 2);
        let written = serde_json::to_value(&rates).unwrap();
        assert_eq!(written, serde_json::json!({"mid_market": {"sms": {"successes": 1, "trials": 2}}}));
        assert_eq!(serde_json::from_value::<SegmentRates>(written).unwrap(), rates);
    }

    #[test]
    fn a_broken_counter_still_gives_a_probability() {
        let mut rates = learned(Tier::Unknown, u64::MAX, 1);
        rates.add(Tier::Startup, Channel::Sms, Count { successes: 9, trials: u64::MAX });
        for tier in Tier::ALL {
            let rate = rates.rate(tier, Channel::Sms);
            assert!((0.0..=1.0).contains(&rate), "{rate}");
        }
    }

    #[test]
    fn tiers_are_known_by_their_common_spellings() {
        for (word, tier) in [
            ("mid-market", Tier::MidMarket),
            ("Mid Market", Tier::MidMarket),
            ("ENTERPRISE", Tier::Enterprise),
            ("SMB", Tier::SmallBusiness),
            ("small_business", Tier::SmallBusiness),
            ("start-up", Tier::Startup),
            ("platinum", Tier::Unknown),
            ("", Tier::Unknown),
        ] {
            assert_eq!(Tier::named(word), tier, "{word:?}");
        }
        assert!(Tier::ALL.iter().all(|tier| Tier::named(tier.name()) == *tier));
    }
}
