//! How long the request waits for the copywriter (`Prefer`, RFC 7240; docs/behaviour.md, "Follow-up").

use chrono::TimeDelta;

/// How long the request waits by default, in seconds.
const DEFAULT_WAIT: i64 = 8;

/// The longest that it waits.
const LONGEST_WAIT: i64 = 20;

/// What the client prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    /// To wait so many seconds at most.
    wait: Option<i64>,
    /// `respond-async`: do not wait; together with `wait`, wait at most that long.
    respond_async: bool,
}

impl Preference {
    /// Parses the values of `Prefer`. The first waiting time counts. As the RFC asks, an unknown or malformed value is
    /// ignored.
    pub fn of(values: &[String]) -> Self {
        let mut preference = Self::default();
        for value in values {
            let (name, argument) = value.split_once('=').unwrap_or((value, ""));
            match name.trim() {
                "respond-async" => preference.respond_async = true,
                "wait" => preference.wait = preference.wait.or_else(|| seconds(argument)),
                _ => {}
            }
        }
        preference
    }

    /// How long to wait.
    pub fn wait(self) -> TimeDelta {
        let otherwise = if self.respond_async { 0 } else { DEFAULT_WAIT };
        TimeDelta::seconds(self.wait.unwrap_or(otherwise))
    }

    /// The value of `Preference-Applied`.
    pub fn applied(self) -> Option<String> {
        let applied = [self.respond_async.then(|| "respond-async".to_owned()), self.wait.map(|s| format!("wait={s}"))];
        let applied = applied.into_iter().flatten().collect::<Vec<_>>().join(", ");
        (!applied.is_empty()).then_some(applied)
    }
}

/// Parses whole seconds, up to the maximum waiting time.
fn seconds(argument: &str) -> Option<i64> {
    let digits = argument.trim().trim_matches('"');
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| digits.parse().unwrap_or(i64::MAX).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_counts_and_a_wait_is_bounded() {
        let of = |values: &[&str]| Preference::of(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        for (values, waits, applied) in [
            (&[][..], 8, None),
            (&["wait=5"], 5, Some("wait=5")),
            (&["wait = \"5\"", "wait=7"], 5, Some("wait=5")),
            (&["wait=0"], 0, Some("wait=0")),
            (&["wait=99999999999999999999"], 20, Some("wait=20")),
            (&["respond-async"], 0, Some("respond-async")),
            (&["return=minimal", "respond-async", "wait=5"], 5, Some("respond-async, wait=5")),
            (&["wait=-1"], 8, None),
            (&["wait=soon", "wait"], 8, None),
        ] {
            let preference = of(values);
            assert_eq!(
                (preference.wait().num_seconds(), preference.applied().as_deref()),
                (waits, applied),
                "{values:?}"
            );
        }
    }
}
