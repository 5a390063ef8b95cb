//! The WebSocket under the chat: its messages, and what to do after its end.

use std::cell::RefCell;
use std::rc::Rc;

use shared::protocol::CHAT_SUBPROTOCOL;
use shared::protocol::close::{NextStep, next_step};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use super::super::line::Line;

/// What to do after a connection has ended.
pub(super) enum AfterClose {
    Retry(Option<u32>),
    /// The server does not know the session.
    SignIn,
    /// The session was ended.
    SignedOut,
    Stop(String),
}

/// One WebSocket, closed when dropped.
pub(super) struct Connection {
    pub(super) socket: WebSocket,
    line: Line,
    close: Rc<RefCell<Option<(u16, String)>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Connection {
    pub(super) fn open(url: &str, line: Line, receive: impl Fn(&str) + 'static) -> Option<Self> {
        let socket = WebSocket::new_with_str(url, CHAT_SUBPROTOCOL).ok()?;
        let close = Rc::new(RefCell::new(None));

        let heard = line.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            heard.heard();
            receive(&event.data().as_string().unwrap_or_default());
        });
        let on_close = {
            let (line, close) = (line.clone(), close.clone());
            Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
                *close.borrow_mut() = Some((event.code(), event.reason()));
                line.lose();
            })
        };
        let on_error = Closure::<dyn FnMut(Event)>::new(|_event: Event| {});

        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        socket.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self {
            socket,
            line,
            close,
            _on_message: on_message,
            _on_close: on_close,
            _on_error: on_error,
        })
    }

    pub(super) async fn ended(self) -> AfterClose {
        // A line that dies without a word is closed by no one, and counts as broken.
        self.line.ended().await;
        let close = self.close.borrow_mut().take();
        // The browser reports 1006 for a connection that broke without a close frame.
        let (code, reason) = close.filter(|(code, _)| *code != 1006).unzip();
        match next_step(code) {
            NextStep::Reconnect => AfterClose::Retry(None),
            NextStep::SignIn => AfterClose::SignedOut,
            NextStep::GiveUp => {
                let reason = reason.filter(|reason| !reason.is_empty());
                AfterClose::Stop(reason.unwrap_or_else(|| "The server closed the chat.".to_owned()))
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        self.socket.set_onerror(None);
        self.socket.close().ok();
    }
}

pub(super) fn websocket_origin() -> String {
    let origin = super::super::server_address::page_origin();
    format!("ws{}", origin.strip_prefix("http").unwrap_or_default())
}
