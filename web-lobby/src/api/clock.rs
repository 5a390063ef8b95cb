//! The time, for "3 min ago" and "2:14 left".

use leptos::prelude::*;
use leptos::task::spawn_local;
use presentation::words;

use super::notify;

/// Milliseconds since 1970 by the browser's clock.
pub(crate) fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Milliseconds on the clock of animation frames. It never jumps.
pub(crate) fn frame_ms() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |clock| clock.now())
}

/// The time as a signal, updated once a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(pub(crate) ReadSignal<f64>);

impl Now {
    /// Starts it, for the whole page.
    pub(crate) fn provide() {
        let (now, set_now) = signal(now_ms());
        provide_context(Self(now));
        spawn_local(async move {
            loop {
                notify::sleep(1_000).await;
                set_now.set(now_ms());
            }
        });
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// The age of something, in words.
    pub(crate) fn ago(self, at_ms: u64) -> String {
        words::ago(self.seconds_since(at_ms).into())
    }

    /// Whole seconds since something, rounded down. Zero for the future: clocks differ.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn seconds_since(self, at_ms: u64) -> u32 {
        ((self.0.get() - date_ms(at_ms)) / 1_000.0) as u32
    }

    /// Whole seconds until something, rounded up. Zero for the past.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn seconds_until(self, at_ms: u64) -> u32 {
        ((date_ms(at_ms) - self.0.get()) / 1_000.0).ceil() as u32
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit in 53 bits")]
const fn date_ms(at_ms: u64) -> f64 {
    at_ms as f64
}

/// Date and time in the browser's locale.
pub(crate) fn local(at_ms: u64) -> String {
    let date = js_sys::Date::new(&date_ms(at_ms).into());
    date.to_locale_string("default", &wasm_bindgen::JsValue::UNDEFINED).into()
}

/// The time of day, as `14:05:09`.
pub(crate) fn time_of_day(at_ms: u64) -> String {
    let date = js_sys::Date::new(&date_ms(at_ms).into());
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}
