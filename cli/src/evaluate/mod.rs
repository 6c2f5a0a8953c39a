//! `evaluate`: how well the channel model predicts, against simpler ones, in made-up workspaces whose truth
//! is known ([`simulation`]). It shows that the arithmetic does what it is meant to; how people reply in a
//! real workspace it cannot show.

mod measures;
mod simulation;

use clap::Args;
use serde_json::json;
use shared::base::channel::Channel;
use shared::outreach::policy::beta::Beta;
use shared::outreach::policy::channel::Smoothing;
use shared::outreach::policy::{Count, Outcome, POLICY_VERSION, Touch};

use self::measures::{Measures, Prediction, log_loss, mean};
use self::simulation::{Lead, Next, Workspace};
use crate::output::{Answer, columns};

/// What is evaluated.
#[derive(Args, Debug)]
pub struct Evaluate {
    /// The first seed; each seed is one workspace
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=u64::from(u32::MAX)))]
    seed: u64,
    /// How many seeds, one after the other
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// How many leads each workspace has, five predictions each
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    leads: u32,
    /// Show the model's log-loss for other constants instead
    #[arg(long)]
    fit: bool,
}

/// The constants that are tried.
const STRENGTHS: [f64; 8] = [1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0];
const HALF_LIVES: [f64; 6] = [30.0, 60.0, 120.0, 180.0, 360.0, f64::INFINITY];

/// The predictors, in the order in which they are shown.
const PREDICTORS: [(&str, &str); 6] = [
    ("raw", "the lead's replies / touches, 0.01 to 0.99; global without touches"),
    ("laplace", "the lead's (replies + 1) / (touches + 2)"),
    ("global", "all replies / all touches of the workspace"),
    ("segment", "the same of the tier and channel"),
    ("model", "what recommendations are made with"),
    ("oracle", "the truth"),
];

/// What was measured.
#[derive(Debug)]
struct Evaluation {
    /// For each predictor, its measures in each workspace.
    measures: [Vec<Measures>; 6],
    /// In how many of all predictions the truth lies in the model's 90 % interval.
    coverage: f64,
}

/// Runs the command.
pub fn run(command: &Evaluate) -> Answer {
    if command.fit { fit(command) } else { compare(command) }
}

fn compare(command: &Evaluate) -> Answer {
    let Evaluation { measures, coverage } = evaluate(workspaces(command));
    let heads = ["predictor", "log-loss", "3+ touches", "Brier", "AUC", "ECE", "worst ECE", "reply rate", ""];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let mut predictors = Vec::new();
    for ((name, meaning), seeds) in PREDICTORS.into_iter().zip(&measures) {
        let mean = Measures::mean(seeds);
        let worst = worst_calibration(seeds);
        let Measures { log_loss, log_loss_known, brier, auc, calibration_error, reply_rate } = mean;
        let numbers = [log_loss, log_loss_known, brier, auc, calibration_error, worst, reply_rate];
        let cells = numbers.map(|number| format!("{number:.4}"));
        rows.push([vec![name.to_owned()], cells.to_vec(), vec![meaning.to_owned()]].concat());
        predictors.push(json!({"name": name, "mean": mean, "worst_calibration_error": worst}));
    }
    Answer::new(
        json!({
            "policy_version": POLICY_VERSION,
            "first_seed": command.seed,
            "seeds": command.seeds,
            "leads": command.leads,
            "predictors": predictors,
            "interval_coverage": coverage,
            "generator": simulation::parameters(),
        }),
        format!(
            "{} workspaces of {} leads, means over workspaces; policy {POLICY_VERSION}\n\n{}\n\n\
             3+ touches: log-loss where the lead had as many on the channel. Reply rate: how likely a reply is\n\
             on the channel that is predicted to be the likeliest.\n\
             The model's 90 % interval holds the truth in {:.1} % of the predictions.",
            command.seeds,
            command.leads,
            columns(&rows),
            100.0 * coverage,
        ),
    )
}

