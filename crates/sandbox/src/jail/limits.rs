//! Limits that the kernel keeps for each process, whatever control groups the host has.

use rustix::process::{Resource, Rlimit};

use crate::protocol::{Failure, Step};

/// Most descriptors that a process of a worker may have open. AWS: 1024 (Lambda quotas, file
/// descriptors).
const DESCRIPTORS_MAX: u64 = 1024;

/// Most processes and threads of a worker. AWS: 1024 (Lambda quotas, execution processes/threads).
pub(crate) const PROCESSES_MAX: u64 = 1024;

/// Largest file that a worker may write, in bytes: AWS's largest `/tmp` (10,240 MB).
const FILE_BYTES_MAX: u64 = 10_240 << 20;

/// Most memory that a process may lock, in bytes: the kernel's own default for users.
const LOCKED_BYTES_MAX: u64 = 8 << 20;

/// Largest core of a process, in bytes. No core is as small; but with 0 a host whose `core_pattern` is a
/// program would run it, as root, for each process of a worker that crashes. Only 1 keeps it from that
/// (fs/coredump.c).
const CORE_BYTES_MAX: u64 = 1;

/// Limits this process and all that come from it, but for [`limit_descriptors`].
pub(crate) fn limit(extra: Extra) -> Result<(), Failure> {
    set(Resource::Core, "RLIMIT_CORE", CORE_BYTES_MAX)?;
    set(Resource::Fsize, "RLIMIT_FSIZE", FILE_BYTES_MAX)?;
    set(Resource::Memlock, "RLIMIT_MEMLOCK", LOCKED_BYTES_MAX)?;
    // No share of the processor before others.
    set(Resource::Rtprio, "RLIMIT_RTPRIO", 0)?;
    set(Resource::Nice, "RLIMIT_NICE", 0)?;
    if extra.own_user {
        set(Resource::Nproc, "RLIMIT_NPROC", PROCESSES_MAX)?;
    }
    extra.data_bytes.map_or(Ok(()), |bytes| set(Resource::Data, "RLIMIT_DATA", bytes))
}

/// Lets cores be limited to [`CORE_BYTES_MAX`] where the operator's hard limit is 0: by a right over the
/// whole host, which keepers have no more. Who lacks it keeps the 0.
pub(crate) fn allow_core_limit() {
    let most = Some(CORE_BYTES_MAX);
    if rustix::process::getrlimit(Resource::Core).maximum == Some(0) {
        let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: most, maximum: most });
    }
}

/// Limits the descriptors of this process and of all that come from it. Not of a keeper, which hands some on:
/// no process may while more are on their way between processes of its user than it may have open
/// (unix(7), ETOOMANYREFS), and where the server is not root all workers are one user.
pub(crate) fn limit_descriptors() -> Result<(), Failure> {
    set(Resource::Nofile, "RLIMIT_NOFILE", DESCRIPTORS_MAX)
}

/// Limits that not every worker has.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extra {
    /// Nobody else has its user id, so that processes can be counted by it.
    pub(crate) own_user: bool,
    /// Memory of its own that each process may have: a stopgap where no control group counts it.
    pub(crate) data_bytes: Option<u64>,
}

/// Sets both the soft and the hard limit, no higher than the hard limit was.
fn set(resource: Resource, name: &str, value: u64) -> Result<(), Failure> {
    let before = rustix::process::getrlimit(resource);
    let value = Some(before.maximum.map_or(value, |maximum| value.min(maximum)));
    let limit = Rlimit { current: value, maximum: value };
    rustix::process::setrlimit(resource, limit).step(format!("setrlimit({name})"))
}

/// The limits of this process that not every worker has, by their names.
pub(crate) fn extra_limits() -> Vec<(String, u64)> {
    let all = [("RLIMIT_NPROC", Resource::Nproc), ("RLIMIT_DATA", Resource::Data)];
    let limit = |(name, resource): (&str, _)| {
        Some((name.to_owned(), rustix::process::getrlimit(resource).current?))
    };
    all.into_iter().filter_map(limit).collect()
}
