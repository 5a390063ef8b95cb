//! One subscription to a feed, whatever the feed holds: the `EventSource`, its silence, and the other windows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::feed::{Cursor, Heartbeat, KIND_HEARTBEAT, KIND_RESET, KIND_SNAPSHOT};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventSource, MessageEvent};

use super::super::line::Line;
use super::super::share::{JOIN, Message, Share, message};
use super::super::transport::Status;
use super::super::{ANSWER_MS_MAX, clock, lenient, notify, request, retry, visibility};

/// Applies the data of an envelope of this type. Returns false when this build does not understand it.
type Apply = Box<dyn Fn(&str, &str) -> bool>;

/// Messages between windows: an envelope with its type, and the state of the leader's connection.
const ENVELOPE: &str = "envelope";
const STATUS: &str = "status";

/// Envelopes that are kept while the snapshot before them is on its way.
const EARLY_MAX: usize = 64;
/// How long after a failure the snapshot may be asked for again, in milliseconds.
const REFETCH_MS: u32 = 1_000;

/// The reader of one feed.
pub(super) struct Reader {
    name: &'static str,
    kinds: &'static [&'static str],
    apply: Apply,
    status: RwSignal<Status>,
    heard_ms: StoredValue<f64>,
    /// The last envelope that was applied.
    cursor: Cell<Option<Cursor>>,
    line: RefCell<Line>,
    share: RefCell<Option<Share>>,
    /// While a snapshot is on its way: the envelopes that came meanwhile.
    early: RefCell<Option<Vec<(String, String)>>>,
}

impl Reader {
    /// Reads the feed for as long as the page lives.
    pub(super) fn start(
        name: &'static str,
        kinds: &'static [&'static str],
        apply: Apply,
        status: RwSignal<Status>,
        heard_ms: StoredValue<f64>,
    ) {
        let reader = Rc::new(Self {
            name,
            kinds,
            apply,
            status,
            heard_ms,
            cursor: Cell::new(None),
            line: RefCell::new(Line::new()),
            share: RefCell::new(None),
            early: RefCell::new(None),
        });
        let (on_message, on_change) = (reader.clone(), reader.clone());
        let share = Share::open(
            name,
            move |kind, message| on_message.receive_from_window(kind, message),
            move || on_change.line.borrow().lose(),
        );
        reader.share.replace(Some(share.clone()));
        spawn_local(end_while_hidden(reader.clone()));
        spawn_local(reader.run(share));
    }

    async fn run(self: Rc<Self>, share: Share) {
        let mut backoff = retry::backoff();
        loop {
            if visibility::is_hidden() {
                share.stop();
                self.status.set(Status::Resting);
                visibility::until_visible().await;
                self.status.set(Status::Connecting);
            }
            share.start();
            if !share.is_leading() {
                self.listen().await;
                continue;
            }
            let line = self.new_line();
            // The stream begins after the cursor, so a snapshot that is on its way is not needed.
            self.early.take();
            let Some(connection) = Connection::open(&self) else {
                let why = "This browser is too old: it has no EventSource.".to_owned();
                return self.set_status(Status::Stopped(why));
            };
            line.ended().await;
            drop(connection);
            if self.status.with_untracked(Status::is_connected) {
                backoff.reset();
            }
            if share.is_leading() && !visibility::is_hidden() {
                retry::wait(&mut backoff, None, |status| self.set_status(status)).await;
            }
        }
    }

    /// Another window reads the stream. Its silence is as bad as the stream's.
    async fn listen(self: &Rc<Self>) {
        // This page may be old: it was hidden, or its own connection brought nothing.
        self.fetch();
        self.new_line().ended().await;
        if !self.is_leading() && !self.line.borrow().is_lost() {
            self.status.set(Status::Reconnecting { seconds: 0 });
        }
    }

    fn new_line(&self) -> Line {
        let line = Line::new();
        self.line.replace(line.clone());
        line
    }

    fn is_leading(&self) -> bool {
        self.share.borrow().as_ref().is_some_and(Share::is_leading)
    }

    fn post(&self, message: &Message) {
        if let Some(share) = self.share.borrow().as_ref() {
            share.post(message);
        }
    }

    fn set_status(&self, status: Status) {
        self.status.set(status);
        self.post_status();
    }

    fn post_status(&self) {
        let status = self.status.get_untracked();
        let about = match &status {
            Status::Reconnecting { seconds } => (*seconds).into(),
            Status::Late(since_ms) => clock::date_ms(*since_ms).into(),
            Status::Stopped(why) => why.as_str().into(),
            _ => wasm_bindgen::JsValue::NULL,
        };
        self.post(&message(STATUS, &status.state().into(), &about));
    }

    /// A message of the window that reads the stream, or to it.
    fn receive_from_window(self: &Rc<Self>, kind: &str, message: &Message) {
        let text = |place| message.get(place).as_string().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let number = |place| message.get(place).as_f64().unwrap_or_default() as u64;
        match kind {
            JOIN => self.post_status(),
            ENVELOPE => self.receive(&text(1), &text(2)),
            STATUS => self.status.set(match text(1).as_str() {
                "live" => Status::Live,
                "late" => Status::Late(number(2)),
                "stopped" => Status::Stopped(text(2)),
                "reconnecting" => {
                    Status::Reconnecting { seconds: number(2).try_into().unwrap_or_default() }
                }
                _ => Status::Connecting,
            }),
            // Of a window with a newer build.
            _ => {}
        }
    }

    /// An envelope, from the stream or from the window that reads it.
    fn receive(self: &Rc<Self>, kind: &str, text: &str) {
        self.line.borrow().heard();
        self.heard_ms.set_value(clock::now_ms());
        let is_leading = self.is_leading();
        if is_leading {
            self.post(&message(ENVELOPE, &kind.into(), &text.into()));
        } else if !self.status.with_untracked(Status::is_connected) {
            self.status.set(Status::Live);
        }
        if kind == KIND_HEARTBEAT {
            if let Some((id, data)) = read_envelope(text)
                && let Some(beat) = read_heartbeat(data)
            {
                self.line.borrow().beat(beat);
                let status = beat.late_since_ms.map_or(Status::Live, Status::Late);
                if self.status.with_untracked(|known| *known != status) {
                    self.status.set(status);
                }
                self.check_position(id, is_leading);
            }
            return;
        }
        let Some((id, data)) = read_envelope(text) else {
            return lenient::note_unknown();
        };
        if let Some(early) = self.early.borrow_mut().as_mut() {
            if early.len() < EARLY_MAX {
                early.push((kind.to_owned(), text.to_owned()));
            }
            return;
        }
        if ![KIND_SNAPSHOT, KIND_RESET].contains(&kind) {
            match self.cursor.get().filter(|known| known.epoch == id.epoch) {
                Some(known) if id.sequence <= known.sequence => return,
                Some(known) if is_leading || id.sequence == known.sequence + 1 => {}
                // This window was not told everything.
                Some(_) | None => return self.fetch(),
            }
        }
        self.take(id, kind, data);
    }

    fn take(&self, id: Cursor, kind: &str, data: &str) {
        if !(self.apply)(kind, data) {
            lenient::note_unknown();
        }
        self.cursor.set(Some(id));
    }

    /// A stream is at a later position than this page: events were of types that this build does not know, or the other
    /// window did not pass them on.
    fn check_position(self: &Rc<Self>, at: Cursor, is_leading: bool) {
        let is_behind = self.cursor.get().is_none_or(|known| known != at);
        if is_behind && is_leading {
            lenient::note_unknown();
            self.cursor.set(Some(at));
        } else if is_behind {
            self.fetch();
        }
    }

    /// Asks for the state, and then applies what came in the meantime.
    fn fetch(self: &Rc<Self>) {
        if self.early.borrow().is_some() {
            return;
        }
        self.early.replace(Some(Vec::new()));
        let reader = self.clone();
        spawn_local(async move {
            let path = format!("/api/feeds/{}", reader.name);
            let answer = request("GET", &path, None, ANSWER_MS_MAX).await;
            if answer.is_err() {
                // An envelope that leaves a gap asks at once.
                notify::sleep(REFETCH_MS).await;
            }
            let Some(early) = reader.early.take() else { return };
            if let Ok(text) = answer {
                let page = lenient::members(&text);
                let page = page.as_ref().and_then(|page| {
                    Some((lenient::member(page, "cursor")?, page.get("snapshot")?.get()))
                });
                let Some((cursor, snapshot)) = page else { return lenient::note_unknown() };
                reader.take(cursor, KIND_SNAPSHOT, snapshot);
            }
            for (kind, text) in early {
                reader.receive(&kind, &text);
            }
        });
    }
}

