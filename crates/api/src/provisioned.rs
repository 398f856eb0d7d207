//! Provisioned concurrency at work: what the catalog says shall be kept ready is made so, after every
//! change and after every start of the server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use jiff::Timestamp;
use portcullis_catalog::{Snapshot, effects::Resolved};
use portcullis_lambda::{ProvisionedCalls, ProvisionedConcurrency};
use portcullis_sandbox::{Event, Outcome, Progress, ProvisionFailure, Provisioned, WorkerSpec};

use crate::{error::ApiError, execution, state::State};

/// The versions of which workers are kept ready.
#[derive(Default)]
pub(crate) struct ProvisionedVersions(Mutex<HashMap<String, Version>>);

/// One of them.
struct Version {
    /// Which code and configuration it is of: the id of workers on demand.
    id: String,
    /// Tells this keeping from an earlier one of the same.
    serial: u64,
    /// When it was last asked for.
    modified: Timestamp,
    count: usize,
    workers: Workers,
}

enum Workers {
    /// The code is being unpacked, the runtime installed.
    Preparing,
    Kept(Arc<Provisioned>),
    /// They cannot even be started.
    Failed,
}

/// How far it is with what a configuration asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Provisioning {
    pub(crate) allocated: u32,
    pub(crate) available: u32,
    pub(crate) status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    InProgress,
    Ready,
    /// The `StatusReason`: `aws-lambda.md §6.7`.
    Failed(&'static str),
}

impl ProvisionedVersions {
    /// Runs an event on a worker of `version` that is ready now; gives it back if there is none.
    pub(crate) async fn run(
        &self,
        version: &str,
        id: &str,
        event: Event,
    ) -> Result<Result<Outcome, ApiError>, Event> {
        let Some(workers) = self.kept(version, id) else { return Err(event) };
        Ok(workers.invoke(event).await?.map_err(execution::failure))
    }

    fn kept(&self, version: &str, id: &str) -> Option<Arc<Provisioned>> {
        match self.versions().get(version).filter(|it| it.id == id)?.workers {
            Workers::Kept(ref workers) => Some(workers.clone()),
            Workers::Preparing | Workers::Failed => None,
        }
    }

    /// What its workers run with.
    pub(crate) fn specs(&self) -> Vec<Arc<WorkerSpec>> {
        let spec = |version: &Version| match &version.workers {
            Workers::Kept(workers) => Some(workers.spec().clone()),
            Workers::Preparing | Workers::Failed => None,
        };
        self.versions().values().filter_map(spec).collect()
    }

    /// How far it is with `config`.
    pub(crate) fn progress(
        &self,
        snapshot: &Snapshot,
        config: &ProvisionedConcurrency,
    ) -> Provisioning {
        let version = snapshot.provisioned_version(config).map(|version| version.to_string());
        let versions = self.versions();
        let workers = version.and_then(|version| versions.get(&version)).map(|it| &it.workers);
        let progress = match workers {
            None | Some(Workers::Preparing) => Progress::default(),
            Some(Workers::Kept(workers)) => workers.progress(),
            Some(Workers::Failed) => {
                Progress { failure: Some(ProvisionFailure::Host), ..Progress::default() }
            }
        };
        shown(progress, config.requested)
    }

