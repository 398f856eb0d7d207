//! What a call costs beside the engine's decision: the question, and that both are kept.
//!
//! `cargo bench -p portcullis-catalog` prints the processor time of a decided call, the log's thread
//! included, made by one thread and by two: the medians of some runs.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::{
    fs,
    net::Ipv4Addr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use arc_swap::Guard;
use jiff::Timestamp;
use portcullis_catalog::{
    Access, Catalog, Permit, Resource, RoleResource, Snapshot, TrustingRole, UserResource,
    decisions::{DecisionSettings, Decisions, Origin, RequestId, Slot},
    effects::{RoleSettings, RootKey, UserSettings},
};
use portcullis_iam::{Context, Value};
use portcullis_identity::{AccountId, Caller, MaxSessionDuration, Partition, Tags};
use portcullis_model::{
    Operation,
    iam::operation::{CreateRole, CreateUser, PutUserPolicy},
    sts::operation::AssumeRole,
};
use portcullis_store::suite::MemoryStore;
use tempfile::TempDir;

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 9;
const CALLS: u64 = 1_000_000;
const USER: &str = "alice";

/// A tick of the kernel's account, in nanoseconds: `USER_HZ` is 100.
const TICK: u64 = 10_000_000;

/// What a user who works with roles may do.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}},
{"Effect":"Allow","Action":["lambda:Get*","lambda:List*"],"Resource":"*"},
{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/*","Condition":{"IpAddress":{"aws:SourceIp":["127.0.0.0/8","10.0.0.0/8"]}}},
{"Effect":"Allow","Action":"lambda:Update*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"${aws:ResourceTag/team}"}}},
{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}]}"#;

/// Who may assume the role: services for a source, an organization, an account.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:us-east-1:123456789012:rule/nightly"},"StringEquals":{"aws:SourceAccount":"123456789012"}}},
{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}},
{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}},
{"Effect":"Allow","Principal":{"AWS":"223456789012"},"Action":"sts:AssumeRole"},
{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = TempDir::new().unwrap();
    let bench = runtime.block_on(Bench::new(&folder));
    for threads in [1, 2] {
        let mut runs: Vec<_> = (0..=RUNS).map(|_| bench.run(threads)).skip(1).collect();
        runs.sort_unstable();
        println!("{threads} threads: {} ns a call, of {runs:?}", runs.get(RUNS / 2).unwrap());
    }
    runtime.block_on(bench.decisions.close());
}

/// A user, who may assume a role.
struct Bench {
    decisions: Arc<Decisions>,
    catalog: Arc<Catalog>,
    snapshot: Arc<Snapshot>,
    caller: Caller,
}

impl Bench {
    async fn new(folder: &TempDir) -> Self {
        let decisions = Decisions::open(DecisionSettings {
            folder: folder.path().to_owned(),
            file_bytes: 64 << 20,
            files: 2,
            in_memory: 10_000,
        });
        let catalog = Catalog::open(Arc::new(MemoryStore::new()), Partition::Aws).await.unwrap();
        let (id, secret) = ("AKIAOPERATOR00000001".parse().unwrap(), "a-secret".parse().unwrap());
        catalog.start(account(), &RootKey { id, secret }, now()).await.unwrap();
        let snapshot = Guard::into_inner(catalog.load());
        let caller = Caller::root(snapshot.root(account()).unwrap().clone());
        let mut bench = Self { decisions: decisions.unwrap(), catalog, snapshot, caller };
        bench.furnish().await;
        bench.snapshot = Guard::into_inner(bench.catalog.load());
        let user = bench.snapshot.user(account(), &USER.parse().unwrap()).unwrap();
        bench.caller = Caller::user(user.identity.clone(), user.stored.id).unwrap();
        bench
    }

    async fn furnish(&self) {
        let (catalog, user) = (&self.catalog, || {
            UserResource::new(&self.catalog.load(), account(), USER.parse().unwrap())
        });
        let permit = self.permit::<CreateUser, _>(user());
        catalog.create_user(permit, UserSettings::default(), now()).await.unwrap();
        let permit = self.permit::<PutUserPolicy, _>(user());
        catalog.put_inline_policy(permit, &"work".parse().unwrap(), POLICY).await.unwrap();
        let settings = RoleSettings {
            trust_policy: TRUST.into(),
            description: None,
            max_session_duration: MaxSessionDuration::default(),
            tags: Tags::default(),
            boundary: None,
        };
        let permit = self.permit::<CreateRole, _>(self.role());
        catalog.create_role(permit, settings, now()).await.unwrap();
    }

    fn role(&self) -> RoleResource {
        RoleResource::new(&self.snapshot, account(), "deploy".parse().unwrap())
    }

    fn permit<A: Operation, R: Resource>(&self, resource: R) -> Permit<A, R> {
        let origin = Origin {
            request_id: RequestId::random(),
            time: now(),
            access_key_id: Some("AKIAOPERATOR00000001".parse().unwrap()),
            source: Ipv4Addr::LOCALHOST.into(),
        };
        let access = Access {
            caller: &self.caller,
            session_policy: None,
            context: &Keys,
            origin: &origin,
            slot: slot(&self.decisions),
        };
        self.snapshot.authorize(&access, resource).unwrap()
    }

    /// Nanoseconds of processor time of a call, of all threads.
    fn run(&self, threads: u64) -> u64 {
        let before = processor_time();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..CALLS / threads {
                        let permit = self.permit::<AssumeRole, _>(TrustingRole(self.role()));
                        std::hint::black_box(permit.resource());
                    }
                });
            }
        });
        wait_for(|| (self.decisions.status().unwritten == 0).then_some(()));
        (processor_time() - before) / CALLS
    }
}

/// What the request itself brings.
struct Keys;

impl Context for Keys {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        match key {
            "aws:requestedregion" => Some(Value::Single("us-east-1".into())),
            "aws:sourceip" => Some(Value::Single("127.0.0.1".to_owned().into())),
            _ => None,
        }
    }
}

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// A place for a decision, as soon as there is one.
fn slot(decisions: &Decisions) -> Slot<'_> {
    decisions.slot_at_once().unwrap_or_else(|| wait_for(|| decisions.slot_at_once()))
}

fn wait_for<T>(there: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(it) = there() {
            return it;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "the log does not move");
        thread::sleep(Duration::from_micros(200));
    }
}

/// What all threads of this process have spent, in nanoseconds.
fn processor_time() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    // From the third on: `utime` and `stime` are the 14th and 15th.
    fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum::<u64>()
        * TICK
}
