//! The part that all endpoints share: keys, clock and random identifiers.

use super::Request;
use super::dialect::Dialect;
use super::pipeline::answer;
use super::respond::Response;
use crate::base::clock::{Clock, Random};
use crate::base::context::FromContext;
use crate::base::problem::Problem;
use crate::workspace::accounts::Accounts;

/// The keys, clock and random identifiers that every endpoint needs before its work.
#[derive(Clone, Debug, FromContext)]
pub struct Gate {
    pub(super) accounts: Accounts,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

impl Gate {
    /// Answers a request that no endpoint accepts.
    pub(super) fn refuse(&self, dialect: Dialect, request: &Request, problem: Problem) -> Response {
        answer(&self.clock, &self.random, dialect, request, Err(problem))
    }
}
