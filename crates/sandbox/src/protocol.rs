//! What the server, the spawner and the keepers tell each other: JSON messages that carry
//! descriptors, one a packet. All of them are this very program, so the form has no versions.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::process::Death;

/// Longest message in bytes. Ours: an environment has a few kilobytes, and a packet must fit into
/// the default send buffer of a socket (208 KiB).
pub(crate) const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// Most descriptors in one message.
const DESCRIPTORS_MAX: usize = 16;

/// What the server asks of the spawner.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// The first message: how this spawner works.
    Hello(Hello),
    /// Start one worker. Descriptors: the keeper's end of its control socket, the worker's output,
    /// a connection with a zygote if one shall be forked, then files that a process joins a control
    /// group by.
    Launch(Box<Launch>),
    /// Start a zygote. Descriptor: its end of the connection over which it is asked for children.
    Zygote(Box<ZygoteLaunch>),
}

/// How a spawner works.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Enter a user namespace of our own first: the server may not make other namespaces.
    pub(crate) user_namespace: bool,
    /// Folders of control groups that go, with all below, after the last worker.
    pub(crate) cgroups: Vec<OsString>,
}

/// One worker to start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    /// The first of these that is a file runs; none of them: try only whether a worker could run.
    pub(crate) programs: Vec<OsString>,
    pub(crate) arguments: Vec<OsString>,
    /// Names and values, but for the Runtime API's address.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Whether the Runtime API's listener takes requests to the endpoint, too.
    pub(crate) endpoint: bool,
    /// Whether it is a proxy to the outside, too.
    pub(crate) proxy: bool,
    /// The working folder, as the worker sees it.
    pub(crate) directory: OsString,
    /// `None`: no isolation beyond a process of its own.
    pub(crate) jail: Option<Jail>,
    /// Fork a zygote instead of executing the program, with these arguments for its child.
    pub(crate) zygote: Option<Vec<String>>,
}

/// A zygote to start: a process that is forked for new workers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ZygoteLaunch {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// As its workers will see it.
    pub(crate) views: Vec<HostView>,
}

/// The first message to a zygote.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ZygoteHello {
    /// The filter of its children, in the kernel's form.
    pub(crate) filter: Vec<u8>,
}

/// What a keeper asks of a zygote. Descriptors: the zygote's end of a connection with the keeper, the
/// worker's output, the namespaces, the rules about files if there are any, then files that a process
/// joins a control group by.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ZygoteOrder {
    /// How many namespaces come along.
    pub(crate) namespaces: usize,
    /// Whether rules about files come along.
    pub(crate) rules: bool,
}

/// What a keeper tells the zygote's child, over their own connection. Nothing of it may come into
/// the zygote's memory, of which all later children have a copy: here are a function's secrets.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChildWork {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) directory: String,
    pub(crate) user: Option<u32>,
    /// Names and values of limits that the zygote itself has not.
    pub(crate) limits: Vec<(String, u64)>,
}

/// What a keeper hears of a zygote's child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Birth {
    /// The child has locked itself in, and waits for a byte to go on. Its id in the jail.
    Ready { pid: i32 },
    /// The child ended.
    Ended(Death),
}

/// What a worker is kept in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Jail {
    /// The user and group id that it gets; `None`: it keeps that of the spawner.
    pub(crate) user: Option<u32>,
    /// What it sees of the host beyond the system's folders.
    pub(crate) views: Vec<HostView>,
    /// Size of its `/tmp`.
    pub(crate) tmp_bytes: u64,
    /// Memory of its own that each process may have, where no control group limits it.
    pub(crate) data_bytes: Option<u64>,
}

/// A folder or file of the host that a worker may read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HostView {
    pub(crate) host: OsString,
    pub(crate) inside: OsString,
}

/// What a keeper tells the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The Runtime API can be served: the listener comes along.
    Listening,
    /// The worker's process is there: a pidfd of it comes along. `landlock`: whether the kernel has
    /// it. `unforked`: why the zygote was not forked, if it should have been.
    Started { landlock: bool, unforked: Option<Failure> },
    /// A zygote can be forked.
    Ready,
    /// There will be no worker, or no zygote.
    Failed(Failure),
    /// There will be no worker: its program does not run.
    NotExecuted(NotExecuted),
    /// The worker ended, and every process that it left is gone.
    Ended(Death),
}

