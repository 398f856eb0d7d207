//! The way to the outside, where the operator allows one: the listener of a worker's Runtime API is a
//! proxy, too, and the server connects on the function's behalf (docs/decisions/016).
//!
//! A jail has no network. What a function asks for is looked up here, judged by its address
//! ([`Reach`]), and that very address is connected to: no name can mean another one afterwards.

mod idle;
mod own;
mod proxy;
mod reach;
mod shares;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

pub(crate) use proxy::{Proxied, Tunnel, is_proxied};
pub use reach::{Destination, InvalidDestination, Reach};

use shares::{Share, Taken, Whole};

/// Most connections with the outside that one worker may have. Ours: SDKs keep 50 open at the most.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// Most of all workers. Ours; fewer where this process may not open so many files.
const ALL_CONNECTIONS_MAX: usize = 1024;

/// Names that are looked up at a time: each takes a thread until it is answered.
const LOOKUPS_MAX: usize = 16;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Most addresses of a name that are judged: each may need the kernel's word.
const JUDGED_MAX: usize = 32;

/// Longest that a name is looked up, its turn included.
const LOOKUP_MAX: Duration = Duration::from_secs(10);

/// Longest that the addresses of a name are tried, all together.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The outside, as far as it may be reached.
pub(crate) struct Outside {
    reach: Reach,
    whole: Whole,
}

/// One worker's way there.
#[derive(Clone)]
pub(crate) struct Way {
    outside: Arc<Outside>,
    share: Arc<Share>,
    connections: Arc<Semaphore>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreached {
    #[error("functions may not reach {0}, as the operator's --function-network does not list it")]
    Forbidden(String),
    /// The same for a name that nobody has, one of other places, and one that nobody could tell of.
    #[error(
        "{0} has no address that the operator's --function-network lists, as far as could be told"
    )]
    Nowhere(String),
    #[error("{0} cannot be reached: {1}")]
    Refused(String, io::Error),
    #[error("{0} did not answer in time")]
    Silent(String),
    #[error("too many connections are open")]
    Many,
}

/// A place among the connections of a worker, of its function, and of all.
pub(crate) struct Counted {
    _of_worker: OwnedSemaphorePermit,
    _taken: Taken,
}

/// What this host lacks for networks to be judged; without it only what is listed by itself is reached.
pub(crate) fn lacking() -> Option<String> {
    let refused = own::is_own(Ipv4Addr::LOCALHOST.into()).err()?;
    Some(format!("the kernel's routes (functions reach no network of the list): {refused}"))
}

impl Outside {
    /// `None` where nothing may be reached.
    pub(crate) fn new(reach: Reach) -> Option<Arc<Self>> {
        let whole = Whole::new(connections_max(), LOOKUPS_MAX);
        (!reach.is_empty()).then(|| Arc::new(Self { reach, whole }))
    }

    /// The way there of a worker of a function.
    pub(crate) fn way(self: &Arc<Self>, function: &str) -> Way {
        Way {
            outside: Arc::clone(self),
            share: self.whole.share_of(function),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        }
    }

    /// Whether this may be reached: it is listed by itself, or in a network of the list and nothing
    /// of this machine's, as itself or as what a translator takes it for.
    fn allows(&self, address: SocketAddr) -> io::Result<bool> {
        let ip = address.ip();
        if !self.reach.contains(ip) || self.reach.names(address) {
            return Ok(self.reach.names(address));
        }
        let translated = reach::translated(ip).map_or(Ok(false), own::is_own)?;
        Ok(!translated && !own::is_own(ip)?)
    }
}

/// An eighth of the files that this process may open, two of which each connection takes.
fn connections_max() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let eighth = usize::try_from(files.unwrap_or(u64::MAX) / 8).unwrap_or(usize::MAX);
    eighth.clamp(1, ALL_CONNECTIONS_MAX)
}

impl Way {
    /// Connects with the first address of `host` that may be reached and answers.
    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Unreached> {
        let connected = self.connect_with(host, port).await;
        let function = &self.share.function;
        match &connected {
            Ok(stream) => {
                let address = stream.peer_addr().ok();
                tracing::debug!(%function, host, port, ?address, "a function reaches the outside");
            }
            Err(error) => {
                tracing::debug!(%function, host, port, %error, "a function reaches nobody");
            }
        }
        connected
    }

    /// A place for one more connection.
    ///
    /// # Errors
    /// [`Unreached::Many`].
    pub(crate) fn count(&self) -> Result<Counted, Unreached> {
        let of_worker = Arc::clone(&self.connections).try_acquire_owned();
        let of_worker = of_worker.map_err(|_| Unreached::Many)?;
        let taken = self.outside.whole.connection(&self.share).ok_or(Unreached::Many)?;
        Ok(Counted { _of_worker: of_worker, _taken: taken })
    }

    async fn connect_with(&self, host: &str, port: u16) -> Result<TcpStream, Unreached> {
        let name = format!("{host}:{port}");
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let Ok(ip) = literal.unwrap_or(host).parse::<IpAddr>() {
            return self.outside.first_of(&[SocketAddr::new(ip, port)], name, CONNECT_MAX).await;
        }
        if !self.outside.reach.has_names() {
            return Err(Unreached::Forbidden(name));
        }
        let found = timeout(LOOKUP_MAX, self.look_up(host, port)).await;
        let found = found.map_err(|_| Unreached::Silent(name.clone()))?.unwrap_or_default();
        // Which names there are is not told.
        match self.outside.first_of(&found, name, CONNECT_MAX).await {
            Err(Unreached::Forbidden(name)) => Err(Unreached::Nowhere(name)),
            reached => reached,
        }
    }

