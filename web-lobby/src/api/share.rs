//! Streams that the windows of one browser share. A browser opens six connections to a server over HTTP/1.1, for all of
//! its windows together; the requests of a third window would wait for ever behind the streams of the first two.
//!
//! For each topic one visible window leads: it reads the stream and passes on what comes. The others listen. Seniority
//! decides: the window that has led longer stays. A leader that closes or hides says so; one that dies is missed after
//! [`SILENCE_MS`]. All windows are on the same channel of messages; a browser without such channels shares nothing.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::Array;
use leptos::task::spawn_local;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

use super::clock::frame_ms;
use super::notify;

/// How often a leader says that it is there, in milliseconds.
const BEACON_MS: u32 = 1_000;
/// After how many milliseconds of silence a leader counts as dead.
const SILENCE_MS: f64 = 3_000.0;

/// A message to the other windows: its kind, and what belongs to it.
pub(crate) type Message = Array;

const LEAD: &str = "lead";
const GONE: &str = "gone";
/// A window has begun to listen. The leader sends it what it needs to go on.
pub(crate) const JOIN: &str = "join";

thread_local! {
    /// All topics of this window.
    static SHARES: RefCell<Vec<Weak<Inner>>> = const { RefCell::new(Vec::new()) };
}

/// This window's part in one topic.
#[derive(Clone)]
pub(crate) struct Share(Rc<Inner>);

/// Called with the kind of a message, and the message.
type OnMessage = Box<dyn Fn(&str, &Message)>;
type Listener = Closure<dyn FnMut(MessageEvent)>;

struct Inner {
    channel: Option<BroadcastChannel>,
    /// Since when this window leads by the wall clock, which all windows have, and a random number for equal times.
    rank: Cell<(f64, f64)>,
    is_active: Cell<bool>,
    /// Whether it was active when the page was left. The browser may bring the page back as it was.
    was_left: Cell<bool>,
    is_leading: Cell<bool>,
    leader_heard_ms: Cell<f64>,
    on_message: OnMessage,
    on_change: Box<dyn Fn()>,
    _listener: RefCell<Option<Listener>>,
}

/// Says at the end of the window that it leads no longer, and goes on if the browser brings the page back as it was
/// left. Called once, at the start.
pub(crate) fn install() {
    at_each("pagehide", |share| {
        let is_active = share.is_active.get();
        share.stop();
        share.was_left.set(is_active);
    });
    at_each("pageshow", |share| {
        if share.was_left.get() {
            share.start();
            (share.on_change)();
        }
    });
}

/// Calls a function with each share of this window whenever the window gets this event.
fn at_each(event: &str, call: fn(&Inner)) {
    let listener = Closure::<dyn Fn()>::new(move || {
        let shares = SHARES.with_borrow(Clone::clone);
        shares.iter().filter_map(Weak::upgrade).for_each(|share| call(&share));
    });
    if let Some(window) = web_sys::window() {
        let listener = listener.into_js_value();
        window.add_event_listener_with_callback(event, listener.unchecked_ref()).ok();
    }
}

/// The message of a kind with two values.
pub(crate) fn message(kind: &str, first: &JsValue, second: &JsValue) -> Message {
    Array::of3(&kind.into(), first, second)
}

impl Share {
    /// Takes part in a topic, once it is started. `on_message` gets what the leader sends, and as the leader
    /// [`JOIN`]. `on_change` is called when this window begins or ceases to lead.
    pub(crate) fn open(
        topic: &str,
        on_message: impl Fn(&str, &Message) + 'static,
        on_change: impl Fn() + 'static,
    ) -> Self {
        let has_channels = js_sys::Reflect::has(&js_sys::global(), &"BroadcastChannel".into());
        let channel = has_channels
            .unwrap_or(false)
            .then(|| BroadcastChannel::new(&format!("pushback:{topic}")).ok())
            .flatten();
        let inner = Rc::new(Inner {
            channel,
            rank: Cell::new((0.0, 0.0)),
            is_active: Cell::new(false),
            was_left: Cell::new(false),
            is_leading: Cell::new(false),
            leader_heard_ms: Cell::new(0.0),
            on_message: Box::new(on_message),
            on_change: Box::new(on_change),
            _listener: RefCell::new(None),
        });
        inner.listen();
        SHARES.with_borrow_mut(|shares| {
            shares.retain(|share| share.strong_count() > 0);
            shares.push(Rc::downgrade(&inner));
        });
        spawn_local(keep_up(Rc::downgrade(&inner)));
        Self(inner)
    }

