//! The ARNs of what stands beside functions: code-signing configurations and event source mappings.
//!
//! Source: `[model]` shapes `CodeSigningConfigArn` and `TaggableResource`.

use crate::names::text_type;
use crate::{AccountId, Partition, Region};

text_type! {
    /// The ARN of a code-signing configuration:
    /// `arn:aws:lambda:REGION:ACCOUNT:code-signing-config:csc-…`.
    pub CodeSigningConfigArn, "code-signing configuration ARN", "as in the API reference",
    |text| is_setting_arn(text, CodeSigningConfigArn::KIND, is_code_signing_id)
}

text_type! {
    /// The ARN of an event source mapping: `arn:aws:lambda:REGION:ACCOUNT:event-source-mapping:UUID`.
    pub EventSourceMappingArn, "event source mapping ARN", "as in the API reference",
    |text| is_setting_arn(text, EventSourceMappingArn::KIND, is_uuid)
}

/// What both kinds of ARN give.
macro_rules! setting_arn {
    ($name:ident, $kind:literal) => {
        impl $name {
            const KIND: &'static str = $kind;

            /// The ARN of `id`, which is of this kind.
            fn of(region: &Region, account: &AccountId, id: &str) -> Self {
                let partition = Partition::as_str(region.partition());
                let account = account.as_str();
                Self(
                    format!("arn:{partition}:lambda:{region}:{account}:{}:{id}", Self::KIND).into(),
                )
            }

            /// The region's name.
            #[must_use]
            pub fn region(&self) -> &str {
                field(self.as_str(), 3)
            }

            /// The owner: 12 digits.
            #[must_use]
            pub fn account(&self) -> &str {
                field(self.as_str(), 4)
            }

            /// What tells it from the account's others in the region.
            #[must_use]
            pub fn id(&self) -> &str {
                field(self.as_str(), 6)
            }
        }
    };
}

setting_arn!(CodeSigningConfigArn, "code-signing-config");
setting_arn!(EventSourceMappingArn, "event-source-mapping");

impl CodeSigningConfigArn {
    /// The ARN of a new configuration, whose id has 17 digits of `random`.
    #[must_use]
    pub fn new(region: &Region, account: &AccountId, random: uuid::Uuid) -> Self {
        let digits = random.simple().to_string();
        Self::of(region, account, &format!("csc-{}", digits.get(..17).unwrap_or_default()))
    }
}

impl EventSourceMappingArn {
    /// The ARN of the mapping `id`.
    #[must_use]
    pub fn new(region: &Region, account: &AccountId, id: uuid::Uuid) -> Self {
        Self::of(region, account, &id.to_string())
    }
}

/// A field of an ARN, counted from 0.
fn field(arn: &str, number: usize) -> &str {
    arn.splitn(7, ':').nth(number).unwrap_or_default()
}

fn is_setting_arn(text: &str, kind: &str, is_id: fn(&str) -> bool) -> bool {
    let fields: Vec<&str> = text.splitn(7, ':').collect();
    let ["arn", partition, "lambda", region, account, found, id] = fields.as_slice() else {
        return false;
    };
    region.parse::<Region>().is_ok_and(|region| region.partition().as_str() == *partition)
        && account.parse::<AccountId>().is_ok()
        && *found == kind
        && is_id(id)
}

fn is_code_signing_id(id: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    id.strip_prefix("csc-").is_some_and(|id| id.len() == 17 && id.bytes().all(legal))
}

/// A UUID as the API writes it, in either case.
fn is_uuid(id: &str) -> bool {
    id.len() == 36 && id.parse::<uuid::Uuid>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_arn_reads_back() {
        let (region, account) = ("us-east-1".parse().unwrap(), "123456789012".parse().unwrap());
        let random = uuid::Uuid::from_u128(7);
        let arn = CodeSigningConfigArn::new(&region, &account, random);
        assert_eq!(arn.as_str().parse::<CodeSigningConfigArn>().unwrap(), arn);
        assert_eq!(
            (arn.region(), arn.account(), arn.id().len()),
            ("us-east-1", "123456789012", 21)
        );
        let arn = EventSourceMappingArn::new(&region, &account, random);
        assert_eq!(arn.as_str().parse::<EventSourceMappingArn>().unwrap(), arn);
        assert_eq!(arn.id(), random.to_string());
    }

    #[test]
    fn other_arns_are_refused() {
        let good =
            "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdefg";
        assert!(good.parse::<CodeSigningConfigArn>().is_ok());
        for (from, to) in [
            (":aws:", ":aws-cn:"),
            ("lambda", "signer"),
            ("us-east-1", "mars"),
            ("123456789012", "12345678901"),
            ("code-signing-config", "event-source-mapping"),
            ("csc-", ""),
            ("abcdefg", "abcdef"),
            ("abcdefg", "abcdefG"),
        ] {
            assert!(good.replace(from, to).parse::<CodeSigningConfigArn>().is_err(), "{from} {to}");
        }
    }
}
