//! One decision, as it is kept.

use std::{fmt, net::IpAddr, str};

use jiff::Timestamp;
use portcullis_iam::{Explanation, Narrowing};
use portcullis_identity::AccessKeyId;
use uuid::Uuid;

use super::question::{Outcome, Question};
use crate::Unreadable;

/// The id of a request: a random UUID, hyphenated, in lower case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 36]);

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
        let mut text = [0; 36];
        uuid.hyphenated().encode_lower(&mut text);
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default() // It is ASCII.
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
}

impl Decided {
    /// Decides; `across_accounts` as for [`Outcome::of`].
    pub(crate) fn new(origin: &Origin, question: Question, across_accounts: bool) -> Self {
        let outcome = Outcome::of(&question, across_accounts);
        Self { origin: origin.clone(), question, outcome }
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
