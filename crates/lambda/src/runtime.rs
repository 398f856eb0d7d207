//! The runtimes that a function can name.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::{InvalidParameter, LambdaError, Region};

/// A managed runtime, by its identifier: `python3.13`. Case counts.
///
/// That a runtime is known does not mean that this host can run it; that is the sandbox's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Runtime(&'static str);

impl Runtime {
    /// Every runtime, in the order in which AWS lists them when it refuses another
    /// (`[snap] aws-lambda.md §6.7`, recorded January 2026).
    const ALL: [&str; 25] = [
        "nodejs20.x",
        "python3.14",
        "provided.al2023",
        "python3.12",
        "python3.13",
        "nodejs24.x",
        "nodejs22.x",
        "java25",
        "python3.10",
        "python3.11",
        "java21",
        "ruby3.3",
        "ruby3.4",
        "ruby3.2",
        "python3.8",
        "python3.9",
        "java17",
        "nodejs16.x",
        "dotnet10",
        "dotnet8",
        "java11",
        "dotnet6",
        "nodejs18.x",
        "provided.al2",
        "java8.al2",
    ];

    /// Every identifier, joined by `, `.
    pub(crate) fn list() -> String {
        Self::ALL.join(", ")
    }

    /// The identifier.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The ARN of the runtime version: `arn:aws:lambda:REGION::runtime:SHA256`. The digest is of
    /// the identifier: this build has one version of each runtime.
    #[must_use]
    pub fn version_arn(self, region: &Region) -> String {
        use fmt::Write;
        let mut arn = format!("arn:{}:lambda:{region}::runtime:", region.partition().as_str());
        for byte in Sha256::digest(self.0) {
            // Writing to a `String` does not fail.
            let _ = write!(arn, "{byte:02x}");
        }
        arn
    }
}

impl FromStr for Runtime {
    type Err = LambdaError;
    fn from_str(text: &str) -> Result<Self, LambdaError> {
        let known = Self::ALL.iter().find(|known| **known == text);
        let refusal = || InvalidParameter::Runtime { value: text.into() }.into();
        known.copied().map(Self).ok_or_else(refusal)
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_known_by_its_exact_name() {
        assert_eq!("python3.13".parse::<Runtime>().unwrap().as_str(), "python3.13");
        for other in ["", "Python3.13", "python2.7", "python3.13 ", "go1.x"] {
            assert!(other.parse::<Runtime>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_runtime_version_has_the_partition_of_its_region() {
        let runtime: Runtime = "python3.13".parse().unwrap();
        let arn = runtime.version_arn(&"cn-north-1".parse().unwrap());
        let digest = arn.strip_prefix("arn:aws-cn:lambda:cn-north-1::runtime:").unwrap();
        assert_eq!(digest.len(), 64);
        assert!(digest.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
