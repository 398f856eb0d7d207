//! One worker: its process, its Runtime API, its log. Whoever holds the value runs events on it,
//! one at a time; dropping it ends the process and its whole group.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::exchange::{Answer, Cut, Delivery, Readiness};
use crate::log::{Log, Peak};
use crate::pools::{Membership, Place, Slot, StartShare};
use crate::process::{End, Exit, Process};
use crate::records::{Phase, Report, Status};
use crate::runtime_api::{Doors, RuntimeApi};
use crate::spawner::{SpawnError, prepare};
use crate::specification::{Event, WorkerSpec};
use crate::start::{Belongings, Started, Starter};

/// How long a starting worker counts against the limit of starts. A slow import in one function
/// must not keep all others from starting.
const SHARE_HELD: Duration = Duration::from_secs(1);

/// How often it is looked how much memory a worker holds while it works: what most events never see.
const LOOK: Duration = Duration::from_millis(100);

/// A worker process and everything that belongs to it.
pub(crate) struct Worker {
    pub(crate) spec: Arc<WorkerSpec>,
    pub(crate) membership: Membership,
    pub(crate) process: Arc<Process>,
    api: RuntimeApi,
    log: Log,
    /// When the process started.
    pub(crate) started: Instant,
    /// When it first asked for an event, or was given up.
    ready: Instant,
    /// The end of the current event's time. One timer for all events: moving a timer to later costs
    /// next to nothing, while a new one wakes the thread that waits for the next timer.
    timer: Pin<Box<Sleep>>,
    /// When it is looked next how much memory it holds, if no event has taken so long that it was.
    next_look: Instant,
    /// How long the start took, until the first event has taken it for its report.
    init: Option<Duration>,
    /// Whether the log of an event has ended.
    has_reported: bool,
    peak: Arc<Peak>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// How a worker's start ended.
pub(crate) enum Init {
    /// It asks for events.
    Ready,
    /// The runtime reported an error, in its own words.
    Failed(Bytes),
    /// The process ended, or never was the worker's program.
    Exited(End),
    /// It took too long.
    TimedOut,
}

/// How an event ended on a worker.
pub(crate) enum Served {
    /// The worker answered and can take the next event.
    Answered(Answer),
    /// The worker ended before it had the event.
    Undelivered(Exit),
    /// The worker ended before it answered.
    Exited(Exit),
    /// The time was up.
    TimedOut,
}

impl Worker {
    /// Starts the process; the caller waits for it with [`Worker::initialise`].
    ///
    /// # Errors
    /// When the host cannot make the process or what it needs.
    pub(crate) async fn start(
        spec: &Arc<WorkerSpec>,
        slot: Slot,
        starter: &Starter,
    ) -> Result<(Self, StartShare), SpawnError> {
        let opened = Log::open(spec.log.clone(), spec.log_format);
        let (log, output) = opened.map_err(prepare("output pipe"))?;
        let started = Instant::now();
        let Started { control, listener, way, belongings } = starter.start(spec, &output).await?;
        drop(output);
        let process = Process::adopt(control, belongings.shortage());
        let peak = Arc::new(Peak::of(&process));
        let Slot { membership, place, share } = slot;
        let spec = Arc::clone(spec);
        tokio::spawn(hold_place(place, spec.id.clone(), Arc::clone(&process), belongings));
        let doors = Doors { host: spec.host.clone(), way };
        let api = RuntimeApi::serve(listener, doors).map_err(prepare("listener"))?;
        let timer = Box::pin(sleep_until(started));
        let worker = Self {
            spec,
            membership,
            process,
            api,
            log,
            started,
            ready: started,
            timer,
            next_look: started + LOOK,
            init: None,
            has_reported: false,
            peak,
        };
        Ok((worker, share))
    }

    /// Waits until the worker asks for its first event, for `limit` after its start.
    pub(crate) async fn initialise(&mut self, share: StartShare, limit: Duration) -> Init {
        let mut init = self.ready_until(self.started + limit.min(SHARE_HELD)).await;
        drop(share);
        if matches!(init, Init::TimedOut) {
            init = self.ready_until(self.started + limit).await;
        }
        self.ready = Instant::now();
        self.init = Some(self.ready - self.started);
        init
    }

    /// Waits until the worker asks for an event or cannot any more.
    async fn ready_until(&mut self, deadline: Instant) -> Init {
        tokio::select! {
            biased;
            readiness = self.api.exchange.ready() => match readiness {
                Readiness::Asking => Init::Ready,
                Readiness::InitError(description) => Init::Failed(description),
            },
            end = self.process.ended() => Init::Exited(end.clone()),
            () = time_up(&mut self.timer, &self.process, deadline) => Init::TimedOut,
        }
    }

