//! Which addresses are this machine's own: the kernel's routes say it (rtnetlink(7)).
//!
//! Lists of interfaces would not do: a route makes addresses local that no interface has.

use std::io;
use std::net::IpAddr;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Types of messages, their flag, an attribute and a type of routes (`linux/netlink.h`,
/// `linux/rtnetlink.h`).
const NLMSG_ERROR: u16 = 2;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const NLM_F_REQUEST: u16 = 1;
const RTA_DST: u16 = 1;
const RTN_UNICAST: u8 = 1;

/// Where a message's own part begins, and the type of a route in it: `struct nlmsghdr`, `struct rtmsg`.
const HEADER_BYTES: usize = 16;
const ROUTE_TYPE_AT: usize = HEADER_BYTES + 7;

/// More than one route's message has.
const ANSWER_BYTES_MAX: usize = 4096;

/// Whether what is sent to an address stays with this machine, or goes to more than one: it is not sent
/// to one other machine. What there is no way to is nobody's.
///
/// # Errors
/// When the kernel cannot be asked, or says nothing of the kind.
pub(super) fn is_own(ip: IpAddr) -> io::Result<bool> {
    match route_type(&ask(&request(ip.to_canonical()))?) {
        Err(error) if error.kind() == io::ErrorKind::NetworkUnreachable => Ok(false),
        kind => Ok(kind? != RTN_UNICAST),
    }
}

/// Asks for the route to one address.
fn request(ip: IpAddr) -> Vec<u8> {
    let (family, bytes) = match ip {
        IpAddr::V4(ip) => (AddressFamily::INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (AddressFamily::INET6, ip.octets().to_vec()),
    };
    let bits = if ip.is_ipv4() { 32 } else { 128 };
    let [family, _] = family.as_raw().to_ne_bytes();
    let route = [family, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    message(RTM_GETROUTE, NLM_F_REQUEST, &route, &[(RTA_DST, &bytes)])
}

/// A message of the routing family: its own part, then its attributes, all of whole words.
fn message(kind: u16, flags: u16, own: &[u8], attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX);
    let mut rest = own.to_vec();
    for (name, value) in attributes {
        rest.extend(length(4 + value.len()).to_ne_bytes());
        rest.extend(name.to_ne_bytes());
        rest.extend(*value);
    }
    let mut whole = u32::from(length(HEADER_BYTES + rest.len())).to_ne_bytes().to_vec();
    whole.extend(kind.to_ne_bytes());
    whole.extend(flags.to_ne_bytes());
    whole.extend([0; 8]); // No number, and any sender.
    whole.append(&mut rest);
    whole
}

/// The kernel answers before the sending ends, so there is nothing to wait for.
fn ask(request: &[u8]) -> io::Result<Vec<u8>> {
    let (kind, flags) = (SocketType::RAW, SocketFlags::CLOEXEC);
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, kind, flags, None)?;
    rustix::net::send(&socket, request, SendFlags::empty())?;
    let mut answer = vec![0; ANSWER_BYTES_MAX];
    let (length, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::DONTWAIT)?;
    answer.truncate(length);
    Ok(answer)
}

/// The type of the one route that the kernel answered with.
fn route_type(answer: &[u8]) -> io::Result<u8> {
    let odd = || io::Error::other("the kernel's answer about a route is none");
    let [_, _, _, _, kind @ ..] = *answer.first_chunk::<6>().ok_or_else(odd)?;
    match u16::from_ne_bytes(kind) {
        RTM_NEWROUTE => answer.get(ROUTE_TYPE_AT).copied().ok_or_else(odd),
        NLMSG_ERROR => Err(answer.get(HEADER_BYTES..).and_then(failure).unwrap_or_else(odd)),
        _ => Err(odd()),
    }
}

fn failure(told: &[u8]) -> Option<io::Error> {
    let errno = i32::from_ne_bytes(*told.first_chunk()?);
    (errno != 0).then(|| io::Error::from_raw_os_error(-errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::process::Command;
    use std::time::{Duration, Instant};

    use crate::outside::{Destination, Outside};

    const NLM_F_ACK: u16 = 4;
    const NLM_F_CREATE: u16 = 0x400;
    const RTM_NEWADDR: u16 = 20;
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    const RTA_OIF: u16 = 4;
    const RTN_LOCAL: u8 = 2;
    /// `lo`, in every network namespace.
    const LOOPBACK: u32 = 1;

    fn bytes(ip: &str) -> (u8, Vec<u8>) {
        match ip.parse().unwrap() {
            IpAddr::V4(ip) => (2, ip.octets().to_vec()),
            IpAddr::V6(ip) => (10, ip.octets().to_vec()),
        }
    }

    /// Has the kernel do something.
    fn tell(kind: u16, own: &[u8], attributes: &[(u16, &[u8])]) {
        let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
        let answer = ask(&message(kind, flags, own, attributes)).unwrap();
        assert_eq!(answer[16..20], [0; 4], "{kind} {own:?}");
    }

    fn give_address(ip: &str, bits: u8) {
        let (family, ip) = bytes(ip);
        let own = [&[family, bits, 0, 0], &LOOPBACK.to_ne_bytes()[..]].concat();
        tell(RTM_NEWADDR, &own, &[(IFA_LOCAL, &ip), (IFA_ADDRESS, &ip)]);
    }

    /// `ip route add TYPE NETWORK dev lo`.
    fn give_route(kind: u8, network: &str, bits: u8) {
        let (family, network) = bytes(network);
        // Its table and scope: `local` and `host`, or `main` and `link`.
        let (table, scope) = if kind == RTN_LOCAL { (255, 254) } else { (254, 253) };
        let own = [family, bits, 0, 0, table, 4, scope, kind, 0, 0, 0, 0];
        tell(RTM_NEWROUTE, &own, &[(RTA_DST, &network), (RTA_OIF, &LOOPBACK.to_ne_bytes())]);
    }

    #[test]
    fn loopback_is_always_own() {
        for ip in ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1"] {
            assert!(is_own(ip.parse().unwrap()).unwrap(), "{ip}");
        }
    }

    #[test]
    #[rustfmt::skip]
    #[ignore = "runs in a network of its own, from the test below"]
    fn in_a_network_of_its_own() {
        crate::jail::loopback_up().unwrap();
        for (ip, bits) in [("10.8.0.5", 24), ("10.8.0.6", 24), ("10.9.9.1", 32), ("fd78::1", 64)] {
            give_address(ip, bits);
        }
        // The kernel makes an address of version 6 usable on its own time.
        let end = Instant::now() + Duration::from_secs(30);
        while !is_own("fd78::1".parse().unwrap()).unwrap() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        give_route(RTN_LOCAL, "10.10.0.0", 16);
        give_route(RTN_LOCAL, "fd77::", 64);
        give_route(RTN_UNICAST, "10.11.0.0", 16);
        for (ip, want) in [
            ("10.8.0.5",          true),  // an interface's
            ("10.8.0.6",          true),  // its second, which nothing is sent from
            ("::ffff:10.8.0.6",   true),
            ("10.8.0.7",          true),  // all of a network on loopback
            ("10.8.0.255",        true),  // its broadcast
            ("10.9.9.1",          true),
            ("fd78::1",           true),
            ("10.10.3.4",         true),  // by a route only
            ("fd77::7",           true),
            ("::1",               true),
            ("10.11.0.1",         false),
            ("fd78::2",           false),
            ("10.12.0.1",         false), // no way there
            ("fd79::1",           false),
        ] {
            assert_eq!(is_own(ip.parse().unwrap()).unwrap(), want, "{ip}");
        }
        let list = ["10.0.0.0/8", "64:ff9b::/96", "2002::/16", "10.8.0.6:80"];
        let list = list.map(|text| text.parse::<Destination>().unwrap());
        let outside = Outside::new(list.into_iter().collect()).unwrap();
        for (address, want) in [
            ("10.11.0.1:1",           true),
            ("10.8.0.6:1",            false),
            ("10.8.0.6:80",           true),  // listed by itself
            ("[::ffff:10.8.0.6]:1",   false),
            ("[64:ff9b::a0b:1]:1",    true),  // another machine's 10.11.0.1
            ("[64:ff9b::a08:6]:1",    false), // 10.8.0.6, once translated
            ("[2002:a08:6::1]:1",     false),
            ("[2002:a0b:1::1]:1",     true),
        ] {
            assert_eq!(outside.allows(address.parse().unwrap()).unwrap(), want, "{address}");
        }
    }

    #[test]
    fn every_address_that_stays_with_this_machine_is_own() {
        let name = "outside::own::tests::in_a_network_of_its_own";
        let mut again = Command::new("unshare");
        again.args(["--user", "--map-root-user", "--net", "--"]);
        again.arg(std::env::current_exe().unwrap()).args(["--exact", "--ignored", name]);
        let ended = again.output().unwrap();
        if ended.stdout.is_empty() {
            let refused = String::from_utf8_lossy(&ended.stderr);
            // The latter where no more user namespaces are allowed, or none (user_namespaces(7)).
            let reasons = ["Operation not permitted", "No space left on device"];
            assert!(reasons.iter().any(|reason| refused.contains(reason)), "{refused}");
            eprintln!("skipped: {refused}");
            return;
        }
        let told = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && told.contains("1 passed"), "{told}");
    }

    #[test]
    fn what_the_kernel_does_not_say_is_no_answer() {
        let error = |code: i32| [&[0; 4][..], &[2, 0], &[0; 10], &code.to_ne_bytes()].concat();
        for answer in
            [vec![], vec![0; 16], vec![0; 40], error(-101), error(0), error(-1)[..18].to_vec()]
        {
            route_type(&answer).unwrap_err();
        }
        let refused = route_type(&error(-libc::ENETUNREACH)).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENETUNREACH));
    }
}
