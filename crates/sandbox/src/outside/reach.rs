//! Which addresses of the outside functions may reach: what the operator lists, less what is nobody's
//! business but this machine's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// What functions may reach. Nothing, unless it is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach(Vec<Destination>);

/// One entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Every address that is routed in the internet.
    Internet,
    /// The addresses of a network: those that have its first bits.
    Network {
        /// One of them.
        address: IpAddr,
        /// How many bits; no more than an address of the kind has.
        bits: u8,
    },
    /// One port of one address, whatever address it is.
    Service(SocketAddr),
    /// No address at all: that names are looked up, which tells them to whoever answers for them. The
    /// internet has names by itself.
    Names,
}

/// Text that is no [`Destination`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// It has another form.
    #[error("`{0}` is none of: internet, names, NETWORK/BITS, ADDRESS, ADDRESS:PORT")]
    Form(String),
    /// Addresses are compared as what they mean, so it would have none.
    #[error("`{0}` is IPv4 in IPv6's spelling: write it as IPv4, as 10.0.0.0/8")]
    Mapped(String),
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDestination::Form(text.to_owned());
        match text {
            "internet" => return Ok(Self::Internet),
            "names" => return Ok(Self::Names),
            _ => {}
        }
        if let Ok(service) = text.parse::<SocketAddr>() {
            return if service.port() == 0 { Err(invalid()) } else { Ok(Self::Service(service)) };
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(bits_max), str::parse).map_err(|_| invalid())?;
        match address {
            _ if bits > bits_max => Err(invalid()),
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
                Err(InvalidDestination::Mapped(text.to_owned()))
            }
            _ => Ok(Self::Network { address, bits }),
        }
    }
}

impl FromIterator<Destination> for Reach {
    fn from_iter<T: IntoIterator<Item = Destination>>(destinations: T) -> Self {
        Self(destinations.into_iter().collect())
    }
}

impl Reach {
    /// Whether there is nothing that functions may reach.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether names are looked up.
    pub(super) fn has_names(&self) -> bool {
        let has = |entry: &Destination| matches!(entry, Destination::Internet | Destination::Names);
        self.0.iter().any(has)
    }

    /// Whether this port of this address is on the list by itself.
    pub(super) fn names(&self, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip().to_canonical(), address.port());
        self.0.iter().any(|destination| {
            matches!(destination, Destination::Service(service)
                if service.ip().to_canonical() == ip && service.port() == port)
        })
    }

    /// Whether the address is in a network of the list, and not one that no network ever contains.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        !is_reserved(ip)
            && self.0.iter().any(|destination| match destination {
                Destination::Internet => is_public(ip),
                Destination::Network { address, bits } => is_within(ip, *address, *bits),
                Destination::Service(_) | Destination::Names => false,
            })
    }
}

fn is_within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (ip, network, bits_max) = match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            (u128::from(ip.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => (ip.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    // A shift by all bits gives `None`: such a network has every address.
    (ip ^ network).checked_shr(bits_max - u32::from(bits)).unwrap_or(0) == 0
}

/// Networks whose addresses mean this machine, its link or its cloud, wherever they are used: no
/// network of the list has them. Source: IANA's registries of special-purpose addresses; metadata
/// services as their clouds document them.
#[rustfmt::skip]
const RESERVED: [(IpAddr, u8); 20] = [
    (v4(0, 0, 0, 0),          8),   // this host on this network
    (v4(127, 0, 0, 0),        8),   // loopback
    (v4(169, 254, 0, 0),      16),  // link-local, metadata services
    (v4(168, 63, 129, 16),    32),  // Azure's host
    (v4(100, 100, 100, 200),  32),  // Alibaba Cloud's metadata service
    (v4(192, 0, 0, 192),      32),  // Oracle Cloud's metadata service
    (v4(224, 0, 0, 0),        4),   // multicast
    (v4(255, 255, 255, 255),  32),  // broadcast
    (v6(0, 0),                96),  // unspecified, loopback, IPv4-compatible
    (v6(0xfe80_0000, 0),      10),  // link-local
    (v6(0xfec0_0000, 0),      10),  // site-local, deprecated
    (v6(0xff00_0000, 0),      8),   // multicast
    (v6(0xfd00_0ec2, 0),      32),  // Amazon's metadata service
    (v6(0xfd20_00ce, 0),      32),  // Google Cloud's metadata service
    (v6(0xfd00_0042, 0x42),   128), // Scaleway's
    (v6(0xfd00_0100, 0x0100_0200), 128), // Alibaba Cloud's
    (v6(0xfd00_00c1, 0xa9fe_a9fe), 128), // Oracle Cloud's
    (v6(0xfd00_a9fe, 0),      32),  // Akamai's
    (v6(0x2001_0000, 0),      32),  // Teredo: has an IPv4 address in disguise
    (LOCAL_NAT64,             48),  // a translator of one's own (RFC 8215), in any of its forms
];

const LOCAL_NAT64: IpAddr = IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0));