    /// Takes part from now on. This window leads until it hears of one that led before.
    pub(crate) fn start(&self) {
        self.0.start();
    }

    /// Takes part no longer.
    pub(crate) fn stop(&self) {
        self.0.stop();
    }

    /// Whether this window leads.
    pub(crate) fn is_leading(&self) -> bool {
        self.0.is_leading.get()
    }

    /// Sends a message to those who listen. Does nothing in a window that does not lead.
    pub(crate) fn post(&self, message: &Message) {
        if self.is_leading() {
            self.0.send(message);
        }
    }
}

impl Inner {
    fn listen(self: &Rc<Self>) {
        let Some(channel) = &self.channel else { return };
        let weak = Rc::downgrade(self);
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let message: Array = event.data().unchecked_into();
            if let Some(inner) = weak.upgrade().filter(|inner| inner.is_active.get()) {
                inner.receive(&message);
            }
        });
        channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        self._listener.replace(Some(listener));
    }

    fn receive(&self, message: &Message) {
        let kind = message.get(0).as_string().unwrap_or_default();
        let number = |place| message.get(place).as_f64().unwrap_or_default();
        match (kind.as_str(), self.is_leading.get()) {
            (LEAD, true) if (number(1), number(2)) < self.rank.get() => {
                self.is_leading.set(false);
                self.leader_heard_ms.set(frame_ms());
                (self.on_change)();
                self.send(&Array::of1(&JOIN.into()));
            }
            (LEAD, true) => self.say_lead(),
            (GONE, false) => {
                // Not all at once: the first one to lead keeps the others from it.
                let late_ms = SILENCE_MS - js_sys::Math::random() * 200.0;
                self.leader_heard_ms.set(frame_ms() - late_ms);
            }
            (JOIN, false) | (GONE, true) => {}
            (kind, is_leading) => {
                self.leader_heard_ms.set(frame_ms());
                if kind != LEAD && (!is_leading || kind == JOIN) {
                    (self.on_message)(kind, message);
                }
            }
        }
    }

    fn start(&self) {
        self.was_left.set(false);
        if !self.is_active.replace(true) {
            self.lead();
        }
    }

    fn lead(&self) {
        self.rank.set((js_sys::Date::now(), js_sys::Math::random()));
        self.is_leading.set(true);
        self.say_lead();
    }

    fn say_lead(&self) {
        let (since, tie) = self.rank.get();
        self.send(&message(LEAD, &since.into(), &tie.into()));
    }

    fn stop(&self) {
        self.was_left.set(false);
        self.is_active.set(false);
        if self.is_leading.replace(false) {
            self.send(&Array::of1(&GONE.into()));
        }
    }

    fn send(&self, message: &Message) {
        if let Some(channel) = &self.channel {
            channel.post_message(message).ok();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
        if let Some(channel) = &self.channel {
            channel.set_onmessage(None);
            channel.close();
        }
    }
}

/// Says at intervals that this window leads, or notices that the leader is dead.
async fn keep_up(share: Weak<Inner>) {
    let mut next_beacon_ms = 0.0;
    loop {
        notify::sleep(BEACON_MS / 4).await;
        let Some(inner) = share.upgrade() else { return };
        let now_ms = frame_ms();
        if !inner.is_active.get() {
            continue;
        }
        if !inner.is_leading.get() {
            if now_ms - inner.leader_heard_ms.get() > SILENCE_MS {
                inner.lead();
                (inner.on_change)();
            }
        } else if now_ms >= next_beacon_ms {
            next_beacon_ms = now_ms + f64::from(BEACON_MS);
            inner.say_lead();
        }
    }
}
