//! Saves now and then when each access key and role was last used: for `GetAccessKeyLastUsed` and
//! `GetRole`, which may be late on AWS too. A crash loses a minute of it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::state::State;

/// How often.
const PERIOD: Duration = Duration::from_secs(60);

/// Saves every minute, as long as the state lives.
pub(crate) async fn run(state: Weak<State>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        let Some(state) = state.upgrade() else { return };
        save(&state).await;
    }
}

/// Saves what is not saved yet; what fails is tried again the next time.
pub(crate) async fn save(state: &Arc<State>) {
    if let Err(error) = state.catalog.save_last_uses().await {
        tracing::warn!(%error, "the last uses of access keys and roles were not saved");
    }
}
