//! The beta distribution: what is known of a probability after so many successes and failures.
//!
//! Its quantiles are exact up to rounding: the regularised incomplete beta function by its continued
//! fraction (NIST Digital Library of Mathematical Functions, 8.17.22), inverted by bisection.

use std::f64::consts::PI;

/// A beta distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beta {
    /// Successes, pseudo-counts included; above zero.
    pub successes: f64,
    /// Failures, pseudo-counts included; above zero.
    pub failures: f64,
}

impl Beta {
    /// Its mean.
    pub fn mean(self) -> f64 {
        self.successes / (self.successes + self.failures)
    }

    /// How likely the probability is to be at most `x`, from 0 to 1.
    pub fn cdf(self, x: f64) -> f64 {
        let (a, b) = (self.successes, self.failures);
        if x <= 0.0 {
            return 0.0;
        }
        if x >= 1.0 {
            return 1.0;
        }
        // The fraction converges fast on this side of the mean; the other side is its mirror.
        if x > (a + 1.0) / (a + b + 2.0) {
            return 1.0 - Self { successes: b, failures: a }.cdf(1.0 - x);
        }
        let scale = a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
        scale.exp() / (a * continued_fraction(a, b, x))
    }

    /// The `x` with `cdf(x) = share`.
    pub fn quantile(self, share: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        // 60 halvings reach the precision of a double near one.
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.cdf(middle) < share { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

/// `1 + d1/(1 + d2/(1 + …))`, evaluated from the front by Lentz's method.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut value, mut numerator, mut denominator) = (1.0, 1.0, 0.0);
    // Large pseudo-counts need about the root of their sum in steps; a lead has few.
    for step in 1..=10_000 {
        let m = f64::from(step / 2);
        let coefficient = if step % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        denominator = 1.0 / away_from_zero(1.0 + coefficient * denominator);
        numerator = away_from_zero(1.0 + coefficient / numerator);
        let change = numerator * denominator;
        value *= change;
        if (change - 1.0_f64).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function, for `x` above zero: Stirling's series (NIST Digital Library of
/// Mathematical Functions, 5.11.1) after the recurrence has moved `x` to where it is exact.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 15.0 {
        shift += x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - shift
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn beta(successes: f64, failures: f64) -> Beta {
        Beta { successes, failures }
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-12
    }

    #[test]
    fn the_distribution_agrees_with_its_closed_forms() {
        for x in [0.01, 0.2, 0.5, 0.77, 0.99] {
            assert!(close(beta(1.0, 1.0).cdf(x), x), "uniform at {x}");
            assert!(close(beta(3.5, 1.0).cdf(x), x.powf(3.5)), "a power at {x}");
            assert!(close(beta(1.0, 0.3).cdf(x), 1.0 - (1.0 - x).powf(0.3)), "a mirrored power at {x}");
            assert!(close(beta(0.5, 0.5).cdf(x), 2.0 / PI * x.sqrt().asin()), "arcsine at {x}");
            assert!(close(beta(2.0, 2.0).cdf(x), 3.0 * x * x - 2.0 * x * x * x), "a cubic at {x}");
        }
    }

    #[test]
    fn quantiles_agree_with_their_closed_forms() {
        assert!(close(beta(1.0, 1.0).quantile(0.05), 0.05));
        assert!(close(beta(4.0, 1.0).quantile(0.95), 0.95_f64.powf(0.25)));
        assert!(close(beta(0.5, 0.5).quantile(0.05), (PI * 0.025).sin().powi(2)));
        assert!(close(beta(7.25, 7.25).quantile(0.5), 0.5));
    }

    #[test]
    fn the_logarithm_of_the_gamma_function_agrees_with_factorials() {
        assert!(close(ln_gamma(0.5), 0.5 * PI.ln()) && close(ln_gamma(1.0), 0.0) && close(ln_gamma(2.0), 0.0));
        assert!(close(ln_gamma(11.0), 3_628_800.0_f64.ln()));
    }

    proptest! {
        #[test]
        fn a_quantile_undoes_the_distribution(a in 0.05..200.0_f64, b in 0.05..200.0_f64, share in 0.01..0.99_f64) {
            let x = beta(a, b).quantile(share);
            // Where the whole share lies closer to an end than doubles do, nothing is left to compare.
            prop_assume!(x > 1e-15 && x < 1.0 - 1e-9);
            prop_assert!((beta(a, b).cdf(x) - share).abs() < 1e-6);
        }
    }
}
