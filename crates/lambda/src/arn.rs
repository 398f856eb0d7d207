//! Regions, partitions, function ARNs and targets.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::names::text_type;
use crate::{AccountId, FunctionName, InvalidParameter, InvalidValue, LambdaError, Qualifier};

text_type! {
    /// A region, in the live form of every Lambda pattern:
    /// `(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}`.
    ///
    /// Source: `[snap] aws-lambda.md §4.2`.
    pub Region, "region", "such as us-east-1, us-gov-west-1, us-isob-east-1, eusc-de-east-1", is_region
}

/// The pattern of [`Region`], by its hyphens.
fn is_region(text: &str) -> bool {
    let lower = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let country = |part: &str| part.len() == 2 && lower(part);
    let digit = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9']);
    let parts: Vec<&str> = text.strip_prefix("eusc-").unwrap_or(text).splitn(5, '-').collect();
    match parts.as_slice() {
        [land, area, number] => country(land) && lower(area) && digit(number),
        [land, kind, area, number] => {
            country(land) && is_special(kind) && lower(area) && digit(number)
        }
        _ => false,
    }
}

/// `gov`, `iso` or `iso` and one letter.
fn is_special(kind: &str) -> bool {
    matches!(kind.as_bytes(), b"gov" | b"iso" | [b'i', b's', b'o', b'a'..=b'z'])
}

/// The family of regions that share accounts and ARN prefixes.
///
/// Source: `[doc][snap] aws-lambda.md §1.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partition(&'static str);

impl Partition {
    /// The second field of an ARN: `aws`, `aws-cn`, `aws-us-gov`, `aws-eusc`, `aws-iso…`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl Region {
    /// The partition that the region belongs to.
    #[must_use]
    pub fn partition(&self) -> Partition {
        const BY_PREFIX: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("eusc-", "aws-eusc"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-isof-", "aws-iso-f"),
        ];
        let known = BY_PREFIX.iter().find(|(prefix, _)| self.as_str().starts_with(prefix));
        Partition(known.map_or("aws", |(_, partition)| partition))
    }
}

/// Names a function, existing or not:
/// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`, unqualified. Cheap to clone.
///
/// Invariant: the region and the account are valid, the partition is the region's, and the name
/// is 1 to 256 of `[a-zA-Z0-9-_.]`. A name with a dot, or of more than 64 characters, is legal
/// in a request and names nothing (`[snap] aws-lambda.md §4.3`); [`FunctionArn::creatable_name`]
/// is the narrower rule for functions that exist.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionArn(Arc<str>);

impl FunctionArn {
    /// The ARN of the function `name` in this account and region.
    #[must_use]
    pub fn new(region: &Region, account: &AccountId, name: &FunctionName) -> Self {
        Self::of(region.as_str(), region.partition(), account.as_str(), name.as_str())
    }

    /// The ARN of parts that are known to be legal.
    fn of(region: &str, partition: Partition, account: &str, name: &str) -> Self {
        Self(format!("arn:{}:lambda:{region}:{account}:function:{name}", partition.as_str()).into())
    }

    /// The ARN of a name as wide as the read operations take it.
    ///
    /// # Errors
    /// [`InvalidValue`] when the name is not 1 to 256 of `[a-zA-Z0-9-_.]`.
    pub(crate) fn with_wide_name(
        region: &Region,
        account: &AccountId,
        name: &str,
    ) -> Result<Self, InvalidValue> {
        if !is_wide_name(name) {
            return Err(InvalidValue::new("function name", name, "1 to 256 of [a-zA-Z0-9-_.]"));
        }
        Ok(Self::of(region.as_str(), region.partition(), account.as_str(), name))
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Partition, region, account and name.
    fn fields(&self) -> Option<[&str; 4]> {
        let (partition, rest) = self.0.strip_prefix("arn:")?.split_once(':')?;
        let (region, rest) = rest.strip_prefix("lambda:")?.split_once(':')?;
        let (account, rest) = rest.split_once(':')?;
        Some([partition, region, account, rest.strip_prefix("function:")?])
    }

    /// Region, account and name: what tells one function from the others of an installation.
    #[must_use]
    pub fn parts(&self) -> [&str; 3] {
        let [_, parts @ ..] = self.fields().unwrap_or_default();
        parts
    }

    /// `aws`, `aws-cn`, …
    #[must_use]
    pub fn partition(&self) -> &str {
        let [partition, ..] = self.fields().unwrap_or_default();
        partition
    }

    /// The region's name.
    #[must_use]
    pub fn region(&self) -> &str {
        let [region, ..] = self.parts();
        region
    }

    /// The owner: 12 digits.
    #[must_use]
    pub fn account(&self) -> &str {
        let [_, account, _] = self.parts();
        account
    }

    /// The name; wider than [`FunctionName`], see the invariant.
    #[must_use]
    pub fn name(&self) -> &str {
        let [.., name] = self.parts();
        name
    }

    /// The name, if a function of this name can exist.
    ///
    /// # Errors
    /// [`InvalidParameter::FunctionNameTooLong`], whose text looks like a validation error
    /// (`[snap] aws-lambda.md §4.3`), or the malformed name when it has a dot.
    pub fn creatable_name(&self) -> Result<FunctionName, LambdaError> {
        let name = self.name();
        if name.len() > 64 {
            return Err(InvalidParameter::FunctionNameTooLong(name.into()).into());
        }
        Ok(name.parse()?)
    }
}

/// Whether a request may name a function so.
fn is_wide_name(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=256).contains(&name.len()) && name.bytes().all(legal)
}

