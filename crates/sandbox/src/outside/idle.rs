//! Connections that nothing passes over any more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// A stream that tells when it was last used, either way.
pub(super) struct Watched<S> {
    stream: S,
    used: Arc<Used>,
}

/// When a stream was last used.
pub(super) struct Used {
    since: Instant,
    /// Milliseconds after `since`.
    last: AtomicU64,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> (Self, Arc<Used>) {
        let used = Arc::new(Used { since: Instant::now(), last: AtomicU64::new(0) });
        (Self { stream, used: Arc::clone(&used) }, used)
    }
}

impl Used {
    fn now(&self) {
        let passed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(passed, Ordering::Relaxed);
    }

    /// Ends once the stream has not been used for `limit`.
    pub(super) async fn not_for(&self, limit: Duration) {
        loop {
            let last = self.last.load(Ordering::Relaxed);
            sleep_until(self.since + Duration::from_millis(last) + limit).await;
            if self.last.load(Ordering::Relaxed) == last {
                return;
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.used.now();
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.used.now();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_idle_once_nothing_has_passed_for_the_limit() {
        let (pause, limit) = (Duration::from_millis(40), Duration::from_millis(60));
        let (mut other, one) = duplex(100);
        let (mut one, used) = Watched::new(one);
        let started = Instant::now();
        let work = async {
            for _ in 0..3 {
                tokio::time::sleep(pause).await;
                other.write_all(b"x").await.unwrap();
                one.read_u8().await.unwrap();
            }
            tokio::time::sleep(pause).await;
            one.write_all(b"y").await.unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = work => {}
            () = used.not_for(limit) => {}
        }
        assert_eq!(started.elapsed(), 4 * pause + limit);
    }
}
