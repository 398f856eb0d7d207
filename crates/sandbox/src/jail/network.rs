//! A jail's network: a loopback interface of its own, and the Runtime API's listener on it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::protocol::{Failure, Step};

/// Brings up the loopback interface: in a new network namespace it is down.
pub(crate) fn loopback_up() -> Result<(), Failure> {
    let (kind, flags) = (SocketType::DGRAM, SocketFlags::CLOEXEC);
    let socket = rustix::net::socket_with(AddressFamily::INET, kind, flags, None);
    let socket = socket.step("socket")?;
    set_up(&socket).step("ioctl(SIOCSIFFLAGS)")
}

/// IFF_UP (netdevice(7)).
const UP: libc::c_short = 1;

#[expect(unsafe_code, reason = "std and rustix do not set an interface's flags")]
fn set_up(socket: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: zero bytes are an `ifreq`; its name is `lo` and ends with a zero byte.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = UP;
    // SAFETY: SIOCSIFFLAGS reads an `ifreq`, which outlives the call (netdevice(7)).
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// What a network namespace may have of its own, so that sockets keep little that no limit counts: no copies
/// of what was sent beside the time at which it was, few bytes of options, and few connections that have
/// ended (sysctl/net.rst, networking/ip-sysctl.rst).
const OWN: [(&str, &str); 3] = [
    ("/proc/sys/net/core/tstamp_allow_data", "0"),
    ("/proc/sys/net/core/optmem_max", "8192"),
    ("/proc/sys/net/ipv4/tcp_max_tw_buckets", "4096"),
];

/// Sets them where the kernel lets a namespace have them; older ones have them for all together.
pub(crate) fn keep_little() {
    for (name, value) in OWN {
        // Also where somebody else made `/proc/sys` read-only.
        let _ = std::fs::write(name, value);
    }
}

/// Listens on a loopback port; 0 takes a free one. A listener stays in the network namespace that
/// it was made in, whoever accepts on it.
pub(crate) fn listen(port: u16) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).step("bind")?;
    listener.set_nonblocking(true).step("fcntl(O_NONBLOCK)")?;
    Ok(listener)
}
