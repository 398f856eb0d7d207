//! The least that a Runtime API can be: one blocking thread, one connection, answers made
//! beforehand. The worker at its other end is the one that the server starts.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use portcullis_sandbox::{
    environment::{Facts, standard_environment},
    python::PythonRuntime,
};

use crate::{
    Fallible,
    process::Process,
    session::{ACCOUNT, HANDLER, PAYLOAD},
    wire::REGION,
};

/// Longest silence of the worker before the harness gives up.
const SILENCE: Duration = Duration::from_secs(30);

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/// The loop, and its worker, which ends with this value.
#[derive(Debug)]
pub(crate) struct BareLoop {
    /// First, so that it ends before its connection does.
    _worker: Process,
    listener: TcpListener,
    connection: Option<BufReader<TcpStream>>,
    next: String,
}

impl BareLoop {
    /// Starts a worker for the harness's function, its code in `code_dir`.
    pub(crate) fn start(python: &PythonRuntime, runtime: &str, code_dir: &Path) -> Fallible<Self> {
        std::fs::create_dir_all(code_dir)?;
        std::fs::write(code_dir.join("index.py"), HANDLER)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let start = python.command("index.handler");
        let mut command = Command::new(&python.interpreter);
        command.args(&start.arguments).current_dir(code_dir).env_clear();
        command.envs(environment(python, runtime, code_dir));
        command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string());
        let worker = Process::start(&mut command)?;
        Ok(Self { _worker: worker, listener, connection: None, next: next_answer() })
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
            if let Some(connection) = &mut self.connection
                && read_request(connection)?
            {
                return Ok(connection.get_mut().write_all(answer.as_bytes())?);
            }
            self.connection = Some(BufReader::new(self.accept()?));
        }
    }

    /// The worker's next connection, within the silence.
    fn accept(&self) -> Fallible<TcpStream> {
        let until = Instant::now() + SILENCE;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(SILENCE))?;
                    return Ok(stream);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                    thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(format!("no worker of the bare loop: {error}").into()),
            }
        }
    }
}

/// The worker's environment, as a server makes it.
fn environment(python: &PythonRuntime, runtime: &str, code_dir: &Path) -> Vec<(String, String)> {
    standard_environment(&Facts {
        function_name: "bench",
        version: "$LATEST",
        runtime,
        handler: "index.handler",
        memory_mb: 128,
        region: REGION,
        log_group: "/aws/lambda/bench",
        log_stream: "bench",
        json_log_level: None,
        task_root: code_dir,
        layers_root: None,
        runtime_dir: &python.client_dir,
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
