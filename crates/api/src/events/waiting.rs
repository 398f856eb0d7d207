//! Which event is next: the oldest due one of each function, function by function.
//!
//! Only keys and times are here; the events themselves are in the store. A function that is
//! throttled is tried with as many events as it ran. One with many events, or with slow ones, keeps
//! nobody else waiting: what a function may have is less than what it leaves to the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use jiff::{SignedDuration, Timestamp};

/// How many events may wait, of all functions together: their keys take some 20 MiB. One function may
/// have half of them, as of the bytes.
pub(super) const EVENTS_MAX: usize = 100_000;

/// How many bytes of payload may wait on disk, of all functions together.
pub(super) const BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// How many events run at a time, of all functions together: each has its payload in memory.
const TOGETHER_MAX: u32 = 64;

/// How many events of one function run at a time.
const RUNNING_MAX: u32 = 16;

/// When a throttled function is tried with one more event, though none of its own has ended: at
/// first, and at most. AWS's are 1 s and 5 min (`[doc]`).
const BACKOFF: [SignedDuration; 2] = [SignedDuration::from_secs(1), SignedDuration::from_secs(60)];

/// An event that waits or runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// The function's ARN.
    pub(super) function: Box<str>,
    /// The id of the request that brought it.
    pub(super) request_id: Box<str>,
    /// When it may run.
    pub(super) due: Timestamp,
    /// The bytes of its payload.
    pub(super) bytes: u64,
}

/// Everything that waits, and how much runs.
#[derive(Default)]
pub(super) struct Waiting {
    functions: BTreeMap<Box<str>, Line>,
    /// The function that was served last.
    last: Box<str>,
    /// Events that wait or run.
    events: usize,
    /// The bytes of their payloads.
    bytes: u64,
    /// Events that run.
    running: u32,
}

/// The events of one function.
struct Line {
    waiting: BTreeSet<(Timestamp, Box<str>, u64)>,
    /// The bytes of the payloads of those.
    bytes: u64,
    running: u32,
    /// How many may run as soon as they are due, as far as is known.
    allowed: u32,
    /// When one more may be tried.
    probe: Timestamp,
    /// How long after that the next one may.
    backoff: SignedDuration,
}

impl Default for Line {
    fn default() -> Self {
        let [backoff, _] = BACKOFF;
        let (waiting, probe) = (BTreeSet::new(), Timestamp::UNIX_EPOCH);
        Self { waiting, bytes: 0, running: 0, allowed: RUNNING_MAX, probe, backoff }
    }
}

impl Line {
    /// When its next event may run, where `free` more may of all functions; `None` while there is
    /// none, or enough run. A function that runs few events goes on where one with many does not.
    fn ready(&self, free: u32) -> Option<Timestamp> {
        let may_run = self.running < RUNNING_MAX && 2 * self.running < free;
        let (due, ..) = self.waiting.first().filter(|_| may_run)?;
        Some(if self.is_probe() { self.probe.max(*due) } else { *due })
    }

    /// Whether its next event is one more than may run as far as is known.
    fn is_probe(&self) -> bool {
        self.running >= self.allowed
    }

    /// Puts an event in; whether it was not there.
    fn put(&mut self, due: Timestamp, request_id: Box<str>, bytes: u64) -> bool {
        let is_new = self.waiting.insert((due, request_id, bytes));
        if is_new {
            self.bytes = self.bytes.saturating_add(bytes);
        }
        is_new
    }

    /// Takes the first event out.
    fn begin(&mut self, now: Timestamp) -> Option<(Timestamp, Box<str>, u64)> {
        let first = self.waiting.pop_first()?;
        self.bytes = self.bytes.saturating_sub(first.2);
        if self.is_probe() {
            let [_, most] = BACKOFF;
            self.backoff = (self.backoff * 2).min(most);
            self.probe_after(now);
        }
        self.running += 1;
        Some(first)
    }

    /// An event found no place: there are as many as run now.
    fn throttled(&mut self, now: Timestamp) {
        self.running = self.running.saturating_sub(1);
        self.allowed = self.running;
        // Several that were throttled at once are one reason to wait.
        if self.probe <= now {
            self.probe_after(now);
        }
    }

    /// An event has ended: its place is free, and there may be another.
    fn ended(&mut self, now: Timestamp) {
        self.running = self.running.saturating_sub(1);
        self.allowed = self.allowed.max(self.running + 2).min(RUNNING_MAX);
        [self.backoff, _] = BACKOFF;
        self.probe_after(now);
    }

    fn probe_after(&mut self, now: Timestamp) {
        self.probe = now.saturating_add(self.backoff).unwrap_or(now);
    }
}

