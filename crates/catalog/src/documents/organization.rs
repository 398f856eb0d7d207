//! Organizations as they are stored: each is one value, with its tree, its accounts and its requests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use portcullis_identity::SmallSet;
use portcullis_identity::organization::{
    ByType, CreateAccountFailure, CreateAccountRequest, FeatureSet, Member, Organization,
    OrganizationPolicy, OrganizationPolicyId, OrganizationalUnit, PolicyType, PolicyUse,
};
use serde::{Deserialize, Serialize};

use super::identity::{StoredTag, read, read_tags, read_time, store_tags};
use super::{Document, DocumentError, decode_json, encode_json};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOrganization<'a> {
    id: Cow<'a, str>,
    management: Cow<'a, str>,
    features: StoredFeatures,
    created: Cow<'a, str>,
    root: Cow<'a, str>,
    units: BTreeMap<Cow<'a, str>, StoredUnit<'a>>,
    members: BTreeMap<Cow<'a, str>, StoredMember<'a>>,
    requests: BTreeMap<Cow<'a, str>, StoredRequest<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    service_control: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attached: Attached<'a>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    resource_control: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    resource_attached: Attached<'a>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<Cow<'a, str>, Vec<StoredTag<'a>>>,
}

/// What has which policies of a type.
type Attached<'a> = BTreeMap<Cow<'a, str>, StoredPolicies<'a>>;

fn stored_attached(uses: &PolicyUse) -> Attached<'_> {
    let all = uses.attached.iter();
    all.map(|(target, attached)| (target.to_string().into(), attached.into())).collect()
}

fn read_use(in_force: bool, attached: Attached<'_>) -> Result<PolicyUse, DocumentError> {
    Ok(PolicyUse { in_force, attached: read_map("target", attached)? })
}

/// The policies on one root, unit or account.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct StoredPolicies<'a>(Vec<Cow<'a, str>>);

impl<'a> From<&'a SmallSet<OrganizationPolicyId>> for StoredPolicies<'a> {
    fn from(attached: &'a SmallSet<OrganizationPolicyId>) -> Self {
        Self(attached.iter().map(|id| id.as_str().into()).collect())
    }
}

impl TryFrom<StoredPolicies<'_>> for SmallSet<OrganizationPolicyId> {
    type Error = DocumentError;

    fn try_from(stored: StoredPolicies<'_>) -> Result<Self, DocumentError> {
        stored.0.iter().map(|id| read("attached policy", id)).collect()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPolicy<'a> {
    id: Cow<'a, str>,
    /// One of resource control; the others were there first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    resource_control: bool,
    name: Cow<'a, str>,
    description: Cow<'a, str>,
    document: Cow<'a, str>,
}

impl Document for OrganizationPolicy {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredPolicy {
            id: self.id.as_str().into(),
            resource_control: self.policy_type == PolicyType::ResourceControl,
            name: self.name.as_str().into(),
            description: self.description.as_str().into(),
            document: self.document.as_ref().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredPolicy<'_> = decode_json(bytes)?;
        Ok(Self {
            id: read("id", &stored.id)?,
            policy_type: if stored.resource_control {
                PolicyType::ResourceControl
            } else {
                PolicyType::ServiceControl
            },
            name: read("name", &stored.name)?,
            description: read("description", &stored.description)?,
            document: stored.document.into(),
        })
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredFeatures {
    All,
    ConsolidatedBilling,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredUnit<'a> {
    name: Cow<'a, str>,
    parent: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMember<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Cow<'a, str>>,
    parent: Cow<'a, str>,
    joined: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRequest<'a> {
    name: Cow<'a, str>,
    requested: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<StoredFailure>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredFailure {
    EmailAlreadyExists,
}

impl<'a> From<&'a OrganizationalUnit> for StoredUnit<'a> {
    fn from(unit: &'a OrganizationalUnit) -> Self {
        Self { name: unit.name.as_str().into(), parent: unit.parent.to_string().into() }
    }
}

impl TryFrom<StoredUnit<'_>> for OrganizationalUnit {
    type Error = DocumentError;

    fn try_from(stored: StoredUnit<'_>) -> Result<Self, DocumentError> {
        Ok(Self { name: read("unit name", &stored.name)?, parent: read("parent", &stored.parent)? })
    }
}

impl<'a> From<&'a Member> for StoredMember<'a> {
    fn from(member: &'a Member) -> Self {
        let named = member.named.as_ref();
        Self {
            name: named.map(|(name, _)| name.as_str().into()),
            email: named.map(|(_, email)| email.as_str().into()),
            parent: member.parent.to_string().into(),
            joined: member.joined.to_string().into(),
            closed: member.closed.map(|closed| closed.to_string().into()),
        }
    }
}

