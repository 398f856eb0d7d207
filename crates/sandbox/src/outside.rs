//! The way to the outside, where the operator allows one: the listener of a worker's Runtime API is a
//! proxy, too, and the server connects on the function's behalf (docs/decisions/016).
//!
//! A jail has no network. What a function asks for is looked up here, judged by its address
//! ([`Reach`]), and that very address is connected to: no name can mean another one afterwards.

mod idle;
mod own;
mod proxy;
mod reach;

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub(crate) use proxy::{Proxied, Tunnel, is_proxied};
pub use reach::{Destination, InvalidDestination, Reach};

/// Most connections with the outside that one worker may have. Ours: SDKs keep 50 open at the most.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// Most of all workers. Ours; fewer where this process may not open so many files.
const ALL_CONNECTIONS_MAX: usize = 1024;

/// Names that are looked up at a time, and of one worker: each takes a thread until it is answered.
const LOOKUPS_MAX: usize = 16;
const WORKER_LOOKUPS_MAX: usize = 4;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Longest that a name is looked up, its turn included.
const LOOKUP_MAX: Duration = Duration::from_secs(10);

/// Longest that an address is tried.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The outside, as far as it may be reached.
pub(crate) struct Outside {
    reach: Reach,
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

/// One worker's way there.
#[derive(Clone)]
pub(crate) struct Way {
    outside: Arc<Outside>,
    /// For whoever reads the server's log.
    function: Arc<str>,
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreached {
    #[error("functions may not reach {0}: the operator's --function-network does not list it")]
    Forbidden(String),
    #[error("{0} has no address")]
    Unknown(String),
    #[error("{0} cannot be reached: {1}")]
    Refused(String, io::Error),
    #[error("{0} did not answer in time")]
    Silent(String),
    #[error("too many connections are open")]
    Many,
}

/// A connection with the outside, which is counted as long as it is held.
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    counted: Counted,
}

/// A place among the connections of a worker, and among all.
pub(crate) struct Counted {
    _of_worker: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Outside {
    /// `None` where nothing may be reached.
    pub(crate) fn new(reach: Reach) -> Option<Arc<Self>> {
        let (connections, lookups) =
            (Semaphore::new(connections_max()), Semaphore::new(LOOKUPS_MAX));
        let outside = Self { reach, connections: connections.into(), lookups: lookups.into() };
        (!outside.reach.is_empty()).then(|| Arc::new(outside))
    }

    /// A worker's way there.
    pub(crate) fn way(self: &Arc<Self>, function: &str) -> Way {
        Way {
            outside: Arc::clone(self),
            function: function.into(),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            lookups: Arc::new(Semaphore::new(WORKER_LOOKUPS_MAX)),
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
    async fn connect(&self, host: &str, port: u16) -> Result<Connected, Unreached> {
        let counted = self.count()?;
        let connected = self.connect_with(host, port).await;
        let function = &self.function;
        match &connected {
            Ok(stream) => {
                let address = stream.peer_addr().ok();
                tracing::debug!(%function, host, port, ?address, "a function reaches the outside");
            }
            Err(error) => {
                tracing::debug!(%function, host, port, %error, "a function reaches nobody");
            }
        }
        Ok(Connected { stream: connected?, counted })
    }

    fn count(&self) -> Result<Counted, Unreached> {
        let take = |places: &Arc<Semaphore>| {
            Arc::clone(places).try_acquire_owned().map_err(|_| Unreached::Many)
        };
        let of_worker = take(&self.connections)?;
        Ok(Counted { _of_worker: of_worker, _of_all: take(&self.outside.connections)? })
    }

    async fn connect_with(&self, host: &str, port: u16) -> Result<TcpStream, Unreached> {
        let name = || format!("{host}:{port}");
        let refused = |error| Unreached::Refused(name(), error);
        let mut failure = Unreached::Forbidden(name());
        let found = self.addresses_of(host, port).await?;
        let mut tried = 0;
        for address in found {
            match self.outside.allows(address) {
                Ok(true) if tried < ADDRESSES_MAX => tried += 1,
                Ok(_) => continue,
                Err(error) => {
                    failure = refused(error);
                    continue;
                }
            }
            match timeout(CONNECT_MAX, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = refused(error),
                Err(_) => failure = Unreached::Silent(name()),
            }
        }
        Err(failure)
    }

    /// The addresses of a name, or the one that it is.
    async fn addresses_of(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let Ok(ip) = literal.unwrap_or(host).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let silent = |_| Unreached::Silent(host.to_owned());
        let found = timeout(LOOKUP_MAX, self.look_up(host, port)).await.map_err(silent)?;
        found.filter(|found| !found.is_empty()).ok_or_else(|| Unreached::Unknown(host.to_owned()))
    }

    /// Waits for its turn. The system's own look-up holds a thread until it is answered, which nobody
    /// can end: so both turns are over only then.
    async fn look_up(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let of_worker = Arc::clone(&self.lookups).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.outside.lookups).acquire_owned().await.ok()?;
        let host = host.to_owned();
        let found = tokio::task::spawn_blocking(move || {
            let _turns = (of_worker, of_all);
            (host, port).to_socket_addrs().ok().map(Iterator::collect)
        });
        found.await.ok()?
    }
}