impl Waiting {
    /// Counts one more event of `function`, if there is room: as much as it has itself must be free.
    pub(super) fn admit(&mut self, function: &str, bytes: u64) -> bool {
        let line = self.functions.get(function);
        let (own, own_bytes) = line.map_or((0, 0), |line| (line.waiting.len(), line.bytes));
        let free = EVENTS_MAX.saturating_sub(self.events);
        let free_bytes = BYTES_MAX.saturating_sub(self.bytes);
        let has_room = own < free && own_bytes.saturating_add(bytes) <= free_bytes;
        if has_room {
            self.count(bytes);
        }
        has_room
    }

    /// Counts an event that is there already, room or not.
    pub(super) fn count(&mut self, bytes: u64) {
        self.events += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Takes in an event that an earlier start left, unless it came by another way.
    pub(super) fn take_up(&mut self, ticket: Ticket) {
        let line = self.functions.entry(ticket.function).or_default();
        if line.put(ticket.due, ticket.request_id, ticket.bytes) {
            self.count(ticket.bytes);
        }
    }

    /// Takes an event out of the counts.
    pub(super) fn discount(&mut self, bytes: u64) {
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Lets an event wait that is counted; one that waits already was counted twice.
    pub(super) fn push(&mut self, ticket: Ticket) {
        let line = self.functions.entry(ticket.function).or_default();
        if !line.put(ticket.due, ticket.request_id, ticket.bytes) {
            self.discount(ticket.bytes);
        }
    }

    /// The event that may run now, of the function after the one that was served last.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Ticket> {
        let last: &str = &self.last;
        let later = self.functions.range::<str, _>((Bound::Excluded(last), Bound::Unbounded));
        let all =
            later.chain(self.functions.range::<str, _>((Bound::Unbounded, Bound::Included(last))));
        let (free, mut all) = (self.free(), all.into_iter());
        let is_ready = |line: &Line| line.ready(free).is_some_and(|at| at <= now);
        let function = all.find(|(_, line)| is_ready(line))?.0.clone();
        let line = self.functions.get_mut(&function)?;
        let (due, request_id, bytes) = line.begin(now)?;
        self.running += 1;
        self.last = function.clone();
        Some(Ticket { function, request_id, due, bytes })
    }

    /// When [`next`](Self::next) may have one, if nothing changes meanwhile.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        let free = self.free();
        self.functions.values().filter_map(|line| line.ready(free)).min()
    }

    /// How many more events may run.
    fn free(&self) -> u32 {
        TOGETHER_MAX.saturating_sub(self.running)
    }

