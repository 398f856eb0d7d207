//! Control groups: how much memory, how many processes and how much of the processors one worker
//! may take. Version 2 where the controllers are there, else version 1.
//!
//! Source: the kernel's admin-guide, cgroup-v2.rst and cgroup-v1/{memory,pids}.rst; cgroups(7).

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::process::number;

/// How the kernel measures shares of a processor: microseconds.
const CPU_PERIOD: u64 = 100_000;

/// Memory in MiB that comes with one whole processor. Source: `[doc]` Lambda developer guide,
/// "Configure Lambda function memory": 1,769 MB is one vCPU.
const MEMORY_OF_A_PROCESSOR_MB: u64 = 1769;

/// What of `MemorySize` the buffers of a worker's connections may take besides, where the kernel counts
/// them apart: an eighth, but no less than this many MiB. They are full only where nobody reads.
const BUFFERS_MB_MIN: u64 = 16;

/// What the folders of all servers begin with; the server's process id follows, and a number.
const PREFIX: &str = "portcullis-";

/// The controllers that are wanted, and what is not kept without.
const WANTED: [(&str, &str); 3] = [
    ("memory", "MemorySize is kept by each process alone, not by all of a function"),
    ("pids", "the number of processes is kept by user, if at all"),
    ("cpu", "a busy function may slow down others"),
];

/// The limits of one worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Memory that the function may take, its `/tmp` not counted, in MiB.
    pub(crate) memory_mb: u64,
    /// Size of its `/tmp`, which is memory, too.
    pub(crate) tmp_mb: u64,
    /// Processes and threads at a time.
    pub(crate) processes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// The file by which a process of one thread joins a group. To move a whole process, the kernel
    /// waits until none forks anywhere, some milliseconds; to move a thread that asks for itself, it
    /// does not. Version 2 has no threads in groups that count memory.
    fn join_file(self) -> &'static str {
        match self {
            Self::One => "tasks",
            Self::Two => "cgroup.procs",
        }
    }

    /// What `memory.stat` calls the memory of a group's processes, files in memory not counted, in bytes.
    fn memory_of_processes(self) -> &'static str {
        match self {
            Self::One => "total_rss ",
            Self::Two => "anon ",
        }
    }

    /// The file that counts, as `oom_kill`, the processes that were ended for a group's memory.
    fn shortage_file(self) -> &'static str {
        match self {
            Self::One => "memory.oom_control",
            Self::Two => "memory.events",
        }
    }
}

/// One hierarchy of groups that this server uses.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    version: Version,
    /// The folder of this server's own groups.
    folder: PathBuf,
    controllers: Vec<&'static str>,
}

impl Hierarchy {
    /// Makes the folder of this server's groups.
    fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for controller in &self.controllers {
            if self.version == Version::Two {
                enable(&self.folder, controller)?;
            }
            if *controller == "pids" {
                fs::write(self.folder.join("pids.max"), together())?;
            }
        }
        Ok(())
    }
}

/// The groups of one server.
#[derive(Debug, Default)]
pub(crate) struct Groups(Vec<Hierarchy>);

impl Groups {
    /// Makes this server's folders; gives also what the host lacks, in words.
    pub(crate) fn open() -> (Self, Vec<String>) {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        static OPENED: AtomicU32 = AtomicU32::new(0);
        // One process may have several sandboxes.
        let (server, opened) = (std::process::id(), OPENED.fetch_add(1, Ordering::Relaxed));
        let name = format!("{PREFIX}{server}-{opened}");
        let (mut groups, mut lacking) = (Self::default(), Vec::new());
        for (controller, consequence) in WANTED {
            let places = places(&mounts, &own, controller);
            match places.iter().find_map(|place| place.open(&name, controller)) {
                Some(hierarchy) => groups.add(hierarchy),
                None => lacking.push(format!(
                    "the `{controller}` controller of control groups ({consequence})"
                )),
            }
        }
        (groups, lacking)
    }

    fn add(&mut self, new: Hierarchy) {
        match self.0.iter_mut().find(|known| known.folder == new.folder) {
            Some(known) => known.controllers.extend(new.controllers),
            None => self.0.push(new),
        }
    }

    /// Whether this controller is there.
    pub(crate) fn count(&self, controller: &str) -> bool {
        self.0.iter().any(|hierarchy| hierarchy.controllers.contains(&controller))
    }

