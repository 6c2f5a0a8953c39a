//! How a lead may be written to: by which channel, with which words, and whether at all.

pub mod aim;
pub mod gate;
pub mod policy;
pub mod rates;
pub mod reach;
mod window;
pub mod writing;
