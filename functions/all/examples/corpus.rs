//! Writes the samples into a folder for each fuzz target: `cargo run -p functions --example corpus -- FOLDER`.

use std::path::PathBuf;

use functions::parsers::{CHECKS, samples};

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "fuzz/corpus".to_owned()));
    for (target, _) in CHECKS {
        std::fs::create_dir_all(folder.join(target))?;
        for (number, sample) in samples().iter().enumerate() {
            std::fs::write(folder.join(target).join(format!("sample{number}")), sample)?;
        }
    }
    Ok(())
}
