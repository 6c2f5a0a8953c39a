//! How good predicted probabilities are.

use serde::Serialize;

/// The bounds to which a probability is clipped before its logarithm is taken.
const CLIP: f64 = 1e-6;

/// The number of touches on a channel from which a lead counts as known there.
const KNOWN: u64 = 3;

/// One prediction, and what is known of its truth.
#[derive(Clone, Copy, Debug)]
pub struct Prediction {
    /// Which lead; the predictions of a lead follow each other, one for each channel.
    pub lead: usize,
    /// How many touches of the lead there were on the channel.
    pub touches: u64,
    /// How likely a reply was said to be.
    pub predicted: f64,
    /// How likely it was.
    pub truth: f64,
    /// Whether it came.
    pub happened: bool,
}

/// The measures of one set of predictions.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measures {
    /// Mean negative logarithm of what was predicted for what happened. Lower is better.
    pub log_loss: f64,
    /// The same where the lead had three touches or more on the channel.
    pub log_loss_known: f64,
    /// Mean squared error. Lower is better.
    pub brier: f64,
    /// How often a success is predicted higher than a failure; ties count half. Higher is better.
    pub auc: f64,
    /// Expected calibration error over ten bins of equal width. Lower is better.
    pub calibration_error: f64,
    /// How likely a reply is on the channel that is predicted to be the likeliest, mean over leads. Higher
    /// is better.
    pub reply_rate: f64,
}

impl Measures {
    /// The measures of these predictions.
    pub fn of(predictions: &[Prediction]) -> Self {
        let loss = |one: &Prediction| log_loss(one.predicted, one.happened);
        let known = predictions.iter().filter(|one| one.touches >= KNOWN);
        let by_lead = predictions.chunk_by(|one, other| one.lead == other.lead);
        // Of equals the last is the greatest: in reverse, the first.
        let followed = by_lead.filter_map(|lead| lead.iter().rev().max_by(|a, b| a.predicted.total_cmp(&b.predicted)));
        Self {
            log_loss: mean(predictions.iter().map(loss)),
            log_loss_known: mean(known.map(loss)),
            brier: mean(predictions.iter().map(|one| (one.predicted - f64::from(u8::from(one.happened))).powi(2))),
            auc: auc(predictions),
            calibration_error: calibration_error(predictions),
            reply_rate: mean(followed.map(|one| one.truth)),
        }
    }

    /// Their means.
    pub fn mean(of: &[Self]) -> Self {
        let mean = |field: fn(&Self) -> f64| mean(of.iter().map(field));
        Self {
            log_loss: mean(|measures| measures.log_loss),
            log_loss_known: mean(|measures| measures.log_loss_known),
            brier: mean(|measures| measures.brier),
            auc: mean(|measures| measures.auc),
            calibration_error: mean(|measures| measures.calibration_error),
            reply_rate: mean(|measures| measures.reply_rate),
        }
    }
}

/// The mean of numbers; not a number if there are none.
pub fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    sum / count
}

/// The negative logarithm of what was predicted for what happened.
pub fn log_loss(predicted: f64, happened: bool) -> f64 {
    let predicted = predicted.clamp(CLIP, 1.0 - CLIP);
    if happened { -predicted.ln() } else { -(-predicted).ln_1p() }
}

/// From the sum of the successes' ranks (Mann and Whitney); equal predictions share their mean rank.
fn auc(predictions: &[Prediction]) -> f64 {
    let mut sorted = predictions.to_vec();
    sorted.sort_by(|one, other| one.predicted.total_cmp(&other.predicted));
    let (mut below, mut ranks, mut successes) = (0.0, 0.0, 0.0);
    for equal in sorted.chunk_by(|one, other| one.predicted == other.predicted) {
        let (count, happened) = (equal.len() as f64, equal.iter().filter(|one| one.happened).count() as f64);
        ranks += happened * (below + (count + 1.0) / 2.0);
        successes += happened;
        below += count;
    }
    (ranks - successes * (successes + 1.0) / 2.0) / (successes * (below - successes))
}

fn calibration_error(predictions: &[Prediction]) -> f64 {
    let mut bins = [0.0_f64; 10];
    for one in predictions {
        if let Some(bin) = bins.get_mut(((one.predicted * 10.0) as usize).min(9)) {
            *bin += one.predicted - f64::from(u8::from(one.happened));
        }
    }
    bins.iter().map(|bin| bin.abs()).sum::<f64>() / predictions.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(predictions: &[(f64, bool)]) -> Measures {
        let predictions: Vec<_> = predictions
            .iter()
            .enumerate()
            .map(|(index, (predicted, happened))| Prediction {
                lead: index / 2,
                touches: index as u64,
                predicted: *predicted,
                truth: 0.1 * index as f64,
                happened: *happened,
            })
            .collect();
        Measures::of(&predictions)
    }

    #[test]
    fn a_coin_predicted_as_one_has_the_known_losses() {
        let coin = measured(&[(0.5, true), (0.5, false)]);
        assert!((coin.log_loss - 2.0_f64.ln()).abs() < 1e-12);
        assert!((coin.brier - 0.25).abs() < 1e-12 && (coin.auc - 0.5).abs() < 1e-12);
        assert!(coin.calibration_error.abs() < 1e-12);
    }

    #[test]
    fn order_is_measured_apart_from_calibration() {
        let ordered = measured(&[(0.91, true), (0.91, false), (0.11, false), (0.95, true)]);
        assert!((ordered.auc - 0.875).abs() < 1e-12, "{ordered:?}");
        // 2.77 predicted above 0.9 where 2 happened, and 0.11 where none did.
        assert!((ordered.calibration_error - 0.22).abs() < 1e-12, "{ordered:?}");
    }

    #[test]
    fn the_likeliest_channel_of_each_lead_is_followed_and_of_equals_the_first() {
        let followed = measured(&[(0.5, true), (0.5, false), (0.2, false), (0.4, true)]);
        assert!((followed.reply_rate - f64::midpoint(0.0, 0.3)).abs() < 1e-12, "{followed:?}");
        assert!((followed.log_loss_known + 0.4_f64.ln()).abs() < 1e-12, "{followed:?}");
    }

    #[test]
    fn what_was_ruled_out_costs_much_but_not_everything() {
        assert!(log_loss(0.0, true) > 13.0 && log_loss(0.0, true).is_finite());
    }
}
