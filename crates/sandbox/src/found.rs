//! What was found on the host by trying its programs, remembered while none of them changes.
//!
//! Trying an interpreter takes tens of milliseconds, looking at its file a few microseconds. So each
//! look-up remembers the files that it went by, with those that were not there, and holds as long as
//! all of them are as they were: what is installed, replaced or removed later is seen at once.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::lock;

/// A program of the host, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostProgram {
    /// What really runs, not a wrapper of it: it runs without any environment.
    pub(crate) program: PathBuf,
    /// Where it and its libraries lie, but for the system's folders.
    pub(crate) folders: Vec<PathBuf>,
}

/// How long it is believed that nothing was found. Programs may fail for what their files do not
/// show: a library that they load, a setting of the tool that they stand for.
const FAILURE_KEPT_MAX: Duration = Duration::from_secs(10);

/// The last look-up for each runtime; `N` says why nothing was found.
pub(crate) struct Memory<N>(Mutex<HashMap<&'static str, Arc<AsyncMutex<LastLook<N>>>>>);

impl<N> Default for Memory<N> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<N> Memory<N> {
    /// What is known of a runtime, for one caller at a time: others wait for what it finds.
    pub(crate) async fn of(&self, runtime: &'static str) -> OwnedMutexGuard<LastLook<N>> {
        let entry = lock(&self.0).entry(runtime).or_default().clone();
        entry.lock_owned().await
    }
}

/// The last look-up, if there was one.
pub(crate) struct LastLook<N>(Option<Look<N>>);

impl<N> Default for LastLook<N> {
    fn default() -> Self {
        Self(None)
    }
}

struct Look<N> {
    at: Instant,
    /// The files that it went by, in order.
    files: Vec<(PathBuf, Option<Stamp>)>,
    found: Result<HostProgram, N>,
}

impl<N: Clone> LastLook<N> {
    /// What `look` finds among `candidates`; from memory, if it would find the same. Blocking.
    ///
    /// # Errors
    /// Those of `look`.
    pub(crate) fn find(
        &mut self,
        candidates: &[PathBuf],
        look: impl FnOnce() -> Result<HostProgram, N>,
    ) -> Result<HostProgram, N> {
        self.find_at(Instant::now(), candidates, look)
    }

    fn find_at(
        &mut self,
        now: Instant,
        candidates: &[PathBuf],
        look: impl FnOnce() -> Result<HostProgram, N>,
    ) -> Result<HostProgram, N> {
        match &self.0 {
            Some(last) if last.holds(now, candidates) => last.found.clone(),
            _ => self.0.insert(Look::new(now, candidates, look)).found.clone(),
        }
    }
}

impl<N> Look<N> {
    /// Looks. The candidates' stamps are those of before, so that a change meanwhile is noticed.
    fn new(
        at: Instant,
        candidates: &[PathBuf],
        look: impl FnOnce() -> Result<HostProgram, N>,
    ) -> Self {
        let stamped = |file: &PathBuf| (file.clone(), Stamp::of(file));
        let mut files: Vec<_> = candidates.iter().map(stamped).collect();
        let found = look();
        files.extend(found.iter().map(|found| stamped(&found.program)));
        Self { at, files, found }
    }

    /// Whether looking among `candidates` again would find the same.
    fn holds(&self, now: Instant, candidates: &[PathBuf]) -> bool {
        let (went_by, program) = self.files.split_at(self.files.len().min(candidates.len()));
        let of_time = self.found.is_ok() || now.duration_since(self.at) < FAILURE_KEPT_MAX;
        of_time
            && program.len() == usize::from(self.found.is_ok())
            && went_by.iter().map(|(file, _)| file).eq(candidates)
            && self.files.iter().all(|(file, stamp)| Stamp::of(file) == *stamp)
    }
}

/// Tells a file from what was or will be at its path.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// The last change of content, mode or owner: seconds and nanoseconds.
    changed: (i64, i64),
}

