//! The least that a Runtime API can be: one blocking thread, one connection, answers made
//! beforehand. The worker at its other end is the one that the server starts.

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use portcullis_sandbox::{
    Program,
    environment::{Facts, standard_environment},
    runtimes::{Runtime, Start},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
};

use crate::{
    Fallible,
    process::Process,
    session::{ACCOUNT, File, PAYLOAD},
    wire::REGION,
};

/// Longest silence of the worker before the harness gives up.
const SILENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

const MEMORY_MB: u32 = 128;

/// What the loop's worker runs.
pub(crate) struct Function<'a> {
    /// Lambda's name of its runtime.
    pub(crate) name: &'a str,
    /// The runtime itself.
    pub(crate) runtime: &'a Runtime,
    /// Its code.
    pub(crate) file: &'a File,
}

/// The loop, and its worker, which ends with this value.
#[derive(Debug)]
pub(crate) struct BareLoop {
    /// First, so that it ends before its connections do.
    pub(crate) worker: Process,
    listener: TcpListener,
    /// A client may have a second one open before it has done with the first.
    connections: Vec<BufReader<TcpStream>>,
    next: String,
}

impl BareLoop {
    /// Starts a worker for the function, its code in `code_dir`.
    pub(crate) fn start(function: &Function<'_>, code_dir: &Path) -> Fallible<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let worker = start_worker(function, code_dir, &listener.local_addr()?.to_string())?;
        Ok(Self { worker, listener, connections: Vec::new(), next: next_answer() })
    }

    /// Time of one event: from one `next` of the worker to the other.
    pub(crate) fn call(&mut self) -> Fallible<Duration> {
        let begin = Instant::now();
        let next = self.next.clone();
        self.answer(&next)?;
        self.answer(ACCEPTED)?;
        Ok(begin.elapsed())
    }

    /// Reads one request and answers it.
    fn answer(&mut self, answer: &str) -> Fallible<()> {
        loop {
            let Some(ready) = self.ready()? else {
                let (stream, _) = self.listener.accept()?;
                stream.set_nodelay(true)?;
                self.connections.push(BufReader::new(stream));
                continue;
            };
            let connection = self.connections.get_mut(ready).ok_or("no such connection")?;
            if read_request(connection)? {
                return Ok(connection.get_mut().write_all(answer.as_bytes())?);
            }
            self.connections.remove(ready);
        }
    }

    /// The connection that something comes on; `None`: a new one. Within the silence.
    fn ready(&self) -> Fallible<Option<usize>> {
        let connections = self.connections.iter().map(BufReader::get_ref);
        let mut polled: Vec<_> = connections.map(|one| PollFd::new(one, PollFlags::IN)).collect();
        polled.push(PollFd::new(&self.listener, PollFlags::IN));
        // Whoever stops the harness for a while interrupts this.
        if retry_on_intr(|| poll(&mut polled, Some(&SILENCE)))? == 0 {
            return Err("the worker of the bare loop says nothing".into());
        }
        let found = polled.iter().position(|one| !one.revents().is_empty());
        Ok(found.filter(|index| *index < self.connections.len()))
    }
}

/// Starts a worker for the function, its code in `code_dir`, that asks `runtime_api` for events.
pub(crate) fn start_worker(
    function: &Function<'_>,
    code_dir: &Path,
    runtime_api: &str,
) -> Fallible<Process> {
    let File { name, content, mode } = function.file;
    fs::create_dir_all(code_dir)?;
    fs::write(code_dir.join(name), content)?;
    fs::set_permissions(code_dir.join(name), Permissions::from_mode(*mode))?;
    let mut command = command(function, code_dir);
    command.env("AWS_LAMBDA_RUNTIME_API", runtime_api);
    Process::start(&mut command)
}

/// The worker as a server starts it, without its jail.
fn command(function: &Function<'_>, code_dir: &Path) -> Command {
    let runtime_dir = function.runtime.client_dir().unwrap_or(code_dir);
    let start = Start { handler: HANDLER, memory_mb: MEMORY_MB, runtime_dir, wrapped: false };
    let start = function.runtime.command(&start);
    let program: PathBuf = match start.program {
        Program::Host(program) => program,
        Program::Bootstrap => code_dir.join(function.file.name),
    };
    let mut command = Command::new(program);
    command.args(&start.arguments).current_dir(code_dir).env_clear();
    command.envs(environment(function.name, code_dir, runtime_dir));
    command
}

/// As the server has it, for every runtime.
const HANDLER: &str = "index.handler";

/// The worker's environment, as a server makes it.
fn environment(runtime: &str, code_dir: &Path, runtime_dir: &Path) -> Vec<(String, String)> {
    standard_environment(&Facts {
        function_name: "bench",
        version: "$LATEST",
        runtime,
        handler: HANDLER,
        memory_mb: MEMORY_MB,
        region: REGION,
        log_group: "/aws/lambda/bench",
        log_stream: "bench",
        json_log_level: None,
        task_root: code_dir,
        layers_root: None,
        runtime_dir,
        user_variables: &[],
    })
}

fn next_answer() -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
         Lambda-Runtime-Deadline-Ms: 4000000000000\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:{REGION}:{ACCOUNT}:function:bench\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0\r\n\
         Content-Length: {}\r\n\r\n{PAYLOAD}",
        PAYLOAD.len()
    )
}

/// Reads a request to its end; false when the connection is at its own.
fn read_request(connection: &mut BufReader<TcpStream>) -> Fallible<bool> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse()?;
            }
            _ if line == "\r\n" => break,
            _ => {}
        }
    }
    connection.read_exact(&mut vec![0; length])?;
    Ok(true)
}