    /// The folders that go with the server.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        self.0.iter().map(|hierarchy| hierarchy.folder.clone()).collect()
    }

    /// Makes the groups of one worker.
    ///
    /// # Errors
    /// When a folder cannot be made, or the kernel takes no such limit; nothing is left then.
    pub(crate) fn make(&self, number: u32, limits: &Limits) -> io::Result<Group> {
        let shortage = Shortage::default();
        let mut group = Group { folders: Vec::new(), joins: Vec::new(), shortage };
        for hierarchy in &self.0 {
            // It goes with each spawner, and so with the one that jails are tried with.
            if !hierarchy.folder.is_dir() {
                hierarchy.prepare()?;
            }
            let folder = hierarchy.folder.join(format!("worker-{number}"));
            fs::create_dir_all(&folder)?;
            group.folders.push(folder.clone());
            for controller in &hierarchy.controllers {
                set(hierarchy.version, controller, &folder, limits)?;
            }
            if hierarchy.controllers.contains(&"memory") {
                let most = limits.memory_mb << 20;
                group.shortage = Shortage::of(&folder, hierarchy.version, most);
            }
            let join = folder.join(hierarchy.version.join_file());
            let join = OpenOptions::new().write(true).open(join)?;
            group.joins.push(join.into());
        }
        Ok(group)
    }
}

/// The groups of one worker, one a hierarchy. They must be removed once it has ended; what is left
/// goes with the server.
#[derive(Debug)]
pub(crate) struct Group {
    folders: Vec<PathBuf>,
    joins: Vec<OwnedFd>,
    shortage: Shortage,
}

/// Whether a group's memory is too little.
///
/// The kernel ends a group that takes more than `MemorySize` and `/tmp` together, as both are memory to
/// it. That processes alone take more than `MemorySize` is for whoever asks from time to time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shortage(Option<Arc<Counted>>);

/// Where a group's memory is counted.
#[derive(Debug)]
struct Counted {
    /// How many processes the kernel has ended.
    ended: PathBuf,
    /// What the group holds, by kind.
    held: PathBuf,
    /// The kind that is its processes' own.
    own: &'static str,
    /// Most of that, in bytes.
    most: u64,
    /// Whether it was found to hold more.
    was_over: AtomicBool,
}

impl Shortage {
    fn of(folder: &Path, version: Version, most: u64) -> Self {
        Self(Some(Arc::new(Counted {
            ended: folder.join(version.shortage_file()),
            held: folder.join("memory.stat"),
            own: version.memory_of_processes(),
            most,
            was_over: AtomicBool::new(false),
        })))
    }

    /// Whether the group's processes hold more than they may at this moment; false where nobody counts.
    pub(crate) fn is_there(&self) -> bool {
        let Some(counted) = &self.0 else { return false };
        let list = fs::read_to_string(&counted.held).unwrap_or_default();
        let is_over = number(&list, counted.own).is_some_and(|held| held > counted.most);
        counted.was_over.fetch_or(is_over, Ordering::Relaxed);
        is_over
    }

    /// Whether a process was ended because the group had no more memory, or was to be; the kernel's
    /// word is lost once the group is gone.
    pub(crate) fn has_killed(&self) -> bool {
        let Some(counted) = &self.0 else { return false };
        let list = fs::read_to_string(&counted.ended).unwrap_or_default();
        counted.was_over.load(Ordering::Relaxed)
            || number(&list, "oom_kill ").is_some_and(|count| count > 0)
    }
}

impl Group {
    /// Files by which a process joins.
    pub(crate) fn joins(&self) -> &[OwnedFd] {
        &self.joins
    }

    /// Tells, while the group is there, whether its memory was too little.
    pub(crate) fn shortage(&self) -> Shortage {
        self.shortage.clone()
    }

    /// Removes the groups. The last process may still be on its way out.
    pub(crate) async fn remove(self) {
        /// 2 + 4 + … + 1024 milliseconds.
        const ATTEMPTS: u32 = 10;
        for folder in &self.folders {
            let mut attempt = 0;
            while let Err(error) = remove(folder) {
                attempt += 1;
                if attempt > ATTEMPTS {
                    let folder = folder.display();
                    tracing::error!(%error, %folder, "a control group cannot be removed");
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1 << attempt)).await;
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What was made before something failed. After `remove` nothing is there.
        for folder in &self.folders {
            let _ = remove(folder);
        }
    }
}

/// Removes a group and those below it, which must be without processes. Gone is well.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path())?;
        }
    }
    match fs::remove_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A group of others below which this server may have its own.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    version: Version,
    folder: PathBuf,
}

