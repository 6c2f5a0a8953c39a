//! The query of a paged list.

use schemars::JsonSchema;
use serde::Deserialize;

/// Which page of a list. A page far out would read everything before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Pages {
    /// The page's number.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 1_000))]
    pub page: u32,
    /// The number of items on a page.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 100))]
    pub per_page: u32,
}

impl Pages {
    /// The number of entries before the page.
    pub fn skip(self) -> usize {
        (self.page as usize - 1) * self.size()
    }

    /// The number of entries of a page.
    pub fn size(self) -> usize {
        self.per_page as usize
    }
}

fn first() -> u32 {
    1
}

fn usual() -> u32 {
    20
}