/// Further networks that the internet does not route. Source: the same registries.
#[rustfmt::skip]
const PRIVATE: [(IpAddr, u8); 14] = [
    (v4(10, 0, 0, 0),         8),   // private
    (v4(100, 64, 0, 0),       10),  // shared by a carrier's customers
    (v4(172, 16, 0, 0),       12),  // private
    (v4(192, 0, 0, 0),        24),  // protocols
    (v4(192, 0, 2, 0),        24),  // documentation
    (v4(192, 88, 99, 0),      24),  // 6to4 relays, deprecated
    (v4(192, 168, 0, 0),      16),  // private
    (v4(198, 18, 0, 0),       15),  // benchmarks
    (v4(198, 51, 100, 0),     24),  // documentation
    (v4(203, 0, 113, 0),      24),  // documentation
    (v4(240, 0, 0, 0),        4),   // reserved
    (v6(0x2001_0000, 0),      23),  // protocols
    (v6(0x2001_0db8, 0),      32),  // documentation
    (v6(0x3fff_0000, 0),      20),  // documentation
];

/// All that the internet routes of version 6.
const GLOBAL_UNICAST: (IpAddr, u8) = (v6(0x2000_0000, 0), 3);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6(first: u32, last: u32) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits((first as u128) << 96 | last as u128))
}

fn is_in(networks: &[(IpAddr, u8)], ip: IpAddr) -> bool {
    networks.iter().any(|(network, bits)| is_within(ip, *network, *bits))
}

fn is_reserved(ip: IpAddr) -> bool {
    is_in(&RESERVED, ip) || translated(ip).is_some_and(|ip| is_in(&RESERVED, ip))
}

fn is_public(ip: IpAddr) -> bool {
    match translated(ip) {
        Some(ip) => !is_in(&PRIVATE, ip),
        None => {
            !is_in(&PRIVATE, ip)
                && (ip.is_ipv4() || is_within(ip, GLOBAL_UNICAST.0, GLOBAL_UNICAST.1))
        }
    }
}

