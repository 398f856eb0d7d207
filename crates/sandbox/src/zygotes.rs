//! The zygotes of a server: one for each runtime that can be forked, started when it is first
//! wanted, replaced when it is gone.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::net::SendFlags;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::jail::Filter;
use crate::lock;
use crate::process::watch;
use crate::protocol::{self, Report, Request, Step, ZygoteHello, ZygoteLaunch};
use crate::spawner::{SpawnError, Spawner, prepare, receive};

/// How long a runtime goes without a zygote after one that failed.
const PAUSE: Duration = Duration::from_secs(60);

/// What tells zygotes apart: the program, and the runtime client that it has loaded.
pub(crate) type Key = (PathBuf, Option<PathBuf>);

/// The server's end of the connection with a zygote. Keepers send over copies of it.
pub(crate) type Connection = Arc<AsyncFd<OwnedFd>>;

enum State {
    Starting,
    Ready(Connection),
    /// It ended or never was; no other before this time.
    Gone(Instant),
}

struct Zygote {
    state: State,
    task: Option<JoinHandle<()>>,
}

impl Drop for Zygote {
    fn drop(&mut self) {
        // With its task the connection goes, and with that the zygote.
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// All zygotes of one sandbox.
#[derive(Default)]
pub(crate) struct Zygotes(Mutex<HashMap<Key, Zygote>>);

impl Zygotes {
    /// The zygote of this kind, if it is ready; else one is started, unless the last one failed a
    /// short time ago.
    pub(crate) fn get(
        self: &Arc<Self>,
        key: Key,
        spawner: &Arc<Spawner>,
        launch: impl FnOnce() -> ZygoteLaunch,
    ) -> Option<Connection> {
        let mut all = lock(&self.0);
        match all.get(&key).map(|zygote| &zygote.state) {
            Some(State::Ready(connection)) => return Some(Arc::clone(connection)),
            Some(State::Starting) => return None,
            Some(State::Gone(until)) if *until > Instant::now() => return None,
            Some(State::Gone(_)) | None => {}
        }
        let (zygotes, spawner) = (Arc::clone(self), Arc::clone(spawner));
        let request = Request::Zygote(Box::new(launch()));
        let life = zygotes.live(key.clone(), spawner, request);
        let task = Some(tokio::spawn(life));
        all.insert(key, Zygote { state: State::Starting, task });
        None
    }

    /// A zygote's life, from its start to its end.
    async fn live(self: Arc<Self>, key: Key, spawner: Arc<Spawner>, request: Request) {
        let program = key.0.display().to_string();
        let pause = match begin(&spawner, &request).await {
            Ok(connection) => {
                self.set(&key, State::Ready(Arc::clone(&connection)));
                tracing::debug!(program, "a zygote is ready");
                // It says nothing more; this is its end.
                let _ = receive(&connection).await;
                tracing::warn!(program, "a zygote has ended; workers start without one meanwhile");
                Duration::ZERO
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, source, program, "no zygote: workers start without one");
                PAUSE
            }
        };
        self.set(&key, State::Gone(Instant::now() + pause));
    }

    fn set(&self, key: &Key, state: State) {
        if let Some(zygote) = lock(&self.0).get_mut(key) {
            zygote.state = state;
        }
    }

    /// Ends all.
    pub(crate) fn close(&self) {
        lock(&self.0).clear();
    }
}

/// Starts a zygote and waits until it can be forked.
async fn begin(spawner: &Spawner, request: &Request) -> Result<Connection, SpawnError> {
    let (ours, theirs) = protocol::pair().map_err(prepare("socket"))?;
    spawner.ask(request, &[theirs.as_fd()]).await?;
    drop(theirs);
    let hello = ZygoteHello { filter: Filter::of_workers()?.to_bytes() };
    protocol::send(&ours, &hello, &[], SendFlags::empty()).step("sendmsg(zygote)")?;
    let connection = watch(ours).map_err(prepare("socket"))?;
    match receive(&connection).await.map_err(prepare("zygote"))? {
        Some((Report::Ready, _)) => Ok(Arc::new(connection)),
        Some((Report::Failed(failure), _)) => Err(failure.into()),
        Some(_) | None => Err(SpawnError::Gone),
    }
}
