//! A keeper: the process between the server and one worker. In a jail it is the first process, so
//! that the worker is not: signals mean what they mean elsewhere, orphans are collected, and the
//! worker's exit status is its own.
//!
//! The keeper locks itself in before it starts the worker, and has no more rights than the worker.
//! It lives as long as the worker, and both end when the server's end of the connection closes.

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::net::{RecvFlags, SendFlags};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::fork::{self, ChildSignal, NeverReturns, Side};
use crate::jail::{self, Entered, Filter, Rules};
use crate::process::Death;
use crate::protocol::{self, Birth, Failure, Launch, NotExecuted, Order, Report, Step};
use crate::zygote::{self, Forked};

/// The variable that AWS's SDKs read the endpoint of every service from; a function may have its own.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The variables that HTTP clients find a proxy in: some read the one, some the other spelling.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];

/// What is asked without the proxy: whatever is within the jail, and so the Runtime API.
const UNPROXIED: [(&str, &str); 2] =
    [("NO_PROXY", "127.0.0.1,localhost"), ("no_proxy", "127.0.0.1,localhost")];

/// Has Node.js' own clients use a proxy, from 22.21 and 24.0 on.
const NODE_PROXY: (&str, &str) = ("NODE_USE_ENV_PROXY", "1");

/// The descriptors that came with a [`Launch`].
pub(crate) struct Descriptors {
    /// The keeper's end of the connection with the server.
    pub(crate) control: OwnedFd,
    /// Where the worker's standard output and error go.
    pub(crate) output: OwnedFd,
    /// The connection with a zygote, if one shall be forked.
    pub(crate) zygote: Option<OwnedFd>,
    /// Files that a process joins a control group by.
    pub(crate) groups: Vec<OwnedFd>,
}

impl Descriptors {
    /// In the order of [`protocol::Request::Launch`].
    pub(crate) fn new(launch: &Launch, descriptors: Vec<OwnedFd>) -> Option<Self> {
        let mut descriptors = descriptors.into_iter();
        let (control, output) = (descriptors.next()?, descriptors.next()?);
        let zygote = if launch.zygote.is_some() { descriptors.next() } else { None };
        Some(Self { control, output, zygote, groups: descriptors.collect() })
    }
}

/// What the worker starts in.
struct Surroundings {
    listener: TcpListener,
    /// `None` without a jail.
    rules: Option<Rules>,
    entrances: Vec<OwnedFd>,
}

/// The worker's process, and who knows how it ends.
struct Worker {
    pid: Pid,
    /// Of that process and no later one of its number.
    pidfd: OwnedFd,
    ending: Ending,
}

/// Who knows how a worker's process ends.
enum Ending {
    /// This process: it is our child.
    Child,
    /// Its zygote, which tells us.
    Told(OwnedFd),
    /// Nobody any more; we see at least that it did.
    Seen,
}

/// Runs one worker from its start to its end, then ends this process.
pub(crate) fn keep(launch: &Launch, mut descriptors: Descriptors, filter: &Filter) -> ! {
    let process = NeverReturns;
    let ended = keep_until_end(launch, &mut descriptors, filter);
    let report = ended.map_or_else(Report::Failed, Report::Ended);
    // Nobody hears it if the server is gone.
    let _ = protocol::send(&descriptors.control, &report, &[], SendFlags::empty());
    process.end(0)
}

fn keep_until_end(
    launch: &Launch,
    descriptors: &mut Descriptors,
    filter: &Filter,
) -> Result<Death, Failure> {
    // First: from here on nothing outlives the server's spawner.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .step("prctl(PR_SET_PDEATHSIG)")?;
    let children = ChildSignal::new().step("signalfd")?;
    let Surroundings { listener, rules, entrances } = lock_in(launch, descriptors, filter)?;
    let address = listener.local_addr().step("getsockname")?.to_string();
    tell(descriptors, &Report::Listening, listener.as_fd())?;
    // The server's copy is the one that is accepted on.
    drop(listener);
    // Taken: over this connection other workers' namespaces go, so it closes before the worker runs.
    let forked = match (&launch.zygote, descriptors.zygote.take(), &rules) {
        (Some(arguments), Some(zygote), Some(rules)) => {
            let work = zygote::Work { launch, arguments, address: &address, rules, entrances };
            Some(zygote::fork(&zygote, &work, descriptors))
        }
        _ => None,
    };
    let (worker, unforked) = match forked {
        Some(Ok(Forked { pid, pidfd, told })) => {
            (Worker { pid, pidfd, ending: Ending::Told(told) }, None)
        }
        // Also when the zygote could not do it.
        failed => {
            let unforked = failed.and_then(Result::err);
            (start(launch, descriptors, &address, rules.as_ref())?, unforked)
        }
    };
    let landlock = rules.is_some_and(|rules| rules.descriptor().is_ok_and(|rules| rules.is_some()));
    tell(descriptors, &Report::Started { landlock, unforked }, worker.pidfd.as_fd())?;
    watch(worker, &descriptors.control, &children).step("poll")
}

