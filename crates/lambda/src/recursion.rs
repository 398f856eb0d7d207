//! What becomes of functions that call each other in a loop.
//!
//! Source: `[doc]` recursive loop detection; here a chain of destinations is what can loop.

use std::str::FromStr;

use crate::InvalidValue;

/// Whether a function may be called by a chain of calls that it is part of, again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecursiveLoop {
    /// It may.
    Allow,
    /// The chain ends after [`RecursiveLoop::ROUNDS_MAX`] rounds.
    #[default]
    Terminate,
}

impl RecursiveLoop {
    /// AWS ends a loop after about 16 rounds (`[doc]`).
    pub const ROUNDS_MAX: u8 = 16;

    /// The value on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Terminate => "Terminate",
        }
    }

    /// The round after `rounds` of them; `None` where the loop ends.
    #[must_use]
    pub fn next_round(self, rounds: u8) -> Option<u8> {
        match self {
            Self::Allow => Some(rounds.saturating_add(1)),
            Self::Terminate => rounds.checked_add(1).filter(|next| *next <= Self::ROUNDS_MAX),
        }
    }
}

impl FromStr for RecursiveLoop {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let all = [Self::Allow, Self::Terminate];
        let refusal = || InvalidValue::new("recursive loop", text, "Allow or Terminate");
        all.into_iter().find(|one| one.as_str() == text).ok_or_else(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::RecursiveLoop;

    #[test]
    fn a_loop_ends_after_sixteen_rounds_unless_it_is_allowed() {
        let count = |kind: RecursiveLoop| {
            let rounds = std::iter::successors(Some(0), |rounds| kind.next_round(*rounds));
            rounds.take(1000).count() - 1
        };
        assert_eq!(count(RecursiveLoop::Terminate), 16);
        assert_eq!(count(RecursiveLoop::Allow), 999);
    }
}