/// The model's mean log-loss for other constants.
fn fit(command: &Evaluate) -> Answer {
    let fits = losses(workspaces(command), &tried());
    let heads = HALF_LIVES.map(|days| if days.is_finite() { format!("{days} days") } else { "no decay".to_owned() });
    let mut rows = vec![[vec!["k".to_owned()], heads.to_vec()].concat()];
    for of_strength in fits.chunks(HALF_LIVES.len()) {
        let strength = of_strength.iter().take(1).map(|(smoothing, _)| smoothing.strength.to_string());
        rows.push(strength.chain(of_strength.iter().map(|(_, loss)| format!("{loss:.5}"))).collect());
    }
    let shown = fits.iter().map(|(Smoothing { strength, half_life_days }, loss)| {
        json!({"strength": strength, "half_life_days": half_life_days, "log_loss": loss})
    });
    Answer::new(
        json!({
            "first_seed": command.seed,
            "seeds": command.seeds,
            "leads": command.leads,
            "fits": shown.collect::<Vec<_>>(),
        }),
        format!("Log-loss by k and half-life\n\n{}", columns(&rows)),
    )
}

/// The constants that are tried, by strength.
fn tried() -> Vec<Smoothing> {
    let with = |strength| HALF_LIVES.map(|half_life_days| Smoothing { strength, half_life_days });
    STRENGTHS.into_iter().flat_map(with).collect()
}

/// One after the other: many do not fit into memory.
fn workspaces(command: &Evaluate) -> impl Iterator<Item = Workspace> {
    let leads = command.leads as usize;
    (command.seed..command.seed + command.seeds).map(move |seed| Workspace::simulate(seed, leads))
}

fn evaluate(workspaces: impl Iterator<Item = Workspace>) -> Evaluation {
    let mut measures: [Vec<Measures>; 6] = Default::default();
    let mut coverage = Vec::new();
    for workspace in workspaces {
        let mut predictions: [Vec<Prediction>; 6] = Default::default();
        let mut inside = Vec::new();
        let global = rate(replies(&workspace.leads, |_| true)).unwrap_or(0.5);
        for (lead, next) in workspace.held_out() {
            let own = replies(std::slice::from_ref(lead), |channel| channel == next.channel);
            let model = model(Smoothing::FITTED, &workspace, lead, next);
            let predicted = [
                rate(own).unwrap_or(global).clamp(0.01, 0.99),
                (own.successes as f64 + 1.0) / (own.trials as f64 + 2.0),
                global,
                rate(workspace.rates.count(lead.tier, next.channel)).unwrap_or(global),
                model.mean(),
                next.truth,
            ];
            for (predictions, predicted) in predictions.iter_mut().zip(predicted) {
                let (truth, happened) = (next.truth, next.replied);
                predictions.push(Prediction { lead: lead.index, touches: own.trials, predicted, truth, happened });
            }
            inside.push(f64::from(u8::from((0.05..=0.95).contains(&model.cdf(next.truth)))));
        }
        for (measures, predictions) in measures.iter_mut().zip(&predictions) {
            measures.push(Measures::of(predictions));
        }
        coverage.push(mean(inside.into_iter()));
    }
    Evaluation { measures, coverage: mean(coverage.into_iter()) }
}

/// The model's log-loss with each of these constants, mean over workspaces.
fn losses(workspaces: impl Iterator<Item = Workspace>, tried: &[Smoothing]) -> Vec<(Smoothing, f64)> {
    let of_workspace = |workspace: Workspace| -> Vec<f64> {
        let loss = |smoothing: &Smoothing, lead: &Lead, next: &Next| {
            log_loss(model(*smoothing, &workspace, lead, next).mean(), next.replied)
        };
        let with = |smoothing| mean(workspace.held_out().map(|(lead, next)| loss(smoothing, lead, next)));
        tried.iter().map(with).collect()
    };
    let by_workspace: Vec<_> = workspaces.map(of_workspace).collect();
    let mean = |index| mean(by_workspace.iter().filter_map(|losses| losses.get(index).copied()));
    tried.iter().enumerate().map(|(index, smoothing)| (*smoothing, mean(index))).collect()
}