/// Where a controller may be had: this process's own group first, then the top of the hierarchy.
fn places(mounts: &str, own: &str, controller: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let (version, names) = match mount.kind {
            "cgroup2" => (Version::Two, ""),
            "cgroup" if mount.has(controller) => (Version::One, controller),
            _ => continue,
        };
        let top = PathBuf::from(mount.point);
        if let Some(own) = own_group(own, names) {
            let below = Path::new(own).strip_prefix(mount.root).unwrap_or(Path::new(""));
            places.push(Place { version, folder: top.join(below) });
        }
        places.push(Place { version, folder: top });
    }
    places.dedup();
    places
}

/// This process's group: lines are `number:controllers:/group`, without controllers in version 2.
fn own_group<'a>(list: &'a str, controller: &str) -> Option<&'a str> {
    list.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (names, group) = (parts.next()?, parts.next()?);
        names.split(',').any(|name| name == controller).then_some(group)
    })
}

/// A line of `mountinfo`: … root point options… - kind source settings (proc(5)).
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    settings: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let mut back = back.split(' ');
        let (root, point) = (front.next()?, front.next()?);
        Some(Self { root, point, kind: back.next()?, settings: back.nth(1)? })
    }

    fn has(&self, controller: &str) -> bool {
        self.settings.split(',').any(|setting| setting == controller)
    }
}

impl Place {
    /// Makes the server's folder here, if the controller can be had.
    fn open(&self, name: &str, controller: &'static str) -> Option<Hierarchy> {
        if self.version == Version::Two && !self.delegates(controller) {
            return None;
        }
        sweep(&self.folder);
        let hierarchy = Hierarchy {
            version: self.version,
            folder: self.folder.join(name),
            controllers: vec![controller],
        };
        if hierarchy.prepare().is_err() {
            let _ = remove(&hierarchy.folder);
            return None;
        }
        Some(hierarchy)
    }

    /// Whether groups below this one have the controller, now or after we asked for it.
    fn delegates(&self, controller: &str) -> bool {
        let names = fs::read_to_string(self.folder.join("cgroup.controllers")).unwrap_or_default();
        if !names.split_whitespace().any(|name| name == controller) {
            return false;
        }
        enable(&self.folder, controller).is_ok() || {
            // A group with processes of its own has none below it with controllers, but for the
            // top: this process moves into one of its own.
            self.step_aside().is_ok() && enable(&self.folder, controller).is_ok()
        }
    }

    /// Moves this process into a group of its own, if nobody else is in this one.
    fn step_aside(&self) -> io::Result<()> {
        let server = std::process::id();
        let here = fs::read_to_string(self.folder.join("cgroup.procs"))?;
        if here.split_whitespace().any(|process| process != server.to_string()) {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let aside = self.folder.join(format!("{PREFIX}{server}-server"));
        fs::create_dir_all(&aside)?;
        fs::write(aside.join("cgroup.procs"), "0")
    }
}

/// Processes and threads that all workers may have together: three quarters of what the host can have at
/// all. Thirty workers may each be within their limits, and leave it none.
fn together() -> String {
    let numbers = ["pid_max", "threads-max"].map(|name| {
        let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        text.trim().parse().unwrap_or(u64::MAX)
    });
    match numbers.into_iter().min() {
        None | Some(u64::MAX) => "max".to_owned(),
        Some(number) => (number / 4 * 3).to_string(),
    }
}

fn enable(folder: &Path, controller: &str) -> io::Result<()> {
    fs::write(folder.join("cgroup.subtree_control"), format!("+{controller}"))
}

/// Removes what servers left that were killed together with their spawner.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(server) = name.to_str().and_then(server_of)
            && is_gone(server)
        {
            // One with processes stays: the kernel refuses.
            let _ = remove(&entry.path());
        }
    }
}

