//! A future that is polled again at once when it wakes itself.
//!
//! hyper wakes the task of a connection for each part of a request's body, from within that task: who
//! brings the body and who reads it are one. The runtime puts a task that wakes itself behind all others
//! and wakes another thread, which takes it over: measured, a seventh of what a warm call takes.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::lock;

/// How often in a row: a body of one part takes two, and what goes on for ever must let others run.
const ROUNDS_MAX: usize = 8;

/// Nobody polls it; whoever wakes it wakes its task.
const RESTS: u8 = 0;
/// It is being polled, and has not been woken since.
const POLLED: u8 = 1;
/// It has been woken since its last poll began.
const WOKEN: u8 = 2;

/// Runs within its task as `future` does.
pub struct SelfWaking<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What a [`SelfWaking`] future is woken by.
struct Bell {
    state: AtomicU8,
    /// The task that it runs in.
    task: Mutex<Option<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == RESTS {
            let task = lock(&self.task).clone();
            task.into_iter().for_each(Waker::wake);
        }
    }
}

impl Bell {
    /// From here on it wakes this task.
    fn belong_to(&self, task: &Waker) {
        let mut known = lock(&self.task);
        if !known.as_ref().is_some_and(|known| known.will_wake(task)) {
            *known = Some(task.clone());
        }
    }

    /// Whether nothing has happened since the poll began; wakes the task from now on.
    fn rests(&self) -> bool {
        let rests = self.state.compare_exchange(POLLED, RESTS, Ordering::AcqRel, Ordering::Acquire);
        rests.is_ok()
    }
}

impl<F> SelfWaking<F> {
    /// Nothing happens before it is polled.
    pub fn new(future: F) -> Self {
        let bell = Arc::new(Bell { state: AtomicU8::new(RESTS), task: Mutex::default() });
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&bell)), bell }
    }
}

impl<F: Future> Future for SelfWaking<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, bell, waker } = &mut *self;
        bell.belong_to(context.waker());
        for _ in 0..ROUNDS_MAX {
            // Whatever it was woken for before, it sees now.
            bell.state.swap(POLLED, Ordering::AcqRel);
            let polled = future.as_mut().poll(&mut Context::from_waker(waker));
            if polled.is_ready() || bell.rests() {
                return polled;
            }
        }
        bell.state.swap(RESTS, Ordering::AcqRel);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::{mpsc, oneshot};

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Wake for Counting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Wakes itself so often, and counts its polls.
    async fn woken(times: usize, polls: &AtomicUsize) {
        poll_fn(|context| {
            let polled = polls.fetch_add(1, Ordering::Relaxed);
            context.waker().wake_by_ref();
            if polled == times { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    #[test]
    #[rustfmt::skip]
    fn what_wakes_itself_is_polled_at_once_but_not_for_ever() {
        for (times, done, polls, wakes) in [
            (0,              true,  1,          0),
            (2,              true,  3,          0),
            (ROUNDS_MAX - 1, true,  ROUNDS_MAX, 0),
            (ROUNDS_MAX,     false, ROUNDS_MAX, 1),
            (usize::MAX,     false, ROUNDS_MAX, 1),
        ] {
            let (count, task) = (AtomicUsize::new(0), Arc::new(Counting::default()));
            let mut future = std::pin::pin!(SelfWaking::new(woken(times, &count)));
            let polled = future.as_mut().poll(&mut Context::from_waker(&task.clone().into()));
            let seen = (polled.is_ready(), count.load(Ordering::Relaxed), task.0.load(Ordering::Relaxed));
            assert_eq!(seen, (done, polls, wakes), "{times}");
        }
    }

    #[test]
    fn whoever_wakes_it_wakes_its_last_task_once() {
        let given = Arc::new(Mutex::new(None::<Waker>));
        let future = poll_fn(|context| {
            *given.lock().unwrap() = Some(context.waker().clone());
            Poll::<()>::Pending
        });
        let mut future = std::pin::pin!(SelfWaking::new(future));
        let [first, last] = [(); 2].map(|()| Arc::new(Counting::default()));
        for task in [&first, &last] {
            let task = Waker::from(Arc::clone(task));
            assert!(future.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        }
        let waker = given.lock().unwrap().clone().unwrap();
        waker.wake_by_ref();
        waker.wake();
        let wakes = [first, last].map(|task| task.0.load(Ordering::Relaxed));
        assert_eq!(wakes, [0, 1]);
    }

    /// Many times, from another thread, at any moment of a poll.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_is_lost() {
        let (ask, mut asked) = mpsc::channel::<oneshot::Sender<usize>>(1);
        tokio::spawn(SelfWaking::new(async move {
            let mut count = 0;
            while let Some(answer) = asked.recv().await {
                answer.send(count).unwrap();
                count += 1;
            }
        }));
        let asking = tokio::spawn(SelfWaking::new(async move {
            for count in 0..20_000 {
                let (answer, answered) = oneshot::channel();
                ask.send(answer).await.unwrap();
                assert_eq!(answered.await.unwrap(), count);
            }
        }));
        asking.await.unwrap();
    }

    #[tokio::test]
    async fn what_never_ends_is_dropped_with_its_task() {
        let (held, released) = oneshot::channel::<()>();
        let task = tokio::spawn(SelfWaking::new(async move {
            let _held = held;
            pending::<()>().await;
        }));
        task.abort();
        assert!(released.await.is_err());
    }
}