    /// Waits for its turn. The system's own look-up holds a thread until it is answered, which nobody
    /// can end: so its turn is over only then.
    async fn look_up(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let turn = self.outside.whole.lookup(&self.share).await?;
        let host = host.to_owned();
        let found = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            (host, port).to_socket_addrs().ok().map(Iterator::collect)
        });
        found.await.ok()?
    }
}

impl Outside {
    /// Connects with the first of the addresses that may be reached and answers. Each is judged right
    /// before; each has half of the time that is left, the last all of it.
    async fn first_of(
        &self,
        found: &[SocketAddr],
        name: String,
        limit: Duration,
    ) -> Result<TcpStream, Unreached> {
        let end = Instant::now() + limit;
        let mut failure = Unreached::Forbidden(name.clone());
        let mut tries = ADDRESSES_MAX;
        for (at, address) in found.iter().enumerate().take(JUDGED_MAX) {
            if tries == 0 {
                break;
            }
            match self.allows(*address) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    failure = failure.or(Unreached::Refused(name.clone(), error));
                    continue;
                }
            }
            tries -= 1;
            let left = end.saturating_duration_since(Instant::now());
            let is_last = tries == 0 || at + 1 == found.len();
            let part = if is_last { left } else { left / 2 };
            match timeout(part, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Whoever sends in small parts, or not, is the function.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => failure = failure.or(Unreached::Refused(name.clone(), error)),
                Err(_) => failure = Unreached::Silent(name.clone()),
            }
        }
        Err(failure)
    }
}

impl Unreached {
    /// What is told of a name with two such addresses: that one is silent, which may be over soon.
    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Silent(_)) { self } else { other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::{Ipv4Addr, TcpListener, TcpStream as StdStream};

    use rustix::net::{AddressFamily, SocketType};

    fn outside(services: &[SocketAddr]) -> Arc<Outside> {
        let reach = services.iter().map(|service| Destination::Service(*service));
        Outside::new(reach.collect()).unwrap()
    }

    /// A listener that answers nobody any more: one waits, and there is no place for another.
    fn full() -> (TcpListener, SocketAddr, StdStream) {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        (listener, address, StdStream::connect(address).unwrap())
    }

    #[tokio::test]
    async fn all_addresses_of_a_name_have_one_time_together() {
        let limit = Duration::from_millis(400);
        let (_listener, silent, _waiting) = full();
        let good = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let good = good.local_addr().map(|address| (good, address)).unwrap();
        let outside = outside(&[silent, good.1]);
        let of = |found: Vec<SocketAddr>| {
            let outside = Arc::clone(&outside);
            async move { outside.first_of(&found, "name:1".to_owned(), limit).await }
        };
        let begin = Instant::now();
        assert!(matches!(of(vec![silent; 9]).await, Err(Unreached::Silent(_))));
        // Less than if each had a time of its own, however late the timers of a busy machine are.
        let tried = u32::try_from(ADDRESSES_MAX).unwrap();
        assert!((limit..tried * limit).contains(&begin.elapsed()));
        let connected = of(vec![silent, good.1]).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), good.1);
        assert!(connected.nodelay().unwrap());
        // No more than so many are tried.
        let late = [vec![silent; ADDRESSES_MAX], vec![good.1]].concat();
        assert!(matches!(of(late).await, Err(Unreached::Silent(_))));
    }

    #[tokio::test]
    async fn a_silent_address_counts_more_than_one_that_refuses() {
        let (_listener, silent, _waiting) = full();
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let outside = outside(&[silent, closed]);
        let limit = Duration::from_millis(200);
        for found in [[silent, closed], [closed, silent]] {
            let got = outside.first_of(&found, "name:1".to_owned(), limit).await;
            assert!(matches!(got, Err(Unreached::Silent(_))), "{found:?}");
        }
        let got = outside.first_of(&[closed], "name:1".to_owned(), limit).await;
        assert!(matches!(got, Err(Unreached::Refused(..))));
    }

    #[tokio::test]
    async fn names_are_looked_up_only_where_they_are_listed() {
        let told = async |list: &str, host: &str| {
            let reach = list.split(',').map(|text| text.parse::<Destination>().unwrap()).collect();
            let connected = Outside::new(reach).unwrap().way("f").connect(host, 1).await;
            connected.map(drop).unwrap_err()
        };
        for host in ["localhost", "no-such-host.invalid"] {
            for list in ["internet", "10.0.0.0/8,names"] {
                assert!(matches!(told(list, host).await, Unreached::Nowhere(_)), "{list} {host}");
            }
            let without = told("10.0.0.0/8,::/0,127.0.0.1:80", host).await;
            assert!(matches!(without, Unreached::Forbidden(_)), "{host}");
        }
        assert!(matches!(told("internet", "127.0.0.1").await, Unreached::Forbidden(_)));
    }
}
