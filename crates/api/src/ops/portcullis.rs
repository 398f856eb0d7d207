//! The operations of our own control plane.

pub(crate) mod create_root_access_key;
pub(crate) mod create_service_access_key;
pub(crate) mod explain;
pub(crate) mod get_decision;
pub(crate) mod who_can;
