//! The AWS API as tables and types: generated from botocore's models and our overlay by
//! `cargo xtask codegen`, and walked by one interpreter that routes, binds, validates and renders.
//!
//! A request's way: [`route()`] (or [`Form`] and [`Service::operation`] for the query protocol) finds
//! the operation, [`bind()`] (or [`bind_query`]) makes one JSON object of everything the request
//! carries, [`validate()`] checks every constraint at once, [`decode`] turns the object into the
//! operation's typed input. Answers are the operation's typed output: as JSON through serde, or
//! through [`xml()`].
//!
//! This crate knows no policy, no store and no clock. Rules that the tables cannot say (the IAM
//! action of a resource form, whether a runtime exists) belong to the crates above.
#![forbid(unsafe_code)]

mod bind;
mod generated;
mod json;
mod operation;
mod query;
mod route;
mod shape;
mod validate;
mod value;
mod xml;

pub use bind::{BindError, bind, decode};
pub use generated::iam::SERVICE as IAM;
pub use generated::lambda::SERVICE as LAMBDA;
pub use generated::organizations::SERVICE as ORGANIZATIONS;
pub use generated::portcullis::SERVICE as PORTCULLIS;
pub use generated::sts::SERVICE as STS;
pub use generated::{iam, lambda, organizations, portcullis, sts};
pub use operation::{Operation, authorization_of};
pub use query::{Form, bind_query};
pub use route::{Labels, Route, route};
pub use shape::{
    Authorization, Bounds, ErrorModel, Kind, Location, Member, OperationModel, Pattern, Protocol,
    ResourceForm, RouteGroup, Segment, Service, Shape, Text,
};
pub use validate::{BrokenRule, ValidationError, validate, validate_member};
pub use value::{Blob, EpochSeconds, Timestamp};
pub use xml::{xml, xml_error};

/// Every service that this server has a table for.
pub static SERVICES: [&Service; 5] = [&LAMBDA, &IAM, &STS, &ORGANIZATIONS, &PORTCULLIS];
