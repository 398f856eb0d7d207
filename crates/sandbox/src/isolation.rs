//! How functions are kept from the host: what the operator asks for, what the host can do, and what
//! a worker is put into.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::thread::CapabilitySet;

use crate::jail::{LAYERS, RUNTIME_DIR, TASK_ROOT};
use crate::protocol::{HostView, Jail, Launch};
use crate::spawner::{SpawnError, Spawner};
use crate::specification::{RuntimeCommand, WorkerSpec};

/// What the operator asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Functions run isolated, with every limit that the host offers; not at all where it cannot
    /// isolate.
    #[default]
    Auto,
    /// The same, and not at all where any mechanism or limit is missing.
    Full,
    /// No more than a process of its own.
    None,
}

/// How functions really are kept from the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// In jails. What of the wanted the host lacks, each with what it would do.
    Jailed {
        /// In words.
        lacking: Vec<String>,
    },
    /// Not at all, as the operator asked.
    Open,
    /// Functions do not run.
    Refused {
        /// Why, and what would help.
        why: String,
    },
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jailed { lacking } if lacking.is_empty() => {
                f.write_str("functions run isolated from this host")
            }
            Self::Jailed { lacking } => {
                write!(f, "functions run isolated from this host, which lacks: ")?;
                f.write_str(&lacking.join("; "))
            }
            Self::Open => f.write_str(
                "functions run in processes of their own, but not isolated from this host, as \
                 `--isolation none` asks: run only code that you trust",
            ),
            Self::Refused { why } => write!(f, "functions do not run: {why}"),
        }
    }
}

/// User and group ids of workers, one each, where the server may choose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Users {
    first: u32,
}

/// Ids of one server. More than workers that it may have.
const USERS: u32 = 4096;

/// Ranges of ids that no system gives to anybody, best first. Source: systemd's list of user ids:
/// 1879048192 to 2147352575 are unused; 524288 to 1879048191 are for containers; 61184 to 65519 are
/// for services that live as long as they run.
const RANGES: [(u32, u32); 3] =
    [(1_879_048_192, 2_147_352_576), (524_288, 1_879_048_192), (61_184, 65_520)];

/// Memory in MiB that a process may have beyond its function's, where only its own is limited: what
/// it asks for (stacks of threads) and what it uses differ.
const DATA_EXTRA_MB: u32 = 128;

/// What workers are put into.
pub(crate) struct Keeping {
    /// What the operator gets to know.
    pub(crate) confinement: Confinement,
    users: Option<Users>,
    /// Whether control groups count memory.
    counts_memory: bool,
}

impl Keeping {
    /// Without jails.
    pub(crate) fn open() -> Self {
        Self { confinement: Confinement::Open, users: None, counts_memory: false }
    }

    /// Finds out what this host can do. Blocking, for some milliseconds.
    pub(crate) fn new(
        wanted: Isolation,
        spawner: &Spawner,
        counts_memory: bool,
        mut lacking: Vec<String>,
    ) -> Self {
        let (confinement, users) = (Confinement::Open, Users::find());
        let mut keeping = Self { confinement, users, counts_memory };
        let user = keeping.user(0);
        let jail = Jail { user, views: Vec::new(), tmp_bytes: 1 << 20, data_bytes: None };
        let trial = Launch {
            programs: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            endpoint: false,
            proxy: false,
            directory: "/tmp".into(),
            jail: Some(jail),
            zygote: None,
        };
        keeping.confinement = match spawner.try_out(trial) {
            Ok(landlock) => {
                if !landlock {
                    lacking.push("landlock (a second lock on files)".to_owned());
                }
                judge(wanted, lacking)
            }
            Err(error) => Confinement::Refused { why: cannot_isolate(&error) },
        };
        keeping
    }

    /// Whether workers have jails.
    pub(crate) fn is_jailed(&self) -> bool {
        !matches!(self.confinement, Confinement::Open)
    }

    /// The jail of the worker with this number; `None`: without one.
    pub(crate) fn jail_of(&self, spec: &WorkerSpec, number: u32) -> Option<Jail> {
        self.is_jailed().then(|| {
            let view =
                |host: &Path, inside: &Path| HostView { host: host.into(), inside: inside.into() };
            let mut views = vec![view(&spec.code_dir, Path::new(TASK_ROOT))];
            views.extend(spec.layers_dir.iter().map(|layers| view(layers, Path::new(LAYERS))));
            views.extend(spec.runtime.folders.iter().map(|folder| view(folder, folder)));
            if let Some(client) = &spec.runtime.client_dir {
                views.push(view(client, Path::new(RUNTIME_DIR)));
            }
            let tmp_bytes = u64::from(spec.ephemeral_mb) << 20;
            let data_bytes = u64::from(spec.memory_mb + DATA_EXTRA_MB) << 20;
            let data_bytes = (!self.counts_memory).then_some(data_bytes);
            Jail { user: self.user(number), views, tmp_bytes, data_bytes }
        })
    }

    fn user(&self, number: u32) -> Option<u32> {
        self.users.map(|users| users.first + number % USERS)
    }

    /// Where a worker of this code, layers and runtime client finds them.
    pub(crate) fn places(
        &self,
        code_dir: &Path,
        layers_dir: Option<&Path>,
        client_dir: Option<&Path>,
    ) -> Places {
        let inside = Path::new(RUNTIME_DIR);
        let (task_root, layers_root, runtime_dir) = if self.is_jailed() {
            (Path::new(TASK_ROOT), layers_dir.map(|_| Path::new(LAYERS)), inside)
        } else {
            (code_dir, layers_dir, client_dir.unwrap_or(inside))
        };
        Places {
            task_root: task_root.to_owned(),
            layers_root: layers_root.map(Path::to_owned),
            runtime_dir: runtime_dir.to_owned(),
        }
    }
}