    fn versions(&self) -> MutexGuard<'_, HashMap<String, Version>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ours: AWS has places for whatever it lets be asked for.
const NO_PLACES: &str = "This host has no place for more workers that are kept ready.";

fn shown(progress: Progress, requested: ProvisionedCalls) -> Provisioning {
    let capped =
        |count: usize| u32::try_from(count).map_or(requested.get(), |it| it.min(requested.get()));
    let (allocated, available) = (capped(progress.allocated), capped(progress.available));
    let status = match progress.failure {
        _ if available == requested.get() => Status::Ready,
        None => Status::InProgress,
        Some(ProvisionFailure::Function) => Status::Failed("FUNCTION_ERROR_INIT_FAILURE"),
        Some(ProvisionFailure::Timeout) => Status::Failed("FUNCTION_ERROR_INIT_TIMEOUT"),
        Some(ProvisionFailure::Host) => Status::Failed("INTERNAL_ERROR"),
        Some(ProvisionFailure::Places) => Status::Failed(NO_PLACES),
    };
    Provisioning { allocated, available, status }
}

/// Keeps ready what the catalog says, as long as the state lives.
pub(crate) async fn run(state: Weak<State>) {
    let Some(mut changes) = state.upgrade().map(|state| state.catalog.changes()) else { return };
    let mut serial = 0;
    loop {
        let Some(state) = state.upgrade() else { return };
        follow(&state, &mut serial);
        drop(state);
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Lets go what is asked for no longer, and begins with what is asked for newly.
fn follow(state: &Arc<State>, serial: &mut u64) {
    let snapshot = state.catalog.snapshot();
    let wanted: HashMap<_, _> = snapshot
        .provisioned_versions()
        .map(|(version, config)| (execution::version_arn(&version), (version, config)))
        .collect();
    let mut versions = state.execution.provisioned.versions();
    let is_gone = |arn: &String, it: &mut Version| {
        wanted.get(arn).is_none_or(|(version, config)| !it.serves(version, config))
    };
    let gone: Vec<_> = versions.extract_if(is_gone).collect();
    for (arn, (version, config)) in wanted {
        match versions.get_mut(&arn) {
            Some(same) => same.resize(&config),
            None => {
                *serial += 1;
                versions.insert(arn.clone(), Version::preparing(&version, &config, *serial));
                tokio::spawn(begin(state.clone(), arn, version, *serial));
            }
        }
    }
    drop(versions);
    for (_, version) in gone {
        state.execution.let_go(version.workers.kept());
    }
}

/// Gets a version ready to run, and begins to keep workers of it.
async fn begin(state: Arc<State>, arn: String, version: Resolved, serial: u64) {
    let prepared = state.execution.provision(&state.blobs, &version, serial).await;
    let mut versions = state.execution.provisioned.versions();
    // It may have been let go meanwhile.
    let Some(it) = versions.get_mut(&arn).filter(|it| it.serial == serial) else { return };
    it.workers = match prepared {
        Ok(spec) => Workers::Kept(Arc::new(state.execution.keep(&spec, it.count))),
        Err(error) => {
            tracing::error!(%error, version = %arn, "no workers can be kept ready");
            Workers::Failed
        }
    };
}

impl Version {
    fn preparing(version: &Resolved, config: &ProvisionedConcurrency, serial: u64) -> Self {
        let (id, modified) = (execution::worker_id(version), config.modified);
        Self { id, serial, modified, count: count(config), workers: Workers::Preparing }
    }

    /// Whether these are workers for that. What has failed is begun anew when it is asked for again,
    /// unless it is places that it lacks: those that are ready stay.
    fn serves(&self, version: &Resolved, config: &ProvisionedConcurrency) -> bool {
        let failed = match &self.workers {
            Workers::Preparing => false,
            Workers::Kept(workers) => {
                let failure = workers.progress().failure;
                failure.is_some_and(|failure| failure != ProvisionFailure::Places)
            }
            Workers::Failed => true,
        };
        self.id == execution::worker_id(version) && !(failed && self.modified != config.modified)
    }

    fn resize(&mut self, config: &ProvisionedConcurrency) {
        let count = count(config);
        self.modified = config.modified;
        if self.count == count {
            return;
        }
        self.count = count;
        if let Workers::Kept(workers) = &self.workers {
            workers.resize(count);
        }
    }
}

fn count(config: &ProvisionedConcurrency) -> usize {
    usize::try_from(config.requested.get()).unwrap_or(usize::MAX)
}

impl Workers {
    fn kept(self) -> Option<Arc<Provisioned>> {
        match self {
            Self::Kept(workers) => Some(workers),
            Self::Preparing | Self::Failed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(allocated: usize, available: usize, failure: Option<ProvisionFailure>, want: Status) {
        let progress = Progress { allocated, available, failure };
        let got = shown(progress, ProvisionedCalls::new(2).unwrap());
        assert_eq!(got.status, want);
        assert!(got.available <= got.allocated && got.allocated <= 2, "{got:?}");
    }

    #[test]
    fn workers_are_ready_once_all_are() {
        let function = Some(ProvisionFailure::Function);
        check(0, 0, None, Status::InProgress);
        check(2, 1, None, Status::InProgress);
        check(2, 2, None, Status::Ready);
        check(3, 3, None, Status::Ready);
        check(2, 2, function, Status::Ready);
        check(1, 1, function, Status::Failed("FUNCTION_ERROR_INIT_FAILURE"));
        check(0, 0, Some(ProvisionFailure::Timeout), Status::Failed("FUNCTION_ERROR_INIT_TIMEOUT"));
        check(0, 0, Some(ProvisionFailure::Host), Status::Failed("INTERNAL_ERROR"));
        check(1, 1, Some(ProvisionFailure::Places), Status::Failed(NO_PLACES));
    }
}
