//! Laws of commits that run at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Subject, commit, commit_if, get, key, page, put};
use crate::Expectation::Unchanged;
use crate::{CommitError, Revision};

const TASKS: usize = 32;

/// Runs `TASKS` commits at once; returns their outcomes in the order of their ends.
async fn race<Task>(
    store: &Subject,
    task: impl Fn(Subject, usize) -> Task,
) -> Vec<Result<Revision, CommitError>>
where
    Task: Future<Output = Result<Revision, CommitError>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        tasks.spawn(task(Arc::clone(store), n));
    }
    tasks.join_all().await
}

/// This is how a function policy's `RevisionId` holds.
pub async fn one_of_many_with_the_same_expectation_wins(store: Subject) {
    let seen = commit(&store, [put("a", "")]).await;
    let outcomes = race(&store, move |store, n| async move {
        let winner = put("a", &n.to_string());
        commit_if(&store, [Unchanged(key("a"), seen)], [winner, put(&format!("b/{n}"), "")]).await
    })
    .await;
    let conflicts = outcomes.iter().filter(|o| matches!(o, Err(CommitError::Conflict))).count();
    assert_eq!(conflicts, TASKS - 1, "{outcomes:?}");
    let winner = get(&store, "a").await.unwrap().value;
    let traces = page(&store, "b/", None, TASKS).await.entries;
    assert_eq!(traces.len(), 1);
    assert!(traces[0].key.as_bytes().ends_with(&winner));
}

/// Each at a revision of its own.
pub async fn concurrent_commits_to_distinct_keys_are_all_there(store: Subject) {
    let outcomes = race(&store, |store, n| async move {
        commit_if(&store, [], [put(&format!("a/{n}"), "")]).await
    })
    .await;
    let acknowledged: BTreeSet<_> = outcomes.into_iter().map(Result::unwrap).collect();
    let entries = page(&store, "a/", None, TASKS).await.entries;
    let stored: BTreeSet<_> = entries.iter().map(|entry| entry.created).collect();
    assert_eq!(acknowledged.len(), TASKS);
    assert_eq!(acknowledged, stored);
}

/// Commits that are flushed together stand or fall alone.
pub async fn a_conflict_does_not_spoil_its_neighbours(store: Subject) {
    let never = Unchanged(key("nothing"), Revision::ZERO);
    let outcomes = race(&store, move |store, n| {
        let expectations = if n % 2 == 0 { vec![] } else { vec![never.clone()] };
        async move { commit_if(&store, expectations, [put(&format!("a/{n}"), "")]).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), TASKS / 2);
    let entries = page(&store, "a/", None, TASKS).await.entries;
    assert_eq!(entries.len(), TASKS / 2);
}

/// Read, change, commit if unchanged, else again: no update is lost.
pub async fn concurrent_increments_are_all_counted(store: Subject) {
    commit(&store, [put("n", "0")]).await;
    race(&store, |store, _| async move {
        loop {
            let seen = get(&store, "n").await.unwrap();
            let count: usize = str::from_utf8(&seen.value).unwrap().parse().unwrap();
            let next = put("n", &(count + 1).to_string());
            match commit_if(&store, [Unchanged(key("n"), seen.modified)], [next]).await {
                Err(CommitError::Conflict) => {}
                outcome => return outcome,
            }
        }
    })
    .await;
    assert_eq!(get(&store, "n").await.unwrap().value, TASKS.to_string());
}

/// Its revision is that of the state it shows, neither older nor newer.
pub async fn a_page_is_of_its_revision_while_others_commit(store: Subject) {
    commit(&store, [put("n", "")]).await;
    let writer = Arc::clone(&store);
    let writing = tokio::spawn(async move {
        for _ in 0..150 {
            commit(&writer, [put("n", "")]).await;
            commit(&writer, [put("n", ""), crate::Write::DeletePrefix(key("o"))]).await;
            commit(&writer, [put("n", ""), put("o", "")]).await;
        }
    });
    while !writing.is_finished() {
        let page = page(&store, "n", None, TASKS).await;
        assert_eq!(page.entries[0].modified, page.revision);
    }
    writing.await.unwrap();
}