fn tell(
    descriptors: &Descriptors,
    report: &Report,
    descriptor: BorrowedFd<'_>,
) -> Result<(), Failure> {
    let sent = protocol::send(&descriptors.control, report, &[descriptor], SendFlags::empty());
    sent.step("sendmsg")
}

/// Makes the worker's surroundings: its jail, or what a process has without one.
fn lock_in(
    launch: &Launch,
    descriptors: &Descriptors,
    filter: &Filter,
) -> Result<Surroundings, Failure> {
    let Some(jail) = &launch.jail else {
        // Orphans of the worker come here, so that they can be ended.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .step("prctl(PR_SET_CHILD_SUBREAPER)")?;
        jail::limit(jail::Extra::default())?;
        // No set-user-id program gives a function more rights than the worker has.
        rustix::thread::set_no_new_privs(true).step("prctl(PR_SET_NO_NEW_PRIVS)")?;
        let listener = jail::listen(0)?;
        return Ok(Surroundings { listener, rules: None, entrances: Vec::new() });
    };
    if let Some(id) = jail.user {
        // So that the worker can open its output by name (`/dev/stdout`).
        let owner = Some(rustix::process::Uid::from_raw(id));
        rustix::fs::fchown(&descriptors.output, owner, None).step("fchown(output)")?;
    }
    let entered = jail::enter(jail, filter, descriptors.zygote.is_some())?;
    let Entered { listener, rules, entrances } = entered;
    Ok(Surroundings { listener, rules: Some(rules), entrances })
}

/// Starts the worker's own process.
fn start(
    launch: &Launch,
    descriptors: &Descriptors,
    address: &str,
    rules: Option<&Rules>,
) -> Result<Worker, Failure> {
    let process = match fork::fork_into(0).step("clone")? {
        Side::Parent(pid) => {
            // A child stays until it is waited for.
            let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).step("pidfd_open")?;
            return Ok(Worker { pid, pidfd, ending: Ending::Child });
        }
        Side::Child => NeverReturns,
    };
    match become_program(launch, descriptors, address, rules) {
        Ok(Trial) => process.end(0),
        Err(report) => {
            let _ = protocol::send(&descriptors.control, &report, &[], SendFlags::empty());
            process.end(1)
        }
    }
}

/// The variables that lead a worker to its listener.
pub(crate) fn listener_variables(launch: &Launch, address: &str) -> Vec<(&'static str, String)> {
    let mut variables = vec![("AWS_LAMBDA_RUNTIME_API", address.to_owned())];
    let url = format!("http://{address}");
    if launch.endpoint && !launch.environment.iter().any(|(name, _)| name == ENDPOINT_URL) {
        // Where AWS's own SDKs look for an endpoint.
        variables.push((ENDPOINT_URL, url.clone()));
    }
    if launch.proxy {
        // What a function's configuration says in either spelling stays as it is.
        let is_free = |name: &str| {
            !launch.environment.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
        };
        let proxies = PROXIES.into_iter().map(|name| (name, url.clone()));
        let rest = UNPROXIED.into_iter().chain([NODE_PROXY]);
        let all = proxies.chain(rest.map(|(name, value)| (name, value.to_owned())));
        variables.extend(all.filter(|(name, _)| is_free(name)));
    }
    variables
}

/// There is no program to run: only the way to its start was to be tried.
struct Trial;

/// The steps of the worker's process. Returns only on failure, and from a trial.
fn become_program(
    launch: &Launch,
    descriptors: &Descriptors,
    address: &str,
    rules: Option<&Rules>,
) -> Result<Trial, Report> {
    // First, so that the whole group can be signalled at any later point.
    rustix::process::setsid().step("setsid")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .step("prctl(PR_SET_PDEATHSIG)")?;
    for group in &descriptors.groups {
        // 0 means the writer itself (cgroups(7)). Before the program, all of which it shall count.
        rustix::io::write(group, b"0").step("write(cgroup.procs)")?;
    }
    jail::limit_descriptors()?;
    rustix::process::chdir(&launch.directory).step("chdir")?;
    rules.map_or(Ok(()), Rules::restrict)?;
    if launch.programs.is_empty() {
        return Ok(Trial);
    }
    let program = launch.programs.iter().find(|program| Path::new(program).is_file());
    let program = program.ok_or(Report::NotExecuted(NotExecuted::Missing))?;
    let own = listener_variables(launch, address);
    let own = own.iter().map(|(name, value)| (OsStr::new(*name), OsStr::new(value)));
    let given = launch.environment.iter().map(|(name, value)| (&**name, &**value));
    let environment = given.chain(own).collect();
    redirect(&descriptors.output)?;
    fork::unblock_signals().step("sigprocmask")?;
    // As late as can be: whatever is open now closes with the program's start.
    fork::close_on_execute(3).step("close_range")?;
    let Err(error) = fork::execute(program, &launch.arguments, &environment);
    let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
    Err(Report::NotExecuted(NotExecuted::Refused { program: program.clone(), errno }))
}

