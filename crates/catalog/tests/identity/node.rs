//! One node of an installation, and what the laws do with it. Two nodes share a store.

use std::{collections::BTreeSet, fmt::Debug, net::Ipv4Addr, sync::Arc};

use jiff::Timestamp;
use portcullis_catalog::{
    Access, Catalog, Denial, Failure, KeyHolder, Permit, Resource, RoleResource, RootResource,
    Snapshot, TrustingRole, UserResource,
    decisions::{DecisionSettings, Decisions, Origin, RequestId},
    effects::{RoleSettings, RootKey, SessionSettings, StartRefusal, UserSettings},
};
use portcullis_iam::MapContext;
use portcullis_identity::{
    AccessKey, AccountId, Caller, IdentityError, MaxSessionDuration, NewSession, Partition,
    Revoked, SessionIdentity, SessionMarks, SessionName, SessionPolicies, Tags, UserName,
};
use portcullis_model::{
    Operation,
    iam::operation::{
        CreateAccessKey, CreateRole, CreateUser, DeleteAccessKey, DeleteRole, DeleteUser,
        ListAccessKeys, PutUserPolicy,
    },
    sts::operation::AssumeRole,
};
use portcullis_store::{Store, suite::MemoryStore};
use tempfile::TempDir;
use tokio::task::JoinSet;

pub(crate) const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#;
const ROOT_KEY: &str = "AKIAOPERATOR00000001";

/// How many tasks race in a test.
pub(crate) const RACERS: usize = 12;

pub(crate) fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

pub(crate) fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

pub(crate) fn other_account() -> AccountId {
    "223456789012".parse().unwrap()
}

pub(crate) fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

pub(crate) fn key(id: &str, secret: &str) -> RootKey {
    RootKey { id: id.parse().unwrap(), secret: secret.parse().unwrap() }
}

pub(crate) fn root_key() -> RootKey {
    key(ROOT_KEY, "secret-of-the-operator")
}

/// One node on a store that may have others.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) catalog: Arc<Catalog>,
    decisions: Arc<Decisions>,
    _folder: Arc<TempDir>,
}

