//! When a function gets a newer version of its runtime: `PutRuntimeManagementConfig`.
//!
//! Source: `[model]`, `[doc]` runtime management. This server has one version of each runtime, which
//! is the only one that a function can be held at; the texts are our own, AWS' are not recorded.

use crate::{InvalidParameter, InvalidValue, LambdaError, Region, Runtime};

/// When a version of a function gets a newer version of its runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RuntimeUpdates {
    /// As soon as there is one.
    #[default]
    Auto,
    /// When the function is updated.
    FunctionUpdate,
    /// Never: it stays at the runtime version of this ARN.
    Manual(Box<str>),
}

impl RuntimeUpdates {
    /// What `PutRuntimeManagementConfig` asks for, of a function with `runtime`.
    ///
    /// # Errors
    /// [`InvalidParameter::RuntimeVersionMissing`] and [`InvalidParameter::RuntimeVersionUnused`] by
    /// the mode, [`InvalidParameter::RuntimeVersionUnknown`] for a version that is not here.
    pub fn put(
        mode: &str,
        version_arn: Option<&str>,
        runtime: Runtime,
        region: &Region,
    ) -> Result<Self, LambdaError> {
        match (mode, version_arn) {
            ("Manual", None) => return Err(InvalidParameter::RuntimeVersionMissing.into()),
            ("Auto" | "FunctionUpdate", Some(_)) => {
                return Err(InvalidParameter::RuntimeVersionUnused(mode.into()).into());
            }
            ("Manual", Some(arn)) if arn != runtime.version_arn(region) => {
                return Err(InvalidParameter::RuntimeVersionUnknown(arn.into()).into());
            }
            _ => {}
        }
        Ok(Self::restore(mode, version_arn)?)
    }

    /// A value from its parts, as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] for another mode, or a version ARN where none belongs or none where one does.
    pub fn restore(mode: &str, version_arn: Option<&str>) -> Result<Self, InvalidValue> {
        match (mode, version_arn) {
            ("Auto", None) => Ok(Self::Auto),
            ("FunctionUpdate", None) => Ok(Self::FunctionUpdate),
            ("Manual", Some(arn)) => Ok(Self::Manual(arn.into())),
            _ => {
                Err(InvalidValue::new("runtime update mode", mode, "Auto, FunctionUpdate, Manual"))
            }
        }
    }

    /// The mode on the wire.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Auto => "Auto",
            Self::FunctionUpdate => "FunctionUpdate",
            Self::Manual(_) => "Manual",
        }
    }

    /// The runtime version that the function is held at.
    #[must_use]
    pub fn version_arn(&self) -> Option<&str> {
        match self {
            Self::Manual(arn) => Some(arn),
            Self::Auto | Self::FunctionUpdate => None,
        }
    }

    /// The same after the runtime was changed from `old` to `new`: a function cannot be held at a
    /// version of a runtime that it no longer has.
    pub(crate) fn moved(&self, old: Runtime, new: Runtime) -> Self {
        match self {
            Self::Manual(_) if old != new => Self::Auto,
            _ => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mode: &str, version: Option<&str>, want: Result<RuntimeUpdates, &str>) {
        let region = "us-east-1".parse().unwrap();
        let got = RuntimeUpdates::put(mode, version, "python3.13".parse().unwrap(), &region);
        assert_eq!(got.map_err(|error| error.to_string()), want.map_err(str::to_owned));
    }

    #[test]
    fn a_mode_and_its_version_belong_together() {
        let runtime: Runtime = "python3.13".parse().unwrap();
        let own = runtime.version_arn(&"us-east-1".parse().unwrap());
        let other = runtime.version_arn(&"us-east-2".parse().unwrap());
        check("Auto", None, Ok(RuntimeUpdates::Auto));
        check("FunctionUpdate", None, Ok(RuntimeUpdates::FunctionUpdate));
        check("Manual", Some(&own), Ok(RuntimeUpdates::Manual(own.as_str().into())));
        check("Manual", None, Err("RuntimeVersionArn is required when UpdateRuntimeOn is Manual."));
        let unused = "RuntimeVersionArn cannot be given when UpdateRuntimeOn is Auto.";
        check("Auto", Some(&own), Err(unused));
        check("FunctionUpdate", Some(&own), Err(&unused.replace("Auto", "FunctionUpdate")));
        let unknown = format!(
            "The runtime version {other} is not one of this function's runtime on this server."
        );
        check("Manual", Some(&other), Err(&unknown));
    }

    #[test]
    fn another_runtime_is_not_held_at_the_old_ones_version() {
        let (old, new) = ("python3.12".parse().unwrap(), "python3.13".parse().unwrap());
        let held = RuntimeUpdates::Manual("arn".into());
        assert_eq!(held.moved(old, old), held);
        assert_eq!(held.moved(old, new), RuntimeUpdates::Auto);
        assert_eq!(RuntimeUpdates::FunctionUpdate.moved(old, new), RuntimeUpdates::FunctionUpdate);
    }
}
