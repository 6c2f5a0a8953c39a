//! Lists of words, each in a file of its own: one word a line, comments behind `#`.

use std::sync::LazyLock;

/// A list of words.
pub(super) type Words = LazyLock<Vec<&'static str>>;

/// The lines of a file, without its comments.
pub(super) fn words(file: &'static str) -> Vec<&'static str> {
    file.lines().filter(|line| !line.starts_with('#')).collect()
}
