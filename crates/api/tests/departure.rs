//! A caller that leaves while its change is made leaves nothing half-done.

#![expect(clippy::unwrap_used, reason = "a set-up that fails, fails the test")]

#[expect(dead_code, reason = "other tests need the rest of it")]
mod support;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use http::Method;
use portcullis_store::{
    Batch, CommitError, Entry, Key, Page, Revision, Store, StoreError, Transaction, Watch,
    suite::MemoryStore,
};
use support::{ACCOUNT, Call, TestServer};
use tokio::sync::{Semaphore, mpsc};

/// An archive of one empty file.
const ZIP: &str = "UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAABAAAAZlBLAQIUAxQAAAAAAAAAIQAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAACAAQAAAABmUEsFBgAAAAABAAEALwAAAB8AAAAAAA==";

/// A store that answers a commit, which is made, when it is told to.
struct Slow {
    store: MemoryStore,
    made: mpsc::UnboundedSender<()>,
    answers: Semaphore,
}

impl Store for Slow {
    fn get(&self, key: &Key) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        self.store.get(key)
    }

    fn range(
        &self,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, StoreError>> {
        self.store.range(prefix, after, limit)
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        async move {
            let revision = self.store.commit(transaction).await;
            self.made.send(()).unwrap();
            self.answers.acquire().await.unwrap().forget();
            revision
        }
        .boxed()
    }

    fn watch(&self, after: Revision) -> Result<Watch, StoreError> {
        self.store.watch(after)
    }

    fn at_hand(&self, after: Revision) -> Vec<Batch> {
        self.store.at_hand(after)
    }
}

const FUNCTION: &str = "/2015-03-31/functions/f";
const CONFIGURATION: &str = "/2015-03-31/functions/f/configuration";

fn call<'a>(method: Method, path: &'a str, body: &'a str) -> Call<'a> {
    Call { service: "lambda", operation: "-", method, path, body }
}

/// Whether the function is ready and nothing is in progress, within some time.
async fn is_ready_in_time(server: &TestServer) -> bool {
    let get = call(Method::GET, FUNCTION, "");
    for _ in 0..1000 {
        let answer = server.call(&get, Some(&server.root)).await;
        let is = |said: &str| answer.text().contains(said);
        if is(r#""State":"Active""#) && is(r#""LastUpdateStatus":"Successful""#) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn a_function_is_made_ready_though_nobody_waits_for_it_any_more() {
    let (made, mut commits) = mpsc::unbounded_channel();
    let answers = Semaphore::new(Semaphore::MAX_PERMITS);
    let store = Arc::new(Slow { store: MemoryStore::new(), made, answers });
    let server = TestServer::start_on(Arc::clone(&store) as Arc<dyn Store>).await;
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    let role = format!("RoleName=r&AssumeRolePolicyDocument={}", support::form_urlencode(trust));
    server.iam("CreateRole", &role, &server.root).await;
    let create = format!(
        r#"{{"FunctionName":"f","Role":"arn:aws:iam::{ACCOUNT}:role/r","Runtime":"provided.al2023","Handler":"h","Code":{{"ZipFile":"{ZIP}"}}}}"#
    );
    let code = format!(r#"{{"ZipFile":"{ZIP}"}}"#);
    for change in [
        call(Method::POST, "/2015-03-31/functions", &create),
        call(Method::PUT, CONFIGURATION, r#"{"Timeout":7}"#),
        call(Method::PUT, "/2015-03-31/functions/f/code", &code),
    ] {
        while commits.try_recv().is_ok() {}
        store.answers.forget_permits(Semaphore::MAX_PERMITS);
        tokio::select! {
            answer = server.call(&change, Some(&server.root)) => panic!("{}", answer.text()),
            _ = commits.recv() => {}
        }
        // The connection is closed: the server has noticed once another request is answered.
        let get = call(Method::GET, CONFIGURATION, "");
        server.call(&get, Some(&server.root)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        store.answers.add_permits(Semaphore::MAX_PERMITS);
        assert!(is_ready_in_time(&server).await, "after {}", change.path);
    }
}
