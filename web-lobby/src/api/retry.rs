//! When to try again after a failure.

use std::time::Duration;

use presentation::backoff::Backoff;

use super::clock::frame_ms;
use super::notify::next_wake_up;
use super::transport::Status;

/// The delay after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// No delay is longer, unless the server asks for it.
const LONGEST: Duration = Duration::from_secs(15);
/// The longest delay that a server may ask for, in milliseconds.
const RETRY_AFTER_MS_MAX: u32 = 60_000;

/// The backoff of every connection but the streams of matches.
pub(crate) const fn backoff() -> Backoff {
    Backoff::new(FIRST, LONGEST)
}

/// The next delay of a backoff, in milliseconds.
pub(crate) fn next_delay_ms(backoff: &mut Backoff) -> u32 {
    backoff.next_delay(js_sys::Math::random()).as_millis().try_into().unwrap_or(u32::MAX)
}

/// Waits for the next delay of a backoff, or for what the server asked for if that is longer, and reports every second
/// how long it still takes. [`super::notify::wake_sleepers`] ends the wait.
pub(crate) async fn wait(
    backoff: &mut Backoff,
    retry_after_s: Option<u32>,
    report: impl Fn(Status),
) {
    let wake_up = next_wake_up();
    let asked_ms = retry_after_s.unwrap_or(0).saturating_mul(1_000).min(RETRY_AFTER_MS_MAX);
    let mut left_ms = next_delay_ms(backoff).max(asked_ms);
    while left_ms > 0 {
        report(Status::Reconnecting { seconds: left_ms.div_ceil(1_000) });
        let step = if left_ms.is_multiple_of(1_000) { 1_000 } else { left_ms % 1_000 };
        let began_ms = frame_ms();
        wake_up.notified_within(step).await;
        left_ms -= step;
        if frame_ms() - began_ms < f64::from(step) * 0.9 {
            break;
        }
    }
    report(Status::Reconnecting { seconds: 0 });
}
