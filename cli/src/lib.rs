//! The demo data, which the local stack and the tests load too.

pub mod demo;