/// The id and the data of an envelope.
fn read_envelope(text: &str) -> Option<(Cursor, &str)> {
    let members = lenient::members(text)?;
    Some((lenient::member(&members, "id")?, members.get("data")?.get()))
}

fn read_heartbeat(data: &str) -> Option<Heartbeat> {
    let members = lenient::members(data)?;
    let at_ms = lenient::member(&members, "at_ms")?;
    let every_ms = lenient::member(&members, "every_ms")?;
    let late_since_ms = lenient::member(&members, "late_since_ms");
    Some(Heartbeat { at_ms, every_ms, late_since_ms })
}

/// Ends the current connection whenever the page has been hidden for a while.
async fn end_while_hidden(reader: Rc<Reader>) {
    loop {
        visibility::hidden_for_a_while().await;
        reader.line.borrow().lose();
        visibility::until_visible().await;
    }
}

/// One `EventSource`, closed when dropped.
struct Connection {
    source: EventSource,
    _on_event: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut(Event)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Connection {
    fn open(reader: &Rc<Reader>) -> Option<Self> {
        let after = reader.cursor.get().map(|cursor| format!("?after={cursor}"));
        let after = after.unwrap_or_default();
        let source = EventSource::new(&format!("/api/feeds/{}{after}", reader.name)).ok()?;

        let on_event = {
            let reader = reader.clone();
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                reader.receive(&event.type_(), &event.data().as_string().unwrap_or_default());
            })
        };
        let on_open = {
            let reader = reader.clone();
            Closure::<dyn FnMut(Event)>::new(move |_event: Event| {
                let was_cut = matches!(reader.status.get_untracked(), Status::Reconnecting { .. });
                reader.line.borrow().heard();
                reader.set_status(Status::Live);
                if was_cut {
                    // The server is back, so the other connections need not wait any longer.
                    notify::wake_sleepers();
                }
            })
        };
        let on_error = {
            let reader = reader.clone();
            Closure::<dyn FnMut(Event)>::new(move |_event: Event| reader.line.borrow().lose())
        };

        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        for kind in [KIND_SNAPSHOT, KIND_RESET, KIND_HEARTBEAT].iter().chain(reader.kinds) {
            let listener = on_event.as_ref().unchecked_ref();
            source.add_event_listener_with_callback(kind, listener).ok()?;
        }
        Some(Self { source, _on_event: on_event, _on_open: on_open, _on_error: on_error })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.close();
    }
}
