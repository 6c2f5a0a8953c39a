//! What the operator's tool shares with the local stack and the tests: the demo data.

pub mod demo;
