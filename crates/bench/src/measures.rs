//! What is measured: one file a goal, and the servers that they share the making of.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum as _;
use portcullis_sandbox::{
    python,
    runtimes::{Runtime, Runtimes},
};

use crate::{
    Effort, Fallible, MeasureArguments,
    report::Row,
    say,
    server::Server,
    session::{self, HANDLER, Session, package_of},
};

mod add_permission;
mod cold;
mod decision;
mod functions;
mod get_policy;
mod identities;
mod runtimes;
mod start;

/// What every measure needs.
pub(crate) struct Bench<'a> {
    server: &'a Path,
    /// The same server with a constant in place of the decision.
    constant: &'a Path,
    /// A function with AWS's runtime crate, if it could be built.
    example: Option<&'a Path>,
    folder: &'a Path,
    effort: Effort,
    /// Where runtime clients are kept from one bench to the next.
    runtimes: PathBuf,
    /// Lambda's name of the runtime that the functions use.
    runtime: &'static str,
    /// The package of every function.
    package: String,
}

impl<'a> Bench<'a> {
    /// Makes the newest Python of this host ready.
    pub(crate) fn new(
        arguments: &'a MeasureArguments,
        folder: &'a Path,
        effort: Effort,
    ) -> Fallible<Self> {
        say!("Looking for a Python that can run functions");
        let runtime = python::newest_here()?;
        let runtimes = arguments.work_dir.canonicalize()?.join("runtime-clients");
        prepare(&runtimes, runtime)?;
        let MeasureArguments { server, constant_decision_server: constant, .. } = arguments;
        let example = arguments.example_function.as_deref();
        let package = package_of(HANDLER)?;
        Ok(Self { server, constant, example, folder, effort, runtimes, runtime, package })
    }

    /// A server on a new folder of this name.
    fn start_empty(&self, name: &str) -> Fallible<Server> {
        self.start_of(self.server, name)
    }

    /// The same of another binary.
    fn start_of(&self, binary: &Path, name: &str) -> Fallible<Server> {
        Server::start(binary, &self.folder.join(name), None)
    }

    /// A server that can take functions, and a session with it.
    fn start(&self, name: &str) -> Fallible<(Server, Session)> {
        let server = self.start_empty(name)?;
        let session = self.furnish(&server)?;
        Ok((server, session))
    }

    /// Gives a new server the role of the functions, and the runtime clients, so that it need not
    /// fetch them.
    fn furnish(&self, server: &Server) -> Fallible<Session> {
        let runtimes = server.data_dir.join("runtimes");
        if !fs::exists(&runtimes)? {
            symlink(&self.runtimes, runtimes)?;
        }
        let mut session = server.session()?;
        session.create_role(session::ROLE)?;
        Ok(session)
    }

    /// Creates a function and waits until it can be called.
    fn deploy(&self, session: &mut Session, name: &str) -> Fallible<()> {
        self.deploy_of(session, name, self.runtime, &self.package)
    }

    /// The same of another runtime and package.
    fn deploy_of(
        &self,
        session: &mut Session,
        name: &str,
        runtime: &str,
        package: &str,
    ) -> Fallible<()> {
        session.create_function(name, runtime, package)?;
        session.await_active(name)
    }
}

/// A runtime of this host by Lambda's name, what it needs kept in `folder`.
fn prepare(folder: &Path, runtime: &str) -> Fallible<Runtime> {
    let tokio = tokio::runtime::Builder::new_current_thread().build()?;
    let runtimes = Runtimes::new(folder.to_owned());
    Ok(tokio.block_on(runtimes.prepare(runtime, |line| say!("  {line}")))?)
}

/// What can be measured, in the order of the goals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Measure {
    /// Signed and decided reads, and a bare server.
    GetPolicy,
    /// What deciding and keeping decisions costs.
    Decision,
    /// Durable grants, and append + fdatasync.
    AddPermission,
    /// First answers of new functions.
    ColdStart,
    /// Calls of each runtime, warm, with the bare loop, and cold; and what a worker holds.
    Runtimes,
    /// Callers among very many users and roles.
    Identities,
    /// Very many functions.
    Functions,
    /// Start, and memory when idle.
    Start,
}

impl Measure {
    fn run(self, bench: &Bench<'_>) -> Fallible<Vec<Row>> {
        match self {
            Self::GetPolicy => get_policy::measure(bench),
            Self::Decision => decision::measure(bench),
            Self::AddPermission => add_permission::measure(bench),
            Self::ColdStart => cold::measure(bench),
            Self::Runtimes => runtimes::measure(bench),
            Self::Identities => identities::measure(bench),
            Self::Functions => functions::measure(bench),
            Self::Start => start::measure(bench),
        }
    }
}

/// The measures of `only`, or every one if that is empty.
pub(crate) fn some(bench: &Bench<'_>, only: &[Measure]) -> Fallible<Vec<Row>> {
    let mut rows = Vec::new();
    for measure in Measure::value_variants() {
        if only.is_empty() || only.contains(measure) {
            rows.extend(measure.run(bench)?);
        }
    }
    Ok(rows)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
