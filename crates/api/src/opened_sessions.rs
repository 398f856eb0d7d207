//! The sessions whose tokens proved genuine lately, opened: to unseal a token and to derive its
//! secret costs more than all else that a signed call needs to be believed.
//!
//! What is kept follows from the token alone: what it says, its secret, the names that it calls
//! under. Whether the session is over, or whoever it was made for is gone, is asked at every call.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use portcullis_catalog::{AttachedPolicy, LastSigningKey};
use portcullis_iam::{DocumentKind, Policy, PolicyError};
use portcullis_identity::{
    AccessKeyId, Partition, SecretAccessKey, SessionError, SessionIdentity, SessionKeys,
};
use subtle::{Choice, ConstantTimeEq as _};

/// Places for sessions; one more takes the place of another.
const PLACES: usize = 1024;

/// Longest token whose session is kept, in bytes. Longer are those with a session policy of more
/// than about a thousand characters; one as long takes some tens of KiB compiled, so that all
/// places together take some tens of MiB at the very most, and below one as sessions usually are.
const KEPT_TOKEN_BYTES_MAX: usize = 2048;

/// A session whose token was sealed by us; nothing is proven by that yet.
pub(crate) struct OpenedSession {
    pub(crate) id: AccessKeyId,
    pub(crate) identity: SessionIdentity,
    pub(crate) secret: SecretAccessKey,
    pub(crate) signing: LastSigningKey,
    token: Box<str>,
    keys: SessionKeys,
    policy: OnceLock<Option<Arc<AttachedPolicy>>>,
}

impl OpenedSession {
    fn open(
        keys: &SessionKeys,
        partition: Partition,
        token: &str,
        id: &AccessKeyId,
        now: Timestamp,
    ) -> Result<Self, SessionError> {
        let claims = keys.open(token, id, now)?;
        Ok(Self {
            secret: keys.secret(&claims, id),
            id: id.clone(),
            identity: SessionIdentity::new(claims, partition),
            signing: LastSigningKey::default(),
            token: token.into(),
            keys: keys.clone(),
            policy: OnceLock::new(),
        })
    }

    /// Whether it is the session of this token; in a time that tells nothing of either.
    fn is_of(&self, token: &str, id: &AccessKeyId) -> bool {
        self.id == *id && same(self.token.as_bytes(), token.as_bytes())
    }

    /// Whether `keys` open its token still, and to a session that is not over.
    ///
    /// # Errors
    /// As [`SessionKeys::open`].
    pub(crate) fn check(&self, keys: &SessionKeys, now: Timestamp) -> Result<(), SessionError> {
        if self.keys != *keys {
            return Err(SessionError::Invalid);
        }
        if now >= self.identity.claims().expires { Err(SessionError::Expired) } else { Ok(()) }
    }

    /// The policy that was passed with the session, as that of `arn`, the session itself.
    ///
    /// # Errors
    /// One that an earlier build accepted and this one does not.
    pub(crate) fn policy(&self, arn: &str) -> Result<Option<Arc<AttachedPolicy>>, PolicyError> {
        if let Some(known) = self.policy.get() {
            return Ok(known.clone());
        }
        let parse = |text: &str| Policy::parse(DocumentKind::Session, text);
        let policy = self.identity.claims().policies.inline().map(parse).transpose()?;
        let policy = policy.map(|policy| AttachedPolicy::new(arn, policy));
        Ok(self.policy.get_or_init(|| policy).clone())
    }
}

/// Whether these are the same bytes, in a time that depends on their number alone. By words, as
/// tokens are long.
fn same(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks(), other.as_chunks());
    let pairs = words.iter().zip(other_words);
    let words = pairs.fold(Choice::from(1), |same, (one, other)| {
        same & u64::from_ne_bytes(*one).ct_eq(&u64::from_ne_bytes(*other))
    });
    one.len() == other.len() && (words & rest.ct_eq(other_rest)).into()
}

/// The places of sessions, by access key id.
pub(crate) struct OpenedSessions {
    partition: Partition,
    places: Box<[ArcSwapOption<OpenedSession>]>,
    hasher: RandomState,
}

impl OpenedSessions {
    /// None yet; `partition` is what the names of all begin with.
    pub(crate) fn new(partition: Partition) -> Self {
        let places = (0..PLACES).map(|_| ArcSwapOption::empty()).collect();
        Self { partition, places, hasher: RandomState::new() }
    }

    /// The session of a token: as it was kept, or opened now.
    ///
    /// # Errors
    /// As [`SessionKeys::open`].
    pub(crate) fn open(
        &self,
        keys: &SessionKeys,
        token: &str,
        id: &AccessKeyId,
        now: Timestamp,
    ) -> Result<Arc<OpenedSession>, SessionError> {
        let kept = self.place(id).and_then(ArcSwapOption::load_full);
        match kept.filter(|kept| kept.is_of(token, id)) {
            Some(kept) => kept.check(keys, now).map(|()| kept),
            None => OpenedSession::open(keys, self.partition, token, id, now).map(Arc::new),
        }
    }

