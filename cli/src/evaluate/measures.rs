//! How good predicted probabilities are.

use serde::Serialize;

/// Below and above this a probability is cut before its logarithm is taken.
const CLIP: f64 = 1e-6;

/// The measures of one set of predictions.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Measures {
    /// Mean negative logarithm of what was predicted for what happened. Lower is better.
    pub log_loss: f64,
    /// Mean squared error. Lower is better.
    pub brier: f64,
    /// How often a success is predicted higher than a failure; ties count half. Higher is better.
    pub auc: f64,
    /// Expected calibration error over ten bins of equal width. Lower is better.
    pub calibration_error: f64,
}

impl Measures {
    /// The measures of pairs of a prediction and what happened.
    pub fn of(predictions: &[(f64, bool)]) -> Self {
        let count = predictions.len() as f64;
        let mean = |loss: &dyn Fn(f64, bool) -> f64| {
            predictions.iter().map(|(predicted, happened)| loss(*predicted, *happened)).sum::<f64>() / count
        };
        Self {
            log_loss: mean(&log_loss),
            brier: mean(&|predicted, happened| (predicted - f64::from(u8::from(happened))).powi(2)),
            auc: auc(predictions),
            calibration_error: calibration_error(predictions),
        }
    }

    /// Their means.
    pub fn mean(of: &[Self]) -> Self {
        let mean = |field: &dyn Fn(&Self) -> f64| of.iter().map(field).sum::<f64>() / of.len() as f64;
        Self {
            log_loss: mean(&|measures| measures.log_loss),
            brier: mean(&|measures| measures.brier),
            auc: mean(&|measures| measures.auc),
            calibration_error: mean(&|measures| measures.calibration_error),
        }
    }
}

/// The negative logarithm of what was predicted for what happened.
pub fn log_loss(predicted: f64, happened: bool) -> f64 {
    let predicted = predicted.clamp(CLIP, 1.0 - CLIP);
    if happened { -predicted.ln() } else { -(-predicted).ln_1p() }
}

/// From the sum of the successes' ranks (Mann and Whitney); equal predictions share their mean rank.
fn auc(predictions: &[(f64, bool)]) -> f64 {
    let mut sorted = predictions.to_vec();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut below, mut ranks, mut successes) = (0.0, 0.0, 0.0);
    for equal in sorted.chunk_by(|one, other| one.0 == other.0) {
        let (count, happened) = (equal.len() as f64, equal.iter().filter(|(_, happened)| *happened).count() as f64);
        ranks += happened * (below + (count + 1.0) / 2.0);
        successes += happened;
        below += count;
    }
    (ranks - successes * (successes + 1.0) / 2.0) / (successes * (below - successes))
}

fn calibration_error(predictions: &[(f64, bool)]) -> f64 {
    let mut bins = [0.0_f64; 10];
    for (predicted, happened) in predictions {
        if let Some(bin) = bins.get_mut(((predicted * 10.0) as usize).min(9)) {
            *bin += predicted - f64::from(u8::from(*happened));
        }
    }
    bins.iter().map(|bin| bin.abs()).sum::<f64>() / predictions.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coin_predicted_as_one_has_the_known_losses() {
        let coin = Measures::of(&[(0.5, true), (0.5, false)]);
        assert!((coin.log_loss - 2.0_f64.ln()).abs() < 1e-12);
        assert!((coin.brier - 0.25).abs() < 1e-12 && (coin.auc - 0.5).abs() < 1e-12);
        assert!(coin.calibration_error.abs() < 1e-12);
    }

    #[test]
    fn order_is_measured_apart_from_calibration() {
        let ordered = Measures::of(&[(0.91, true), (0.91, false), (0.11, false), (0.95, true)]);
        assert!((ordered.auc - 0.875).abs() < 1e-12, "{ordered:?}");
        // 2.77 predicted above 0.9 where 2 happened, and 0.11 where none did.
        assert!((ordered.calibration_error - 0.22).abs() < 1e-12, "{ordered:?}");
    }

    #[test]
    fn what_was_ruled_out_costs_much_but_not_everything() {
        assert!(log_loss(0.0, true) > 13.0 && log_loss(0.0, true).is_finite());
    }
}