impl TryFrom<StoredMember<'_>> for Member {
    type Error = DocumentError;

    fn try_from(stored: StoredMember<'_>) -> Result<Self, DocumentError> {
        let named = match (stored.name, stored.email) {
            (Some(name), Some(email)) => {
                Some((read("account name", &name)?, read("email", &email)?))
            }
            _ => None,
        };
        Ok(Self {
            named,
            parent: read("parent", &stored.parent)?,
            joined: read_time(&stored.joined)?,
            closed: stored.closed.as_deref().map(read_time).transpose()?,
        })
    }
}

impl<'a> From<&'a CreateAccountRequest> for StoredRequest<'a> {
    fn from(request: &'a CreateAccountRequest) -> Self {
        let failure = request.outcome.err().map(|failure| match failure {
            CreateAccountFailure::EmailAlreadyExists => StoredFailure::EmailAlreadyExists,
        });
        Self {
            name: request.name.as_str().into(),
            requested: request.requested.to_string().into(),
            account: request.outcome.ok().map(|account| account.to_string().into()),
            failure,
        }
    }
}

impl TryFrom<StoredRequest<'_>> for CreateAccountRequest {
    type Error = DocumentError;

    fn try_from(stored: StoredRequest<'_>) -> Result<Self, DocumentError> {
        let outcome = match stored.failure {
            Some(StoredFailure::EmailAlreadyExists) => {
                Err(CreateAccountFailure::EmailAlreadyExists)
            }
            None => Ok(read("account", stored.account.as_deref().unwrap_or_default())?),
        };
        let requested = read_time(&stored.requested)?;
        Ok(Self { name: read("account name", &stored.name)?, requested, outcome })
    }
}