    /// Keeps a session whose bearer proved to have its secret: nobody else takes a place.
    pub(crate) fn keep(&self, session: &Arc<OpenedSession>) {
        let Some(place) = self.place(&session.id) else { return };
        let is_kept = place.load().as_ref().is_some_and(|kept| Arc::ptr_eq(kept, session));
        if !is_kept && session.token.len() <= KEPT_TOKEN_BYTES_MAX {
            place.store(Some(session.clone()));
        }
    }

    fn place(&self, id: &AccessKeyId) -> Option<&ArcSwapOption<OpenedSession>> {
        let hash = usize::try_from(self.hasher.hash_one(id.as_str()) % PLACES as u64).ok()?;
        self.places.get(hash)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use portcullis_identity::{
        AccountId, Bearer, Caller, GetFederationToken, Issuer, RootIdentity, SessionCredentials,
        SessionMarks, SessionPolicies, generate,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn sessions() -> OpenedSessions {
        OpenedSessions::new(Partition::Aws)
    }

    fn issued(keys: &SessionKeys, policy: Option<&str>) -> SessionCredentials {
        let account: AccountId = "123456789012".parse().unwrap();
        let partition = Partition::Aws;
        let caller = Caller::root(Arc::new(RootIdentity::new(account, partition)));
        let key = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
        let policies = SessionPolicies::new(policy, Vec::new()).unwrap();
        let request = GetFederationToken {
            bearer: Bearer { caller: &caller, key: Some(&key) },
            name: &"Susan".parse().unwrap(),
            duration_seconds: Some(900),
            policies: &policies,
            marks: &SessionMarks::default(),
        };
        let seed = generate::session_seed(account).unwrap();
        Issuer { keys, partition, now: NOW }.federation_token(request, seed).unwrap().credentials
    }

    fn open(
        sessions: &OpenedSessions,
        keys: &SessionKeys,
        made: &SessionCredentials,
        after_seconds: i64,
    ) -> Result<Arc<OpenedSession>, SessionError> {
        let now = NOW + SignedDuration::from_secs(after_seconds);
        sessions.open(keys, &made.session_token, &made.access_key_id, now)
    }

    #[test]
    fn a_session_is_opened_once_after_its_proof_and_ends_all_the_same() {
        let (sessions, keys) = (sessions(), generate::session_keys().unwrap());
        let made = issued(&keys, None);
        let first = open(&sessions, &keys, &made, 0).unwrap();
        assert!(!Arc::ptr_eq(&first, &open(&sessions, &keys, &made, 0).unwrap()), "no proof yet");
        sessions.keep(&first);
        assert!(Arc::ptr_eq(&first, &open(&sessions, &keys, &made, 899).unwrap()));
        assert_eq!(first.secret, made.secret_access_key);
        assert_eq!(open(&sessions, &keys, &made, 900).err(), Some(SessionError::Expired));
    }

    #[test]
    fn what_is_kept_is_for_its_token_its_id_and_its_keys_only() {
        let (sessions, keys) = (sessions(), generate::session_keys().unwrap());
        let (made, other) = (issued(&keys, None), issued(&keys, None));
        sessions.keep(&open(&sessions, &keys, &made, 0).unwrap());
        let refused = |keys: &SessionKeys, token: &str, id: &AccessKeyId| {
            sessions.open(keys, token, id, NOW).err() == Some(SessionError::Invalid)
        };
        let token = &*made.session_token;
        assert!(refused(&keys, token, &other.access_key_id));
        assert!(refused(&keys, &other.session_token, &made.access_key_id));
        assert!(refused(&keys, &token[..token.len() - 4], &made.access_key_id));
        assert!(refused(&keys, "", &made.access_key_id));
        assert!(refused(&generate::session_keys().unwrap(), token, &made.access_key_id));
    }

    #[test]
    fn only_the_same_bytes_are_the_same() {
        let bytes: Vec<u8> = (0..19).collect();
        for length in 0..bytes.len() {
            let some = &bytes[..length];
            assert!(same(some, some));
            assert!(!same(some, &bytes) && !same(&bytes, some), "{length}");
            let mut changed = bytes.clone();
            changed[length] ^= 0x80;
            assert!(!same(&changed, &bytes), "{length}");
        }
    }

    #[test]
    fn a_session_with_a_long_token_is_opened_each_time() {
        let (sessions, keys) = (sessions(), generate::session_keys().unwrap());
        let statement = r#"{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}"#;
        let statements = [statement; 25].join(",");
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let long = issued(&keys, Some(&policy));
        assert!(long.session_token.len() > KEPT_TOKEN_BYTES_MAX);
        let first = open(&sessions, &keys, &long, 0).unwrap();
        sessions.keep(&first);
        assert!(!Arc::ptr_eq(&first, &open(&sessions, &keys, &long, 0).unwrap()));
    }

    #[test]
    fn the_policy_of_a_session_is_read_once() {
        let (sessions, keys) = (sessions(), generate::session_keys().unwrap());
        let statement = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
        let policy = &format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let session = open(&sessions, &keys, &issued(&keys, Some(policy)), 0).unwrap();
        let read = || session.policy("arn:aws:sts::123456789012:federated-user/Susan").unwrap();
        assert!(Arc::ptr_eq(&read().unwrap(), &read().unwrap()));
        let without = open(&sessions, &keys, &issued(&keys, None), 0).unwrap();
        assert!(without.policy("arn").unwrap().is_none());
    }
}
