//! Layers: how they are named, and their versions, which are numbered and never change.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::names::{is_word, text_type};
use crate::settings::Description;
use crate::{
    AccountId, Architecture, CodePackage, Endpoint, InvalidParameter, InvalidValue, LambdaError,
    Region, VersionNumber,
};

text_type! {
    /// The name of a layer: 1 to 140 of `[a-zA-Z0-9-_]`.
    ///
    /// Source: `[model] aws-lambda.md §3.1`.
    pub LayerName, "layer name", "1 to 140 of [a-zA-Z0-9-_]",
    |text| (1..=140).contains(&text.len()) && is_word(text)
}

text_type! {
    /// The runtime that a layer says it is for. Far more than those of functions: layers may name
    /// runtimes that are retired or not there yet.
    ///
    /// Source: `[model]`; which words are runtimes is a constraint of the request's shape.
    pub CompatibleRuntime, "runtime", "1 to 64 of [a-z0-9.-]",
    |text| (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
}

text_type! {
    /// The licence of a layer: an SPDX identifier, a link or the text. At most 512 characters.
    ///
    /// Source: `[model]` shape `LicenseInfo`.
    pub LicenseInfo, "license", "at most 512 characters",
    |text| text.encode_utf16().count() <= 512
}

/// Names a layer, existing or not: `arn:PARTITION:lambda:REGION:ACCOUNT:layer:NAME`.
///
/// Invariant: the partition is the region's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerArn {
    region: Region,
    account: AccountId,
    name: LayerName,
    text: Arc<str>,
}

impl LayerArn {
    /// The ARN of the layer `name` in this account and region.
    #[must_use]
    pub fn new(region: Region, account: AccountId, name: LayerName) -> Self {
        let text = format!("{}{name}", Self::prefix(&region, account.as_str())).into();
        Self { region, account, name, text }
    }

    /// What the ARNs of an account's layers in a region begin with.
    #[must_use]
    pub fn prefix(region: &Region, account: &str) -> String {
        format!("arn:{}:lambda:{region}:{account}:layer:", region.partition().as_str())
    }

    /// The layer that a request names by its name alone or by its ARN.
    ///
    /// # Errors
    /// [`InvalidValue`] for what is neither, which validation should have refused; and for an ARN
    /// of a partition that its region is not in.
    pub fn resolve(text: &str, endpoint: Endpoint<'_>) -> Result<Self, InvalidValue> {
        match text.parse() {
            Ok(name) => Ok(Self::new(endpoint.region.clone(), endpoint.account.clone(), name)),
            Err(_) => text.parse(),
        }
    }

    /// One version of the layer, by the number that a request gives.
    ///
    /// # Errors
    /// [`InvalidParameter::LayerVersionNumber`] (`[snap] aws-lambda.md §3.5`).
    pub fn version(self, number: i64) -> Result<LayerVersionArn, LambdaError> {
        let number = u64::try_from(number).ok().and_then(VersionNumber::new);
        let number = number.ok_or(InvalidParameter::LayerVersionNumber)?;
        Ok(LayerVersionArn::new(self, number))
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The owner.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &LayerName {
        &self.name
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for LayerArn {
    type Err = InvalidValue;

    /// Reads what [`LayerArn`] displays, and nothing else.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("layer ARN", text, "a full layer ARN without version");
        let fields: Vec<&str> = text.splitn(7, ':').collect();
        let ["arn", _, "lambda", region, account, "layer", name] = fields.as_slice() else {
            return Err(refusal());
        };
        let arn = Self::new(region.parse()?, account.parse()?, name.parse()?);
        if *arn.text == *text { Ok(arn) } else { Err(refusal()) }
    }
}

impl fmt::Display for LayerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names one version of a layer, existing or not: the layer's ARN and `:NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerVersionArn {
    layer: LayerArn,
    number: VersionNumber,
    text: Arc<str>,
}

impl LayerVersionArn {
    /// The version `number` of `layer`.
    #[must_use]
    pub fn new(layer: LayerArn, number: VersionNumber) -> Self {
        let text = format!("{layer}:{number}").into();
        Self { layer, number, text }
    }

