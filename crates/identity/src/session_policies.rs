//! The policies that a session is made with: they limit it, and never add to what its holder may.
//! Source: STS API reference, `AssumeRole`, parameters `Policy` and `PolicyArns`.

use portcullis_iam::{DocumentKind, SizeLimit};

use crate::error::{IdentityError, InvalidValue};
use crate::managed_policy::PolicyArn;
use crate::policies::check_document;

/// Longest session policy, in characters; white space counts, and so do the ARNs of managed ones.
/// Source: iam.md §2.4.
pub const SESSION_POLICY_CHARACTERS_MAX: usize = SizeLimit::SessionPolicy.max();

/// Most managed session policies of one session.
pub const MANAGED_SESSION_POLICIES_MAX: usize = 10;

/// The session policies of one session. What any of them allows, all of them allow together.
///
/// Invariant: the inline one parses as a session policy; there are at most
/// [`MANAGED_SESSION_POLICIES_MAX`] managed ones, no two alike. Those are looked up whenever the
/// session calls, as their ARNs are what AWS packs into a token: a change of one counts at once, and
/// without one the session may do nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPolicies {
    inline: Option<Box<str>>,
    managed: Vec<PolicyArn>,
}

impl SessionPolicies {
    /// The policies of an inline document and of the ARNs of managed ones. Whether these exist is not
    /// known here.
    ///
    /// # Errors
    /// A constraint of the service for more than [`MANAGED_SESSION_POLICIES_MAX`];
    /// [`IdentityError::InvalidSessionPolicyArn`]; [`IdentityError::SessionPolicyTooLarge`],
    /// [`IdentityError::MalformedPolicyDocument`].
    pub fn new<'a>(
        inline: Option<&str>,
        managed: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, IdentityError> {
        let mut arns = Vec::new();
        let mut given = 0_usize;
        for text in managed {
            given = given.saturating_add(1);
            let invalid = |_| IdentityError::InvalidSessionPolicyArn(text.into());
            let arn: PolicyArn = text.parse().map_err(invalid)?;
            if !arns.contains(&arn) {
                arns.push(arn);
            }
        }
        check_count(given)?;
        let policies = Self { inline: inline.map(Into::into), managed: arns };
        policies.check_size(0)?;
        inline.map_or(Ok(()), |text| check_document(DocumentKind::Session, text))?;
        Ok(policies)
    }

    /// What a token says, which was made of such policies.
    pub(crate) fn sealed(inline: Option<Box<str>>, managed: Vec<PolicyArn>) -> Self {
        Self { inline, managed }
    }

    /// The text of the inline one.
    #[must_use]
    pub fn inline(&self) -> Option<&str> {
        self.inline.as_deref()
    }

    /// The ARNs of the managed ones, in the order in which they were given.
    #[must_use]
    pub fn managed(&self) -> &[PolicyArn] {
        &self.managed
    }

    /// Whether there is none, so that nothing limits the session of a role.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inline.is_none() && self.managed.is_empty()
    }

    /// How much of their limit they take, in percent. Ours are not packed: characters count.
    #[must_use]
    pub fn percent_of_limit(&self) -> usize {
        let arns = self.managed.iter().map(PolicyArn::as_str);
        let characters: usize =
            self.inline().into_iter().chain(arns).map(|t| t.chars().count()).sum();
        characters.saturating_mul(100).div_ceil(SESSION_POLICY_CHARACTERS_MAX)
    }

    /// That they fit a token together with what takes `others` percent of it.
    pub(crate) fn check_size(&self, others: usize) -> Result<(), IdentityError> {
        match self.percent_of_limit().saturating_add(others) {
            0..=100 => Ok(()),
            percent => Err(IdentityError::SessionPolicyTooLarge { percent }),
        }
    }
}

fn check_count(given: usize) -> Result<(), IdentityError> {
    if given <= MANAGED_SESSION_POLICIES_MAX {
        return Ok(());
    }
    let rule =
        format!("Member must have length less than or equal to {MANAGED_SESSION_POLICIES_MAX}");
    Err(InvalidValue::constraint("policyArns", format_args!("[{given} policies]"), &rule).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::ALLOW;

    const READ: &str = "arn:aws:iam::123456789012:policy/teams/read";

    #[track_caller]
    fn check(inline: Option<&str>, managed: &[&str], want: Result<usize, &str>) {
        let got = SessionPolicies::new(inline, managed.iter().copied());
        let got = got.map(|policies| policies.managed().len());
        assert_eq!(got.as_ref().map_err(IdentityError::code).copied(), want, "{managed:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn session_policies_are_up_to_ten_arns_and_a_document_or_refused() {
        let numbered: Vec<String> = (0..11).map(|n| format!("arn:aws:iam::aws:policy/p{n}")).collect();
        let numbered: Vec<&str> = numbered.iter().map(String::as_str).collect();
        check(None,        &[],                              Ok(0));
        check(Some(ALLOW), &[],                              Ok(0));
        check(Some(ALLOW), &[READ],                          Ok(1));
        check(None,        &[READ, READ],                    Ok(1));
        check(None,        &numbered[..10],                  Ok(10));
        check(None,        &numbered,                        Err("ValidationError"));
        check(None,        &[READ; 11],                      Err("ValidationError"));
        check(None,        &["arn:aws:iam::aws:role/x-y-z"], Err("ValidationError"));
        check(None,        &["arn:aws:iam::1:policy/read"],  Err("ValidationError"));
        check(None,        &["nonsense, and long enough"],   Err("ValidationError"));
        check(Some("{"),   &[READ],                          Err("MalformedPolicyDocument"));
    }

    #[test]
    fn document_and_arns_share_one_limit() {
        let room = SESSION_POLICY_CHARACTERS_MAX - READ.len() - ALLOW.len();
        let fits = format!("{ALLOW}{}", " ".repeat(room));
        check(Some(&fits), &[READ], Ok(1));
        check(Some(&format!("{fits} ")), &[READ], Err("PackedPolicyTooLarge"));
        let policies = SessionPolicies::new(None, [READ]).unwrap();
        assert_eq!(policies.percent_of_limit(), 3);
        assert!(policies.check_size(97).is_ok() && policies.check_size(98).is_err());
    }
}