impl Stamp {
    /// `None` when there is no file, or nobody may look at it. Links are followed.
    fn of(file: &Path) -> Option<Self> {
        let file = fs::metadata(file).ok()?;
        let changed = (file.ctime(), file.ctime_nsec());
        Some(Self { device: file.dev(), inode: file.ino(), size: file.size(), changed })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    type Found = Result<HostProgram, &'static str>;

    /// A look-up of the first of two candidates that is there, and how often it really looked.
    struct Host {
        _home: tempfile::TempDir,
        candidates: [PathBuf; 2],
        last: LastLook<&'static str>,
        looked: usize,
    }

    impl Host {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let candidates = ["first", "second"].map(|name| home.path().join(name));
            Self { _home: home, candidates, last: LastLook::default(), looked: 0 }
        }

        fn find_at(&mut self, now: Instant) -> Found {
            let Self { candidates, last, looked, .. } = self;
            last.find_at(now, candidates, || {
                *looked += 1;
                let found = candidates.iter().find(|file| file.exists()).ok_or("none")?;
                let program = found.canonicalize().unwrap();
                Ok(HostProgram { program, folders: Vec::new() })
            })
        }

        /// Looks once more and says what was found, and that it was really looked for.
        #[track_caller]
        fn check(&mut self, change: &str, want: Result<&Path, &'static str>) {
            let (now, looked) = (Instant::now(), self.looked);
            for _ in 0..3 {
                let found = self.find_at(now).map(|found| found.program);
                assert_eq!(found.as_deref().map_err(|none| *none), want, "{change}");
                assert_eq!(self.looked, looked + 1, "{change}");
            }
        }
    }

    #[test]
    fn a_program_is_looked_for_again_only_after_a_change() {
        let mut host = Host::new();
        let [first, second] = host.candidates.clone();
        let real = first.with_file_name("real");
        host.check("nothing is there", Err("none"));
        fs::write(&second, "2").unwrap();
        host.check("one was installed", Ok(&second));
        fs::write(&first, "1").unwrap();
        host.check("a better one was installed", Ok(&first));
        fs::write(&first, "11").unwrap();
        host.check("it was overwritten", Ok(&first));
        fs::remove_file(&first).unwrap();
        host.check("it was removed", Ok(&second));
        fs::write(&real, "1").unwrap();
        symlink(&real, &first).unwrap();
        host.check("a link to another was made", Ok(&real));
        fs::write(&real, "111").unwrap();
        host.check("what the link is to was overwritten", Ok(&real));
        fs::remove_file(&real).unwrap();
        host.check("what the link is to was removed", Ok(&second));
    }

    #[test]
    fn what_runs_behind_a_wrapper_is_watched_too() {
        let home = tempfile::tempdir().unwrap();
        let [wrapper, real] = ["wrapper", "real"].map(|name| home.path().join(name));
        fs::write(&wrapper, "exec real").unwrap();
        let mut last = LastLook::default();
        let looked = || {
            let program = real.exists().then(|| real.clone()).ok_or("none")?;
            Ok(HostProgram { program, folders: Vec::new() })
        };
        fs::write(&real, "1").unwrap();
        assert!(last.find(std::slice::from_ref(&wrapper), looked).is_ok());
        fs::remove_file(&real).unwrap();
        assert_eq!(last.find(std::slice::from_ref(&wrapper), looked), Err("none"));
    }

    #[test]
    fn that_nothing_was_found_is_believed_for_a_while() {
        let mut host = Host::new();
        let start = Instant::now();
        let just_before = FAILURE_KEPT_MAX - Duration::from_nanos(1);
        for (after, looked) in [(Duration::ZERO, 1), (just_before, 1), (FAILURE_KEPT_MAX, 2)] {
            assert_eq!(host.find_at(start + after), Err("none"));
            assert_eq!(host.looked, looked, "after {after:?}");
        }
    }

    #[test]
    fn other_candidates_are_another_look_up() {
        let mut host = Host::new();
        let now = Instant::now();
        let two = host.candidates.clone();
        for (candidates, looked) in [(&two[..], 1), (&two[..1], 2), (&two[..1], 2), (&two[..], 3)] {
            let count = &mut host.looked;
            let found = host.last.find_at(now, candidates, || {
                *count += 1;
                Err("none")
            });
            assert_eq!((found, host.looked), (Err("none"), looked));
        }
    }

    #[tokio::test]
    async fn who_asks_meanwhile_waits_for_what_is_found() {
        let memory = Memory::<&'static str>::default();
        let first = memory.of("a").await;
        assert!(tokio::time::timeout(Duration::ZERO, memory.of("a")).await.is_err());
        let other = memory.of("b").await;
        drop((first, other));
        drop(memory.of("a").await);
    }
}