/// The IPv4 address that a translator or a relay takes this for: NAT64's own prefix (RFC 6052) and
/// 6to4 (RFC 3056).
pub(super) fn translated(ip: IpAddr) -> Option<IpAddr> {
    const NAT64: IpAddr = IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0));
    const SIX_TO_FOUR: IpAddr = v6(0x2002_0000, 0);
    let IpAddr::V6(whole) = ip else { return None };
    let [.., a, b, c, d] = whole.octets();
    let [_, _, e, f, g, h, ..] = whole.octets();
    match ip {
        _ if is_within(ip, NAT64, 96) => Some(v4(a, b, c, d)),
        _ if is_within(ip, SIX_TO_FOUR, 16) => Some(v4(e, f, g, h)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(list: &[&str]) -> Reach {
        list.iter().map(|text| text.parse::<Destination>().unwrap()).collect()
    }

    #[test]
    #[rustfmt::skip]
    fn a_destination_is_one_of_five_forms() {
        for (text, is_one) in [
            ("internet", true), ("names", true), ("10.0.0.0/8", true), ("10.1.2.3", true), ("10.1.2.3:5432", true), ("::/0", true),
            ("fd00::/8", true), ("[fd00::1]:443", true), ("0.0.0.0/0", true), ("10.0.0.0/32", true), ("::1/128", true),
            ("", false), ("Internet", false), ("name", false), ("10.0.0.0/33", false), ("10.0.0.0/", false), ("10.0.0.0/-1", false),
            ("10.0.0/8", false), ("::/129", false), ("10.0.0.1:0", false), ("example.com", false),
            ("::ffff:10.0.0.0/104", false), ("::ffff:10.0.0.1", false), ("[::ffff:10.0.0.1]:80", true),
            ("10.0.0.0/8:443", false), ("10.0.0.1:65536", false), (" 10.0.0.1", false), ("*", false),
        ] {
            assert_eq!(text.parse::<Destination>().is_ok(), is_one, "{text}");
        }
    }

    #[track_caller]
    fn check(list: &[&str], ip: &str, want: bool) {
        assert_eq!(reach(list).contains(ip.parse().unwrap()), want, "{ip} in {list:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_network_has_the_addresses_with_its_first_bits() {
        check(&[],                           "8.8.8.8",          false);
        check(&["10.0.0.0/8"],               "10.255.0.1",       true);
        check(&["10.0.0.0/8"],               "11.0.0.1",         false);
        check(&["10.9.9.9/8"],               "10.0.0.1",         true);
        check(&["10.1.2.3"],                 "10.1.2.3",         true);
        check(&["10.1.2.3"],                 "10.1.2.2",         false);
        check(&["0.0.0.0/0"],                "192.168.1.1",      true);
        check(&["0.0.0.0/0"],                "2606:4700::1",     false);
        check(&["0.0.0.0/0"],                "::ffff:10.0.0.1",  true);
        check(&["::/0"],                     "2606:4700::1",     true);
        check(&["::/0"],                     "10.0.0.1",         false);
        check(&["::/0"],                     "::ffff:10.0.0.1",  false);
        check(&["fd12::/16"],                "fd12:1::1",        true);
        check(&["10.0.0.1:80"],              "10.0.0.1",         false);
        check(&["names"],                    "8.8.8.8",          false);
        check(&["10.0.0.1", "10.0.0.2"],     "10.0.0.2",         true);
    }

    #[test]
    fn no_network_has_this_machine_its_link_or_its_cloud() {
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "::",
            "::1",
            "::7f00:1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:42::42",
            "64:ff9b:1::a9fe:a9fe",
            "fd00:100::100:200",
            "fd00:c1::a9fe:a9fe",
            "fd00:a9fe:a9fe::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "2001:0:1::1",
        ] {
            // That alone is listed, too, where it can be.
            let alone = if ip.starts_with("::ffff:") { "internet" } else { ip };
            check(&["internet", "0.0.0.0/0", "::/0", alone], ip, false);
        }
    }

    #[test]
    fn the_internet_is_what_is_routed_in_it() {
        for ip in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1", "64:ff9b::808:808"] {
            check(&["internet"], ip, true);
        }
        for ip in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "240.0.0.1",
            "fd00::1",
            "fc00::1",
            "2001:db8::1",
            "3fff::1",
            "4000::1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
        ] {
            check(&["internet"], ip, false);
        }
    }

    #[test]
    fn a_service_is_one_port_of_any_address() {
        let named = |list: &[&str], address: &str| reach(list).names(address.parse().unwrap());
        assert!(named(&["127.0.0.1:80"], "127.0.0.1:80"));
        assert!(named(&["127.0.0.1:80"], "[::ffff:127.0.0.1]:80"));
        assert!(named(&["[::1]:80"], "[::1]:80"));
        assert!(!named(&["127.0.0.1:80"], "127.0.0.1:81"));
        assert!(!named(&["127.0.0.1:80"], "127.0.0.2:80"));
        assert!(!named(&["127.0.0.0/8", "internet"], "127.0.0.1:80"));
    }
}