    /// The layer.
    #[must_use]
    pub fn layer(&self) -> &LayerArn {
        &self.layer
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> VersionNumber {
        self.number
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for LayerVersionArn {
    type Err = InvalidValue;

    /// Reads what [`LayerVersionArn`] displays, and nothing else.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("layer version ARN", text, "a layer's ARN and :NUMBER");
        let (layer, number) = text.rsplit_once(':').ok_or_else(refusal)?;
        Ok(Self::new(layer.parse()?, number.parse()?))
    }
}

impl fmt::Display for LayerVersionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What the publisher of a layer version says of it, as it came: `None` is a member that the request
/// did not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerInput {
    /// `Description`
    pub description: Option<String>,
    /// `LicenseInfo`
    pub license_info: Option<String>,
    /// `CompatibleRuntimes`
    pub compatible_runtimes: Vec<String>,
    /// `CompatibleArchitectures`
    pub compatible_architectures: Vec<String>,
}

/// What the publisher of a layer version says of it. Nothing checks that the content is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNotes {
    description: Description,
    license: Option<LicenseInfo>,
    runtimes: Vec<CompatibleRuntime>,
    architectures: Vec<Architecture>,
}

impl TryFrom<&LayerInput> for LayerNotes {
    type Error = InvalidValue;

    fn try_from(input: &LayerInput) -> Result<Self, InvalidValue> {
        let license = input.license_info.as_ref();
        Ok(Self {
            description: input.description.as_deref().unwrap_or_default().parse()?,
            license: license.map(|license| license.parse()).transpose()?,
            runtimes: parse_all(&input.compatible_runtimes)?,
            architectures: parse_all(&input.compatible_architectures)?,
        })
    }
}

fn parse_all<T: FromStr>(texts: &[String]) -> Result<Vec<T>, T::Err> {
    texts.iter().map(|text| text.parse()).collect()
}

impl LayerNotes {
    /// `Description`, empty if none was given.
    #[must_use]
    pub fn description(&self) -> &str {
        self.description.as_str()
    }

    /// `LicenseInfo`.
    #[must_use]
    pub fn license(&self) -> Option<&str> {
        self.license.as_ref().map(LicenseInfo::as_str)
    }

    /// `CompatibleRuntimes`, in the order given.
    #[must_use]
    pub fn runtimes(&self) -> &[CompatibleRuntime] {
        &self.runtimes
    }

    /// `CompatibleArchitectures`, in the order given.
    #[must_use]
    pub fn architectures(&self) -> &[Architecture] {
        &self.architectures
    }
}

/// A published version of a layer. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerVersion {
    /// Its name.
    pub arn: LayerVersionArn,
    /// What its publisher says of it.
    pub notes: LayerNotes,
    /// Its files.
    pub content: CodePackage,
    /// When it was published.
    pub created: Timestamp,
}

/// A layer: what outlives its versions, so that no number is given twice
/// (`[snap] aws-lambda.md §3.5`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub arn: LayerArn,
    /// The number that the next version gets.
    pub next_version: VersionNumber,
}

impl Layer {
    /// A layer of which nothing was published yet.
    #[must_use]
    pub fn new(arn: LayerArn) -> Self {
        Self { arn, next_version: VersionNumber::FIRST }
    }

    /// Publishes one more version; the layer as it is afterwards.
    #[must_use]
    pub fn publish(
        &self,
        notes: LayerNotes,
        content: CodePackage,
        created: Timestamp,
    ) -> (Self, LayerVersion) {
        let arn = LayerVersionArn::new(self.arn.clone(), self.next_version);
        let after = Self { next_version: self.next_version.next(), ..self.clone() };
        (after, LayerVersion { arn, notes, content, created })
    }
}

/// Which versions a list shows: those that say that they are for all that is asked for here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerFilter {
    /// `CompatibleRuntime`
    pub runtime: Option<CompatibleRuntime>,
    /// `CompatibleArchitecture`
    pub architecture: Option<Architecture>,
}

