//! A function's answer while it is being made: its parts, to whoever waits for them.

use bytes::Bytes;
use tokio::sync::mpsc;

/// So many parts may wait for whoever takes them; then the worker waits, too. A part is what one
/// read of the worker's connection gives.
const PARTS_WAITING: usize = 2;

/// A piece of an answer.
#[derive(Debug)]
pub enum Part {
    /// The answer begins; what its runtime says that it is.
    Begin {
        /// `Content-Type` of the runtime's request.
        content_type: Option<String>,
    },
    /// The next bytes.
    Bytes(Bytes),
}

/// Where a function's answer goes while it is being made.
#[derive(Clone, Debug)]
pub struct Output(mpsc::Sender<Part>);

impl Output {
    /// An output, and its other end: closed once the event is over. It stays without any part unless
    /// the runtime streams the answer.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Part>) {
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        (Self(sender), receiver)
    }

    /// Hands a part over; waits until there is room. Whether there is anybody who takes it.
    pub(crate) async fn send(&self, part: Part) -> bool {
        self.0.send(part).await.is_ok()
    }

    /// Waits until nobody takes parts any more.
    pub(crate) async fn left(&self) {
        self.0.closed().await;
    }
}
