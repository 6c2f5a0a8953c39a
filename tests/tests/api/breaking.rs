//! Everything at once (docs/breaking.md): some hundred operations of a few seeds, the same in every run. More by hand:
//! `cargo run -p tests --bin break -- --seed 1 --operations 100000`.

use tests::breaking::{Options, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_nothing_is_lost_done_twice_or_told_to_the_wrong_workspace() {
    for seed in [1, 2] {
        let options = Options { seed, operations: 200, clients: 6, at_once: 1, is_talkative: false };
        let report = run(options).await;
        let repeat = format!("cargo run -p tests --bin break -- --seed {seed} --operations {}", options.operations);
        assert!(report.violations.is_empty(), "{:#?}\nTo repeat: {repeat}", report.violations);
        // It was no easy time.
        let killed: usize =
            report.operations.iter().filter(|((_, outcome), _)| outcome.starts_with("killed")).map(|(_, n)| n).sum();
        let injected: usize = report.injected.values().sum();
        assert!(killed > 2 && injected > 20 && report.checked.len() > 40, "{report:?}");
    }
}
