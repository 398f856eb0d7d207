//! The system calls that a worker may make. All others answer `ENOSYS`, as a kernel does that has
//! none of the name: programs know that answer, and take another way.
//!
//! Left out is what reaches past a process into the kernel or into others: mounts, namespaces,
//! modules, tracing, foreign memory, keys, BPF, performance events, user faults, clocks, swap, quotas,
//! file handles, `sync` and `syncfs` (they would write out disks of the host), io_uring, and the
//! asynchronous input and output of old (all processes of the host share one number of requests).
//!
//! So is what takes of the host what no limit of a worker counts: netlink, whose unread messages belong
//! to nobody's memory, and what else sockets keep; filters of sockets and of system calls, all of which are
//! compiled into one room of the kernel's, without which no jail can be made; huge pages; attributes of
//! files; and leases, which hold up whoever opens a file.

use std::collections::BTreeMap;

use libc as c;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule,
    sock_filter,
};

use crate::protocol::Failure;

/// A compiled filter; the same for every worker.
pub(crate) struct Filter(BpfProgram);

impl Filter {
    /// That of workers.
    ///
    /// # Errors
    /// On an architecture that it is not written for.
    pub(crate) fn of_workers() -> Result<Self, Failure> {
        Self::compiled(&[])
    }

    /// That of zygotes, which enter the namespaces of others, and whose children put that of workers in
    /// force.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn of_zygotes() -> Result<Self, Failure> {
        Self::compiled(&OF_ZYGOTES)
    }

    fn compiled(more: &[i64]) -> Result<Self, Failure> {
        compile(more).map(Self).map_err(|error| failure(&error))
    }

    /// The filter in the kernel's form: an array of `struct sock_filter`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.0.iter().flat_map(|instruction| {
            let [a, b] = instruction.code.to_ne_bytes();
            let [c, d, e, f] = instruction.k.to_ne_bytes();
            [a, b, instruction.jt, instruction.jf, c, d, e, f]
        });
        bytes.collect()
    }

    /// Filters this process and all that come from it, for ever. Needs `no_new_privs`.
    pub(super) fn apply(&self) -> Result<(), Failure> {
        seccompiler::apply_filter(&self.0).map_err(|error| failure(&error))
    }
}

fn failure(error: &impl std::fmt::Display) -> Failure {
    Failure { step: format!("seccomp: {error}"), errno: c::EINVAL }
}

fn compile(more: &[i64]) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, allowed) in conditional()? {
        rules.insert(call, allowed);
    }
    for call in [EVERYWHERE, OLD, more].concat() {
        rules.insert(call, Vec::new());
    }
    let architecture = std::env::consts::ARCH.try_into()?;
    let absent = SeccompAction::Errno(c::ENOSYS.unsigned_abs());
    let filter = SeccompFilter::new(rules, absent, SeccompAction::Allow, architecture)?;
    let filter: BpfProgram = filter.try_into()?;
    Ok(ANSWERED.iter().flat_map(answered).chain(filter).collect())
}

