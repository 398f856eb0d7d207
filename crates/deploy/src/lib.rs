//! Stacks: the resources of a CloudFormation template, planned against what an earlier deployment
//! left, and made, changed or deleted by calls of the public APIs. Never: how calls are signed or
//! sent.

mod apply;
mod archive;
mod error;
mod expression;
mod kinds;
mod order;
mod place;
mod plan;
mod record;
mod server;
mod template;
mod translation;

pub use apply::{Event, apply};
pub use archive::{Artifact, Artifacts};
pub use error::DeployError;
pub use place::Place;
pub use plan::{Change, Difference, Plan, Planner, Step};
pub use record::{StackName, StackRecord};
pub use server::{Answer, Call, Server};
pub use template::{Parameters, Template};
pub use translation::{REQUIREMENTS, Translation};
