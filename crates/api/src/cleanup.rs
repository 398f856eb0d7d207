//! Removes what nothing refers to any more: code packages, unpacked folders, remembered specs, and
//! after a while the logs of deleted functions.
//!
//! A package is stored before the function that names it is committed, and a running call may still
//! use what a deleted function had. So only what is old goes, never what a running worker has, and
//! nothing at all while the snapshot is not the whole truth.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::Duration,
};

use portcullis_catalog::Snapshot;
use portcullis_lambda::{CodePackage, Deployment, FunctionArn};
use portcullis_store::{Digest, StoreError};

use crate::{code_folders::folder_of, state::State};

/// How often.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// What is younger stays. Far longer than any call lives between storing its code and its commit.
const AGE: Duration = Duration::from_secs(60 * 60);

/// How long the log of a deleted function is kept after its last line.
const LOG_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Why not everything was looked at. What is left is looked at the next time.
#[derive(Debug, thiserror::Error)]
enum CleanupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot remove unpacked code: {0}")]
    Unpacked(std::io::Error),
    #[error("cannot remove a deleted function's log: {0}")]
    Log(std::io::Error),
}

/// Cleans up now and every hour, as long as the state lives.
pub(crate) async fn run(state: Weak<State>) {
    while let Some(state) = state.upgrade() {
        if let Err(error) = clean(&state, AGE).await {
            tracing::warn!(%error, "not everything that is unused was removed");
        }
        drop(state);
        tokio::time::sleep(PERIOD).await;
    }
}

/// Removes what is unused and at least `age` old.
async fn clean(state: &Arc<State>, age: Duration) -> Result<(), CleanupError> {
    // Before the snapshot: what is named later than that is younger than its blob's last put.
    let blobs = state.blobs.list().await?;
    let Some(snapshot) = whole(state) else { return Ok(()) };
    let used: HashSet<Digest> = packages(&snapshot).collect();
    for blob in blobs.iter().filter(|blob| blob.age >= age && !used.contains(&blob.digest)) {
        if state.blobs.remove_older(blob.digest, age).await? {
            tracing::info!(digest = %blob.digest, bytes = blob.size, "removed an unused package");
        }
    }
    state.execution.forget_missing(&snapshot);
    let is_used = |wanted: &Digest| {
        let snapshot = whole(state);
        snapshot
            .is_none_or(|now| packages(&now).chain(layer_folders(&now)).any(|one| one == *wanted))
    };
    let removed = state.execution.remove_unused_code(age, is_used).await;
    removed.map_err(CleanupError::Unpacked)?;
    remove_logs(state, &snapshot).await.map_err(CleanupError::Log)
}

/// Removes the logs of functions that are not there, in any region.
async fn remove_logs(state: &State, snapshot: &Snapshot) -> std::io::Result<()> {
    let name =
        |function: &FunctionArn| (function.account().to_string(), function.name().to_owned());
    let there: HashSet<_> = snapshot.all_functions().map(|one| name(one.arn())).collect();
    let is_there =
        move |account: &str, name: &str| there.contains(&(account.to_owned(), name.to_owned()));
    state.execution.remove_unclaimed_logs(LOG_AGE, is_there).await
}

/// The newest snapshot, if absence from it proves absence.
fn whole(state: &State) -> Option<Arc<Snapshot>> {
    let snapshot = state.catalog.snapshot();
    (state.catalog.is_live() && snapshot.is_whole()).then_some(snapshot)
}

/// Every package that something names.
fn packages(snapshot: &Snapshot) -> impl Iterator<Item = Digest> {
    let of_functions = deployments(snapshot).flat_map(|deployment| {
        let layers = deployment.configuration.layers().as_slice().iter().map(|used| used.content);
        layers.chain([deployment.code])
    });
    let of_layers = snapshot.all_layers().flat_map(|layer| layer.versions.values());
    let of_layers = of_layers.map(|version| version.content);
    of_functions.chain(of_layers).map(digest)
}

/// Every folder in which a function's layers lie over each other.
fn layer_folders(snapshot: &Snapshot) -> impl Iterator<Item = Digest> {
    deployments(snapshot).filter_map(|deployment| {
        let layers = deployment.configuration.layers().as_slice();
        folder_of(&layers.iter().map(|used| digest(used.content)).collect::<Vec<_>>())
    })
}

fn deployments(snapshot: &Snapshot) -> impl Iterator<Item = &Deployment> {
    snapshot.all_functions().flat_map(|function| {
        let versions = function.versions.values().map(|version| &version.deployment);
        versions.chain([function.head.latest()])
    })
}

/// Under what a package is kept.
pub(crate) fn digest(package: CodePackage) -> Digest {
    Digest::from_bytes(*package.sha256.as_bytes())
}