/// A call that is answered without being made: by its number, by words of its arguments, and with which
/// error; 0 is success. Of a word: which argument, whether its upper half, and whether it is the value.
type Answered = (i64, &'static [(u32, bool, u32, bool)], c::c_int);

/// Not refused like all else, as programs end then that go on by an answer that costs nothing.
///
/// Attributes of files, by the answer of a file system that has none, after which whoever copies files
/// goes on: an access list of 64 KiB takes as much of the kernel's memory, which no limit counts, and
/// each file of `/tmp` may have one. And a limit of cores, which many set to 0 before they have secrets:
/// it stays as `limits.rs` sets it, by which there is none. Who asks for the old one at once is refused.
const ANSWERED: [Answered; 6] = [
    (c::SYS_setxattr, &[], c::EOPNOTSUPP),
    (c::SYS_lsetxattr, &[], c::EOPNOTSUPP),
    (c::SYS_fsetxattr, &[], c::EOPNOTSUPP),
    (c::SYS_setrlimit, &[(0, false, CORE, true)], 0),
    (c::SYS_prlimit64, &[OF_CORES, NO_OLD[0], NO_OLD[1], (2, false, 0, false)], 0),
    (c::SYS_prlimit64, &[OF_CORES, NO_OLD[0], NO_OLD[1], (2, true, 0, false)], 0),
];

const OF_CORES: (u32, bool, u32, bool) = (1, false, CORE, true);
const NO_OLD: [(u32, bool, u32, bool); 2] = [(3, false, 0, true), (3, true, 0, true)];

/// A part of a filter: the answer, or on to what follows. The numbers mean others on other architectures,
/// which the rest ends.
fn answered(&(call, words, errno): &Answered) -> Vec<sock_filter> {
    // struct seccomp_data (linux/seccomp.h), of little endian: the number, then the arguments.
    let mut asked = vec![(0, low(call), true)];
    let place = |argument, is_upper| 16 + 8 * argument + 4 * u32::from(is_upper);
    asked.extend(words.iter().map(|&(n, upper, value, is)| (place(n, upper), value, is)));
    let mut part = Vec::new();
    for (left, (place, value, is)) in asked.into_iter().rev().enumerate().rev() {
        let on = u8::try_from(2 * left + 1).unwrap_or(u8::MAX);
        let (jt, jf) = if is { (0, on) } else { (on, 0) };
        part.push(sock_filter { code: LOAD, jt: 0, jf: 0, k: place });
        part.push(sock_filter { code: IS_EQUAL, jt, jf, k: value });
    }
    let answer = libc::SECCOMP_RET_ERRNO | errno.unsigned_abs();
    part.push(sock_filter { code: RETURN, jt: 0, jf: 0, k: answer });
    part
}

/// BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, and BPF_RET | BPF_K (linux/bpf_common.h).
const LOAD: u16 = 0x20;
const IS_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "calls have small numbers"
)]
fn low(call: i64) -> u32 {
    call as u32
}

/// What only zygotes may do.
const OF_ZYGOTES: [i64; 2] = [c::SYS_setns, c::SYS_prctl];

/// What `clone` may not make (linux/sched.h): namespaces of every kind, and children of the caller's own
/// parent, which may be a zygote.
const NOT_CLONED: u64 = 0x7e02_0000 | 0x8000;

/// Terminal requests that type for somebody else: TIOCSTI, TIOCLINUX (asm-generic/ioctls.h).
const TYPING: [u64; 2] = [0x5412, 0x541c];

/// `personality` that only asks, and the usual one (personality(2)).
const PERSONALITIES: [u64; 2] = [0xffff_ffff, 0];

/// Sockets to the Runtime API.
const INTERNET: [c::c_int; 2] = [c::AF_INET, c::AF_INET6];

/// Their protocols. For others the kernel may load a module.
const PROTOCOLS: [c::c_int; 4] = [0, c::IPPROTO_TCP, c::IPPROTO_UDP, c::IPPROTO_MPTCP];

/// The bits of a socket's type that only those of other protocols have (linux/net.h): stream is 1,
/// datagram 2, raw 3, which needs a right.
const OTHER_TYPES: u64 = 0xc;

/// Options of sockets that take of the host's memory uncounted, by their level: programs (SO_ATTACH_FILTER,
/// SO_ATTACH_BPF, those of SO_REUSEPORT) and times of what is sent (SO_TIMESTAMPING, in both forms), keys of
/// signed segments, and groups of receivers, whom no jail reaches (asm-generic/socket.h, linux/tcp.h,
/// linux/in.h, linux/in6.h).
const OPTIONS: [(c::c_int, &[u64]); 4] = [
    (c::SOL_SOCKET, &[26, 50, 51, 52, 37, 65]),
    (c::IPPROTO_TCP, &[14, 32, 38]),
    (c::IPPROTO_IP, &[35, 39, 41, 42, 46, 48]),
    (c::IPPROTO_IPV6, &[20, 27, 42, 46, 48]),
];

/// RLIMIT_CORE (asm-generic/resource.h).
const CORE: u32 = 4;

/// F_SETLEASE and F_SETDELEG (linux/fcntl.h).
const LEASES: [u64; 2] = [1024, 1040];

/// MAP_HUGETLB, MFD_HUGETLB and SHM_HUGETLB: pages of one stock, which the operator laid in (mmap(2),
/// memfd_create(2), shmget(2)).
const HUGE: [(i64, u8, u64); 3] =
    [(c::SYS_mmap, 3, 0x4_0000), (c::SYS_memfd_create, 1, 4), (c::SYS_shmget, 2, 0o4000)];

