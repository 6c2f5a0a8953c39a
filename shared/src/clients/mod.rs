//! Clients of outside services, each with its own protocol: the model, the message providers, secrets.

pub mod answer;
pub mod http_client;
pub mod llm;
pub mod providers;
pub mod secrets;
mod signature_v4;
