//! What the commands print for a person: a line at a time, errors of the terminal included.

/// Writes a line to standard output; a closed pipe is an error, not a panic.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($argument)*)
    }};
}

pub(crate) use say;
