//! A canvas that fits its place on every screen and is painted with every frame of the browser.

pub mod hud;
pub mod projector;
pub mod roster;

pub use hud::{Hud, HudOverlay, Standing};
pub use projector::Projector;
pub use roster::Roster;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, MediaQueryList};

use crate::canvas::{Brushes, Frame};

/// More device pixels in a CSS pixel than this cost time and show nothing.
const DENSITY_MAX: f64 = 2.0;

/// What paints the stage.
pub type Paint = Box<dyn FnMut(&mut Easel, &Frame)>;

/// A canvas with everything that painting on it takes.
pub struct Easel {
    pub canvas: HtmlCanvasElement,
    pub context: CanvasRenderingContext2d,
    pub brushes: Brushes,
    pointer: Rc<Cell<Option<(f64, f64)>>>,
    calm: Option<MediaQueryList>,
    last_ms: Option<f64>,
}

impl Easel {
    fn new(canvas: HtmlCanvasElement, pointer: Rc<Cell<Option<(f64, f64)>>>) -> Option<Self> {
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let calm = window().match_media("(prefers-reduced-motion: reduce)").ok().flatten();
        let brushes = Brushes::default();
        Some(Self { canvas, context, brushes, pointer, calm, last_ms: None })
    }

    /// Fits the canvas to its place and says how large the picture is. Nothing while it has no size.
    fn frame(&mut self, now_ms: f64) -> Option<Frame> {
        let (width, height) = (self.canvas.client_width(), self.canvas.client_height());
        if width < 2 || height < 2 {
            return None;
        }
        let density = window().device_pixel_ratio().clamp(1.0, DENSITY_MAX);
        let pixels = |size: i32| (f64::from(size) * density).round() as u32;
        if self.canvas.width() != pixels(width) {
            self.canvas.set_width(pixels(width));
        }
        if self.canvas.height() != pixels(height) {
            self.canvas.set_height(pixels(height));
        }
        let passed_ms = self.last_ms.map_or(0.0, |last| now_ms - last);
        self.last_ms = Some(now_ms);
        Some(Frame {
            width: f64::from(width),
            height: f64::from(height),
            density,
            now_ms,
            passed_ms,
            pointer: self.pointer.get(),
            is_calm: self.calm.as_ref().is_some_and(MediaQueryList::matches),
        })
    }

    /// Shows a state on the element, for style sheets, tools and tests.
    pub fn mark(&self, name: &str, value: &str) {
        self.canvas.set_attribute(name, value).ok();
    }
}

/// A canvas, painted with every frame for as long as it is on the page.
#[component]
pub fn Stage(
    /// The name by which tests find it.
    name: &'static str,
    /// What it shows, for those who do not see it.
    #[prop(into)]
    label: Signal<String>,
    paint: Paint,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let pointer = Rc::new(Cell::new(None));
    let frames = StoredValue::new_local(None::<FrameLoop>);
    let paint = StoredValue::new_local(Some(paint));

    let pointer_of_easel = pointer.clone();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let Some(mut paint) = paint.try_update_value(Option::take).flatten() else { return };
        let Some(mut easel) = Easel::new(canvas, pointer_of_easel.clone()) else { return };
        frames.set_value(Some(FrameLoop::start(move |now_ms| {
            if let Some(frame) = easel.frame(now_ms) {
                paint(&mut easel, &frame);
            }
        })));
    });

    let moved = pointer.clone();
    view! {
        <canvas
            node_ref=canvas
            class="stage-canvas"
            data-testid=name
            role="img"
            aria-label=label
            on:pointermove=move |event| {
                moved.set(Some((f64::from(event.offset_x()), f64::from(event.offset_y()))));
            }
            on:pointerleave=move |_| pointer.set(None)
        ></canvas>
    }
}

/// Calls something with every frame of the browser until it is dropped.
pub struct FrameLoop {
    shared: Rc<Shared>,
}

type OnFrame = Closure<dyn FnMut(f64)>;

struct Shared {
    request: Cell<i32>,
    stopped: Cell<bool>,
    closure: RefCell<Option<OnFrame>>,
}

impl Shared {
    fn ask(&self) {
        if let Some(closure) = self.closure.borrow().as_ref() {
            let closure: &js_sys::Function = closure.as_ref().unchecked_ref();
            self.request.set(window().request_animation_frame(closure).unwrap_or(0));
        }
    }
}

impl FrameLoop {
    /// Starts with the next frame. The number is the frame's time in milliseconds.
    pub fn start(mut each: impl FnMut(f64) + 'static) -> Self {
        let shared = Rc::new(Shared {
            request: Cell::new(0),
            stopped: Cell::new(false),
            closure: RefCell::new(None),
        });
        let weak = Rc::downgrade(&shared);
        let closure = OnFrame::new(move |now_ms| {
            each(now_ms);
            if let Some(shared) = weak.upgrade()
                && !shared.stopped.get()
            {
                shared.ask();
            }
        });
        shared.closure.replace(Some(closure));
        shared.ask();
        Self { shared }
    }
}

impl Drop for FrameLoop {
    fn drop(&mut self) {
        self.shared.stopped.set(true);
        window().cancel_animation_frame(self.shared.request.get()).ok();
        // The loop may end itself from within a frame, and a closure must outlive its own call.
        let closure = self.shared.closure.take();
        let free = Closure::once_into_js(move || drop(closure));
        let free: &js_sys::Function = free.unchecked_ref();
        window().set_timeout_with_callback(free).ok();
    }
}

/// Now, on the clock of the frames, in milliseconds.
pub fn now_ms() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |clock| clock.now())
}
