//! The real programs, built as `cargo test` builds everything else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The built program of this name.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        // All members together, so that features are unified as for the tests and nothing is
        // compiled a second time.
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--bins"])
            .current_dir(crate::project())
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the programs do not build");
        let test = std::env::current_exe().expect("this test's file");
        test.ancestors().find(|folder| folder.ends_with("debug")).map(Path::to_owned).expect("a debug folder")
    });
    folder.join(name)
}
