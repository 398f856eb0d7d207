//! Tests of deployment packages.
