//! What passes between one worker and the sandbox: one event at a time, in Lambda's order.
//!
//! The worker asks (`next`), is handed an event, answers it, asks again. This is the state behind
//! the Runtime API, without HTTP.

use std::convert::Infallible;
use std::sync::Mutex;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use crate::lock;
use crate::output::Output;
use crate::specification::Event;

/// An event on its way to a worker.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) event: Event,
    /// When the event must be answered.
    pub(crate) deadline: SystemTime,
}

/// What a worker posted about its event.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The function's result.
    Response(Bytes),
    /// The runtime's description of what went wrong.
    Error(Bytes),
    /// A result over the size limit; it is not kept.
    TooLarge,
}

/// Why no more is taken of an answer that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nobody waits for it any more.
    Left,
    /// It is over the size limit.
    TooLarge,
}

impl Cut {
    /// What the event ends with.
    fn answer(self) -> Answer {
        match self {
            Self::Left => Answer::Response(Bytes::new()),
            Self::TooLarge => Answer::TooLarge,
        }
    }
}

/// Why the worker may not do this now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The answer names an event that this worker does not have.
    RequestId,
    /// The call does not fit the worker's state.
    Transition,
}

/// How a worker stands before an event.
#[derive(Debug)]
pub(crate) enum Readiness {
    /// It asks for an event.
    Asking,
    /// It said that it could not start, with this description.
    InitError(Bytes),
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// The worker's open `next` call.
    asking: Option<oneshot::Sender<Delivery>>,
    /// Whether the answer to the current event, or the last one, was cut.
    cut: Option<Cut>,
}

#[derive(Default)]
enum Phase {
    /// The worker has not asked for an event yet.
    #[default]
    Starting,
    /// The worker reported that it cannot start.
    Failed(Bytes),
    /// The worker has no event.
    Free,
    /// The worker has this event.
    Running { request_id: String, answer: oneshot::Sender<Answer>, output: Option<Output> },
}

/// The exchange of one worker.
#[derive(Default)]
pub(crate) struct Exchange {
    state: Mutex<State>,
    changed: Notify,
    turns: Turns,
}

/// Whose turn it is to be taken in, of all that a worker sends at the same time: the last that came.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Option<oneshot::Sender<Infallible>>>);

impl Turns {
    /// The next turn; the one before is lost.
    pub(crate) fn next(&self) -> Turn {
        let (held, turn) = oneshot::channel();
        *lock(&self.0) = Some(held);
        Turn(turn)
    }
}

/// The right to be taken in, until there is a newer one.
pub(crate) struct Turn(oneshot::Receiver<Infallible>);

impl Turn {
    /// Waits until there is a newer one. Once.
    pub(crate) async fn lost(&mut self) {
        let Err(_) = (&mut self.0).await;
    }
}

impl Exchange {
    /// The worker asks for its next event. A newer call replaces an older one: a client that lost
    /// its connection asks again before we notice. A worker whose answer was cut is done with its event.
    pub(crate) fn next(&self) -> Result<oneshot::Receiver<Delivery>, Refusal> {
        let mut state = lock(&self.state);
        match (std::mem::replace(&mut state.phase, Phase::Free), state.cut) {
            (Phase::Starting | Phase::Free, _) => {}
            // Nobody waits any more when the event timed out at this moment.
            (Phase::Running { answer, .. }, Some(cut)) => drop(answer.send(cut.answer())),
            (other, _) => {
                state.phase = other;
                return Err(Refusal::Transition);
            }
        }
        let (sender, delivery) = oneshot::channel();
        state.asking = Some(sender);
        drop(state);
        self.changed.notify_one();
        Ok(delivery)
    }

    /// The turn of an answer to this event, if it is the worker's.
    pub(crate) fn expects(&self, request_id: &str) -> Result<Turn, Refusal> {
        match &lock(&self.state).phase {
            Phase::Running { request_id: current, .. } if current == request_id => {
                Ok(self.turns.next())
            }
            _ => Err(Refusal::RequestId),
        }
    }

    /// The turn of a description of why the worker cannot start, if it is still starting.
    pub(crate) fn starts(&self) -> Result<Turn, Refusal> {
        match &lock(&self.state).phase {
            Phase::Starting => Ok(self.turns.next()),
            _ => Err(Refusal::Transition),
        }
    }

    /// Where the parts of the answer to this event go: told once.
    pub(crate) fn output(&self, request_id: &str) -> Result<Option<Output>, Refusal> {
        match &mut lock(&self.state).phase {
            Phase::Running { request_id: current, output, .. } if current == request_id => {
                Ok(output.take())
            }
            _ => Err(Refusal::RequestId),
        }
    }

    /// No more is taken of the answer to this event. The worker still has the event until it asks for
    /// the next one: its function may go on without an answer.
    pub(crate) fn cut(&self, request_id: &str, cut: Cut) -> Result<(), Refusal> {
        let mut state = lock(&self.state);
        match &state.phase {
            Phase::Running { request_id: current, .. } if current == request_id => {
                state.cut = Some(cut);
                Ok(())
            }
            _ => Err(Refusal::RequestId),
        }
    }

    /// Whether the answer to the current event, or the last one, was cut.
    pub(crate) fn was_cut(&self) -> Option<Cut> {
        lock(&self.state).cut
    }

    /// The worker answers its event.
    pub(crate) fn answer(&self, request_id: &str, answer: Answer) -> Result<(), Refusal> {
        let mut state = lock(&self.state);
        let sender = match std::mem::replace(&mut state.phase, Phase::Free) {
            Phase::Running { request_id: current, answer, .. } if current == request_id => answer,
            other => {
                state.phase = other;
                return Err(Refusal::RequestId);
            }
        };
        // Nobody waits any more when the event timed out at this moment.
        let _ = sender.send(answer);
        Ok(())
    }

