//! Waiting: for a time, for somebody to look at the page, for a reason to try again sooner.

use std::cell::RefCell;
use std::time::Duration;

use js_sys::{Array, Function, Promise};
use leptos::prelude::*;
use leptos::task::spawn_local;
use presentation::backoff::Backoff;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::link::Link;

/// A hidden page keeps its streams for so long: a browser has six connections to a server, over all tabs, and
/// a tab that opens now may be waiting for one. Coming back costs nothing: streams resume from their cursor.
const REST_AFTER_MS: u32 = 1_500;

/// The delay after the first failure.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// No delay is longer, unless the server asks for it.
const RETRY_LONGEST: Duration = Duration::from_secs(15);
/// The longest delay that a server may ask for, in milliseconds.
const RETRY_AFTER_MS_MAX: u32 = 60_000;

/// A door that is opened once, by whoever comes first.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    promise: Promise,
    open: Function,
}

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Self {
        let mut open = None;
        let promise = Promise::new(&mut |resolve, _reject| open = Some(resolve));
        Self { promise, open: open.unwrap_or_else(|| Function::new_no_args("")) }
    }

    /// Lets everyone through who waits or will wait.
    pub(crate) fn open(&self) {
        self.open.call0(&JsValue::NULL).ok();
    }

    /// Waits until it is open.
    pub(crate) async fn passed(&self) {
        JsFuture::from(self.promise.clone()).await.ok();
    }

    /// Waits until it is open or the time is over.
    pub(crate) async fn passed_within(&self, ms: u32) {
        first_of(&[&self.promise, &after(ms)]).await;
    }
}

thread_local! {
    /// Where everyone waits for the page to be looked at, to come online, or for a person's impatience.
    static SLEEPERS: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

/// Listens for what wakes the sleepers. Once, at the start.
pub(crate) fn install() {
    let Some(window) = web_sys::window() else { return };
    let wake = Closure::<dyn Fn()>::new(nudge).into_js_value();
    let wake: &Function = wake.unchecked_ref();
    window.add_event_listener_with_callback("online", wake).ok();
    window.add_event_listener_with_callback("pageshow", wake).ok();
    if let Some(document) = window.document() {
        document.add_event_listener_with_callback("visibilitychange", wake).ok();
    }
}

/// Wakes everyone who waits: try now.
pub(crate) fn nudge() {
    if let Some(gate) = SLEEPERS.take() {
        gate.open();
    }
}

/// Sleeps.
pub(crate) async fn sleep(ms: u32) {
    JsFuture::from(after(ms)).await.ok();
}

/// Sleeps, or less when something changed.
pub(crate) async fn doze(ms: u32) {
    sleeper().passed_within(ms).await;
}

/// The backoff of every connection but the streams of matches.
pub(crate) const fn backoff() -> Backoff {
    Backoff::new(RETRY_FIRST, RETRY_LONGEST)
}

/// The next delay of a backoff, in milliseconds.
pub(crate) fn next_delay_ms(backoff: &mut Backoff) -> u32 {
    backoff.next_delay(js_sys::Math::random()).as_millis().try_into().unwrap_or(u32::MAX)
}

/// Waits out the next delay of a backoff, or what the server asked for if that is longer, and reports each second.
/// [`nudge`] ends the wait.
pub(crate) async fn wait_to_retry(
    backoff: &mut Backoff,
    retry_after_s: Option<u32>,
    say: impl Fn(Link),
) {
    let nudged = sleeper();
    let asked_ms = retry_after_s.unwrap_or(0).saturating_mul(1_000).min(RETRY_AFTER_MS_MAX);
    let mut left_ms = next_delay_ms(backoff).max(asked_ms);
    while left_ms > 0 {
        say(Link::Reconnecting { seconds: left_ms.div_ceil(1_000) });
        let step = if left_ms.is_multiple_of(1_000) { 1_000 } else { left_ms % 1_000 };
        let slept = js_sys::Date::now();
        nudged.passed_within(step).await;
        left_ms -= step;
        if js_sys::Date::now() - slept < f64::from(step) * 0.9 {
            break;
        }
    }
    say(Link::Reconnecting { seconds: 0 });
}

/// Waits until the page has been hidden for a while.
pub(crate) async fn hidden_for_long() {
    loop {
        if !is_hidden() {
            sleeper().passed().await;
            continue;
        }
        doze(REST_AFTER_MS).await;
        if is_hidden() {
            return;
        }
    }
}

/// Waits until the page can be seen.
pub(crate) async fn visible() {
    while is_hidden() {
        sleeper().passed().await;
    }
}

pub(crate) fn is_hidden() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|page| page.hidden())
}

/// Whether the person at the page wants nothing to move.
pub(crate) fn is_calm() -> bool {
    let query = web_sys::window()
        .and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok().flatten());
    query.is_some_and(|query| query.matches())
}

/// Whether somebody sees the page, or did a moment ago.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen(pub(crate) ReadSignal<bool>);

impl Seen {
    /// Watches it, for the whole page.
    pub(crate) fn provide() {
        let (seen, set_seen) = signal(true);
        provide_context(Self(seen));
        spawn_local(async move {
            loop {
                hidden_for_long().await;
                set_seen.set(false);
                visible().await;
                set_seen.set(true);
            }
        });
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }
}

fn sleeper() -> Gate {
    SLEEPERS.with_borrow_mut(|sleepers| sleepers.get_or_insert_with(Gate::new).clone())
}

fn after(ms: u32) -> Promise {
    Promise::new(&mut |resolve, _reject| {
        if let Some(window) = web_sys::window() {
            let ms = i32::try_from(ms).unwrap_or(i32::MAX);
            window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms).ok();
        }
    })
}

async fn first_of(promises: &[&Promise]) {
    let list: Array = promises.iter().copied().collect();
    JsFuture::from(Promise::race(&list)).await.ok();
}
