//! What one version of a function is: its configuration, its code and its state.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{Configuration, Conflict, InvalidValue, LambdaError, RevisionId, RuntimeUpdates};

/// SHA-256 of a deployment package. `Display` is base64, as the API shows it
/// (`[snap] aws-lambda.md §6.1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeSha256([u8; 32]);

impl CodeSha256 {
    /// A digest that was computed elsewhere.
    #[must_use]
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for CodeSha256 {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        let refusal = || InvalidValue::new("code digest", text, "base64 of 32 bytes");
        bytes.map(Self).ok_or_else(refusal)
    }
}

impl fmt::Display for CodeSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// Largest code in bytes, unpacked, layers included: `aws-lambda.md §6.7`.
pub const UNZIPPED_BYTES_MAX: u64 = 262_144_000;

/// A deployment package by its content: the bytes themselves are kept elsewhere, by the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePackage {
    /// Digest of the zip.
    pub sha256: CodeSha256,
    /// Length of the zip in bytes.
    pub size: u64,
    /// Bytes of all its files, unpacked; 0 if it was stored before that was counted.
    pub unzipped_bytes: u64,
}

impl CodePackage {
    /// The identity of this zip, whose files have this many bytes.
    #[must_use]
    pub fn of(zip: &[u8], unzipped_bytes: u64) -> Self {
        let (sha256, size) = (CodeSha256(Sha256::digest(zip).into()), zip.len() as u64);
        Self { sha256, size, unzipped_bytes }
    }
}

/// Why a function could not be made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind, one of Lambda's `StateReasonCode`s.
    pub code: FailureCode,
    /// What happened, for a person.
    pub reason: Box<str>,
}

/// The kinds of [`Failure`] that can happen here (`[model]` `StateReasonCode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCode {
    /// Ours: the disk, the worker.
    InternalError,
    /// This host cannot run the runtime.
    InvalidRuntime,
    /// The package does not unpack.
    InvalidZipFileException,
}

impl FailureCode {
    /// The code as the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InternalError => "InternalError",
            Self::InvalidRuntime => "InvalidRuntime",
            Self::InvalidZipFileException => "InvalidZipFileException",
        }
    }
}

impl FromStr for FailureCode {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let all = [Self::InternalError, Self::InvalidRuntime, Self::InvalidZipFileException];
        let refusal = || InvalidValue::new("state reason code", text, "a code of this build");
        all.into_iter().find(|code| code.as_str() == text).ok_or_else(refusal)
    }
}

/// Where a version stands (`[snap] aws-lambda.md §6.2`): `State` and `LastUpdateStatus` in one,
/// so that no pair exists that AWS does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Just created: `Pending`, no update status.
    Pending,
    /// Ready: `Active`, `Successful`.
    Active,
    /// An update was accepted and is being made ready: `Active`, `InProgress`.
    Updating,
    /// The creation did not succeed: `Failed`, `Failed`.
    Failed(Failure),
    /// The last update did not succeed: `Active`, `Failed`.
    UpdateFailed(Failure),
}

/// The reason of [`Lifecycle::Pending`] and, sic, of [`Lifecycle::Updating`].
const CREATING: (&str, &str) = ("The function is being created.", "Creating");

impl Lifecycle {
    /// `State`: `Pending`, `Active` or `Failed`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active | Self::Updating | Self::UpdateFailed(_) => "Active",
            Self::Failed(_) => "Failed",
        }
    }

    /// `StateReason` and `StateReasonCode`.
    #[must_use]
    pub fn state_reason(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Pending => Some(CREATING),
            Self::Failed(failure) => Some((&failure.reason, failure.code.as_str())),
            Self::Active | Self::Updating | Self::UpdateFailed(_) => None,
        }
    }

    /// `LastUpdateStatus`: absent, `Successful`, `InProgress` or `Failed`.
    #[must_use]
    pub fn last_update_status(&self) -> Option<&'static str> {
        match self {
            Self::Pending => None,
            Self::Active => Some("Successful"),
            Self::Updating => Some("InProgress"),
            Self::Failed(_) | Self::UpdateFailed(_) => Some("Failed"),
        }
    }

    /// `LastUpdateStatusReason` and `LastUpdateStatusReasonCode`.
    #[must_use]
    pub fn last_update_status_reason(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::Pending | Self::Active => None,
            Self::Updating => Some(CREATING),
            Self::Failed(failure) | Self::UpdateFailed(failure) => {
                Some((&failure.reason, failure.code.as_str()))
            }
        }
    }

    /// What comes after the preparation that this state waits for; `None` if it waits for none.
    pub(crate) fn settled(&self, outcome: Result<(), Failure>) -> Option<Self> {
        match (self, outcome) {
            (Self::Pending | Self::Updating, Ok(())) => Some(Self::Active),
            (Self::Pending, Err(failure)) => Some(Self::Failed(failure)),
            (Self::Updating, Err(failure)) => Some(Self::UpdateFailed(failure)),
            (Self::Active | Self::Failed(_) | Self::UpdateFailed(_), _) => None,
        }
    }
}

