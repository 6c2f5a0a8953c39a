//! Why `cargo local` does not run.

use std::io;
use std::path::Path;

use shared::base::environment::ConfigError;
use shared::base::store::StoreError;

use crate::template::TemplateError;

#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("port {port} is in use; choose another with {option}")]
    PortInUse { port: u16, option: &'static str },
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("function {function}: {source}")]
    Function { function: String, source: ConfigError },
    /// The template declares a function that this project does not have.
    #[error("the template's {id} runs {name}, and no crate under functions/ has that name")]
    NoSuchFunction { id: String, name: String },
    #[error("another cargo local is using {0}; stop it, or give this one a folder of its own with --data DIR")]
    FolderInUse(String),
    /// Another version created the table.
    #[error(
        "the table {table} in {folder} is from another version and lacks keys or indexes of this one; delete the \
         folder, or choose another with --data DIR"
    )]
    OtherTables { folder: String, table: String },
    /// A variable for the model or for the provider of prospects is missing.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    #[error("{0}")]
    Emulator(String),
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
    #[error("the demo data cannot be loaded: {0}")]
    Demo(StoreError),
}

impl LocalError {
    /// Wraps an error of the configuration of a function.
    pub(crate) fn function(name: &str) -> impl FnOnce(ConfigError) -> Self {
        |source| Self::Function { function: name.to_owned(), source }
    }

    /// Wraps an error of a file or folder.
    pub fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        |source| Self::File { path: path.display().to_string(), source }
    }
}