/// Whether no process has this id, or can have it. What is in `/proc` does not tell: some hosts hide from others there
/// what cannot be dumped, as a server.
fn is_gone(process: &str) -> bool {
    let pid = process.parse().ok().and_then(Pid::from_raw);
    pid.is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

/// The process id in a folder's name.
fn server_of(name: &str) -> Option<&str> {
    let (server, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    server.bytes().all(|byte| byte.is_ascii_digit()).then_some(server)
}

/// Writes the limits of one controller.
fn set(version: Version, controller: &str, folder: &Path, limits: &Limits) -> io::Result<()> {
    let write = |name: &str, value: u64| fs::write(folder.join(name), value.to_string());
    let memory = (limits.memory_mb + limits.tmp_mb) << 20;
    let quota =
        CPU_PERIOD * limits.memory_mb.max(MEMORY_OF_A_PROCESSOR_MB) / MEMORY_OF_A_PROCESSOR_MB;
    match (controller, version) {
        ("memory", Version::One) => {
            write("memory.limit_in_bytes", memory)?;
            // Without, only the host's own limit of all connections holds for one worker's.
            let buffers = (limits.memory_mb / 8).max(BUFFERS_MB_MIN) << 20;
            if_there(write("memory.kmem.tcp.limit_in_bytes", buffers))?;
            // Memory and swap together: there only where the kernel counts swap.
            if_there(write("memory.memsw.limit_in_bytes", memory))
        }
        ("memory", Version::Two) => {
            write("memory.max", memory)?;
            if_there(write("memory.swap.max", 0))?;
            // A worker that lost one process is no worker any more.
            if_there(write("memory.oom.group", 1))
        }
        ("pids", _) => write("pids.max", limits.processes),
        ("cpu", Version::One) => {
            write("cpu.cfs_period_us", CPU_PERIOD)?;
            write("cpu.cfs_quota_us", quota)?;
            write("cpu.shares", limits.memory_mb.max(2))
        }
        ("cpu", Version::Two) => {
            fs::write(folder.join("cpu.max"), format!("{quota} {CPU_PERIOD}"))?;
            let weight = 100 * limits.memory_mb / MEMORY_OF_A_PROCESSOR_MB;
            write("cpu.weight", weight.clamp(1, 10_000))
        }
        _ => Ok(()),
    }
}

/// Files that not every kernel has.
fn if_there(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
25 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 25 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
31 25 0:27 /outer /sys/fs/cgroup/memory rw,relatime shared:3 - cgroup cgroup rw,memory
32 25 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const OWN: &str = "4:memory:/outer/inner\n2:cpu,cpuacct:/\n0::/user.slice\n";

    #[track_caller]
    fn check(controller: &str, want: &[(Version, &str)]) {
        let want: Vec<_> = want
            .iter()
            .map(|(version, folder)| Place { version: *version, folder: folder.into() })
            .collect();
        assert_eq!(places(MOUNTS, OWN, controller), want);
    }

    #[test]
    #[rustfmt::skip]
    fn groups_lie_below_our_own_or_at_the_top() {
        let unified = [(Version::Two, "/sys/fs/cgroup/unified/user.slice"), (Version::Two, "/sys/fs/cgroup/unified")];
        check("memory", &[&[(Version::One, "/sys/fs/cgroup/memory/inner"), (Version::One, "/sys/fs/cgroup/memory")], &unified[..]].concat());
        check("cpu",    &[&[(Version::One, "/sys/fs/cgroup/cpu/"), (Version::One, "/sys/fs/cgroup/cpu")][..1], &unified[..]].concat());
        check("pids",   &unified);
    }

    /// The files that the kernel would make.
    fn written(version: Version, controller: &'static str, memory_mb: u64) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { memory_mb, tmp_mb: 512, processes: 1024 };
        set(version, controller, folder.path(), &limits).unwrap();
        let read = |entry: io::Result<fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            format!("{name}={}", fs::read_to_string(&path).unwrap())
        };
        let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(read).collect();
        files.sort();
        files
    }

    #[test]
    #[rustfmt::skip]
    fn limits_are_written_as_each_version_reads_them() {
        let bytes = (128 + 512) << 20;
        assert_eq!(written(Version::One, "memory", 128), [format!("memory.kmem.tcp.limit_in_bytes={}", 16 << 20), format!("memory.limit_in_bytes={bytes}"), format!("memory.memsw.limit_in_bytes={bytes}")]);
        assert_eq!(written(Version::One, "memory", 1024)[0], format!("memory.kmem.tcp.limit_in_bytes={}", 128 << 20));
        assert_eq!(written(Version::Two, "memory", 128), [format!("memory.max={bytes}"), "memory.oom.group=1".into(), "memory.swap.max=0".into()]);
        assert_eq!(written(Version::One, "pids", 128), ["pids.max=1024"]);
        assert_eq!(written(Version::Two, "pids", 128), ["pids.max=1024"]);
        assert_eq!(written(Version::One, "cpu", 128),  ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=100000", "cpu.shares=128"]);
        assert_eq!(written(Version::Two, "cpu", 128),  ["cpu.max=100000 100000", "cpu.weight=7"]);
        assert_eq!(written(Version::Two, "cpu", 3538), ["cpu.max=200000 100000", "cpu.weight=200"]);
    }

    #[test]
    #[rustfmt::skip]
    fn a_shortage_is_told_by_each_version() {
        for (version, list, want) in [
            (Version::One, "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",                false),
            (Version::One, "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",                true),
            (Version::Two, "low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\noom_group_kill 0\n", false),
            (Version::Two, "low 0\nhigh 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 1\n", true),
            (Version::Two, "",                                                              false),
        ] {
            let group = tempfile::tempdir().unwrap();
            fs::write(group.path().join(version.shortage_file()), list).unwrap();
            assert_eq!(Shortage::of(group.path(), version, 100).has_killed(), want, "{list}");
        }
        assert!(!Shortage::default().has_killed());
    }

    #[test]
    #[rustfmt::skip]
    fn what_processes_hold_is_not_what_their_files_do() {
        for (version, list, want) in [
            (Version::One, "cache 900\nrss 1\nshmem 900\ntotal_cache 900\ntotal_rss 100\n",   false),
            (Version::One, "cache 0\nrss 1\nshmem 0\ntotal_cache 0\ntotal_rss 101\n",         true),
            (Version::One, "rss 900\ntotal_rss_huge 900\n",                                   false),
            (Version::Two, "anon 100\nfile 900\nkernel 900\nshmem 900\nanon_thp 900\n",      false),
            (Version::Two, "anon 101\nfile 0\n",                                              true),
            (Version::Two, "",                                                                false),
        ] {
            let group = tempfile::tempdir().unwrap();
            let shortage = Shortage::of(group.path(), version, 100);
            fs::write(group.path().join("memory.stat"), list).unwrap();
            assert_eq!((shortage.is_there(), shortage.has_killed()), (want, want), "{list}");
            // What was found stays true when the memory is gone.
            fs::write(group.path().join("memory.stat"), "").unwrap();
            assert_eq!((shortage.is_there(), shortage.has_killed()), (false, want), "{list}");
        }
        assert!(!Shortage::default().is_there());
    }

    /// Without them workers' groups would have no limits to write, or none together.
    #[test]
    #[rustfmt::skip]
    fn the_servers_own_folder_is_made_anew_with_its_controllers() {
        for (version, controller, enabled) in [
            (Version::Two, "pids",   Some("+pids")),
            (Version::Two, "memory", Some("+memory")),
            (Version::One, "pids",   None),
        ] {
            let place = tempfile::tempdir().unwrap();
            let folder = place.path().join("portcullis-1-0");
            let hierarchy = Hierarchy { version, folder: folder.clone(), controllers: vec![controller] };
            // A usual file system has no file to join by.
            let limits = Limits { memory_mb: 1, tmp_mb: 1, processes: 1 };
            Groups(vec![hierarchy]).make(0, &limits).unwrap_err();
            let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
            assert_eq!(read("cgroup.subtree_control").as_deref(), enabled);
            assert_eq!(read("pids.max"), (controller == "pids").then(together));
        }
        let host: u64 = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap().trim().parse().unwrap();
        assert!(together().parse::<u64>().unwrap() <= host / 4 * 3);
    }

    #[test]
    fn only_folders_of_servers_that_are_gone_are_swept() {
        let place = tempfile::tempdir().unwrap();
        let gone = u32::MAX; // larger than any process id (kernel: 2^22)
        let own = std::process::id();
        let kept = [format!("{PREFIX}{own}-0"), format!("{PREFIX}my-own"), format!("x{gone}-0")];
        let swept = [format!("{PREFIX}{gone}-0"), format!("{PREFIX}{gone}-server")];
        for name in kept.iter().chain(&swept) {
            fs::create_dir_all(place.path().join(name).join("worker-1")).unwrap();
        }
        sweep(place.path());
        assert!(kept.iter().all(|name| place.path().join(name).exists()));
        assert!(!swept.iter().any(|name| place.path().join(name).exists()));
    }
}
