//! How long a slot waits for an answer: up to the request timeout, or until the load is stopped.

use lab_truth::evidence::Ending;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// One limit a slot, used for one request after the other. The timer is set anew only when it has
/// run out, once in a timeout at most, and not for every request: it then rings too early, sees by
/// the deadline how much there is left, and is set to that. So a timeout is exact nevertheless.
pub(super) struct Limit {
    timeout: Duration,
    timer: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Limit {
    pub(super) fn new(timeout: Duration, stop: CancellationToken) -> Self {
        Self {
            timeout,
            timer: Box::pin(sleep(timeout)),
            stop: Box::pin(stop.cancelled_owned()),
        }
    }

    /// What `work` comes to, or why it was given up, in which case it is unknown how far it got.
    pub(super) async fn wait_for<F: Future>(&mut self, work: F) -> Result<F::Output, Ending> {
        let deadline = Instant::now() + self.timeout;
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => self.poll_give_up(deadline, context).map(Err),
        })
        .await
    }

    fn poll_give_up(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<Ending> {
        while self.timer.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(Ending::Timeout);
            }
            self.timer.as_mut().reset(deadline);
        }
        let stop = self.stop.as_mut().poll(context);
        stop.map(|()| Ending::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const TIMEOUT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn each_request_has_the_whole_time_however_the_timer_stands() {
        let mut limit = Limit::new(TIMEOUT, CancellationToken::new());
        // The timer rings within the second of these, and each of them is in time.
        for _ in 0..3 {
            assert!(limit.wait_for(sleep(TIMEOUT * 6 / 10)).await.is_ok());
        }
        for _ in 0..3 {
            let began = Instant::now();
            assert_eq!(limit.wait_for(pending::<()>()).await, Err(Ending::Timeout));
            let took = began.elapsed();
            assert!(took >= TIMEOUT, "{took:?}");
        }
    }

    #[tokio::test]
    async fn a_stop_gives_up_what_is_under_way() {
        let stop = CancellationToken::new();
        let mut limit = Limit::new(TIMEOUT, stop.clone());
        assert!(limit.wait_for(sleep(TIMEOUT / 2)).await.is_ok());
        tokio::spawn(async move {
            sleep(TIMEOUT / 2).await;
            stop.cancel();
        });
        assert_eq!(limit.wait_for(pending::<()>()).await, Err(Ending::Broken));
    }
}
