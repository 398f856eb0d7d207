//! OpenID Connect providers: the issuers of tokens that an account believes, and for whom the tokens
//! have to be. Source: IAM API reference, `CreateOpenIDConnectProvider`; quotas: IAM user guide, "IAM
//! and AWS STS quotas".

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use crate::arn::Partition;
use crate::error::{IdentityError, InvalidValue};
use crate::ids::AccountId;
use crate::tags::{Tagged, Tags};

/// Most OpenID Connect providers of an account.
pub(crate) const OIDC_PROVIDERS_PER_ACCOUNT_MAX: usize = 100;
/// Most client ids of a provider.
pub(crate) const CLIENT_IDS_PER_PROVIDER_MAX: usize = 100;
/// Most thumbprints of a provider.
pub(crate) const THUMBPRINTS_PER_PROVIDER_MAX: usize = 5;
/// Longest URL of an issuer, in characters.
const URL_CHARACTERS_MAX: usize = 255;
/// Characters of the SHA-1 hash of a certificate in hexadecimal.
const THUMBPRINT_CHARACTERS: usize = 40;

/// The URL of an issuer without its `https://`: what the provider's ARN ends with, and what its
/// condition keys begin with.
///
/// Invariant: a host of letters, digits, dots and hyphens, then perhaps a path of what needs no
/// encoding in a URL; no port, no query, 1..=247 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerName(Box<str>);