impl Node {
    /// A node on an empty store, started.
    pub(crate) async fn first() -> (Self, Arc<dyn Store>) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let node = Self::on(&store).await;
        node.start(&root_key()).await.unwrap();
        (node, store)
    }

    /// Two nodes on one store, started.
    pub(crate) async fn pair() -> [Self; 2] {
        let (first, store) = Self::first().await;
        let second = Self::on(&store).await;
        [first, second]
    }

    pub(crate) async fn on(store: &Arc<dyn Store>) -> Self {
        let folder = TempDir::new().unwrap();
        let decisions = Decisions::open(DecisionSettings {
            folder: folder.path().to_owned(),
            file_bytes: 1 << 20,
            files: 1,
            in_memory: 10,
        });
        Self {
            catalog: Catalog::open(store.clone(), Partition::Aws).await.unwrap(),
            decisions: decisions.unwrap(),
            _folder: Arc::new(folder),
        }
    }

    pub(crate) async fn start(&self, key: &RootKey) -> Result<(), Failure<StartRefusal>> {
        self.catalog.start(account(), key, now()).await
    }

    pub(crate) fn root(&self, account: AccountId) -> Caller {
        Caller::root(self.catalog.load().root(account).unwrap().clone())
    }

    pub(crate) fn try_permit<A: Operation, R: Resource>(
        &self,
        caller: &Caller,
        resource: R,
    ) -> Result<Permit<A, R>, Denial> {
        let context = MapContext::new();
        let origin = Origin {
            request_id: RequestId::random(),
            time: now(),
            access_key_id: None,
            source: Ipv4Addr::LOCALHOST.into(),
        };
        let slot = self.decisions.slot_at_once().unwrap();
        let (context, origin) = (&context, &origin);
        let access = Access { caller, session_policy: None, context, origin, slot };
        self.catalog.load().authorize(&access, resource)
    }

    /// What root may do, which is everything in its account.
    pub(crate) fn permit<A: Operation, R: Resource>(&self, resource: R) -> Permit<A, R> {
        self.try_permit(&self.root(account()), resource).unwrap()
    }

    pub(crate) fn user(&self, user: &str) -> UserResource {
        UserResource::new(&self.catalog.load(), account(), name(user))
    }

    pub(crate) fn holder(&self, user: &str) -> KeyHolder {
        KeyHolder::User(self.user(user))
    }

    pub(crate) fn root_holder() -> KeyHolder {
        KeyHolder::Root(RootResource::new(Partition::Aws, account()))
    }

    pub(crate) fn role(&self, role: &str) -> RoleResource {
        RoleResource::new(&self.catalog.load(), account(), role.parse().unwrap())
    }

    pub(crate) async fn create_user_under(
        &self,
        path: &str,
        user: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let path = path.parse().unwrap();
        let resource = UserResource::under(Partition::Aws, account(), path, name(user));
        let permit = self.permit::<CreateUser, _>(resource);
        self.catalog.create_user(permit, UserSettings::default(), now()).await.map(drop)
    }

    pub(crate) async fn create_user(&self, user: &str) -> Result<(), Failure<IdentityError>> {
        self.create_user_under("/", user).await
    }

    pub(crate) async fn delete_user(&self, user: &str) -> Result<(), Failure<IdentityError>> {
        self.catalog.delete_user(self.permit::<DeleteUser, _>(self.user(user))).await
    }

    pub(crate) async fn put_policy(
        &self,
        user: &str,
        policy: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let permit = self.permit::<PutUserPolicy, _>(self.user(user));
        self.catalog.put_inline_policy(permit, &policy.parse().unwrap(), ALLOW).await
    }

    pub(crate) async fn create_key(
        &self,
        holder: KeyHolder,
    ) -> Result<AccessKey, Failure<IdentityError>> {
        self.catalog.create_access_key(self.permit::<CreateAccessKey, _>(holder), now()).await
    }

    pub(crate) async fn delete_key(
        &self,
        holder: KeyHolder,
        key: &AccessKey,
    ) -> Result<(), Failure<IdentityError>> {
        let permit = self.permit::<DeleteAccessKey, _>(holder);
        self.catalog.delete_access_key(permit, &key.id).await
    }

    pub(crate) fn keys(&self, holder: KeyHolder) -> Result<usize, IdentityError> {
        let permit = self.permit::<ListAccessKeys, _>(holder);
        self.catalog.load().list_access_keys(permit, "", 100).map(|page| page.entries.len())
    }

    pub(crate) async fn create_role(
        &self,
        role: &str,
        trusted: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let trust_policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{trusted}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let settings = RoleSettings {
            trust_policy: trust_policy.into(),
            description: None,
            max_session_duration: MaxSessionDuration::default(),
            tags: Tags::default(),
            boundary: None,
        };
        let permit = self.permit::<CreateRole, _>(self.role(role));
        self.catalog.create_role(permit, settings, now()).await.map(drop)
    }

    pub(crate) async fn delete_role(&self, role: &str) -> Result<(), Failure<IdentityError>> {
        self.catalog.delete_role(self.permit::<DeleteRole, _>(self.role(role))).await
    }

    pub(crate) fn assume(&self, caller: &Caller, role: &str) -> Result<NewSession, Denial> {
        let permit = self.try_permit::<AssumeRole, _>(caller, TrustingRole(self.role(role)))?;
        let session: SessionName = "night-run".parse().unwrap();
        let settings =
            SessionSettings { duration_seconds: None, policies: SessionPolicies::default() };
        Ok(self
            .catalog
            .load()
            .assume_role(permit, caller, &session, &settings, &SessionMarks::default(), now())
            .unwrap())
    }

    /// Who a session's token says that its bearer is.
    pub(crate) fn session(&self, assumed: &NewSession) -> Result<Caller, Revoked> {
        let snapshot = self.catalog.load();
        let keys = snapshot.session_keys().unwrap();
        let credentials = &assumed.credentials;
        let id = &credentials.access_key_id;
        let claims = keys.open(&credentials.session_token, id, now()).unwrap();
        assert_eq!(keys.secret(&claims, id), credentials.secret_access_key);
        snapshot.caller_of_session(&SessionIdentity::new(claims, snapshot.partition()))
    }
}

/// The code of a refusal by a rule; a failing catalog fails the test.
pub(crate) fn code<T: Debug>(result: Result<T, Failure<IdentityError>>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Failure::Rule(error)) => error.code(),
        Err(Failure::Catalog(error)) => panic!("{error}"),
    }
}

#[track_caller]
pub(crate) fn check<T: Debug>(result: Result<T, Failure<IdentityError>>, want: &str) {
    assert_eq!(code(result), want);
}

/// Runs `RACERS` of `task` at once, half of them on each node, and counts each outcome.
pub(crate) async fn race<F>(
    nodes: &[Node; 2],
    task: impl Fn(Node, usize) -> F,
) -> Vec<(&'static str, usize)>
where
    F: Future<Output = &'static str> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (index, node) in nodes.iter().cycle().take(RACERS).enumerate() {
        tasks.spawn(task(node.clone(), index));
    }
    let outcomes = tasks.join_all().await;
    let kinds: BTreeSet<_> = outcomes.iter().copied().collect();
    let count = |kind| outcomes.iter().filter(|outcome| **outcome == kind).count();
    kinds.into_iter().map(|kind| (kind, count(kind))).collect()
}

/// Waits until `node` sees what the other one wrote.
pub(crate) async fn settle(node: &Node, seen: impl Fn(&Snapshot) -> bool) {
    while !seen(&node.catalog.load()) {
        tokio::task::yield_now().await;
    }
}
