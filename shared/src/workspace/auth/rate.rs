//! The two rate windows of a key (one minute and one UTC day) and their response headers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// The request limits of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Requests per clock minute.
    pub per_minute: u32,
    /// Requests per UTC day.
    pub per_day: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { per_minute: 100, per_day: 10_000 }
    }
}

/// The counts of a key in its current windows, stored on the key's item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The current minute, in minutes since the epoch.
    pub minute: i64,
    /// Requests in the current minute.
    pub minute_count: u32,
    /// The current day, in days since the epoch.
    pub day: i64,
    /// Requests in the current day.
    pub day_count: u32,
}

impl Counts {
    /// The counts at `now`: a window that has passed is empty. A window in the future comes from an instance whose
    /// clock is ahead, and stays.
    #[must_use]
    pub fn at(self, now: DateTime<Utc>) -> Self {
        let (minute, day) = (now.timestamp() / MINUTE, now.timestamp() / DAY);
        let mut counts = self;
        if minute > self.minute {
            (counts.minute, counts.minute_count) = (minute, 0);
        }
        if day > self.day {
            (counts.day, counts.day_count) = (day, 0);
        }
        counts
    }
}

/// A key's limits and counts: the content of the rate headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The limits.
    pub quota: Quota,
    /// The counts.
    pub counts: Counts,
}

struct Window {
    name: &'static str,
    limit: u32,
    remaining: u32,
    resets_at: i64,
}

impl Rate {
    /// Whether one more request fits in both windows.
    pub fn allows(&self) -> bool {
        self.counts.minute_count < self.quota.per_minute && self.counts.day_count < self.quota.per_day
    }

    /// Whole seconds until a refused request is allowed; at least one.
    pub fn retry_after(&self, now: DateTime<Utc>) -> u64 {
        seconds_until(self.first_to_run_out().resets_at, now).max(1)
    }

    /// The rate headers: `X-RateLimit-*`, and the pair from draft-ietf-httpapi-ratelimit-headers-10. They describe the
    /// window that runs out first.
    pub fn headers(&self, now: DateTime<Utc>) -> [(&'static str, String); 5] {
        let first = self.first_to_run_out();
        [
            ("x-ratelimit-limit", first.limit.to_string()),
            ("x-ratelimit-remaining", first.remaining.to_string()),
            ("x-ratelimit-reset", first.resets_at.to_string()),
            (
                "ratelimit-policy",
                format!("\"minute\";q={};w={MINUTE}, \"day\";q={};w={DAY}", self.quota.per_minute, self.quota.per_day),
            ),
            (
                "ratelimit",
                format!("\"{}\";r={};t={}", first.name, first.remaining, seconds_until(first.resets_at, now)),
            ),
        ]
    }

    /// If both windows have as many requests left, the day, because it lasts longer.
    fn first_to_run_out(&self) -> Window {
        let window = |name, limit: u32, count, place: i64, seconds| Window {
            name,
            limit,
            remaining: limit.saturating_sub(count),
            resets_at: (place + 1) * seconds,
        };
        let Self { quota, counts } = self;
        let minute = window("minute", quota.per_minute, counts.minute_count, counts.minute, MINUTE);
        let day = window("day", quota.per_day, counts.day_count, counts.day, DAY);
        if day.remaining <= minute.remaining { day } else { minute }
    }
}

fn seconds_until(epoch: i64, now: DateTime<Utc>) -> u64 {
    u64::try_from(epoch - now.timestamp()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(epoch, 0).unwrap()
    }

    #[test]
    fn a_window_that_has_passed_is_empty_and_one_of_the_future_stays() {
        let counts = Counts { minute: 100, minute_count: 7, day: 0, day_count: 9 };
        assert_eq!(counts.at(at(100 * 60 + 59)), counts);
        assert_eq!(counts.at(at(101 * 60)), Counts { minute: 101, minute_count: 0, ..counts });
        assert_eq!(counts.at(at(99 * 60)), counts);
        assert_eq!(counts.at(at(DAY)), Counts { minute: 1440, minute_count: 0, day: 1, day_count: 0 });
    }

    #[test]
    fn headers_describe_the_window_that_runs_out_first() {
        let quota = Quota { per_minute: 10, per_day: 12 };
        let early = Rate { quota, counts: Counts { minute: 1, minute_count: 1, day: 0, day_count: 1 } };
        assert_eq!(early.headers(at(90))[0].1, "10");
        assert_eq!(early.headers(at(90))[2].1, "120");
        assert_eq!(early.headers(at(90))[4].1, "\"minute\";r=9;t=30");
        let late = Rate { quota, counts: Counts { minute: 1, minute_count: 1, day: 0, day_count: 11 } };
        assert_eq!(late.headers(at(90))[4].1, format!("\"day\";r=1;t={}", DAY - 90));
    }

    #[test]
    fn a_refused_key_may_come_back_when_its_window_resets() {
        let quota = Quota { per_minute: 1, per_day: 100 };
        let full = Rate { quota, counts: Counts { minute: 1, minute_count: 1, day: 0, day_count: 1 } };
        assert!(!full.allows());
        assert_eq!(full.retry_after(at(119)), 1);
        assert_eq!(full.retry_after(at(61)), 59);
    }
}
