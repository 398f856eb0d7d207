//! Child processes: started, read from `/proc`, and ended by their ids whatever becomes of us.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;

use crate::{Fallible, say};

/// How long a child may take to end by itself once told to.
const END: Duration = Duration::from_secs(15);

/// What `/proc/PID/stat` counts processor time in, per second. Linux's `USER_HZ` is 100 wherever
/// this project runs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Those that run, so that a signal or the time limit ends them as well.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A child process that ends, at the latest, with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts `command`, its standard output piped to us.
    pub(crate) fn start(command: &mut Command) -> Fallible<Self> {
        let mut running = RUNNING.lock().map_err(|_| "poisoned")?;
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| format!("cannot start {command:?}: {error}"))?;
        running.push(Pid::from_child(&child));
        let output = child.stdout.take().map(BufReader::new).ok_or("no pipe")?;
        Ok(Self { child, output })
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// This program in another role.
    pub(crate) fn start_role(arguments: &[&str]) -> Fallible<Self> {
        Self::start(Command::new(std::env::current_exe()?).args(arguments))
    }

    /// The next line that it prints; an error at the end of its output.
    pub(crate) fn line(&mut self) -> Fallible<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err("a child process ended early".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// Gives it `input` whole, and reads the JSON that it prints until it ends.
    pub(crate) fn exchange<T: DeserializeOwned>(mut self, input: &[u8]) -> Fallible<T> {
        let mut pipe = self.child.stdin.take().ok_or("no pipe")?;
        pipe.write_all(input)?;
        drop(pipe);
        Ok(serde_json::from_str(&self.line()?)?)
    }

    /// User and system time so far, of all its threads. Steps of 10 ms.
    pub(crate) fn cpu_time(&self) -> Fallible<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, after_name) = stat.rsplit_once(')').ok_or("no name in stat")?;
        let fields = after_name.split_whitespace().skip(11).take(2);
        let ticks = fields.map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Fallible<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }

    /// All that it has started, and what that has.
    pub(crate) fn descendants(&self) -> Fallible<Vec<u32>> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // It may be gone by now.
            let Ok(stat) = fs::read_to_string(format!("/proc/{child}/stat")) else { continue };
            let parent =
                stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
            if let Some(parent) = parent {
                children.entry(parent).or_default().push(child);
            }
        }
        let (mut found, mut left) = (Vec::new(), vec![self.id()]);
        while let Some(parent) = left.pop() {
            let below = children.remove(&parent).unwrap_or_default();
            found.extend(&below);
            left.extend(below);
        }
        Ok(found)
    }

    /// Memory of its own, of it and all that it has started, in MiB: what is no file's, and of what
    /// several of them share as much as each one's part is.
    pub(crate) fn own_mib(&self) -> Fallible<f64> {
        let mut kib = 0.0;
        for id in self.descendants()?.into_iter().chain([self.id()]) {
            let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:"));
            let figure = line.and_then(|line| line.split_whitespace().next());
            kib += figure.ok_or("no Pss_Anon: Linux 5.11 has it")?.parse::<f64>()?;
        }
        Ok(kib / 1024.0)
    }

    /// Asks it to end and waits for that; kills it when it takes too long.
    fn end(&mut self) {
        let pid = Pid::from_child(&self.child);
        let _ = kill_process(pid, Signal::TERM); // It may have ended by itself.
        let until = Instant::now() + END;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        if let Ok(mut running) = RUNNING.lock() {
            let _ = self.child.kill(); // Nothing happens to one that was waited for.
            let _ = self.child.wait();
            running.retain(|other| *other != pid);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// From now on, SIGINT, SIGTERM and the end of `limit` end every child, remove `folder`, and end
/// this process with a failure.
pub(crate) fn end_all_on_signal_or_after(limit: Duration, folder: PathBuf) -> Fallible<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        let why = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => "interrupted",
                _ = terminate.recv() => "told to end",
                () = tokio::time::sleep(limit) => "the whole took too long",
            }
        });
        say!("error: {why}; ending the servers");
        end_all();
        let _ = fs::remove_dir_all(&folder);
        std::process::exit(1);
    });
    Ok(())
}

/// Holds the list from here on: nothing new can start.
fn end_all() {
    let Ok(running) = RUNNING.lock() else { return };
    for signal in [Signal::TERM, Signal::KILL] {
        for pid in running.iter() {
            let _ = kill_process(*pid, signal); // It may have ended by itself.
        }
        thread::sleep(Duration::from_secs(1));
    }
    std::mem::forget(running);
}