impl IssuerName {
    /// The issuer of a URL that begins with `https://`; one slash at its end counts for nothing.
    ///
    /// # Errors
    /// [`InvalidValue`] for another scheme, a port, a query, or what is no URL.
    pub fn of_url(url: &str) -> Result<Self, InvalidValue> {
        let invalid = || InvalidValue::new("Invalid Open ID Connect Provider URL");
        let fits = url.chars().count() <= URL_CHARACTERS_MAX;
        let name = url.strip_prefix("https://").filter(|_| fits).ok_or_else(invalid)?;
        name.strip_suffix('/').unwrap_or(name).parse().map_err(|_| invalid())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN of the provider of this issuer in `account`.
    #[must_use]
    pub fn arn(&self, partition: Partition, account: AccountId) -> String {
        format!("arn:{partition}:iam::{account}:oidc-provider/{self}")
    }
}

impl FromStr for IssuerName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (host, path) = text.split_once('/').unwrap_or((text, "."));
        let host_part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let path_part = |part: &str| {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%+=@:!".contains(&byte);
            !part.is_empty() && part.bytes().all(legal)
        };
        let legal = host.split('.').all(host_part) && path.split('/').all(path_part);
        if !legal || text.len() > URL_CHARACTERS_MAX {
            return Err(InvalidValue::new(format!("{text} is not the name of an issuer.")));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for IssuerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-1 hash of a certificate: 40 hexadecimal digits, in lower case.
///
/// Kept and shown; it decides nothing here: an issuer's keys are those that the operator names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbprint(Box<str>);

impl Thumbprint {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Thumbprint {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let is_hash = text.len() == THUMBPRINT_CHARACTERS;
        if !is_hash || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidValue::new("Thumbprint must be 40 hexadecimal characters."));
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

/// An issuer of tokens that an account believes.
///
/// Invariant: within the quotas; no client id twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcProvider {
    /// Whose it is.
    pub account: AccountId,
    /// The issuer; an account has one provider of it at most.
    pub issuer: IssuerName,
    /// For whom tokens have to be: the audiences, in the order in which they were added.
    pub client_ids: Vec<Box<str>>,
    /// What certificates of the issuer have.
    pub thumbprints: Vec<Thumbprint>,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
}

impl Tagged for OidcProvider {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

/// Gives `account` the provider `new`; `existing` is how many it has, and `taken` whether it has
/// one of that issuer.
///
/// # Errors
/// [`IdentityError::OidcProviderExists`]; [`IdentityError::QuotaExceeded`] for too many providers,
/// client ids or thumbprints.
pub fn create_oidc_provider(
    new: OidcProvider,
    existing: usize,
    taken: bool,
) -> Result<OidcProvider, IdentityError> {
    if taken {
        return Err(IdentityError::OidcProviderExists(new.issuer));
    }
    within("OpenIdConnectProvidersPerAccount", existing + 1, OIDC_PROVIDERS_PER_ACCOUNT_MAX)?;
    let bare = OidcProvider { client_ids: Vec::new(), ..new.clone() };
    let provider = new.client_ids.iter().try_fold(bare, |one, id| add_client_id(&one, id))?;
    check_thumbprints(&provider.thumbprints)?;
    Ok(provider)
}

/// The provider with a client id more; one that it has is fine.
///
/// # Errors
/// [`IdentityError::QuotaExceeded`].
pub fn add_client_id(provider: &OidcProvider, id: &str) -> Result<OidcProvider, IdentityError> {
    let mut changed = provider.clone();
    if !provider.client_ids.iter().any(|known| **known == *id) {
        changed.client_ids.push(id.into());
    }
    let (count, max) = (changed.client_ids.len(), CLIENT_IDS_PER_PROVIDER_MAX);
    within("ClientIdsPerOpenIdConnectProvider", count, max)?;
    Ok(changed)
}

/// The provider without a client id; one that it has not is fine.
#[must_use]
pub fn remove_client_id(provider: &OidcProvider, id: &str) -> OidcProvider {
    let mut changed = provider.clone();
    changed.client_ids.retain(|known| **known != *id);
    changed
}

/// The provider with these thumbprints instead of its own.
///
/// # Errors
/// [`IdentityError::QuotaExceeded`].
pub fn update_thumbprints(
    provider: &OidcProvider,
    thumbprints: Vec<Thumbprint>,
) -> Result<OidcProvider, IdentityError> {
    check_thumbprints(&thumbprints)?;
    Ok(OidcProvider { thumbprints, ..provider.clone() })
}

fn check_thumbprints(thumbprints: &[Thumbprint]) -> Result<(), IdentityError> {
    let quota = "ThumbprintsPerOpenIdConnectProvider";
    within(quota, thumbprints.len(), THUMBPRINTS_PER_PROVIDER_MAX)
}

fn within(quota: &'static str, count: usize, limit: usize) -> Result<(), IdentityError> {
    if count <= limit { Ok(()) } else { Err(IdentityError::QuotaExceeded { quota, limit }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{account, now};

    fn provider(client_ids: &[&str], thumbprints: usize) -> OidcProvider {
        OidcProvider {
            account: account(),
            issuer: "idp.example.com/tenant".parse().unwrap(),
            client_ids: client_ids.iter().map(|id| Box::from(*id)).collect(),
            thumbprints: vec!["ab".repeat(20).parse().unwrap(); thumbprints],
            created: now(),
            tags: Tags::default(),
        }
    }

    #[track_caller]
    fn check(url: &str, want: Option<&str>) {
        let got = IssuerName::of_url(url).ok();
        assert_eq!(got.as_ref().map(IssuerName::as_str), want, "{url}");
    }

    #[test]
    #[rustfmt::skip]
    fn an_issuer_is_an_https_url_without_port_and_query() {
        check("https://idp.example.com",            Some("idp.example.com"));
        check("https://idp.example.com/",           Some("idp.example.com"));
        check("https://idp.example.com/a/b-1._~",   Some("idp.example.com/a/b-1._~"));
        check("http://idp.example.com",             None);
        check("idp.example.com",                    None);
        check("https://",                           None);
        check("https:///a",                         None);
        check("https://idp.example.com:8443",       None);
        check("https://idp.example.com/a?b=c",      None);
        check("https://idp.example.com/a#b",        None);
        check("https://idp.example.com//a",         None);
        check("https://idp..example.com",           None);
        check("https://u@idp.example.com",          None);
        check("https://idp.example.com/*",          None);
        check("https://idp.example.com/${a}",       None);
        check(&format!("https://{}", "a".repeat(247)), Some(&"a".repeat(247)));
        check(&format!("https://{}", "a".repeat(248)), None);
    }

    #[track_caller]
    fn refused(new: OidcProvider, existing: usize, taken: bool, want: Result<usize, &str>) {
        let got = create_oidc_provider(new, existing, taken);
        let got = got.map(|provider| provider.client_ids.len());
        assert_eq!(got.as_ref().map_err(IdentityError::code).copied(), want);
    }

    #[test]
    fn providers_are_within_their_quotas_or_refused() {
        let ids: Vec<String> = (0..101).map(|n| format!("client-{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        refused(provider(&["a", "b", "a"], 5), 99, false, Ok(2));
        refused(provider(&["a"], 0), 100, false, Err("LimitExceeded"));
        refused(provider(&["a"], 6), 0, false, Err("LimitExceeded"));
        refused(provider(&["a"], 0), 0, true, Err("EntityAlreadyExists"));
        refused(provider(&ids[..100], 0), 0, false, Ok(100));
        refused(provider(&ids, 0), 0, false, Err("LimitExceeded"));
    }

    #[test]
    fn client_ids_come_and_go_once() {
        let one = add_client_id(&provider(&["a"], 0), "b").unwrap();
        assert_eq!(add_client_id(&one, "b").unwrap(), one);
        assert_eq!(remove_client_id(&one, "b"), provider(&["a"], 0));
        assert_eq!(remove_client_id(&one, "c"), one);
    }

    #[test]
    fn a_thumbprint_is_forty_hexadecimal_digits() {
        assert_eq!("AB".repeat(20).parse::<Thumbprint>().unwrap().as_str(), "ab".repeat(20));
        for text in ["", "ab", &"ag".repeat(20), &"ab".repeat(21)] {
            assert!(text.parse::<Thumbprint>().is_err(), "{text}");
        }
    }
}
