//! Service principals: `s3.amazonaws.com` and its like.

use std::fmt;
use std::str::FromStr;

/// The domains under which services have their names. Source: aws-lambda.md §1.5.
const DOMAINS: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// Services whose names are outside the usual domains. Source: iam.md §10.4.
const OUTSIDERS: [&str; 2] = ["alexa-appkit.amazon.com", "alexa-connectedhome.amazon.com"];

/// Longest name; that of a DNS name. AWS documents no limit.
const NAME_BYTES_MAX: usize = 253;

/// The name of an AWS service as a principal.
///
/// Invariant: `^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`, or one of the two Alexa
/// services; at most 253 bytes. AWS checks against its own list of services, which it does not
/// publish. Source: aws-lambda.md §1.5.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(Box<str>);

/// Text that cannot be the name of an AWS service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of an AWS service, such as s3.amazonaws.com")]
pub struct InvalidServiceName(String);

impl ServiceName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For a regional name such as `logs.us-east-1.amazonaws.com`, the global one. The two are
    /// different principals of one service (iam.md §4.1).
    #[must_use]
    pub fn global(&self) -> Option<String> {
        let (service, rest) = self.0.split_once('.')?;
        let (region, domain) = rest.split_once('.')?;
        is_region(region).then(|| format!("{service}.{domain}"))
    }
}

/// `us-east-1`, `us-gov-west-1`, `ap-southeast-2`: letters, more letters, a number.
fn is_region(label: &str) -> bool {
    let mut parts = label.rsplit('-');
    let number =
        parts.next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let words =
        parts.filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
    number && words.count() == label.matches('-').count() && label.matches('-').count() >= 2
}

impl FromStr for ServiceName {
    type Err = InvalidServiceName;

    fn from_str(text: &str) -> Result<Self, InvalidServiceName> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let labels = |name: &str| name.split('.').all(|l| !l.is_empty() && l.bytes().all(legal));
        let inside = DOMAINS.iter().filter_map(|domain| text.strip_suffix(domain)).any(labels);
        if text.len() <= NAME_BYTES_MAX && (inside || OUTSIDERS.contains(&text)) {
            return Ok(Self(text.into()));
        }
        Err(InvalidServiceName(text.chars().take(NAME_BYTES_MAX).collect()))
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, legal: bool, global: Option<&str>) {
        let parsed = text.parse::<ServiceName>();
        assert_eq!(parsed.is_ok(), legal, "{text}");
        assert_eq!(parsed.ok().and_then(|name| name.global()).as_deref(), global, "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_service_name_has_its_domain_or_is_refused() {
        check("s3.amazonaws.com",                            true,  None);
        check("lambda.alarms.cloudwatch.amazonaws.com",      true,  None);
        check("logs.us-east-1.amazonaws.com",                true,  Some("logs.amazonaws.com"));
        check("s3.us-gov-west-1.amazonaws.com",              true,  Some("s3.amazonaws.com"));
        check("ec2.cn-north-1.amazonaws.com.cn",             true,  Some("ec2.amazonaws.com.cn"));
        check("ec2.amazonaws.com.cn",                        true,  None);
        check("alexa-appkit.amazon.com",                     true,  None);
        check("alexa-connectedhome.amazon.com",              true,  None);
        check("a.b-1.amazonaws.com",                         true,  None);
        check("alexa.amazon.com",                            false, None);
        check("amazonaws.com",                               false, None);
        check(".amazonaws.com",                              false, None);
        check("s3..amazonaws.com",                           false, None);
        check("S3.amazonaws.com",                            false, None);
        check("*.amazonaws.com",                             false, None);
        check("s3.amazonaws.com.evil.example",               false, None);
        check("s3.amazonaws.com\n",                          false, None);
        check("invalid.nonaws.com",                          false, None);
        check("",                                            false, None);
        check(&format!("{}.amazonaws.com", "a".repeat(253)), false, None);
    }
}
