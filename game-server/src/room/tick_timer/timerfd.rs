//! A kernel timer that expires at a fixed interval (timerfd_create(2)).
//!
//! The runtime's own timers count whole milliseconds and round up, twice, so they are up to 2 ms late.
//! A timerfd is a few microseconds late, and the runtime waits for it as it waits for any other file.
//! `cargo xtask bench players` shows the difference in how late ticks begin.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A moment of the kernel's monotonic clock. Intervals that count from the same origin expire in the
/// same nanosecond and so share a wake-up.
#[derive(Debug, Clone, Copy)]
pub(in crate::room) struct Origin(Timespec);

impl Origin {
    pub(in crate::room) fn now() -> Self {
        Self(clock_gettime(ClockId::Monotonic))
    }
}

/// Expires at a first moment and then again after every period.
#[derive(Debug)]
pub(in crate::room) struct TimerfdInterval(AsyncFd<OwnedFd>);

impl TimerfdInterval {
    /// Expires for the first time `first` after the origin.
    ///
    /// # Errors
    /// When the kernel gives no timer: mostly because the process may open no more files.
    pub(in crate::room) fn new(
        origin: Origin,
        first: Duration,
        period: Duration,
    ) -> io::Result<Self> {
        let spec = |time| Timespec::try_from(time).or(Err(io::ErrorKind::InvalidInput));
        let times = Itimerspec { it_value: origin.0 + spec(first)?, it_interval: spec(period)? };
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &times)?;
        #[expect(
            deprecated,
            reason = "the replacement is unsafe code, and an OwnedFd keeps what it demands"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self(timer))
    }

    /// Waits until the timer expires. Returns at once if it has expired since the last call.
    ///
    /// # Errors
    /// When the timer cannot be read.
    pub(in crate::room) async fn expired(&self) -> io::Result<()> {
        // What a timerfd gives to read: the number of expirations since the last read.
        let mut expirations = [0; size_of::<u64>()];
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut expirations)?));
            let Ok(read) = read else { continue };
            // One read takes all expirations. Without this, the next call would read once in vain.
            ready.clear_ready();
            return read.map(|_bytes| ());
        }
    }
}
