//! `cargo openapi` prints the description of the API: `cargo openapi > docs/openapi.json` renews it.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(functions::openapi::text()?.as_bytes())
}
