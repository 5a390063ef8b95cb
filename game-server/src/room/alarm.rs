//! What wakes a room for each of its ticks.
//!
//! The runtime's timers count in whole milliseconds and round up, twice: they are late by up to two. On Linux a clock can
//! be a file out of which one reads how often it has rung (timerfd_create(2)), and for files the runtime waits anyway:
//! such a clock is late by some microseconds. `cargo xtask bench players` shows it in the lateness of ticks.

use std::io::{Error, ErrorKind};
use std::time::{Duration, Instant};

use tokio::task::yield_now;
use tokio::time::sleep_until;

use system::Clock;
pub(super) use system::Origin;

/// The runtime's timers are asked for a moment so much earlier: then they are off by one millisecond at most, either way.
pub(super) const EARLY: Duration = Duration::from_millis(1);

/// Rings at a first moment and ever again after the same time.
#[derive(Debug)]
pub(super) struct Alarm {
    /// Nothing where there is none, or where no more files may be opened: then the runtime's timers have to do.
    clock: Option<Clock>,
}

impl Alarm {
    /// The first moment is so long after the origin.
    pub(super) fn new(origin: Origin, first: Duration, period: Duration) -> Self {
        Self { clock: Clock::new(origin, first, period).inspect_err(tell).ok() }
    }

    /// Waits for one of its moments, and may come [`EARLY`]. A moment that is past is not waited for, but others have
    /// their turn first: a room that is always behind would leave them none.
    pub(super) async fn wait_until(&mut self, moment: Instant) {
        if Instant::now() >= moment {
            return yield_now().await;
        }
        while let Some(clock) = self.clock.as_mut().filter(|_| Instant::now() < moment) {
            if let Err(error) = clock.ring().await {
                tell(&error);
                self.clock = None;
            }
        }
        if self.clock.is_none() {
            sleep_until((moment - EARLY).into()).await;
        }
    }
}

/// The operator can do something about it, unless the system knows no such clocks.
fn tell(error: &Error) {
    if error.kind() != ErrorKind::Unsupported {
        tracing::warn!(%error, "a room's ticks begin up to a millisecond late: it has no clock of its own");
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::time::Duration;

    use rustix::time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec,
        clock_gettime, timerfd_create, timerfd_settime,
    };
    use tokio::io::AsyncReadExt as _;
    use tokio::net::unix::pipe::Receiver;

    /// Clocks that count from the same one ring in the same nanosecond, and so share a wake-up.
    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Origin(Timespec);

    impl Origin {
        pub(in super::super) fn now() -> Self {
            Self(clock_gettime(ClockId::Monotonic))
        }
    }

    /// Read as a pipe is: that is the runtime's way to a file of which it knows nothing else.
    #[derive(Debug)]
    pub(super) struct Clock(Receiver);

    impl Clock {
        pub(super) fn new(origin: Origin, first: Duration, period: Duration) -> io::Result<Self> {
            let spec = |time| Timespec::try_from(time).or(Err(io::ErrorKind::InvalidInput));
            let times =
                Itimerspec { it_value: origin.0 + spec(first)?, it_interval: spec(period)? };
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let file = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            timerfd_settime(&file, TimerfdTimerFlags::ABSTIME, &times)?;
            Ok(Self(Receiver::from_owned_fd_unchecked(file)?))
        }

        /// Waits until it rings, if it has not since it was asked last.
        pub(super) async fn ring(&mut self) -> io::Result<()> {
            // How often is read, eight bytes. Where more had room, the runtime knows that there is nothing left.
            let mut times = [0; 16];
            match self.0.read(&mut times).await? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(()),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::convert::Infallible;
    use std::io;
    use std::time::Duration;

    #[derive(Debug, Clone, Copy)]
    pub(in super::super) struct Origin;

    impl Origin {
        pub(in super::super) const fn now() -> Self {
            Self
        }
    }

    #[derive(Debug)]
    pub(super) struct Clock(Infallible);

    impl Clock {
        pub(super) fn new(_: Origin, _: Duration, _: Duration) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) async fn ring(&mut self) -> io::Result<()> {
            match self.0 {}
        }
    }
}
