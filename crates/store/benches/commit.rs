//! How long a durable commit takes, against append + fdatasync of the same bytes.
fn main() {}
