//! The log's way to standard error: a bounded queue and a thread of its own.
//!
//! Standard error can be a pipe that nobody reads or that is closed, a file on a full disk, a terminal that is held. A line
//! is then lost and counted. It never makes a task wait, and never ends one.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use std::{panic, thread};

use crate::sync::lock;

/// Bytes of lines that wait to be written. A line that does not fit is lost.
const WAITING_BYTES_MAX: usize = 1024 * 1024;
/// The pause before another attempt to write to an output that takes nothing now.
const RETRY_EVERY: Duration = Duration::from_millis(20);

/// The log of this process. There is one standard error, so there is one log, as there is one heap.
static STANDARD_ERROR: OnceLock<LogWriter> = OnceLock::new();

/// Panics of this process, on whatever thread.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Takes lines for the log. Cheap to clone; as an [`io::Write`] it takes a whole line with each call, and never fails.
#[derive(Debug, Clone)]
pub struct LogWriter(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// The thread writes the line that it took last.
    is_writing: bool,
}

impl LogWriter {
    /// The log on standard error.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn to_standard_error() -> io::Result<Self> {
        if let Some(log) = STANDARD_ERROR.get() {
            return Ok(log.clone());
        }
        let log = Self::start(io::stderr())?;
        Ok(STANDARD_ERROR.get_or_init(|| log).clone())
    }

    /// Starts the thread that writes to `output`.
    fn start(mut output: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let lines = queue.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || lines.write_to(&mut output))?;
        Ok(Self(queue))
    }

    /// Waits until every line is written, at most for `time`. Before the process ends.
    pub fn flush_within(&self, time: Duration) {
        let waiting = lock(&self.0.state);
        let is_busy = |state: &mut State| state.is_writing || !state.lines.is_empty();
        // Lines that an output does not take in time are lost with the process.
        drop(self.0.changed.wait_timeout_while(waiting, time, is_busy));
    }

    /// Lines that were lost since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Queue {
    fn push(&self, line: &[u8]) {
        let mut state = lock(&self.state);
        if state.bytes + line.len() > WAITING_BYTES_MAX {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line.into());
        self.changed.notify_all();
    }

    /// Writes lines for as long as the process lives.
    fn write_to(&self, output: &mut impl Write) {
        let mut reported = 0;
        loop {
            let line = self.next();
            if write_all(output, &line).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let lost = self.lost.load(Ordering::Relaxed);
            if lost > reported {
                // This line takes the same way. It shows where others are missing.
                tracing::warn!(lines = lost - reported, "lines of the log were lost here");
                reported = lost;
            }
        }
    }

    fn next(&self) -> Box<[u8]> {
        let mut state = lock(&self.state);
        state.is_writing = false;
        self.changed.notify_all();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.is_writing = true;
                return line;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Writes a line, however long the output takes nothing: it may be a pipe that another program has made non-blocking.
fn write_all(output: &mut impl Write, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match output.write(line) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => line = &line[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_EVERY),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Lines that standard error did not take, for `/metrics`.
#[must_use]
pub fn lines_lost() -> u64 {
    STANDARD_ERROR.get().map_or(0, LogWriter::lost)
}

/// Panics since [`log_panics`], for `/metrics`.
#[must_use]
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Counts every panic, and sends its message to the log, instead of to standard error without a bound on the wait.
pub fn log_panics() {
    panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        let backtrace = Backtrace::capture();
        let is_captured = backtrace.status() == BacktraceStatus::Captured;
        tracing::error!(
            what = info.payload_as_str().unwrap_or("no message"),
            at = info.location().map(tracing::field::display),
            thread = thread::current().name(),
            backtrace = is_captured.then(|| tracing::field::display(&backtrace)),
            "a panic"
        );
    }));
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind, Write};
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::time::Duration;

    use super::{LogWriter, WAITING_BYTES_MAX};

    /// Takes a line when it is told to, or fails.
    struct Held {
        may_write: Receiver<io::Result<()>>,
        written: SyncSender<Vec<u8>>,
    }

    impl Write for Held {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.may_write.recv().unwrap_or(Ok(()))?;
            self.written.send(line.to_vec()).unwrap();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn held() -> (LogWriter, SyncSender<io::Result<()>>, Receiver<Vec<u8>>) {
        let ((permit, may_write), (written, lines)) = (sync_channel(9), sync_channel(9));
        (LogWriter::start(Held { may_write, written }).unwrap(), permit, lines)
    }

    #[test]
    fn a_line_that_the_output_refuses_is_counted_and_the_next_one_is_written() {
        let (mut log, permit, lines) = held();

        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();
        permit.send(Err(ErrorKind::BrokenPipe.into())).unwrap();
        permit.send(Err(ErrorKind::WouldBlock.into())).unwrap();
        permit.send(Ok(())).unwrap();

        assert_eq!(lines.recv().unwrap(), b"two\n");
        assert_eq!(log.lost(), 1);
    }

    #[test]
    fn an_output_that_takes_nothing_makes_no_one_wait() {
        let (mut log, permit, lines) = held();
        let quarter = vec![b'x'; WAITING_BYTES_MAX / 4];

        // One line may be on its way to the output, four wait.
        for _ in 0..9 {
            log.write_all(&quarter).unwrap();
        }
        log.flush_within(Duration::from_millis(1));

        assert!((4..=5).contains(&log.lost()), "{}", log.lost());
        drop(permit);
        assert_eq!(lines.recv().unwrap().len(), quarter.len());
    }
}