/// One state of `$LATEST` or of a published version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its settings.
    pub configuration: Configuration,
    /// Its code.
    pub code: CodePackage,
    /// Whether it is ready.
    pub lifecycle: Lifecycle,
    /// When the code or the configuration was last changed.
    pub last_modified: Timestamp,
    /// The `RevisionId`.
    pub revision: RevisionId,
    /// New with each code or configuration, and only then: two deployments with the same
    /// generation run on the same workers.
    pub generation: RevisionId,
    /// When it gets a newer version of its runtime.
    pub runtime_updates: RuntimeUpdates,
}

impl Deployment {
    /// Whether it can be invoked now. While an update is in progress it can.
    ///
    /// # Errors
    /// [`Conflict::State`] while pending, and after a failed creation.
    pub fn check_invocable(&self) -> Result<(), LambdaError> {
        match self.lifecycle {
            Lifecycle::Active | Lifecycle::Updating | Lifecycle::UpdateFailed(_) => Ok(()),
            Lifecycle::Pending | Lifecycle::Failed(_) => {
                Err(Conflict::State(self.lifecycle.state()).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        Failure { code: FailureCode::InternalError, reason: "no disk".into() }
    }

    type Shown<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>);

    #[track_caller]
    fn check(lifecycle: &Lifecycle, want: Shown<'_>) {
        let code = |reason: Option<(&str, &'static str)>| reason.map(|(_, code)| code);
        let got = (
            lifecycle.state(),
            code(lifecycle.state_reason()),
            lifecycle.last_update_status(),
            code(lifecycle.last_update_status_reason()),
        );
        assert_eq!(got, want);
    }

    #[test]
    #[rustfmt::skip]
    fn the_states_are_those_of_aws() {
        check(&Lifecycle::Pending,                 ("Pending", Some("Creating"), None, None));
        check(&Lifecycle::Active,                  ("Active", None, Some("Successful"), None));
        check(&Lifecycle::Updating,                ("Active", None, Some("InProgress"), Some("Creating")));
        check(&Lifecycle::Failed(failure()),       ("Failed", Some("InternalError"), Some("Failed"), Some("InternalError")));
        check(&Lifecycle::UpdateFailed(failure()), ("Active", None, Some("Failed"), Some("InternalError")));
        assert_eq!(Lifecycle::Updating.last_update_status_reason().unwrap().0, "The function is being created.");
    }

    #[test]
    fn only_what_waits_settles() {
        assert_eq!(Lifecycle::Pending.settled(Ok(())), Some(Lifecycle::Active));
        assert_eq!(Lifecycle::Updating.settled(Ok(())), Some(Lifecycle::Active));
        assert_eq!(Lifecycle::Pending.settled(Err(failure())), Some(Lifecycle::Failed(failure())));
        let failed = Lifecycle::UpdateFailed(failure());
        assert_eq!(Lifecycle::Updating.settled(Err(failure())), Some(failed.clone()));
        for settled in [Lifecycle::Active, Lifecycle::Failed(failure()), failed] {
            assert_eq!(settled.settled(Ok(())), None);
        }
    }

    #[test]
    fn a_package_is_known_by_its_digest_in_base64() {
        let package = CodePackage::of(b"", 0);
        let text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!((package.sha256.to_string().as_str(), package.size), (text, 0));
        assert_eq!(text.parse(), Ok(package.sha256));
        for bad in ["", "47DE", "not base64", &text[1..]] {
            assert!(bad.parse::<CodeSha256>().is_err(), "{bad}");
        }
    }
}
