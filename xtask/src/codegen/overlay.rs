//! `overlay/*.toml`: what we know better than the model, and what the model does not say.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::CodegenError;

/// One service's overlay.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overlay {
    /// The operations that this server carries out.
    pub(crate) served: Vec<String>,
    /// The operations that a resource policy can grant to another account.
    #[serde(default)]
    pub(crate) cross_account: Vec<String>,
    /// String shapes whose enum is not a shape constraint on the live service.
    #[serde(default)]
    pub(crate) open_enums: Vec<String>,
    /// Copies of shapes, for places where the live service checks something else than elsewhere.
    #[serde(default)]
    pub(crate) copies: Vec<CopyOverlay>,
    /// Corrections of shapes.
    #[serde(default)]
    pub(crate) shapes: BTreeMap<String, ShapeOverlay>,
    /// What the model does not say of operations.
    #[serde(default)]
    pub(crate) operations: BTreeMap<String, OperationOverlay>,
}

/// A copy of a shape as the model has it, under a name of our own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyOverlay {
    /// The new name.
    pub(crate) name: String,
    /// The shape.
    pub(crate) of: String,
    /// The shapes that refer to the copy instead.
    pub(crate) used_in: Vec<String>,
}

/// Corrections of one shape.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ShapeOverlay {
    pub(crate) max: Option<u64>,
    pub(crate) pattern: Option<String>,
    pub(crate) pattern_hides_length: bool,
    pub(crate) sensitive: bool,
    /// Drops the model's `min` and `max`.
    pub(crate) unbounded: bool,
    /// The enum in the order in which the service prints it.
    pub(crate) choices: Vec<String>,
    /// Members that the model requires and the live service omits.
    pub(crate) optional: Vec<String>,
}

/// What the model does not say of one operation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OperationOverlay {
    /// The IAM action, when it is not `SERVICE:OPERATION`.
    pub(crate) action: Option<String>,
    /// The resource form's short name.
    pub(crate) resource: Option<String>,
    /// Status of success, when the model's is not the live one.
    pub(crate) status: Option<u16>,
    /// Says that an operation needs no permission at all.
    pub(crate) permission: Option<Permission>,
}

/// The only thing that can be said in place of a resource.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Permission {
    Unneeded,
}

/// Reads the overlay of `service`.
pub(crate) fn read(root: &Path, service: &str) -> Result<Overlay, CodegenError> {
    let path = root.join("overlay").join(service).with_extension("toml");
    toml::from_str(&super::read(&path)?)
        .map_err(|error| CodegenError::Form { path, message: error.to_string() })
}
