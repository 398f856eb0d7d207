//! The sandbox with real workers: Python with AWS's own runtime client, and runtimes of a few
//! lines that misbehave.
#![cfg(test)]

mod common;
mod functions;
mod hosts;
mod jail;
mod workers;
mod zygotes;
