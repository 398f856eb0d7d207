//! The process that starts workers, alone: for tests and benches of this crate, whose own programs
//! have threads from their start. The server is its own spawner.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    portcullis_sandbox::run_if_spawner().unwrap_or(ExitCode::FAILURE)
}
