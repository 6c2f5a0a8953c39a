//! Word lists, each in a file of its own with one word a line and comments after `#`.

use std::sync::LazyLock;

/// A list of words.
pub(super) type Words = LazyLock<Vec<&'static str>>;

/// The lines of a file, without its comments.
pub(super) fn words(file: &'static str) -> Vec<&'static str> {
    file.lines().filter(|line| !line.starts_with('#')).collect()
}
