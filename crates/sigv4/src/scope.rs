//! The credential scope: what a signature is good for.

use crate::{SignatureError, date::BasicDate};

/// `DATE/REGION/SERVICE/aws4_request`: the day, region and service that a key was derived for.
///
/// Invariant: four elements, none empty. The last one may be wrong: [`crate::Claim::check_scope`]
/// says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    text: String,
    /// Where the slashes are.
    slashes: [usize; 3],
}

impl Scope {
    /// The day, `YYYYMMDD`.
    #[must_use]
    pub fn date(&self) -> &str {
        self.text.get(..self.slashes[0]).unwrap_or_default()
    }

    /// The region, as the client wrote it.
    #[must_use]
    pub fn region(&self) -> &str {
        self.between(self.slashes[0], self.slashes[1])
    }

    /// The service's signing name, as the client wrote it.
    #[must_use]
    pub fn service(&self) -> &str {
        self.between(self.slashes[1], self.slashes[2])
    }

    fn terminator(&self) -> &str {
        self.between(self.slashes[2], self.text.len())
    }

    /// The element after the slash at `before`, up to `end`.
    fn between(&self, before: usize, end: usize) -> &str {
        self.text.get(before.saturating_add(1)..end).unwrap_or_default()
    }

    pub(crate) fn new(date: &BasicDate, region: &str, service: &str) -> Self {
        Self::of(format!("{}/{region}/{service}/{TERMINATOR}", date.day()))
    }

    fn of(text: String) -> Self {
        let mut slashes = [0; 3];
        let found = text.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
        slashes.iter_mut().zip(found).for_each(|(place, (at, _))| *place = at);
        Self { text, slashes }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Splits `KEYID/DATE/REGION/SERVICE/TERMINATOR`.
    pub(crate) fn parse_credential(text: &str) -> Result<(String, Self), SignatureError> {
        let mut elements = text.as_bytes().split(|byte| *byte == b'/');
        if elements.clone().count() != 5 || elements.any(<[u8]>::is_empty) {
            return Err(SignatureError::incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{text}'"
            )));
        }
        let (access_key_id, scope) = text.split_once('/').unwrap_or_default();
        Ok((access_key_id.to_owned(), Self::of(scope.to_owned())))
    }

    /// Whether the scope is one that a signature of this date can have at all.
    pub(crate) fn fits(&self, date: &BasicDate) -> bool {
        self.terminator() == TERMINATOR && self.date() == date.day()
    }

    /// Every fault in one text, in AWS's order.
    pub(crate) fn check(
        &self,
        regions: &[&str],
        service: &str,
        date: &BasicDate,
    ) -> Result<(), SignatureError> {
        let mut faults = String::new();
        if !regions.contains(&self.region()) {
            let region = self.region();
            faults += &format!("Credential should be scoped to a valid region, not '{region}'. ");
        }
        if self.service() != service {
            faults += &format!("Credential should be scoped to correct service: '{service}'. ");
        }
        if self.terminator() != TERMINATOR {
            let terminator = self.terminator();
            faults += &format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not \
                 '{terminator}'. "
            );
        }
        if self.date() != date.day() {
            faults += &format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP: '{}' != '{}', from '{date}'.",
                self.date(),
                date.day()
            );
        }
        if faults.is_empty() { Ok(()) } else { Err(SignatureError::Scope(faults)) }
    }
}

/// What the last element of every scope must be.
pub(crate) const TERMINATOR: &str = "aws4_request";