    /// Runs one event for `limit` at the most; gives how it ended and how long it took from its
    /// delivery.
    ///
    /// A worker that does not ask for the event within the function's time-out is ended: something
    /// between two events holds it. So is one that took too much memory meanwhile.
    pub(crate) async fn serve(&mut self, event: &Event, limit: Duration) -> (Served, Duration) {
        let answer = loop {
            match self.ready_until(Instant::now() + self.spec.timeout).await {
                Init::Ready if !self.process.has_just_exited() && !self.has_grown_too_large() => {}
                _ => {
                    self.process.kill();
                    let exit = self.process.exited().await;
                    return (Served::Undelivered(exit), Duration::ZERO);
                }
            }
            self.begin(event);
            let deadline = SystemTime::now() + limit;
            let delivery = Delivery { event: event.clone(), deadline };
            if let Some(answer) = self.api.exchange.deliver(delivery) {
                break answer;
            }
        };
        let delivered = Instant::now();
        let served = tokio::select! {
            biased;
            Ok(answer) = answer => Served::Answered(answer),
            exit = self.process.exited() => Served::Exited(exit),
            () = time_up(&mut self.timer, &self.process, delivered + limit) => Served::TimedOut,
        };
        (served, delivered.elapsed())
    }

    /// Starts an event's log.
    pub(crate) fn begin(&mut self, event: &Event) {
        let first = !self.has_reported;
        self.log.begin(&event.request_id, &self.spec.version, first);
        // For the report of a worker that will be gone.
        if event.log_tail || first {
            self.peak.now();
        }
    }

    /// How long the start took, which is a part of the event; its report tells it no more by itself.
    pub(crate) fn take_init(&mut self) -> Duration {
        self.init.take().unwrap_or_default()
    }

    /// Writes that the start failed; the event's report does not tell how long it took, then.
    pub(crate) fn fail_init(&mut self, phase: Phase, status: &Status) {
        if let Some(took) = self.init.take() {
            self.log.fail_init(phase, status, took);
        }
    }

    /// Ends an event's log; its last bytes if the event asked for them.
    pub(crate) fn report(
        &mut self,
        event: &Event,
        status: Status,
        duration: Duration,
    ) -> Option<Vec<u8>> {
        self.has_reported = true;
        let (init, memory_mb) = (self.init.take(), self.spec.memory_mb);
        if status.is_out_of_memory() {
            self.peak.was(u64::from(memory_mb) << 10); // As AWS has it: all that it was given.
        }
        let left = self.was_cut() == Some(Cut::Left);
        let mut report = Report { status, duration, memory_mb, peak_kib: 0, init, left };
        if event.log_tail {
            report.peak_kib = self.peak.now();
            return Some(self.log.finish(&event.request_id, &report));
        }
        if matches!(report.status, Status::Timeout(_) | Status::Ended(_)) {
            self.peak.now(); // The worker will be gone when its log is written.
        }
        self.log.finish_later(&event.request_id, report, &self.peak);
        None
    }

    /// Whether the answer to the last event was cut.
    pub(crate) fn was_cut(&self) -> Option<Cut> {
        self.api.exchange.was_cut()
    }

    /// Whether it is found to hold more memory than its function may: it must not go on then. A look costs
    /// as much as a short event.
    ///
    /// No event's report tells of it. So before the first event, which nobody would run instead, it is not
    /// looked: that event is looked after while it runs.
    pub(crate) fn has_grown_too_large(&mut self) -> bool {
        let now = Instant::now();
        if !self.has_reported || now < self.next_look {
            return false;
        }
        self.next_look = now + LOOK;
        let is_too_large = self.process.is_too_large();
        if is_too_large {
            let WorkerSpec { function, version, memory_mb, .. } = &*self.spec;
            tracing::warn!(%function, %version, memory_mb, "a worker held too much memory after an event");
        }
        is_too_large
    }

    /// How long ago the process started.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// For how long it could run events.
    pub(crate) fn ready_for(&self) -> Duration {
        self.ready.elapsed()
    }
}

/// Comes back at the deadline; until then, ends the process if it is found too large.
async fn time_up(timer: &mut Pin<Box<Sleep>>, process: &Process, deadline: Instant) {
    loop {
        timer.as_mut().reset(deadline.min(Instant::now() + LOOK));
        timer.as_mut().await;
        if Instant::now() >= deadline {
            return;
        }
        if process.is_too_large() {
            process.kill();
        }
    }
}

/// Keeps a worker's place taken until all that belongs to it is gone, and takes it out of its pool then.
async fn hold_place(place: Place, id: String, process: Arc<Process>, belongings: Belongings) {
    place.occupy(&process);
    process.ended().await;
    belongings.remove().await;
    place.leave(&id, &process);
}