    /// An event of `function` no longer runs; whether its function was throttled.
    pub(super) fn ran(&mut self, function: &str, is_throttled: bool, now: Timestamp) {
        let Some(line) = self.functions.get_mut(function) else { return };
        self.running = self.running.saturating_sub(1);
        if is_throttled {
            line.throttled(now);
        } else {
            line.ended(now);
        }
        if line.waiting.is_empty() && line.running == 0 {
            self.functions.remove(function);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn waiting(events: &[(&str, &str, i64)]) -> Waiting {
        let mut waiting = Waiting::default();
        for (function, request_id, due) in events {
            waiting.count(1);
            waiting.push(Ticket {
                function: (*function).into(),
                request_id: (*request_id).into(),
                due: at(*due),
                bytes: 1,
            });
        }
        waiting
    }

    fn taken(waiting: &mut Waiting, now: i64) -> Vec<String> {
        std::iter::from_fn(|| waiting.next(at(now))).map(|it| it.request_id.into()).collect()
    }

    #[test]
    fn functions_take_turns_and_each_is_served_in_order() {
        let mut all = waiting(&[("a", "a2", 2), ("a", "a1", 1), ("a", "a9", 9), ("b", "b1", 3)]);
        assert_eq!(taken(&mut all, 5), ["a1", "b1", "a2"]);
        assert_eq!(all.wakes_at(), Some(at(9)));
    }

    #[test]
    fn one_function_runs_only_so_many_at_a_time() {
        let ids: Vec<String> = (0..40).map(|id| format!("{id:02}")).collect();
        let mut all = waiting(&ids.iter().map(|id| ("a", id.as_str(), 0)).collect::<Vec<_>>());
        assert_eq!(taken(&mut all, 0).len(), 16);
        assert_eq!(all.wakes_at(), None);
        all.ran("a", false, at(0));
        assert_eq!(taken(&mut all, 0), ["16"]);
    }

    #[test]
    fn a_throttled_function_waits_longer_each_time_and_keeps_nobody_waiting() {
        let mut all = waiting(&[("a", "a1", 0), ("a", "a2", 0), ("b", "b1", 0)]);
        let mut now = 0;
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            let ticket = all.next(at(now)).unwrap();
            assert_eq!(&*ticket.request_id, "a1");
            all.push(ticket);
            all.ran("a", true, at(now));
            let others = if now == 0 { vec!["b1"] } else { vec![] };
            assert_eq!(taken(&mut all, now + wait - 1), others);
            now += wait;
            assert_eq!(all.wakes_at(), Some(at(now)));
        }
        let ticket = all.next(at(now)).unwrap();
        all.ran(&ticket.function, false, at(now));
        assert_eq!(taken(&mut all, now), ["a2"]);
    }

    /// A function runs `most` events at a time, which end one by one; how many tries `count` of them
    /// take, with no time going by.
    fn tries(count: usize, most: usize) -> usize {
        let ids: Vec<String> = (0..count).map(|id| format!("{id:03}")).collect();
        let mut all = waiting(&ids.iter().map(|id| ("a", id.as_str(), 0)).collect::<Vec<_>>());
        let (mut running, mut ended, mut tried) = (0, 0, 0);
        while ended < count {
            let next = all.next(at(0));
            tried += usize::from(next.is_some());
            match next {
                Some(_) if running < most => running += 1,
                Some(ticket) => {
                    all.push(ticket);
                    all.ran("a", true, at(0));
                }
                None => {
                    assert!(running > 0, "{ended} of {count} have ended, and none runs");
                    all.ran("a", false, at(0));
                    (running, ended) = (running - 1, ended + 1);
                }
            }
        }
        tried
    }

    #[test]
    fn a_function_runs_as_many_events_as_it_can_without_waiting() {
        for (count, most) in [(1, 1), (50, 1), (50, 3), (50, 15), (50, 16), (50, 100)] {
            let tried = tries(count, most);
            assert!((count..=2 * count + 16).contains(&tried), "{count}, {most}: {tried} tries");
        }
    }

    #[test]
    fn a_place_that_another_call_leaves_is_found_while_an_event_runs() {
        let mut all = waiting(&[("a", "a1", 0), ("a", "a2", 0)]);
        assert_eq!(taken(&mut all, 0), ["a1", "a2"]);
        all.push(Ticket { function: "a".into(), request_id: "a2".into(), due: at(0), bytes: 1 });
        all.ran("a", true, at(0));
        assert_eq!(taken(&mut all, 0), [""; 0]);
        assert_eq!(all.wakes_at(), Some(at(1)));
        assert_eq!(taken(&mut all, 1), ["a2"], "and a1 still runs");
    }

    #[test]
    fn there_is_room_for_so_many_events_and_bytes() {
        let mut all = Waiting::default();
        assert!(all.admit("a", BYTES_MAX - 1) && all.admit("b", 1));
        assert!(!all.admit("c", 1));
        all.discount(1);
        assert!(all.admit("c", 1));
        let mut many = Waiting::default();
        assert!((0..EVENTS_MAX).all(|id| many.admit(&id.to_string(), 0)));
        assert!(!many.admit("a", 0));
    }

    /// How many events of `bytes` one function may leave here.
    fn left_by_one(all: &mut Waiting, function: &str, bytes: u64) -> usize {
        let push = |all: &mut Waiting, id: usize| {
            let request_id = id.to_string().into();
            all.push(Ticket { function: function.into(), request_id, due: at(9), bytes });
        };
        let admitted = (0..).take_while(|id| {
            let is_admitted = all.admit(function, bytes);
            if is_admitted {
                push(all, *id);
            }
            is_admitted
        });
        admitted.count()
    }

    #[test]
    fn a_function_leaves_as_much_room_to_the_others_as_it_takes() {
        let mut all = Waiting::default();
        let taken = ["a", "b", "c"].map(|function| left_by_one(&mut all, function, 0));
        assert_eq!(taken, [EVENTS_MAX / 2, EVENTS_MAX / 4, EVENTS_MAX / 8]);
        let mut all = Waiting::default();
        let taken = ["a", "b", "c"].map(|function| left_by_one(&mut all, function, BYTES_MAX / 64));
        assert_eq!(taken, [32, 16, 8]);
    }

    #[test]
    fn functions_whose_events_do_not_end_keep_no_other_waiting() {
        for busy in [1, 2, 4, 8, 16, 32, 63] {
            let functions: Vec<String> = (0..busy).map(|function| function.to_string()).collect();
            let ids: Vec<String> = (0..40).map(|id| format!("{id:02}")).collect();
            let each =
                functions.iter().flat_map(|function| ids.iter().map(move |id| (function, id)));
            let events: Vec<_> = each.map(|(one, id)| (one.as_str(), id.as_str(), 0)).collect();
            let mut all = waiting(&events);
            assert!(taken(&mut all, 0).len() >= busy, "each of {busy} runs one");
            let ticket =
                Ticket { function: "quiet".into(), request_id: "q".into(), due: at(0), bytes: 1 };
            all.push(ticket);
            assert_eq!(all.wakes_at(), Some(at(0)));
            assert_eq!(taken(&mut all, 0), ["q"], "beside {busy} busy ones");
        }
    }

    #[test]
    fn a_function_without_events_is_forgotten() {
        let mut all = waiting(&[("a", "a1", 0)]);
        all.next(at(0)).unwrap();
        all.ran("a", false, at(0));
        assert!(all.functions.is_empty());
    }
}
