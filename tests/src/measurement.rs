//! Helpers of the benchmarks that send requests and print their times.

use std::time::{Duration, Instant};

use crate::send;

/// Prints the table's first line.
pub fn head() {
    println!("{:<42} {:>9} {:>9} {:>9} {:>12}", "", "p50", "p95", "p99", "requests/s");
}

/// The times of the requests of a benchmark.
#[derive(Clone, Debug)]
pub struct Measurement {
    sorted: Vec<Duration>,
    whole: Duration,
}

/// Sends the same number of requests from each client, one after the other, and measures them.
pub async fn measure(request: &impl Fn() -> reqwest::RequestBuilder, clients: usize, requests: usize) -> Measurement {
    let started = Instant::now();
    let one_client = || async {
        let mut times = Vec::with_capacity(requests / clients);
        for _ in 0..requests / clients {
            let sent = Instant::now();
            let answer = send(request()).await;
            times.push(sent.elapsed());
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        times
    };
    let times = futures_util::future::join_all((0..clients).map(|_| one_client())).await;
    let whole = started.elapsed();
    let mut sorted = times.concat();
    sorted.sort_unstable();
    Measurement { sorted, whole }
}

impl Measurement {
    /// Prints a line of the table.
    pub fn print(&self, name: &str) {
        let at = |share: usize| {
            self.sorted[(self.sorted.len() * share / 100).min(self.sorted.len() - 1)].as_secs_f64() * 1_000.0
        };
        let per_second = self.sorted.len() as f64 / self.whole.as_secs_f64();
        println!("{name:<42} {:>6.2} ms {:>6.2} ms {:>6.2} ms {per_second:>12.0}", at(50), at(95), at(99));
    }
}