/// What a jail shows of the host for a runtime.
pub(crate) fn views_of(runtime: &RuntimeCommand) -> Vec<HostView> {
    let mut views: Vec<_> = runtime.folders.iter().map(|folder| view(folder, folder)).collect();
    if let Some(client) = &runtime.client_dir {
        views.push(view(client, Path::new(RUNTIME_DIR)));
    }
    views
}

/// Where systems keep the certificates of those whom TLS clients trust: Debian, Fedora (two), Alpine. On
/// others these are links.
const TRUSTED: [&str; 4] =
    ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/etc/ssl/cert.pem"];

/// What a jail shows of the host for TLS with the outside.
pub(crate) fn trusted() -> impl Iterator<Item = HostView> {
    TRUSTED.iter().map(Path::new).filter(|place| place.exists()).map(|place| view(place, place))
}

fn view(host: &Path, inside: &Path) -> HostView {
    HostView { host: host.into(), inside: inside.into() }
}

/// Where a worker finds what its function is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The code: `/var/task` in a jail, as on Lambda.
    pub task_root: PathBuf,
    /// The layers, if there are any: `/opt` in a jail, as on Lambda.
    pub layers_root: Option<PathBuf>,
    /// The runtime client: `/var/runtime` in a jail, as on Lambda.
    pub runtime_dir: PathBuf,
}

fn judge(wanted: Isolation, lacking: Vec<String>) -> Confinement {
    if wanted == Isolation::Full && !lacking.is_empty() {
        let why = format!("`--isolation full` wants what this host lacks: {}", lacking.join("; "));
        return Confinement::Refused { why };
    }
    Confinement::Jailed { lacking }
}

/// What went wrong, and what an operator can do.
fn cannot_isolate(error: &SpawnError) -> String {
    let (reason, hint) = match error {
        SpawnError::Step { step, source } => (format!("`{step}`: {source}"), hint(step)),
        other => (other.to_string(), ""),
    };
    format!(
        "this host cannot isolate them ({reason}).{hint} `--isolation none` runs them without: only \
         for code that you trust"
    )
}

/// What most often keeps a step from working.
fn hint(step: &str) -> &'static str {
    if step.contains("namespace") || step.starts_with("write(") || step.contains("MS_PRIVATE") {
        " The server must be root, or the system allow user namespaces to its users (sysctl \
         kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, \
         user.max_user_namespaces); in a container, its own filter must allow `clone` and `mount`."
    } else if step.contains("(proc") {
        " In a container, its /proc must not be masked (Docker: --security-opt \
         systempaths=unconfined)."
    } else {
        ""
    }
}

/// Whether this server needs a user namespace to make others.
pub(crate) fn needs_user_namespace() -> bool {
    let needed = CapabilitySet::SYS_ADMIN
        | CapabilitySet::NET_ADMIN
        | CapabilitySet::SETUID
        | CapabilitySet::SETGID
        | CapabilitySet::SETPCAP
        | CapabilitySet::CHOWN;
    !rustix::thread::capabilities(None).is_ok_and(|have| have.effective.contains(needed))
}

impl Users {
    /// Ids for the workers of this server, if it may choose any.
    fn find() -> Option<Self> {
        let map = |name| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let server = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
        (!needs_user_namespace()).then(|| Self::within(&map("uid_map"), &map("gid_map"), server))?
    }

    /// The same, by the maps of ids in `/proc`. Servers on one host mostly get others.
    fn within(users: &str, groups: &str, server: u32) -> Option<Self> {
        let free =
            RANGES.iter().find(|range| [users, groups].iter().all(|map| has(map, **range)))?;
        let places = (free.1 - free.0) / USERS;
        Some(Self { first: free.0 + server % places * USERS })
    }
}

/// Whether a map of ids has all of a range. Lines: first id here, first id outside, count.
fn has(map: &str, (first, end): (u32, u32)) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().flat_map(str::parse).collect();
        let [start, _, count] = numbers.as_slice() else { return false };
        *start <= u64::from(first) && u64::from(end) <= start + count
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "         0          0 4294967295\n";

    #[track_caller]
    fn check(users: &str, groups: &str, server: u32, want: Option<u32>) {
        assert_eq!(Users::within(users, groups, server).map(|users| users.first), want);
    }

    #[test]
    #[rustfmt::skip]
    fn ids_are_those_that_nobody_else_has() {
        check(WHOLE,          WHOLE,         0,      Some(1_879_048_192));
        check(WHOLE,          WHOLE,         1,      Some(1_879_048_192 + 4096));
        check(WHOLE,          WHOLE,         65_504, Some(1_879_048_192));
        check("0 100 65536",  "0 100 65536", 7,      Some(61_184));
        check("0 100 65536",  WHOLE,         7,      Some(61_184));
        check("0 1000 1",     "0 1000 1",    7,      None);
        check("0 0 0\n0 100 60000", WHOLE,   7,      None);
        check("",             "",            7,      None);
        check("no map",       "1 2",         7,      None);
    }

    #[test]
    fn full_isolation_lacks_nothing() {
        let lacking = || vec!["landlock".to_owned()];
        assert_eq!(judge(Isolation::Full, vec![]), Confinement::Jailed { lacking: vec![] });
        assert_eq!(judge(Isolation::Auto, lacking()), Confinement::Jailed { lacking: lacking() });
        let refused = judge(Isolation::Full, lacking());
        assert!(matches!(&refused, Confinement::Refused { why } if why.contains("landlock")));
    }
}
