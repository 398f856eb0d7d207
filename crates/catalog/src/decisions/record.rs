//! One decision, as it is kept.

use std::{fmt, net::IpAddr};

use arrayvec::ArrayString;
use jiff::Timestamp;
use portcullis_iam::{Explanation, Narrowing, Place};
use portcullis_identity::AccessKeyId;
use uuid::{Uuid, fmt::Hyphenated};

use super::question::{Deciding, Outcome, Question};
use crate::Unreadable;

/// The id of a request: a random UUID, hyphenated, in lower case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId(ArrayString<{ Hyphenated::LENGTH }>);

impl RequestId {
    /// A new id.
    #[must_use]
    pub fn random() -> Self {
        Self::of(Uuid::new_v4())
    }

    /// Reads an id in any of the forms of a UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self::of)
    }

    fn of(uuid: Uuid) -> Self {
        let mut text = [0; Hyphenated::LENGTH];
        let text: &str = uuid.hyphenated().encode_lower(&mut text);
        Self(ArrayString::from(text).unwrap_or_default()) // It has this length.
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The address that a request came from as text, as `aws:SourceIp` has it: a mapped one as IPv4.
#[must_use]
pub fn address_text(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(address) => address.to_string(),
        // As `Display` does, in a fifth of the time: every call that is decided has it twice.
        IpAddr::V4(address) => {
            let mut text = String::with_capacity("255.255.255.255".len());
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    text.push('.');
                }
                text.push_str(itoa::Buffer::new().format(octet));
            }
            text
        }
    }
}

/// Which request a decision was made for.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Its id, as the answer has it.
    pub request_id: RequestId,
    /// When it was there whole; conditions on the time are held to it.
    pub time: Timestamp,
    /// The key that it is signed with; `None` if it is not signed.
    pub access_key_id: Option<AccessKeyId>,
    /// The address that it came from.
    pub source: IpAddr,
}

/// One decision: for which request, about what, and what came of it.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The request.
    pub origin: Origin,
    /// What was asked, and what decided it.
    pub question: Question,
    /// What came of it.
    pub outcome: Outcome,
    /// By which statement, if it was one.
    by: Option<Place>,
}

impl Decided {
    /// Decides; `across_accounts` as for [`Outcome::of`].
    pub(crate) fn new(origin: &Origin, question: Question, across_accounts: bool) -> Self {
        let (outcome, by) = Outcome::of(&question, across_accounts);
        Self { origin: origin.clone(), question, outcome, by }
    }

    /// The statement that decided; `None` where no statement did: iam.md §7, root in its own account.
    pub(crate) fn statement(&self) -> Option<Deciding<'_>> {
        self.question.statement(self.by?)
    }

    /// Has `tell` tell why, as [`Question::explain`]; `None` if it was not the policies that decided.
    ///
    /// # Errors
    /// As there.
    pub fn explain<T>(
        &self,
        narrowing: &[Narrowing],
        tell: impl FnOnce(Explanation<'_>) -> T,
    ) -> Option<Result<T, Unreadable>> {
        let by_policies = matches!(self.outcome, Outcome::Decided(_));
        by_policies.then(|| self.question.explain(narrowing, tell))
    }

    /// About how many bytes this holds that nothing else does.
    pub(crate) fn own_bytes(&self) -> usize {
        size_of::<Origin>() + self.question.own_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::address_text;

    #[test]
    fn an_address_is_written_as_it_is_displayed() {
        for (address, want) in [
            ("127.0.0.1", "127.0.0.1"),
            ("0.10.200.255", "0.10.200.255"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(address_text(address.parse().unwrap()), want);
        }
    }
}