/// Calls that are allowed with some arguments only.
fn conditional() -> Result<Vec<(i64, Vec<SeccompRule>)>, BackendError> {
    let rule = |conditions: Vec<SeccompCondition>| SeccompRule::new(conditions);
    let threads = SeccompCondition::new(0, Qword, MaskedEq(NOT_CLONED), 0)?;
    let is = |argument, value: c::c_int| {
        SeccompCondition::new(argument, Dword, Eq, u64::from(value.unsigned_abs()))
    };
    let but = |argument, value: u64| SeccompCondition::new(argument, Dword, Ne, value);
    let mut sockets = vec![rule(vec![is(0, c::AF_UNIX)?])?];
    for (family, protocol) in INTERNET.into_iter().flat_map(|it| PROTOCOLS.map(|p| (it, p))) {
        let usual = SeccompCondition::new(1, Dword, MaskedEq(OTHER_TYPES), 0)?;
        sockets.push(rule(vec![is(0, family)?, usual, is(2, protocol)?])?);
    }
    let mut requests = Vec::new();
    for typing in TYPING {
        requests.push(SeccompCondition::new(1, Dword, Ne, typing)?);
    }
    let mut personalities = Vec::new();
    for personality in PERSONALITIES {
        personalities.push(rule(vec![SeccompCondition::new(0, Dword, Eq, personality)?])?);
    }
    let nothing_new = SeccompCondition::new(2, Qword, Eq, 0)?;
    let mut allowed = vec![
        (c::SYS_clone, vec![rule(vec![threads])?]),
        (c::SYS_socket, sockets),
        (c::SYS_socketpair, vec![rule(vec![is(0, c::AF_UNIX)?])?]),
        (c::SYS_ioctl, vec![rule(requests)?]),
        (c::SYS_personality, personalities),
        (c::SYS_setsockopt, options()?),
        (c::SYS_fcntl, vec![rule(vec![but(1, LEASES[0])?, but(1, LEASES[1])?])?]),
        (c::SYS_prctl, vec![rule(vec![but(0, u64::from(c::PR_SET_SECCOMP.unsigned_abs()))?])?]),
        (c::SYS_setrlimit, vec![rule(vec![but(0, CORE.into())?])?]),
        (c::SYS_prlimit64, vec![rule(vec![but(1, CORE.into())?])?, rule(vec![nothing_new])?]),
    ];
    for (call, argument, flag) in HUGE {
        let usual = SeccompCondition::new(argument, Dword, MaskedEq(flag), 0)?;
        allowed.push((call, vec![rule(vec![usual])?]));
    }
    Ok(allowed)
}

/// Every option of every level but [`OPTIONS`].
fn options() -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = Vec::new();
    let mut of_no_level = Vec::new();
    for (level, options) in OPTIONS {
        let level = u64::from(level.unsigned_abs());
        let mut allowed = vec![SeccompCondition::new(1, Dword, Eq, level)?];
        for option in options {
            allowed.push(SeccompCondition::new(2, Dword, Ne, *option)?);
        }
        rules.push(SeccompRule::new(allowed)?);
        of_no_level.push(SeccompCondition::new(1, Dword, Ne, level)?);
    }
    rules.push(SeccompRule::new(of_no_level)?);
    Ok(rules)
}

