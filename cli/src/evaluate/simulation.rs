//! Made-up workspaces whose truth is known.
//!
//! Each seed is one workspace. How likely a lead is to reply on a channel is, in logits,
//!
//! ```text
//! centre(channel) + 0.5 · workspace + 0.5 · segment + 0.8 · lead(t)
//! ```
//!
//! with standard normal `workspace` (one for each channel), `segment` (one for each tier and channel) and
//! `lead(t)` (one for each lead and channel), which drifts: what it was `Δ` days earlier correlates with it
//! by `exp(−Δ / 365)`. This is not the model's own assumption, which is a beta distribution that stays.
//!
//! A lead has 0 to 12 touches, 0 to 360 days old. Of the messages that are not replied to, a share of
//! `0.2 + 0.6 · p` is opened, and a share `p` of those clicked. A quarter of the leads tell no dates. What is
//! predicted is whether one more touch, today, would be replied to: on every channel of every lead.

use std::f64::consts::TAU;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use shared::base::channel::Channel;
use shared::outreach::policy::{Outcome, SegmentRates, Tier, Touch};

/// How likely a reply is in the middle of all workspaces, and how often a channel is used. Not the model's
/// priors.
const CHANNELS: [(Channel, f64, f64); 5] = [
    (Channel::Email, 0.07, 0.40),
    (Channel::Sms, 0.14, 0.15),
    (Channel::Whatsapp, 0.24, 0.20),
    (Channel::PhoneCall, 0.16, 0.20),
    (Channel::Meeting, 0.28, 0.05),
];
const TIERS: [(Tier, f64); 5] = [
    (Tier::Enterprise, 0.10),
    (Tier::MidMarket, 0.25),
    (Tier::Unknown, 0.15),
    (Tier::SmallBusiness, 0.30),
    (Tier::Startup, 0.20),
];
const WORKSPACE_SPREAD: f64 = 0.5;
const SEGMENT_SPREAD: f64 = 0.5;
const LEAD_SPREAD: f64 = 0.8;
const DRIFT_DAYS: f64 = 365.0;
const MOST_TOUCHES: usize = 12;
const OLDEST_DAYS: f64 = 360.0;
const UNDATED: f64 = 0.25;

/// The parameters, as they are printed.
pub fn parameters() -> Value {
    json!({
        "reply_centre_and_use_by_channel": CHANNELS.map(|(channel, centre, used)| json!([channel, centre, used])),
        "share_by_tier": TIERS.map(|(tier, share)| json!([tier, share])),
        "workspace_spread": WORKSPACE_SPREAD,
        "segment_spread": SEGMENT_SPREAD,
        "lead_spread": LEAD_SPREAD,
        "drift_days": DRIFT_DAYS,
        "most_touches": MOST_TOUCHES,
        "oldest_days": OLDEST_DAYS,
        "undated_share": UNDATED,
    })
}

/// A workspace with its leads, and what it has learned from their touches.
pub struct Workspace {
    /// Its leads.
    pub leads: Vec<Lead>,
    /// The rates that it has learned.
    pub rates: SegmentRates,
}

/// A lead.
pub struct Lead {
    /// Its place among the leads.
    pub index: usize,
    /// Its account's tier.
    pub tier: Tier,
    /// What the model is shown.
    pub touches: Vec<Touch>,
    /// The outcome of one more touch, on each channel.
    pub next: Vec<Next>,
}

/// A held-out touch.
pub struct Next {
    /// How.
    pub channel: Channel,
    /// How likely a reply truly is.
    pub truth: f64,
    /// Whether it came.
    pub replied: bool,
}

impl Workspace {
    /// The workspace of a seed.
    pub fn simulate(seed: u64, leads: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let centres = CHANNELS.map(|(channel, centre, _)| {
            let of_workspace = logit(centre) + WORKSPACE_SPREAD * normal(&mut random);
            let by_tier = TIERS.map(|(tier, _)| (tier, of_workspace + SEGMENT_SPREAD * normal(&mut random)));
            (channel, by_tier)
        });
        let leads: Vec<Lead> = (0..leads)
            .map(|index| {
                let tier = pick(&TIERS, &mut random);
                let segment = centres.map(|(channel, by_tier)| {
                    let centre = by_tier.iter().find(|(other, _)| *other == tier).map_or(0.0, |(_, centre)| *centre);
                    (channel, centre)
                });
                Lead::simulate(index, tier, &segment, &mut random)
            })
            .collect();
        let mut rates = SegmentRates::default();
        for lead in &leads {
            for touch in &lead.touches {
                rates.observe(lead.tier, touch.channel, touch.outcome);
            }
        }
        Self { leads, rates }
    }

    /// Everything that is to be predicted.
    pub fn held_out(&self) -> impl Iterator<Item = (&Lead, &Next)> {
        self.leads.iter().flat_map(|lead| lead.next.iter().map(move |next| (lead, next)))
    }
}

impl Lead {
    fn simulate(index: usize, tier: Tier, centres: &[(Channel, f64); 5], random: &mut StdRng) -> Self {
        let is_dated = random.random::<f64>() >= UNDATED;
        let used = CHANNELS.map(|(channel, _, used)| (channel, used));
        let mut plan: Vec<(Channel, f64)> = (0..random.random_range(0..=MOST_TOUCHES))
            .map(|_| (pick(&used, random), OLDEST_DAYS * random.random::<f64>()))
            .collect();
        plan.sort_by(|one, other| one.1.total_cmp(&other.1));
        let (mut touches, mut next) = (Vec::new(), Vec::new());
        for (channel, centre) in centres {
            // From today back in time, from touch to touch.
            let (mut leaning, mut now) = (normal(random), 0.0);
            let truth = probability(centre + LEAD_SPREAD * leaning);
            next.push(Next { channel: *channel, truth, replied: random.random::<f64>() < truth });
            for (_, age) in plan.iter().filter(|(planned, _)| planned == channel) {
                let kept = ((now - age) / DRIFT_DAYS).exp();
                leaning = kept * leaning + (1.0 - kept * kept).sqrt() * normal(random);
                now = *age;
                let outcome = outcome(*channel, probability(centre + LEAD_SPREAD * leaning), random);
                touches.push(Touch { channel: *channel, outcome, age_days: is_dated.then_some(*age) });
            }
        }
        Self { index, tier, touches, next }
    }
}

fn outcome(channel: Channel, reply: f64, random: &mut StdRng) -> Outcome {
    let is_message = matches!(channel, Channel::Email | Channel::Sms | Channel::Whatsapp);
    if random.random::<f64>() < reply {
        Outcome::Replied
    } else if is_message && random.random::<f64>() < 0.2 + 0.6 * reply {
        if random.random::<f64>() < reply { Outcome::Clicked } else { Outcome::Opened }
    } else {
        Outcome::NoResponse
    }
}

/// One of these, as often as its share says.
fn pick<T: Copy, const N: usize>(shares: &[(T, f64); N], random: &mut StdRng) -> T {
    const { assert!(N > 0) };
    let mut left = random.random::<f64>();
    let mut picked = shares[0].0;
    for (value, share) in shares {
        if left < 0.0 {
            break;
        }
        picked = *value;
        left -= share;
    }
    picked
}

/// A standard normal number, by the Box–Muller transform.
fn normal(random: &mut StdRng) -> f64 {
    let (one, other): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - one).ln()).sqrt() * (TAU * other).cos()
}

fn logit(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
