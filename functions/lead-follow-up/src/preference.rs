//! How long the client wants to wait for the copywriter (`Prefer`, RFC 7240; contract, section 8).

use chrono::TimeDelta;

/// How long the request waits where the client says nothing, in seconds.
const DEFAULT_WAIT: i64 = 8;

/// The longest that it waits.
const LONGEST_WAIT: i64 = 20;

/// What the client prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// Nothing that is known here.
    Default,
    /// To wait so many seconds.
    Wait(i64),
    /// Not to wait.
    RespondAsync,
}

impl Preference {
    /// Reads the values of `Prefer`. The first that is known counts; as the RFC asks, one that is not, or
    /// that does not read, is ignored.
    pub fn of(values: &[String]) -> Self {
        let known = values.iter().find_map(|value| {
            let (name, argument) = value.split_once('=').unwrap_or((value, ""));
            match name.trim() {
                "respond-async" => Some(Self::RespondAsync),
                "wait" => {
                    let seconds = argument.trim().trim_matches('"');
                    let is_whole = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
                    is_whole.then(|| Self::Wait(seconds.parse().unwrap_or(i64::MAX).min(LONGEST_WAIT)))
                }
                _ => None,
            }
        });
        known.unwrap_or(Self::Default)
    }

    /// How long to wait.
    pub fn wait(self) -> TimeDelta {
        TimeDelta::seconds(match self {
            Self::Default => DEFAULT_WAIT,
            Self::Wait(seconds) => seconds,
            Self::RespondAsync => 0,
        })
    }

    /// The value of `Preference-Applied`.
    pub fn applied(self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::Wait(seconds) => Some(format!("wait={seconds}")),
            Self::RespondAsync => Some("respond-async".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_preference_counts_and_a_wait_is_bounded() {
        let of = |values: &[&str]| Preference::of(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        for (values, expected) in [
            (&[][..], Preference::Default),
            (&["wait=5"], Preference::Wait(5)),
            (&["wait = \"5\""], Preference::Wait(5)),
            (&["wait=0"], Preference::Wait(0)),
            (&["wait=99999999999999999999"], Preference::Wait(20)),
            (&["return=minimal", "respond-async", "wait=5"], Preference::RespondAsync),
            (&["wait=-1"], Preference::Default),
            (&["wait=soon", "wait"], Preference::Default),
        ] {
            assert_eq!(of(values), expected, "{values:?}");
        }
        assert_eq!((of(&[]).wait().num_seconds(), of(&[]).applied()), (8, None));
        assert_eq!(of(&["wait=30"]).applied().as_deref(), Some("wait=20"));
    }
}
