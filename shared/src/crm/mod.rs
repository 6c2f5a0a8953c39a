//! Who we know and what was said: leads, their conversations, lists of them, and prospects.

pub mod conversations;
pub mod identifiers;
pub mod inbox;
pub mod leads;
pub mod lists;
pub mod prospects;
