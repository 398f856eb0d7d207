//! The generated tables, one module a service. Do not edit them: change `overlay/` or the generator
//! and run `cargo xtask codegen`.

pub mod iam;
pub mod lambda;
pub mod organizations;
pub mod portcullis;
pub mod sts;
