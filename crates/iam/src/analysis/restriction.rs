//! Whether the values of a condition are those of somebody in particular, or such that a stranger's
//! value fits too. Lint, [`who_can`](crate::analysis::who_can) and the refusal of open grants all
//! ask here. Source: iam.md §10.5.

use crate::analysis::condition_keys::{GLOBAL_KEYS, KeyType};
use crate::arn_pattern;
use crate::document::RawCondition;
use crate::operator::Base;
use crate::value::{self, Network, Networks};
use crate::variable::{self, PartKind};

/// Whether every value of the condition leaves strangers out: it names one owner whole. Negation,
/// and requests without the key, are not looked at.
pub(crate) fn is_fixed(condition: &RawCondition, variables: bool) -> bool {
    let RawCondition { operator, key, values, .. } = condition;
    let base = operator.base;
    match base {
        // An order, or presence, is met by whole ranges of callers.
        Base::Null | Base::Numeric(_) | Base::Date(_) | Base::Binary => false,
        Base::Bool => {
            let mut read = values.iter().map(|text| value::boolean(text));
            let first = read.next().flatten();
            values.is_empty() || (first.is_some() && read.all(|one| one == first))
        }
        Base::IpAddress => {
            let networks: Networks =
                values.iter().filter_map(|text| Network::parse(text)).collect();
            !networks.has_whole_family()
        }
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Arn => {
            let wildcards = matches!(base, Base::StringLike | Base::Arn);
            let text = Text { base, wildcards, variables };
            values.iter().all(|value| text.names_owner(key, value))
        }
    }
}

/// How an operator reads text.
struct Text {
    base: Base,
    wildcards: bool,
    variables: bool,
}

impl Text {
    /// Whether `value` names one owner, by the part of `key`'s values that says whose they are.
    fn names_owner(&self, key: &str, value: &str) -> bool {
        let until = |end: char| value.split(end).next().unwrap_or_default();
        let kind = GLOBAL_KEYS.iter().find(|known| known.is(key)).map(|known| known.value);
        match kind {
            Some(KeyType::OrganizationPath) => self.is_concrete(until('/')),
            Some(KeyType::UniqueId) => self.is_concrete(until(':')),
            Some(KeyType::Arn) => self.is_ones_arn(value),
            _ if value.starts_with("arn:") => self.is_ones_arn(value),
            _ => self.is_concrete(value),
        }
    }

    /// Whether all that fits the pattern is one account's; of an ARN that has no account, whether
    /// it names one resource, or one bucket whose objects may be any.
    fn is_ones_arn(&self, value: &str) -> bool {
        let fields = arn_pattern::fields(value, self.variables);
        let [head @ .., account, resource] = fields.as_slice() else { return false };
        let [_, _, service, _] = head else { return self.is_concrete(value) };
        // In a text as a whole a star runs over colons, so that the account may be anywhere.
        if self.base == Base::StringLike && head.iter().any(|field| field.contains('*')) {
            return false;
        }
        match (*account, *service) {
            ("", "s3") => self.is_concrete(resource.split('/').next().unwrap_or_default()),
            ("", _) => self.is_concrete(resource),
            (account, _) => self.is_concrete(account),
        }
    }

    /// Whether only one text fits in a call on this resource. A variable does not fix anything
    /// unless it is about the resource: it may be the key itself, or the caller's choice.
    fn is_concrete(&self, text: &str) -> bool {
        let literal = |text: &str| !self.wildcards || !text.contains(['*', '?']);
        if !self.variables {
            return literal(text);
        }
        variable::parts(text).all(|part| match part.kind {
            PartKind::Text => literal(part.raw),
            PartKind::Variable { name, .. } => is_of_resource(name),
            PartKind::Escape(_) | PartKind::Malformed(_) => true,
        })
    }
}

/// Whether a key is the resource's own: `aws:ResourceAccount`, `aws:ResourceOrgID` and the like.
fn is_of_resource(key: &str) -> bool {
    let family = "aws:Resource";
    key.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family))
}