/// Connects the standard streams: no input, both outputs to the log.
fn redirect(output: &OwnedFd) -> Result<(), Failure> {
    let nothing = File::open("/dev/null").step("open(/dev/null)")?;
    rustix::stdio::dup2_stdin(nothing).step("dup2(input)")?;
    rustix::stdio::dup2_stdout(output).step("dup2(output)")?;
    rustix::stdio::dup2_stderr(output).step("dup2(output)")
}

/// Waits until the worker has ended, or shall; ends what it left behind.
fn watch(mut worker: Worker, control: &OwnedFd, children: &ChildSignal) -> std::io::Result<Death> {
    loop {
        let [ordered, told] =
            children.wait_with([Some(control.as_fd()), worker.tells_its_end()])?;
        if ordered {
            match protocol::receive::<Order>(control, RecvFlags::DONTWAIT) {
                Ok(Some((order, _))) => worker.signal(order.signal),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Ok(None) | Err(_) => return Ok(worker.end()),
            }
        }
        if told && let Some(death) = worker.listen()? {
            worker.end();
            return Ok(death);
        }
        while let Ok(Some((ended, death))) = fork::wait(libc::WNOHANG) {
            if ended == worker.pid {
                worker.end();
                return Ok(death);
            }
        }
    }
}

impl Worker {
    /// What can be read when it has ended.
    fn tells_its_end(&self) -> Option<BorrowedFd<'_>> {
        match &self.ending {
            Ending::Child => None,
            Ending::Told(zygote) => Some(zygote.as_fd()),
            Ending::Seen => Some(self.pidfd.as_fd()),
        }
    }

    /// Hears from the zygote, or sees the end; waits for it.
    fn listen(&mut self) -> std::io::Result<Option<Death>> {
        let Ending::Told(zygote) = &self.ending else {
            return Ok(Some(Death::KILLED));
        };
        match protocol::receive(zygote, RecvFlags::empty()) {
            Ok(Some((Birth::Ended(death), _))) => Ok(Some(death)),
            Ok(Some((Birth::Ready { .. }, _))) => Ok(None),
            // The zygote is gone. Its child goes on.
            Ok(None) | Err(_) => {
                self.ending = Ending::Seen;
                Ok(None)
            }
        }
    }

    fn signal(&self, number: i32) {
        if let Some(signal) = Signal::from_named_raw(number) {
            // The group may be gone; its end is noticed elsewhere.
            let _ = rustix::process::kill_process_group(self.pid, signal);
        }
    }

    /// Ends every process of the worker, and waits for each. Gives how its own ended, if it had not
    /// before.
    fn end(mut self) -> Death {
        let mut death = Death::KILLED;
        // They may be thousands: no more is done for each than to wait for it.
        let mut options = 0;
        loop {
            if options == 0 {
                self.kill_all();
            }
            match fork::wait(options) {
                Ok(Some((ended, ending))) => {
                    options = libc::WNOHANG;
                    death = if ended == self.pid { ending } else { death };
                }
                Ok(None) => options = 0,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break, // no child is left
            }
        }
        self.outwait();
        death
    }

    fn kill_all(&self) {
        if fork::kill_namespace() {
            return;
        }
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        for orphan in children() {
            let _ = rustix::process::kill_process(orphan, Signal::KILL);
        }
    }

    /// Waits for a process that is no child of ours: a killed one ends soon.
    fn outwait(&mut self) {
        while matches!(self.ending, Ending::Told(_)) && matches!(self.listen(), Ok(None)) {}
        if matches!(self.ending, Ending::Seen) {
            let mut polled =
                [rustix::event::PollFd::new(&self.pidfd, rustix::event::PollFlags::IN)];
            let wait = || rustix::event::poll(&mut polled, None);
            let _ = rustix::io::retry_on_intr(wait);
        }
    }
}

/// The children of this process: where there is no namespace to kill, those that came to it.
fn children() -> Vec<Pid> {
    let id = rustix::process::getpid().as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/self/task/{id}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
