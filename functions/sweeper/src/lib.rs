//! The sweeper: on a schedule, voids the holds that a process left behind (contract, section 5).

use shared::context::{Clock, Context};
use shared::credits::Ledger;
use shared::environment::ConfigError;
use shared::store::StoreError;

/// The sweeper and what it works with.
#[derive(Clone, Debug)]
pub struct Sweeper {
    clock: Clock,
    ledger: Ledger,
}

impl Sweeper {
    /// The function's name in `template.yaml`.
    pub const NAME: &str = "sweeper";

    /// Builds the sweeper from the function's configuration.
    pub fn new(context: &Context) -> Result<Self, ConfigError> {
        Ok(Self { clock: context.clock.clone(), ledger: Ledger::new(context)? })
    }

    /// Voids every hold that has expired, and gives how many there were.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let voided = self.ledger.void_expired(self.clock.now()).await?;
        tracing::info!(voided, "swept");
        Ok(voided)
    }
}
