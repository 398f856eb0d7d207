//! A `portcullis serve` process on a data folder.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use portcullis_sigv4::Credentials;

use crate::{
    Fallible,
    process::Process,
    session::{self, Session},
    wire::Connection,
};

/// A server that is ready; it drains and ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) root: Credentials,
    pub(crate) data_dir: PathBuf,
    /// Whether it says that it decides nothing.
    pub(crate) is_constant: bool,
    /// From the start of the process to its first 200.
    pub(crate) first_answer: Duration,
}

impl Server {
    /// Starts `binary` on `data_dir`, on a free port. The root's key is `known`, or what the server
    /// prints at the first start on a folder. Its log goes beside the folder.
    pub(crate) fn start(
        binary: &Path,
        data_dir: &Path,
        known: Option<Credentials>,
    ) -> Fallible<Self> {
        Self::start_with(binary, data_dir, known, &[])
    }

    /// The same, with these flags.
    pub(crate) fn start_with(
        binary: &Path,
        data_dir: &Path,
        known: Option<Credentials>,
        flags: &[&str],
    ) -> Fallible<Self> {
        let log = data_dir.with_extension("log");
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir).args(flags);
        command.stderr(File::options().create(true).append(true).open(&log)?);
        let begin = Instant::now();
        let mut process = Process::start(&mut command)?;
        let ready = ready(&mut process, known).map_err(|error| {
            format!("portcullis serve: {error}\n{}", fs::read_to_string(&log).unwrap_or_default())
        });
        let Ready { address, root, is_constant } = ready?;
        let (first_answer, data_dir) = (begin.elapsed(), data_dir.to_owned());
        Ok(Self { process, address, root, data_dir, is_constant, first_answer })
    }

    /// A connection to it, as root.
    pub(crate) fn session(&self) -> Fallible<Session> {
        Session::new(self.address, self.root.clone())
    }
}

/// What a server says before it serves.
struct Ready {
    address: SocketAddr,
    root: Credentials,
    is_constant: bool,
}

/// Reads what the server prints until it listens, then asks whether it is ready.
fn ready(process: &mut Process, known: Option<Credentials>) -> Fallible<Ready> {
    let (mut id, mut secret, mut is_constant) = (None, None, false);
    let address = loop {
        let line = process.line()?;
        if let Some((_, address)) = line.split_once("listening on http://") {
            break address.parse()?;
        }
        is_constant |= line.contains("DECIDES NOTHING");
        match line.trim().split_once('=') {
            Some(("AWS_ACCESS_KEY_ID", value)) => id = Some(value.to_owned()),
            Some(("AWS_SECRET_ACCESS_KEY", value)) => secret = Some(value.to_owned()),
            _ => {}
        }
    };
    let printed = id.zip(secret).map(|(access_key_id, secret_access_key)| Credentials {
        access_key_id,
        secret_access_key,
        session_token: None,
    });
    let root = known.or(printed).ok_or("it printed no root credentials")?;
    match Connection::open(address)?.send(session::HEALTH.as_bytes())?.status {
        200 => Ok(Ready { address, root, is_constant }),
        status => Err(format!("it listens, and its health is {status}").into()),
    }
}