fn model(smoothing: Smoothing, workspace: &Workspace, lead: &Lead, next: &Next) -> Beta {
    smoothing.posterior(next.channel, &lead.touches, workspace.rates.rate(lead.tier, next.channel))
}

/// The replies to these leads' touches on some channels.
fn replies(leads: &[Lead], on: impl Fn(Channel) -> bool) -> Count {
    let touches = leads.iter().flat_map(|lead| &lead.touches).filter(|touch| on(touch.channel));
    let replied = |touch: &Touch| u64::from(touch.outcome == Outcome::Replied);
    touches.fold(Count::default(), |count, touch| Count {
        successes: count.successes + replied(touch),
        trials: count.trials + 1,
    })
}

fn rate(count: Count) -> Option<f64> {
    (count.trials > 0).then(|| count.successes as f64 / count.trials as f64)
}

fn worst_calibration(seeds: &[Measures]) -> f64 {
    seeds.iter().map(|measures| measures.calibration_error).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulated(seeds: std::ops::RangeInclusive<u64>, leads: usize) -> impl Iterator<Item = Workspace> {
        seeds.map(move |seed| Workspace::simulate(seed, leads))
    }

    #[test]
    fn the_model_predicts_better_than_what_is_simpler_and_is_calibrated() {
        let measures = evaluate(simulated(1..=20, 2000)).measures;
        let [raw, laplace, global, segment, model, oracle] = measures.each_ref();
        for (seed, (raw, model)) in raw.iter().zip(model).enumerate() {
            assert!(model.log_loss < raw.log_loss, "workspace {seed}: {model:?} {raw:?}");
            assert!(model.calibration_error < 0.03, "workspace {seed}: {model:?}");
        }
        let loss = |measures: &[Measures]| Measures::mean(measures).log_loss;
        for simpler in [laplace, global, segment] {
            assert!(loss(model) <= loss(simpler));
        }
        assert!(loss(oracle) <= loss(model));
        let known = |measures: &[Measures]| Measures::mean(measures).log_loss_known;
        assert!([raw, laplace, global, segment].into_iter().all(|simpler| known(model) < known(simpler)));
        let followed = |measures: &[Measures]| Measures::mean(measures).reply_rate;
        assert!([raw, laplace, global, segment].into_iter().all(|simpler| followed(model) > followed(simpler)));
    }

    #[test]
    fn with_few_leads_the_model_still_predicts_better_than_what_is_simpler() {
        let measures = evaluate(simulated(1..=20, 100)).measures;
        let [raw, laplace, global, segment, model, oracle] = measures.map(|seeds| Measures::mean(&seeds).log_loss);
        assert!(oracle < model && [raw, laplace, global, segment].into_iter().all(|simpler| model < simpler));
    }

    #[test]
    fn no_other_constants_that_are_tried_fit_much_better() {
        let fits = losses(simulated(101..=105, 1000), &tried());
        let fitted = fits.iter().find(|(smoothing, _)| *smoothing == Smoothing::FITTED).unwrap().1;
        for (other, loss) in &fits {
            assert!(fitted < loss + 0.0005, "{other:?}: {loss} < {fitted}");
        }
    }

    #[test]
    fn nine_in_ten_intervals_hold_the_truth_or_nearly_so() {
        let coverage = evaluate(simulated(1..=5, 1000)).coverage;
        assert!((0.86..0.94).contains(&coverage), "{coverage}");
    }

    #[test]
    fn a_seed_repeats() {
        let measured = || format!("{:?}", evaluate(simulated(7..=7, 200)));
        assert_eq!(measured(), measured());
    }
}