/// On every architecture. `clone3` is not here: its flags lie in memory, where a filter cannot
/// look; the C library falls back to `clone`.
#[rustfmt::skip]
const EVERYWHERE: &[i64] = &[
    // Files.
    c::SYS_read, c::SYS_write, c::SYS_readv, c::SYS_writev, c::SYS_pread64, c::SYS_pwrite64,
    c::SYS_preadv, c::SYS_pwritev, c::SYS_preadv2, c::SYS_pwritev2, c::SYS_openat, c::SYS_openat2,
    c::SYS_close, c::SYS_close_range, c::SYS_lseek, c::SYS_fstat, c::SYS_newfstatat, c::SYS_statx,
    c::SYS_statfs, c::SYS_fstatfs, c::SYS_faccessat, c::SYS_faccessat2, c::SYS_readlinkat,
    c::SYS_getdents64, c::SYS_getcwd, c::SYS_chdir, c::SYS_fchdir, c::SYS_mkdirat, c::SYS_unlinkat,
    c::SYS_symlinkat, c::SYS_linkat, c::SYS_renameat2, c::SYS_mknodat,
    c::SYS_fchmod, c::SYS_fchmodat, c::SYS_fchmodat2, c::SYS_fchown, c::SYS_fchownat,
    c::SYS_umask, c::SYS_utimensat, c::SYS_truncate, c::SYS_ftruncate, c::SYS_fallocate,
    c::SYS_fadvise64, c::SYS_readahead, c::SYS_fsync, c::SYS_fdatasync, c::SYS_sync_file_range,
    c::SYS_flock, c::SYS_dup, c::SYS_dup3, c::SYS_pipe2, c::SYS_tee,
    c::SYS_splice, c::SYS_vmsplice, c::SYS_sendfile, c::SYS_copy_file_range,
    c::SYS_getxattr, c::SYS_lgetxattr,
    c::SYS_fgetxattr, c::SYS_listxattr, c::SYS_llistxattr, c::SYS_flistxattr, c::SYS_removexattr,
    c::SYS_lremovexattr, c::SYS_fremovexattr,
    c::SYS_inotify_init1, c::SYS_inotify_add_watch, c::SYS_inotify_rm_watch,
    // Waiting.
    c::SYS_ppoll, c::SYS_pselect6, c::SYS_epoll_create1, c::SYS_epoll_ctl, c::SYS_epoll_pwait,
    c::SYS_epoll_pwait2, c::SYS_eventfd2, c::SYS_signalfd4, c::SYS_timerfd_create,
    c::SYS_timerfd_settime, c::SYS_timerfd_gettime, c::SYS_futex, c::SYS_futex_waitv,
    // Memory.
    c::SYS_brk, c::SYS_munmap, c::SYS_mremap, c::SYS_mprotect, c::SYS_madvise,
    c::SYS_msync, c::SYS_mincore, c::SYS_mlock, c::SYS_mlock2, c::SYS_munlock, c::SYS_mlockall,
    c::SYS_munlockall, c::SYS_mseal, c::SYS_membarrier, c::SYS_remap_file_pages,
    c::SYS_pkey_alloc, c::SYS_pkey_free, c::SYS_pkey_mprotect,
    c::SYS_get_mempolicy, c::SYS_set_mempolicy, c::SYS_mbind, c::SYS_set_mempolicy_home_node,
    // Processes and threads.
    c::SYS_execve, c::SYS_execveat, c::SYS_exit, c::SYS_exit_group, c::SYS_wait4, c::SYS_waitid,
    c::SYS_getpid, c::SYS_getppid, c::SYS_gettid, c::SYS_getpgid, c::SYS_setpgid, c::SYS_getsid,
    c::SYS_setsid, c::SYS_getuid, c::SYS_geteuid, c::SYS_getgid, c::SYS_getegid, c::SYS_getresuid,
    c::SYS_getresgid, c::SYS_getgroups, c::SYS_setuid, c::SYS_setgid, c::SYS_setreuid,
    c::SYS_setregid, c::SYS_setresuid, c::SYS_setresgid, c::SYS_setgroups, c::SYS_setfsuid,
    c::SYS_setfsgid, c::SYS_capget, c::SYS_capset,
    c::SYS_getrusage, c::SYS_times, c::SYS_set_tid_address, c::SYS_set_robust_list,
    c::SYS_get_robust_list, c::SYS_rseq, c::SYS_pidfd_open, c::SYS_pidfd_send_signal,
    c::SYS_landlock_create_ruleset, c::SYS_landlock_add_rule, c::SYS_landlock_restrict_self,
    c::SYS_getpriority, c::SYS_setpriority, c::SYS_ioprio_get, c::SYS_ioprio_set,
    c::SYS_sched_yield, c::SYS_sched_getaffinity, c::SYS_sched_setaffinity, c::SYS_sched_getparam,
    c::SYS_sched_setparam, c::SYS_sched_getscheduler, c::SYS_sched_setscheduler,
    c::SYS_sched_getattr, c::SYS_sched_setattr, c::SYS_sched_get_priority_max,
    c::SYS_sched_get_priority_min, c::SYS_sched_rr_get_interval, c::SYS_getcpu,
    // Signals and clocks.
    c::SYS_kill, c::SYS_tkill, c::SYS_tgkill, c::SYS_rt_sigaction, c::SYS_rt_sigprocmask,
    c::SYS_rt_sigpending, c::SYS_rt_sigqueueinfo, c::SYS_rt_tgsigqueueinfo, c::SYS_rt_sigreturn,
    c::SYS_rt_sigsuspend, c::SYS_rt_sigtimedwait, c::SYS_sigaltstack, c::SYS_restart_syscall,
    c::SYS_nanosleep, c::SYS_clock_nanosleep, c::SYS_clock_gettime, c::SYS_clock_getres,
    c::SYS_gettimeofday, c::SYS_getitimer, c::SYS_setitimer, c::SYS_timer_create,
    c::SYS_timer_delete, c::SYS_timer_getoverrun, c::SYS_timer_gettime, c::SYS_timer_settime,
    // Sockets.
    c::SYS_bind, c::SYS_listen, c::SYS_accept, c::SYS_accept4, c::SYS_connect, c::SYS_getsockname,
    c::SYS_getpeername, c::SYS_getsockopt, c::SYS_shutdown, c::SYS_sendto,
    c::SYS_recvfrom, c::SYS_sendmsg, c::SYS_recvmsg, c::SYS_sendmmsg, c::SYS_recvmmsg,
    // Between processes of the jail, which has an ipc namespace of its own.
    c::SYS_msgget, c::SYS_msgsnd, c::SYS_msgrcv, c::SYS_msgctl, c::SYS_semget, c::SYS_semop,
    c::SYS_semtimedop, c::SYS_semctl, c::SYS_shmat, c::SYS_shmdt, c::SYS_shmctl,
    c::SYS_mq_open, c::SYS_mq_unlink, c::SYS_mq_timedsend, c::SYS_mq_timedreceive, c::SYS_mq_notify,
    c::SYS_mq_getsetattr,
    // What the system is.
    c::SYS_uname, c::SYS_sysinfo, c::SYS_getrandom, c::SYS_getrlimit,
];

