//! Errors of commands, in words for the operator.

use std::path::{Path, PathBuf};

use shared::base::environment::ConfigError;
use shared::base::store::StoreError;

/// A command that did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// There is nothing to talk to; the text says where it was looked for, in brackets.
    #[error("no local stack is running {0}; start one with `cargo local`, or name a deployed one with --stack")]
    NoLocalStack(String),
    /// The command cannot be done as asked; the text says why.
    #[error("{0}")]
    Refused(String),
    /// A table did not do its part.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The configuration lacks something.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The result cannot be printed.
    #[error("the output cannot be written: {0}")]
    Output(std::io::Error),
}

impl CliError {
    /// For `map_err` on anything done with the file `path`.
    pub fn file(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}
