//! Outside services, each by its own protocol: the model, the senders of messages, secrets.

pub mod answer;
pub mod http_client;
pub mod llm;
pub mod providers;
pub mod secrets;
mod signature_v4;
