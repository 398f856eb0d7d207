//! The load generator: keep-alive connections on one thread, each sending its next request as soon
//! as the last is answered. The requests are made and signed before, by whoever starts it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};

use crate::{Fallible, process::Process, report::percentile, wire::Head};

/// What to send, and where.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// Whole requests; every connection starts at another one and goes round.
    pub(crate) requests: Vec<String>,
}

impl Plan {
    /// Carries it out in a process of its own.
    pub(crate) fn run(&self) -> Fallible<Seen> {
        Process::start_role(&["load"])?.exchange(&serde_json::to_vec(self)?)
    }
}

/// What the clients saw. Times in seconds.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Seen {
    pub(crate) requests: f64,
    pub(crate) seconds: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// The role: a plan on standard input, what was seen on standard output.
pub(crate) fn run() -> Fallible<()> {
    let plan: Plan = serde_json::from_reader(io::stdin().lock())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = runtime.block_on(drive(Arc::new(plan)))?;
    Ok(serde_json::to_writer(io::stdout(), &seen)?)
}

async fn drive(plan: Arc<Plan>) -> Fallible<Seen> {
    let begin = Instant::now();
    let until = begin + plan.time;
    let mut tasks = JoinSet::new();
    for number in 0..plan.connections {
        tasks.spawn(connection(Arc::clone(&plan), number, until));
    }
    let mut times = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        times.extend(ended??);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    let requests = u32::try_from(times.len())?.into();
    Ok(Seen { requests, seconds, p50, p99 })
}

/// One connection's requests; the time of each in seconds.
async fn connection(plan: Arc<Plan>, number: usize, until: Instant) -> Fallible<Vec<f64>> {
    let mut stream = TcpStream::connect(plan.address).await?;
    stream.set_nodelay(true)?;
    let first = plan.requests.len() * number / plan.connections.max(1);
    let mut times = Vec::new();
    let mut answer = Vec::with_capacity(64 * 1024);
    for request in plan.requests.iter().cycle().skip(first) {
        let begin = Instant::now();
        if begin >= until {
            break;
        }
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream, &mut answer).await?;
        times.push(begin.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Reads one answer into `answer`; any status but a success is an error.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Fallible<()> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        match Head::read(answer) {
            Some(head) if !(200..300).contains(&head.status) => {
                return Err(String::from_utf8_lossy(answer).into());
            }
            Some(head) if answer.len() >= head.bytes + head.body_bytes => return Ok(()),
            _ => {}
        }
    }
}
