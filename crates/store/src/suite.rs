//! The laws of the store contract, run against every backend, and what tests need besides: the
//! in-memory reference store, and faults that make the embedded backend's writer fail.

mod faults;
mod memory;

pub use faults::Faults;
pub use memory::MemoryStore;
