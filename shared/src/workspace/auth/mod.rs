//! API keys, their permissions and their rate limits.

pub mod key;
pub mod permission;
pub mod rate;

pub use key::ApiKey;
pub use permission::Permission;
pub use rate::{Quota, Rate};