    /// The worker says that it cannot start.
    pub(crate) fn init_error(&self, description: Bytes) -> Result<(), Refusal> {
        let mut state = lock(&self.state);
        if !matches!(state.phase, Phase::Starting) {
            return Err(Refusal::Transition);
        }
        state.phase = Phase::Failed(description);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits until the worker asks for an event or reports that it cannot start. For one waiter.
    pub(crate) async fn ready(&self) -> Readiness {
        loop {
            if let Some(readiness) = self.readiness() {
                return readiness;
            }
            self.changed.notified().await;
        }
    }

    fn readiness(&self) -> Option<Readiness> {
        let state = lock(&self.state);
        if let Phase::Failed(description) = &state.phase {
            return Some(Readiness::InitError(description.clone()));
        }
        state.asking.as_ref().filter(|asking| !asking.is_closed()).map(|_| Readiness::Asking)
    }

    /// Hands the event to the worker's open call; its answer comes through the receiver.
    ///
    /// `None` when the worker does not ask at this moment; the event is not delivered then.
    pub(crate) fn deliver(&self, delivery: Delivery) -> Option<oneshot::Receiver<Answer>> {
        let mut state = lock(&self.state);
        let asking = state.asking.take()?;
        let request_id = delivery.event.request_id.clone();
        let output = delivery.event.output.clone();
        asking.send(delivery).ok()?;
        let (answer, receiver) = oneshot::channel();
        state.cut = None;
        state.phase = Phase::Running { request_id, answer, output };
        Some(receiver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(request_id: &str) -> Delivery {
        let event = Event {
            request_id: request_id.to_owned(),
            payload: Bytes::from_static(b"{}"),
            invoked_function_arn: String::new(),
            client_context: None,
            trace_id: String::new(),
            log_tail: false,
            output: None,
        };
        Delivery { event, deadline: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn a_worker_has_one_event_at_a_time() {
        let exchange = Exchange::default();
        let mut asking = exchange.next().unwrap();
        let mut answer = exchange.deliver(delivery("a")).unwrap();
        assert_eq!(asking.try_recv().unwrap().event.request_id, "a");
        assert_eq!(exchange.next().unwrap_err(), Refusal::Transition);
        assert!(exchange.deliver(delivery("b")).is_none());
        exchange.answer("a", Answer::TooLarge).unwrap();
        assert!(matches!(answer.try_recv(), Ok(Answer::TooLarge)));
        exchange.next().unwrap();
    }

    #[test]
    fn an_answer_must_name_the_current_event() {
        let exchange = Exchange::default();
        assert_eq!(exchange.answer("a", Answer::TooLarge).unwrap_err(), Refusal::RequestId);
        let _asking = exchange.next().unwrap();
        let _answer = exchange.deliver(delivery("a")).unwrap();
        assert_eq!(exchange.answer("b", Answer::TooLarge).unwrap_err(), Refusal::RequestId);
        drop(exchange.expects("a").unwrap());
        exchange.answer("a", Answer::TooLarge).unwrap();
        assert_eq!(exchange.answer("a", Answer::TooLarge).unwrap_err(), Refusal::RequestId);
    }

    #[test]
    fn an_event_whose_answer_was_cut_ends_when_the_worker_asks_for_another() {
        for (cut, want) in [(Cut::Left, "Response(b\"\")"), (Cut::TooLarge, "TooLarge")] {
            let exchange = Exchange::default();
            let _asking = exchange.next().unwrap();
            let mut answer = exchange.deliver(delivery("a")).unwrap();
            assert_eq!(exchange.cut("b", cut).unwrap_err(), Refusal::RequestId);
            exchange.cut("a", cut).unwrap();
            assert!(answer.try_recv().is_err());
            exchange.next().unwrap();
            assert_eq!(format!("{:?}", answer.try_recv().unwrap()), want);
            assert_eq!(exchange.was_cut(), Some(cut));
            exchange.next().unwrap();
        }
    }

    #[test]
    fn a_worker_whose_answer_was_cut_can_still_say_that_it_failed() {
        let exchange = Exchange::default();
        let _asking = exchange.next().unwrap();
        let mut answer = exchange.deliver(delivery("a")).unwrap();
        exchange.cut("a", Cut::Left).unwrap();
        exchange.answer("a", Answer::Error(Bytes::new())).unwrap();
        assert!(matches!(answer.try_recv(), Ok(Answer::Error(_))));
        let _asking = exchange.next().unwrap();
        let _answer = exchange.deliver(delivery("b")).unwrap();
        assert_eq!(exchange.was_cut(), None);
        assert_eq!(exchange.next().unwrap_err(), Refusal::Transition);
    }

    #[test]
    fn a_worker_fails_to_start_only_before_its_first_event() {
        let exchange = Exchange::default();
        let _asking = exchange.next().unwrap();
        assert_eq!(exchange.init_error(Bytes::new()).unwrap_err(), Refusal::Transition);
        let failed = Exchange::default();
        failed.init_error(Bytes::new()).unwrap();
        assert_eq!(failed.next().unwrap_err(), Refusal::Transition);
    }

    #[test]
    fn a_lost_call_gets_no_event() {
        let exchange = Exchange::default();
        drop(exchange.next().unwrap());
        assert!(exchange.readiness().is_none());
        assert!(exchange.deliver(delivery("a")).is_none());
        let mut again = exchange.next().unwrap();
        exchange.deliver(delivery("a")).unwrap();
        assert_eq!(again.try_recv().unwrap().event.request_id, "a");
    }
}