impl FromStr for FunctionArn {
    type Err = InvalidValue;

    /// Reads the full unqualified ARN that [`FunctionArn`] displays, and nothing else.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refusal =
            || InvalidValue::new("function ARN", text, "a full, unqualified function ARN");
        let fields: Vec<&str> = text.splitn(7, ':').collect();
        let ["arn", partition, "lambda", region, account, "function", name] = fields.as_slice()
        else {
            return Err(refusal());
        };
        let region: Region = region.parse()?;
        let arn = Self::with_wide_name(&region, &account.parse()?, name)?;
        if region.partition().as_str() == *partition { Ok(arn) } else { Err(refusal()) }
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a call is about: a function, or one version or alias of it. `Display` is the ARN that
/// authorization looks at: qualified exactly when the caller gave a qualifier, `$LATEST` too
/// (`[issue][doc] aws-lambda.md §0.8`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The function.
    pub function: FunctionArn,
    /// The qualifier, if one was given.
    pub qualifier: Option<Qualifier>,
}

impl Target {
    /// The function itself, without a qualifier.
    #[must_use]
    pub fn unqualified(function: FunctionArn) -> Self {
        Self { function, qualifier: None }
    }

    /// One version or alias of a function.
    #[must_use]
    pub fn qualified(function: FunctionArn, qualifier: Qualifier) -> Self {
        Self { function, qualifier: Some(qualifier) }
    }
}

impl FromStr for Target {
    type Err = InvalidValue;

    /// Reads what [`Target`] displays.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let colon = text.match_indices(':').nth(6).map(|(colon, _)| colon);
        let split = colon.and_then(|colon| text.split_at_checked(colon));
        let (function, qualifier) = split.unwrap_or((text, ""));
        let qualifier = qualifier.strip_prefix(':').map(Qualifier::parse);
        Ok(Self { function: function.parse()?, qualifier })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.function.fmt(f)?;
        match &self.qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_region(text: &str, partition: Option<&str>) {
        let got = text.parse::<Region>().ok().map(|region| region.partition().as_str());
        assert_eq!(got, partition, "{text}");
    }

    #[test]
    fn a_region_has_one_partition() {
        check_region("us-east-1", Some("aws"));
        check_region("ap-southeast-1", Some("aws"));
        check_region("cn-north-1", Some("aws-cn"));
        check_region("us-gov-west-1", Some("aws-us-gov"));
        check_region("us-iso-east-1", Some("aws-iso"));
        check_region("us-isob-east-1", Some("aws-iso-b"));
        check_region("eu-isoe-west-1", Some("aws-iso-e"));
        check_region("us-isof-south-1", Some("aws-iso-f"));
        check_region("eusc-de-east-1", Some("aws-eusc"));
    }

    #[test]
    fn other_texts_are_not_regions() {
        for text in [
            "",
            "us-east",
            "us-east-12",
            "us-east-1-",
            "-us-east-1",
            "usa-east-1",
            "US-EAST-1",
            "us-foo-east-1",
            "us-isobb-east-1",
            "eusc-us-gov-x-east-1",
            "us-east-x",
            "us--1",
            "us-east-1a",
            "us-east-1:",
        ] {
            check_region(text, None);
        }
    }

    #[test]
    fn an_arn_is_read_as_it_is_written() {
        let text = "arn:aws:lambda:us-east-1:123456789012:function:my-function";
        let arn: FunctionArn = text.parse().unwrap();
        assert_eq!(arn.to_string(), text);
        let parts = (arn.partition(), arn.region(), arn.account(), arn.name());
        assert_eq!(parts, ("aws", "us-east-1", "123456789012", "my-function"));
    }

    #[test]
    fn a_target_is_read_as_it_is_written() {
        let function = "arn:aws:lambda:us-east-1:123456789012:function:my-function";
        for qualifier in ["", ":7", ":prod", ":$LATEST"] {
            let text = format!("{function}{qualifier}");
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
            assert_eq!(target.qualifier.is_some(), !qualifier.is_empty());
        }
    }

    #[test]
    fn a_qualified_partial_or_foreign_arn_is_not_a_function_arn() {
        for text in [
            "my-function",
            "arn:aws:lambda:us-east-1:123456789012:function:f:1",
            "arn:aws:lambda:us-east-1:123456789012:function",
            "arn:aws-cn:lambda:us-east-1:123456789012:function:f",
            "arn:aws:s3:us-east-1:123456789012:function:f",
            "arn:aws:lambda:us-east-1:12:function:f",
            "arn:aws:lambda:mars:123456789012:function:f",
            "arn:aws:lambda:us-east-1:123456789012:layer:f",
        ] {
            assert!(text.parse::<FunctionArn>().is_err(), "{text}");
        }
    }
}
