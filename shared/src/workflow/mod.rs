//! What is proposed, decided and carried out.

pub mod analysis;
pub mod campaigns;
pub mod chats;
pub mod commands;
pub mod due;
pub mod erasure;
pub mod lease;
pub mod notifications;
pub mod outcomes;
pub mod recommendations;
pub mod tasks;
