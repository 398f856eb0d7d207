//! Logs in files: lines that are appended to files which follow each other, and one thread that
//! writes what the functions of a server print.
//!
//! What this crate must not know: what a line means.
#![forbid(unsafe_code)]

mod files;
mod functions;
mod gathering;
mod reader;
mod writer;

pub use files::{Files, Rolling, lines_with};
pub use functions::{FunctionLog, FunctionLogs, Later, Part};
pub use gathering::{Gathering, Turn};
pub use reader::Reader;
