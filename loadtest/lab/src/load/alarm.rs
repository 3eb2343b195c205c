//! A timer that rings to the microsecond, in the same wait as the sockets.
//!
//! Tokio's timers have a resolution of a millisecond. A thread that sleeps in the kernel is as exact
//! as this, but it then has to wake the thread that sends: one more wake-up and one more switch for
//! every tick. The kernel's timer as a file is waited for together with the answers.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Zero would switch the timer off.
const SHORTEST: Duration = Duration::from_nanos(1);

/// One timer, set anew for every sleep.
pub(super) struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// To be called within the runtime that is to wait for it.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        watch(timerfd_create(TimerfdClockId::Monotonic, flags)?).map(Self)
    }

    pub(super) async fn sleep(&self, duration: Duration) -> io::Result<()> {
        let never = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = Itimerspec {
            it_interval: never,
            it_value: Timespec::try_from(duration.max(SHORTEST)).map_err(io::Error::other)?,
        };
        // Setting it anew also takes back that it has rung, so it need not be read.
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe, for the sake of types that may close the file they give out; an OwnedFd does not"
)]
fn watch(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(timer, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn it_rings_every_time_and_not_before_its_time() {
        let alarm = Alarm::new().unwrap();
        for micros in [0, 50, 300, 2_000, 1] {
            let wanted = Duration::from_micros(micros);
            let began = Instant::now();
            alarm.sleep(wanted).await.unwrap();
            let took = began.elapsed();
            assert!(took >= wanted, "{took:?} {wanted:?}");
        }
    }
}
