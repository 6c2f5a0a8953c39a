//! How likely each channel is to succeed with one lead.
//!
//! ```text
//! weight(touch) = 0.5 ^ (age / half-life)
//! p             = (Σ weight · success + k · rate(tier, channel)) / (Σ weight + k)
//! ```
//!
//! A lead's own touches are few, and a raw rate of them misleads: one reply to one message is not
//! certainty. So they lean on the segment's rate as if that were `k` further touches. The interval is the
//! 90 % of the beta distribution with these counts that leave 5 % on either side.

use serde::{Deserialize, Serialize};

use super::beta::Beta;
use super::{Outcome, SegmentRates, Tier, Touch, last_said};
use crate::base::channel::{Channel, Scored};

/// How much a lead's own touches count against its segment's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// `k`: as how many touches of the lead the segment's rate counts; above zero.
    pub strength: f64,
    /// After how many days a touch counts half; above zero.
    pub half_life_days: f64,
}

impl Smoothing {
    /// The values in use, fitted with `cargo cli evaluate --fit --seed 101`: of 48 pairs (`k` from 1 to 32,
    /// half-lives from 30 days to none) the best have a mean log-loss of 0.4710, which this has too. It is
    /// 0.4711 for `k` = 8 and 120 days, 0.4724 for 4 and 120, 0.4719 for 32 and 30, and 0.5078 for `k` = 1
    /// without decay. So the exact values matter little; that there are two, does.
    pub const FITTED: Self = Self { strength: 12.0, half_life_days: 180.0 };

    fn weight(self, touch: &Touch) -> f64 {
        (-touch.age() / self.half_life_days).exp2()
    }

    /// The distribution for a channel after these touches of one lead. Only touches on the channel count, and their
    /// order does not matter.
    pub fn posterior(self, channel: Channel, touches: &[Touch], segment_rate: f64) -> Beta {
        let told = touches.iter().filter(|touch| touch.channel == channel);
        let mut weighed: Vec<(f64, f64)> =
            told.filter_map(|touch| Some((self.weight(touch), touch.outcome.success()?))).collect();
        weighed.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let successes: f64 = weighed.iter().map(|(weight, success)| weight * success).sum();
        let failures: f64 = weighed.iter().map(|(weight, success)| weight * (1.0 - success)).sum();
        Beta {
            successes: successes + self.strength * segment_rate,
            failures: failures + self.strength * (1.0 - segment_rate),
        }
    }
}

impl Touch {
    /// How much the touch counts, from 0 to 1.
    pub fn weight(&self) -> f64 {
        Smoothing::FITTED.weight(self)
    }
}

/// How likely a channel is to succeed with a lead. Numbers are rounded to six decimals, so that they are
/// the same wherever they are computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelScore {
    /// The channel.
    #[schemars(with = "Scored")]
    pub channel: Channel,
    /// The probability that reaching out on it is replied to or leads to a meeting.
    pub probability: f64,
    /// The 90 % credible interval of the probability: lower and upper end.
    pub interval: (f64, f64),
    /// The lead's touches on the channel with a known outcome, each weighted by its age.
    pub touches: f64,
    /// The success rate of the lead's segment on the channel.
    pub segment_rate: f64,
}

/// Scores the channels of `eligible`, each once, the likeliest first and the equally likely in the order of
/// [`Channel::SCORED`]. Whether there is an address, a consent and an open window is for the caller to know;
/// what the touches themselves rule out ([`is_closed`]) is left out here.
pub fn score(touches: &[Touch], tier: Tier, rates: &SegmentRates, eligible: &[Channel]) -> Vec<ChannelScore> {
    let open =
        Channel::SCORED.into_iter().filter(|channel| eligible.contains(channel) && !is_closed(*channel, touches));
    let mut scores: Vec<ChannelScore> = open
        .map(|channel| {
            let segment_rate = rates.rate(tier, channel);
            let posterior = Smoothing::FITTED.posterior(channel, touches, segment_rate);
            let weighed = posterior.successes + posterior.failures - Smoothing::FITTED.strength;
            ChannelScore {
                channel,
                probability: rounded(posterior.mean()),
                interval: (rounded(posterior.quantile(0.05)), rounded(posterior.quantile(0.95))),
                touches: rounded(weighed.max(0.0)),
                segment_rate: rounded(segment_rate),
            }
        })
        .collect();
    // A stable sort: ties stay in the published order.
    scores.sort_by(|one, other| other.probability.total_cmp(&one.probability));
    scores
}