/// What the server asks of a keeper: to pass a signal on to the worker's process group. When the
/// server closes its side of the connection, the keeper ends all of the worker's processes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) signal: i32,
}

/// The step that failed, and `errno`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) step: String,
    pub(crate) errno: i32,
}

impl Failure {
    /// A program of the host does not run.
    pub(crate) fn of_program(program: &Path, why: &NotExecuted) -> Self {
        let errno = match why {
            NotExecuted::Missing => libc::ENOENT,
            NotExecuted::Refused { errno, .. } => *errno,
        };
        Self { step: format!("execve({})", program.display()), errno }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.step, io::Error::from_raw_os_error(self.errno))
    }
}

/// Why a worker's program does not run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum NotExecuted {
    /// None of those that it may be is a file.
    Missing,
    /// This one cannot be executed, for the reason that `errno` tells.
    Refused { program: OsString, errno: i32 },
}

impl From<Failure> for Report {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Names a failure by its step.
pub(crate) trait Step<T> {
    /// The failure of this step.
    fn step(self, step: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| {
            let errno = error.into().raw_os_error().unwrap_or(libc::EIO);
            Failure { step: step.into(), errno }
        })
    }
}

/// Two ends of a connection that keeps the borders of messages.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
    Ok(rustix::net::socketpair(AddressFamily::UNIX, kind, flags, None)?)
}

/// Sends one message, whole or not at all.
///
/// # Errors
/// `EMSGSIZE` for more than [`MESSAGE_BYTES_MAX`], and those of `sendmsg`.
pub(crate) fn send(
    socket: impl AsFd,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
    flags: SendFlags,
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    if text.len() > MESSAGE_BYTES_MAX || descriptors.len() > DESCRIPTORS_MAX {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let flags = flags | SendFlags::NOSIGNAL;
    let send = || rustix::net::sendmsg(&socket, &[IoSlice::new(&text)], &mut control, flags);
    rustix::io::retry_on_intr(send)?;
    Ok(())
}

/// The next message with its descriptors; `None` once the other end is closed.
///
/// # Errors
/// Those of `recvmsg`, and a message that is none of ours.
pub(crate) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
    flags: RecvFlags,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut text = vec![0; MESSAGE_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let receive = || {
        let mut slices = [IoSliceMut::new(&mut text)];
        rustix::net::recvmsg(&socket, &mut slices, &mut control, flags)
    };
    let received = rustix::io::retry_on_intr(receive)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    let text = text.get(..received.bytes).unwrap_or_default();
    Ok(Some((serde_json::from_slice(text)?, descriptors)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_borders_and_descriptors() {
        let (one, other) = pair().unwrap();
        let (pipe, _end) = rustix::pipe::pipe().unwrap();
        for count in [0, 1, 16] {
            let descriptors = vec![pipe.as_fd(); count];
            send(&one, &Order { signal: 9 }, &descriptors, SendFlags::empty()).unwrap();
        }
        for count in [0, 1, 16] {
            let (order, descriptors) =
                receive::<Order>(&other, RecvFlags::empty()).unwrap().unwrap();
            assert_eq!(order.signal, 9);
            assert_eq!(descriptors.len(), count);
        }
        drop(one);
        assert!(receive::<Order>(&other, RecvFlags::empty()).unwrap().is_none());
    }

    #[test]
    fn what_is_too_long_is_refused_and_the_connection_goes_on() {
        let (one, other) = pair().unwrap();
        let long = Failure { step: "x".repeat(MESSAGE_BYTES_MAX), errno: 0 };
        let error = send(&one, &long, &[], SendFlags::empty()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        let fits = Failure { step: "x".repeat(MESSAGE_BYTES_MAX - 100), errno: 0 };
        send(&one, &fits, &[], SendFlags::DONTWAIT).unwrap();
        let (got, _) = receive::<Failure>(&other, RecvFlags::empty()).unwrap().unwrap();
        assert_eq!(got.step, fits.step);
    }

    #[test]
    fn words_that_are_not_text_pass() {
        use std::os::unix::ffi::OsStringExt;
        let (one, other) = pair().unwrap();
        let view = HostView { host: OsString::from_vec(vec![b'/', 0xff]), inside: "/a".into() };
        send(&one, &view, &[], SendFlags::empty()).unwrap();
        let (got, _) = receive::<HostView>(&other, RecvFlags::empty()).unwrap().unwrap();
        assert_eq!(got.host, view.host);
    }
}