/// Calls that newer architectures have in another form only.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OLD: &[i64] = &[
    c::SYS_open, c::SYS_creat, c::SYS_stat, c::SYS_lstat, c::SYS_access, c::SYS_readlink,
    c::SYS_mkdir, c::SYS_rmdir, c::SYS_unlink, c::SYS_symlink, c::SYS_link, c::SYS_rename,
    c::SYS_renameat, c::SYS_mknod, c::SYS_chmod, c::SYS_chown, c::SYS_lchown, c::SYS_utime,
    c::SYS_utimes, c::SYS_futimesat, c::SYS_getdents, c::SYS_dup2, c::SYS_pipe, c::SYS_poll,
    c::SYS_select, c::SYS_epoll_create, c::SYS_epoll_wait, c::SYS_eventfd, c::SYS_signalfd,
    c::SYS_inotify_init, c::SYS_fork, c::SYS_vfork, c::SYS_getpgrp, c::SYS_alarm, c::SYS_pause,
    c::SYS_time, c::SYS_arch_prctl,
];

/// Calls that newer architectures have in another form only.
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[i64] = &[c::SYS_renameat];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_one_that_the_kernel_takes() {
        /// BPF_MAXINSNS (linux/bpf_common.h).
        const INSTRUCTIONS_MAX: usize = 4096;
        let filter = compile(&OF_ZYGOTES).unwrap();
        assert!(filter.len() < INSTRUCTIONS_MAX, "{}", filter.len());
    }

    #[test]
    #[rustfmt::skip]
    fn what_reaches_past_a_process_is_left_out() {
        let allowed = [EVERYWHERE, OLD].concat();
        for call in [
            c::SYS_mount, c::SYS_umount2, c::SYS_pivot_root, c::SYS_chroot, c::SYS_move_mount,
            c::SYS_open_tree, c::SYS_fsopen, c::SYS_mount_setattr, c::SYS_unshare, c::SYS_setns,
            c::SYS_clone, c::SYS_clone3, c::SYS_ptrace, c::SYS_process_vm_readv,
            c::SYS_process_vm_writev, c::SYS_pidfd_getfd, c::SYS_kcmp, c::SYS_keyctl,
            c::SYS_add_key, c::SYS_request_key, c::SYS_bpf, c::SYS_perf_event_open,
            c::SYS_userfaultfd, c::SYS_io_uring_setup, c::SYS_init_module, c::SYS_finit_module,
            c::SYS_kexec_load, c::SYS_reboot, c::SYS_swapon, c::SYS_open_by_handle_at,
            c::SYS_settimeofday, c::SYS_clock_settime, c::SYS_adjtimex, c::SYS_sync,
            c::SYS_syncfs, c::SYS_io_setup, c::SYS_seccomp, c::SYS_setxattr,
            c::SYS_syslog, c::SYS_acct, c::SYS_quotactl, c::SYS_fanotify_init, c::SYS_socket,
        ] {
            assert!(!allowed.contains(&call), "{call}");
        }
    }
}
