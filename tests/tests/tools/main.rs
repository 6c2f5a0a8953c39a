//! The tests that need more than Rust and a C compiler: cargo-lambda, or curl and openssl for the guides' commands.
//! `cargo test --workspace` leaves them out; `cargo test --workspace --test tools` runs them.

mod cargo_lambda;
mod guides;