impl Document for Organization {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredOrganization {
            id: self.id.as_str().into(),
            management: self.management.as_str().into(),
            features: match self.features {
                FeatureSet::All => StoredFeatures::All,
                FeatureSet::ConsolidatedBilling => StoredFeatures::ConsolidatedBilling,
            },
            created: self.created.to_string().into(),
            root: self.root.as_str().into(),
            units: self.units.iter().map(|(id, unit)| (id.as_str().into(), unit.into())).collect(),
            members: self
                .members
                .iter()
                .map(|(id, one)| (id.as_str().into(), one.into()))
                .collect(),
            requests: self
                .requests
                .iter()
                .map(|(id, one)| (id.as_str().into(), one.into()))
                .collect(),
            service_control: self.policies.service_control.in_force,
            attached: stored_attached(&self.policies.service_control),
            resource_control: self.policies.resource_control.in_force,
            resource_attached: stored_attached(&self.policies.resource_control),
            tags: self
                .tags
                .iter()
                .map(|(id, tags)| (id.to_string().into(), store_tags(tags)))
                .collect(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredOrganization<'_> = decode_json(bytes)?;
        let organization = Self {
            id: read("id", &stored.id)?,
            management: read("management account", &stored.management)?,
            features: match stored.features {
                StoredFeatures::All => FeatureSet::All,
                StoredFeatures::ConsolidatedBilling => FeatureSet::ConsolidatedBilling,
            },
            created: read_time(&stored.created)?,
            root: read("root", &stored.root)?,
            units: read_map("unit", stored.units)?,
            members: read_map("account", stored.members)?,
            policies: ByType {
                service_control: read_use(stored.service_control, stored.attached)?,
                resource_control: read_use(stored.resource_control, stored.resource_attached)?,
            },
            requests: read_map("request", stored.requests)?,
            tags: stored
                .tags
                .iter()
                .map(|(id, tags)| Ok((read("tagged", id)?, read_tags(tags)?)))
                .collect::<Result<_, DocumentError>>()?,
        };
        check_parents(&organization)?;
        Ok(organization)
    }
}

fn read_map<K, V, S>(
    what: &'static str,
    stored: BTreeMap<Cow<'_, str>, S>,
) -> Result<BTreeMap<K, V>, DocumentError>
where
    K: std::str::FromStr + Ord,
    K::Err: std::fmt::Display,
    V: TryFrom<S, Error = DocumentError>,
{
    stored.into_iter().map(|(id, value)| Ok((read(what, &id)?, value.try_into()?))).collect()
}

/// An account below a unit that is not there would escape the root's policies.
fn check_parents(organization: &Organization) -> Result<(), DocumentError> {
    let units = organization.units.values().map(|unit| &unit.parent);
    let parents = units.chain(organization.members.values().map(|member| &member.parent));
    let lost = |parent: &&_| !organization.has(parent) || !organization.leads_to_root(parent);
    match parents.into_iter().find(lost) {
        None => Ok(()),
        Some(parent) => {
            let why = format!("{parent} is not in the organization");
            Err(DocumentError::Invalid { what: "parent", why })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = concat!(
        r#"{"id":"o-a1b2c3d4e5","management":"123456789012","features":"all","#,
        r#""created":"2026-01-02T03:04:05Z","root":"r-ab12","#,
        r#""units":{"ou-ab12-11111111":{"name":"Wörk","parent":"r-ab12"},"#,
        r#""ou-ab12-22222222":{"name":"Tests","parent":"ou-ab12-11111111"}},"#,
        r#""members":{"123456789012":{"parent":"r-ab12","joined":"2026-01-02T03:04:05Z"},"#,
        r#""223456789012":{"name":"Two","email":"two@x.example","parent":"ou-ab12-22222222","joined":"2026-01-03T03:04:05Z","#,
        r#""closed":"2026-01-05T03:04:05Z"}},"#,
        r#""requests":{"car-12345678":{"name":"Two","requested":"2026-01-03T03:04:05Z","account":"223456789012"},"#,
        r#""car-22345678":{"name":"Two","requested":"2026-01-04T03:04:05Z","failure":"email_already_exists"}}}"#
    );

    fn read_back(json: &str) -> Result<Organization, DocumentError> {
        Organization::decode(&[b"\x01", json.as_bytes()].concat())
    }

    const POLICY: &str = r#"{"id":"p-12345678","name":"One","description":"","document":"{}"}"#;

    #[test]
    fn what_is_attached_and_a_policy_stay_as_they_are() {
        let end = r#","service_control":true,"attached":{"ou-ab12-22222222":["p-12345678","p-FullAWSAccess"]},"resource_control":true,"resource_attached":{"r-ab12":["p-22345678","p-RCPFullAWSAccess"]},"tags":{"p-12345678":[{"key":"Team","value":"red"}]}}"#;
        let stored = format!("{}{end}", STORED.strip_suffix('}').unwrap());
        let organization = read_back(&stored).unwrap();
        assert!(organization.policies.iter().all(|one| one.in_force && one.attached.len() == 1));
        assert_eq!(String::from_utf8(organization.encode()).unwrap(), format!("\x01{stored}"));
        let resource = POLICY.replace(r#","name""#, r#","resource_control":true,"name""#);
        for json in [POLICY, &resource] {
            let policy = OrganizationPolicy::decode(format!("\x01{json}").as_bytes()).unwrap();
            assert_eq!(String::from_utf8(policy.encode()).unwrap(), format!("\x01{json}"));
        }
    }

    #[test]
    fn the_stored_form_stays_as_it_is() {
        let organization = read_back(STORED).unwrap();
        assert_eq!(String::from_utf8(organization.encode()).unwrap(), format!("\x01{STORED}"));
        assert_eq!(organization.units.len(), 2);
    }

    #[test]
    #[rustfmt::skip]
    fn an_organization_with_an_invalid_member_is_refused_by_its_name() {
        let rows = [
            ("o-a1b2c3d4e5",                     "a1b2c3d4e5",                    "invalid id"),
            (r#""management":"123456789012""#,   r#""management":"x""#,           "invalid management account"),
            ("Two\",\"email\":\"two@x.example",  "Two\",\"email\":\"two",         "invalid email"),
            (r#""parent":"ou-ab12-22222222""#,   r#""parent":"ou-ab12-33333333""#, "invalid parent"),
            (r#""name":"Wörk","parent":"r-ab12""#, r#""name":"Wörk","parent":"ou-ab12-22222222""#, "invalid parent"),
        ];
        for (old, new, why) in rows {
            assert!(STORED.contains(old), "{old}");
            let error = read_back(&STORED.replacen(old, new, 1)).unwrap_err().to_string();
            assert!(error.contains(why), "{new}: {error}");
        }
    }
}