impl LayerFilter {
    /// Whether the list shows a version with these notes.
    #[must_use]
    pub fn admits(&self, notes: &LayerNotes) -> bool {
        self.runtime.as_ref().is_none_or(|runtime| notes.runtimes.contains(runtime))
            && self.architecture.is_none_or(|wanted| notes.architectures.contains(&wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:layer:l";

    fn resolve(text: &str) -> Result<LayerArn, InvalidValue> {
        let (account, region) = ("123456789012".parse()?, "us-east-1".parse()?);
        LayerArn::resolve(text, Endpoint { account: &account, region: &region })
    }

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        assert_eq!(resolve(text).ok().as_ref().map(LayerArn::as_str), want, "{text}");
    }

    #[test]
    fn a_layer_is_named_by_its_name_or_by_its_arn() {
        check("l", Some(ARN));
        check(ARN, Some(ARN));
        let foreign = "arn:aws-cn:lambda:cn-north-1:210987654321:layer:my_layer-2";
        check(foreign, Some(foreign));
        check(&"l".repeat(140), Some(&format!("{}{}", &ARN[..ARN.len() - 1], "l".repeat(140))));
        for other in [
            "",
            "l.l",
            "l:1",
            &"l".repeat(141),
            &format!("{ARN}:1"),
            &ARN.replace(":layer:", ":function:"),
            &ARN.replace("aws", "aws-cn"),
            &ARN.replace("us-east-1", "mars"),
            &ARN.replace("123456789012", "12"),
        ] {
            check(other, None);
        }
    }

    #[test]
    fn a_version_is_read_as_it_is_written() {
        let text = format!("{ARN}:7");
        let version: LayerVersionArn = text.parse().unwrap();
        assert_eq!((version.to_string(), version.number().get()), (text, 7));
        assert_eq!(resolve("l").unwrap().version(7), Ok(version));
        for other in ["", ":0", ":01", ":", ":prod", ":1:2", ":18446744073709551616"] {
            assert!(format!("{ARN}{other}").parse::<LayerVersionArn>().is_err(), "{other}");
        }
    }

    #[test]
    fn versions_are_counted_from_one() {
        let refusal = InvalidParameter::LayerVersionNumber;
        assert_eq!(refusal.to_string(), "Layer Version Cannot be less than 1");
        for number in [0, -1, i64::MIN] {
            let refused = resolve("l").unwrap().version(number);
            assert_eq!(refused, Err(refusal.clone().into()), "{number}");
        }
    }

    fn notes(runtimes: &[&str], architectures: &[&str]) -> LayerNotes {
        let own = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let input = LayerInput {
            compatible_runtimes: own(runtimes),
            compatible_architectures: own(architectures),
            ..LayerInput::default()
        };
        LayerNotes::try_from(&input).unwrap()
    }

    #[test]
    fn no_number_is_given_twice() {
        let content = CodePackage::of(b"", 0);
        let mut layer = Layer::new(resolve("l").unwrap());
        for number in 1..4 {
            let (after, version) = layer.publish(notes(&[], &[]), content, Timestamp::UNIX_EPOCH);
            assert_eq!(version.arn.to_string(), format!("{ARN}:{number}"));
            layer = after;
        }
    }

    #[track_caller]
    fn check_filter(runtime: Option<&str>, architecture: Option<&str>, want: bool) {
        let filter = LayerFilter {
            runtime: runtime.map(|text| text.parse().unwrap()),
            architecture: architecture.map(|text| text.parse().unwrap()),
        };
        let notes = notes(&["python3.13", "nodejs22.x"], &["arm64"]);
        assert_eq!(filter.admits(&notes), want, "{filter:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_list_shows_what_says_that_it_is_for_all_that_is_asked() {
        check_filter(None,               None,           true);
        check_filter(Some("nodejs22.x"), None,           true);
        check_filter(Some("python3.12"), None,           false);
        check_filter(None,               Some("arm64"),  true);
        check_filter(None,               Some("x86_64"), false);
        check_filter(Some("python3.13"), Some("arm64"),  true);
        check_filter(Some("python3.13"), Some("x86_64"), false);
        let silent = notes(&[], &[]);
        let asked = LayerFilter { runtime: Some("python3.13".parse().unwrap()), ..LayerFilter::default() };
        assert!(!asked.admits(&silent));
        assert!(LayerFilter::default().admits(&silent));
    }
}
