//! The rules on which AWS is silent or contradicts itself, in one place.
//!
//! Each item is a `[choice]` of iam.md; to decide otherwise, change it here. Some are the shape of
//! the code that they are in and are only listed:
//!
//! | § | choice | where |
//! |---|---|---|
//! | 3.1 | `*` runs across line breaks; `?` is one Unicode scalar value | `glob.rs` |
//! | 3.3.6 | wildcards in the prefix, partition or resource type of an ARN are wildcards | `arn_pattern.rs` |
//! | 4.3 | NotPrincipal exempts a caller whose every layer is listed | `grant.rs` |
//! | 4.1 | the names of services compare exactly | `grant.rs` |
//! | 5.1 | a key that a request has twice, in any case, has all the values as a list | `context.rs`, every other [`Context`](crate::Context) |
//! | 7.1 | resource control policies are in force for every service, Lambda too; AWS has a list | the server's `catalog/src/organizations.rs` |
//! | 6 | a variable's default is literal text, may be empty and may have commas | `variable.rs` |

use std::net::IpAddr;

use crate::arn::Arn;
use crate::decide::{PolicyType, ResourceRule};

/// §2.1: operator names ignore case, as condition keys do.
pub(crate) fn same_operator_name(written: &str, name: &str) -> bool {
    written.eq_ignore_ascii_case(name)
}

/// §4.1: a session matches a role ARN by account and role name. The path, which a session's ARN
/// does not have, is ignored: role names are unique in an account.
pub(crate) fn role_name(path_and_name: &str) -> &str {
    path_and_name.rsplit('/').next().unwrap_or(path_and_name)
}

/// §7.1: how a session of a service-linked role is known. Its ARN has no path, so the reserved name
/// decides, unless the request's `aws:PrincipalArn` (which our server always gives) shows a role
/// outside the reserved path: a user may be able to create a role of that name elsewhere. The path is
/// told by its beginning, as colons may stand in others.
pub(crate) fn is_service_linked(role_name: &str, principal_arn: Option<&str>) -> bool {
    let is_under_path = |arn| {
        Arn::split(arn).is_some_and(|arn| arn.resource().starts_with("role/aws-service-role/"))
    };
    role_name.starts_with("AWSServiceRoleFor") && principal_arn.is_none_or(is_under_path)
}

/// §5.4: a plain operator on a key that has a list never holds, negated or not.
pub(crate) const PLAIN_OPERATOR_HOLDS_ON_A_LIST: bool = false;

/// §5.4: an empty string is a value; only an absent key or an empty list is missing.
pub(crate) const EMPTY_STRING_IS_MISSING: bool = false;

/// §5.5: a policy's or a request's value that is not of the operator's type satisfies neither the
/// plain nor the negated operator.
pub(crate) const TYPE_ERROR_SATISFIES: bool = false;

/// §5.6: what ARN operators compare has the six fields of an ARN, the first of which is `arn`; other
/// text is not of their type.
pub(crate) fn is_arn(fields: &[&str]) -> bool {
    matches!(fields, ["arn", _, _, _, _, _])
}

/// §5.6: a date with a time but no zone is in UTC. Seconds east of Greenwich.
pub(crate) const OFFSET_OF_A_MISSING_ZONE: i64 = 0;

/// §5.6: there is no second 60.
pub(crate) const SECOND_MAX: u32 = 59;

/// §5.6: how a character of a text compares where case is ignored. Full lower-casing, character by
/// character; in Greek the small sigma at the end of a word is a sigma, as the capital is.
pub(crate) fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c })
}

/// §5.6: an IPv4-mapped IPv6 address of a caller is the IPv4 address.
pub(crate) fn caller_address(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// §6: whether a variable's name may have a blank: only in a tag's key, after the `/`.
pub(crate) fn blank_is_legal_in_variable(name: &str) -> bool {
    name.split_once('/').is_some_and(|(before, _)| !before.contains(char::is_whitespace))
}

/// aws-lambda.md §9.2, §12 row 8: the policy type that is named when the resource grants nothing and
/// its grant is needed. `own`: whether the caller's identity-based policies allow.
///
/// When both halves of a call across accounts are missing it is the caller's own, though §8 has the
/// resource's first. Then a caller whose own account allows nothing is told the same with and without
/// a grant, and learns nothing of another account's policy; and it is told of the half that its own
/// account can mend. A trust policy is named in any case: without it no other policy helps.
pub(crate) fn without_grant(rule: ResourceRule, own: bool) -> PolicyType {
    match rule {
        ResourceRule::Suffices if !own => PolicyType::Identity,
        ResourceRule::Suffices | ResourceRule::Required => PolicyType::Resource,
    }
}

/// §8: the order in which policy types are named when several deny explicitly.
pub(crate) const EXPLICIT_DENIAL_ORDER: [PolicyType; 6] = [
    PolicyType::ServiceControl,
    PolicyType::ResourceControl,
    PolicyType::Resource,
    PolicyType::Boundary,
    PolicyType::Session,
    PolicyType::Identity,
];
