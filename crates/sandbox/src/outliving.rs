//! A future that goes on when whoever waits for it goes away.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// Runs within its caller's task; dropped before its end, it goes on as a task of its own.
///
/// Spawning every call from the start would do, too, but costs each one two changes of tasks.
pub struct Outliving<F: Future + Send + 'static>
where
    F::Output: Send,
{
    /// `None` once it has ended, or panicked: it must not be polled again then.
    future: Option<Pin<Box<F>>>,
    runtime: Handle,
}

impl<F: Future + Send + 'static> Outliving<F>
where
    F::Output: Send,
{
    /// `future` goes on, if it must, on `runtime`.
    pub fn new(runtime: Handle, future: F) -> Self {
        Self { future: Some(Box::pin(future)), runtime }
    }
}

impl<F: Future + Send + 'static> Future for Outliving<F>
where
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(mut future) = self.future.take() else { return Poll::Pending };
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            self.future = Some(future);
        }
        polled
    }
}

impl<F: Future + Send + 'static> Drop for Outliving<F>
where
    F::Output: Send,
{
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.runtime.spawn(future);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_ends_with_or_without_its_caller() {
        for stays in [true, false] {
            let (start, started) = oneshot::channel();
            let (end, ended) = oneshot::channel();
            let work = async move {
                started.await.unwrap();
                end.send(7).unwrap();
                7
            };
            let mut outliving = Outliving::new(Handle::current(), work);
            let first =
                std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut outliving).poll(context)));
            assert!(first.await.is_pending());
            start.send(()).unwrap();
            if stays {
                assert_eq!(outliving.await, 7);
            } else {
                drop(outliving);
            }
            assert_eq!(ended.await.unwrap(), 7);
        }
    }
}
