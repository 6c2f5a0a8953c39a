//! The work of the product: analysis, recommendations, commands, tasks, campaigns, their delivery and their erasure.

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