/// Whether the touches themselves rule a channel out: the lead has opted out of it, however long ago, or a
/// message bounced and none has arrived since.
pub fn is_closed(channel: Channel, touches: &[Touch]) -> bool {
    let touches: Vec<Touch> = touches.iter().copied().filter(|touch| touch.channel == channel).collect();
    touches.iter().any(|touch| touch.outcome == Outcome::OptedOut)
        || last_said(&touches, |outcome| outcome == Outcome::Bounced, Outcome::arrived)
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::outreach::policy::{Count, channel_named};

    fn touch(channel: &str, outcome: &str, age_days: Option<f64>) -> Touch {
        Touch { channel: channel_named(channel).unwrap(), outcome: Outcome::named(outcome), age_days }
    }

    /// The seed's example.
    fn example() -> Vec<Touch> {
        [("email", "opened"), ("phone_call", "no_response"), ("sms", "replied")]
            .map(|(channel, outcome)| touch(channel, outcome, None))
            .to_vec()
    }

    fn scored(touches: &[Touch]) -> Vec<ChannelScore> {
        score(touches, Tier::MidMarket, &SegmentRates::default(), &Channel::SCORED)
    }

    fn probability(touches: &[Touch], channel: Channel) -> f64 {
        scored(touches).iter().find(|score| score.channel == channel).unwrap().probability
    }

    #[test]
    fn the_seeds_example_is_recommended_sms() {
        let scores = scored(&example());
        assert_eq!(scores[0].channel, Channel::Sms);
        // Probability, interval, weighed touches: as docs/priority-and-channel.md shows them.
        let shown = scores.iter().map(|score| {
            let (low, high) = score.interval;
            format!("{} {:.3} {low:.3} {high:.3} {:.3}", score.channel.name(), score.probability, score.touches)
        });
        let expected = [
            "sms 0.237 0.075 0.446 0.891",
            "whatsapp 0.200 0.050 0.408 0.000",
            "meeting 0.150 0.026 0.341 0.000",
            "phone_call 0.112 0.013 0.278 0.891",
            "email 0.100 0.010 0.260 0.891",
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn one_reply_is_not_certainty() {
        let once = probability(&[touch("sms", "replied", Some(0.0))], Channel::Sms);
        let always = probability(&[touch("sms", "replied", Some(0.0)); 60], Channel::Sms);
        assert!(once < 0.3 && always > 0.8, "{once} {always}");
    }

    #[test]
    fn a_channel_without_touches_has_the_rate_of_its_segment() {
        let mut rates = SegmentRates::default();
        rates.add(Tier::Enterprise, Channel::PhoneCall, Count { successes: 60, trials: 100 });
        for score in score(&[], Tier::Enterprise, &rates, &Channel::SCORED) {
            assert!((score.probability - score.segment_rate).abs() < 1e-9 && score.touches == 0.0);
        }
    }

    #[test]
    fn an_older_touch_counts_less_and_one_without_a_date_counts_as_thirty_days_old() {
        let after = |age| probability(&[touch("sms", "replied", age)], Channel::Sms);
        assert!(after(Some(0.0)) > after(Some(60.0)) && after(Some(60.0)) > after(Some(600.0)));
        assert_eq!(after(None), after(Some(Touch::REFERENCE_AGE_DAYS)));
        assert_eq!(after(Some(f64::NAN)), after(None));
        assert_eq!(after(Some(-5.0)), after(Some(0.0)));
    }

    #[test]
    fn an_open_is_better_than_nothing_and_less_than_a_reply() {
        let after = |outcome| probability(&[touch("email", outcome, Some(1.0))], Channel::Email);
        assert!(after("replied") > after("clicked") && after("clicked") > after("opened"));
        assert!(after("opened") > after("no_response"));
        assert_eq!(after("delivered"), after("something else"));
    }

    #[test]
    fn equally_likely_channels_come_in_the_published_order() {
        let mut rates = SegmentRates::default();
        for channel in Channel::SCORED {
            let trials = 100_000_000_000;
            rates.add(Tier::Startup, channel, Count { successes: trials / 4, trials });
        }
        let eligible = [Channel::Meeting, Channel::PhoneCall, Channel::Sms, Channel::Sms];
        let channels: Vec<_> =
            score(&[], Tier::Startup, &rates, &eligible).into_iter().map(|score| score.channel).collect();
        assert_eq!(channels, [Channel::Sms, Channel::PhoneCall, Channel::Meeting]);
    }

    #[test]
    fn only_eligible_channels_are_scored() {
        let scores = score(&example(), Tier::MidMarket, &SegmentRates::default(), &[Channel::Email]);
        assert_eq!(scores.iter().map(|score| score.channel).collect::<Vec<_>>(), [Channel::Email]);
        assert!(score(&example(), Tier::MidMarket, &SegmentRates::default(), &[]).is_empty());
    }

    #[test]
    fn a_bounce_closes_a_channel_until_something_arrives() {
        let bounced = touch("email", "bounced", Some(10.0));
        assert!(is_closed(Channel::Email, &[bounced]) && !is_closed(Channel::Sms, &[bounced]));
        assert!(is_closed(Channel::Email, &[touch("email", "replied", Some(11.0)), bounced]));
        assert!(!is_closed(Channel::Email, &[touch("email", "delivered", Some(9.0)), bounced]));
        assert!(scored(&[bounced]).iter().all(|score| score.channel != Channel::Email));
    }

    #[test]
    fn an_opt_out_closes_a_channel_for_good() {
        let touches = [touch("sms", "unsubscribed", Some(300.0)), touch("sms", "replied", Some(1.0))];
        assert!(is_closed(Channel::Sms, &touches));
    }

    fn any_touch() -> impl Strategy<Value = Touch> {
        let outcomes = prop::sample::select(vec![
            Outcome::Replied,
            Outcome::Clicked,
            Outcome::Opened,
            Outcome::NoResponse,
            Outcome::Delivered,
            Outcome::Other,
        ]);
        let ages = prop::option::of(prop_oneof![-10.0..4000.0_f64, any::<f64>()]);
        (prop::sample::select(Channel::SCORED.to_vec()), outcomes, ages)
            .prop_map(|(channel, outcome, age_days)| Touch { channel, outcome, age_days })
    }

    proptest! {
        #[test]
        fn a_probability_lies_between_zero_and_one_and_within_its_interval(
            touches in prop::collection::vec(any_touch(), 0..40),
            successes: u64,
            trials: u64,
        ) {
            let mut rates = SegmentRates::default();
            rates.add(Tier::Startup, Channel::Email, Count { successes, trials });
            for score in score(&touches, Tier::Startup, &rates, &Channel::SCORED) {
                let (low, high) = score.interval;
                prop_assert!(0.0 <= low && low <= high && high <= 1.0, "{score:?}");
                prop_assert!((0.0..=1.0).contains(&score.probability) && score.touches >= 0.0, "{score:?}");
            }
        }

        #[test]
        fn the_order_of_touches_does_not_matter(
            (touches, shuffled) in prop::collection::vec(any_touch(), 0..20)
                .prop_flat_map(|touches| (Just(touches.clone()), Just(touches).prop_shuffle()))
        ) {
            prop_assert_eq!(scored(&touches), scored(&shuffled));
        }

        #[test]
        fn a_reply_never_makes_a_channel_less_likely_and_silence_never_more(
            touches in prop::collection::vec(any_touch(), 0..20),
            age in prop::option::of(0.0..1000.0_f64),
        ) {
            let with = |outcome| [touches.clone(), vec![Touch { channel: Channel::Sms, outcome, age_days: age }]].concat();
            let before = probability(&touches, Channel::Sms);
            prop_assert!(probability(&with(Outcome::Replied), Channel::Sms) >= before);
            prop_assert!(probability(&with(Outcome::NoResponse), Channel::Sms) <= before);
        }
    }
}
