//! A canvas that adapts to its size and is drawn with every animation frame.

pub mod hud;
pub mod renderer;
pub mod roster;

pub use hud::{Hud, HudOverlay, Standing};
pub use renderer::MatchRenderer;
pub use roster::Roster;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::html;
use leptos::prelude::*;
use shared::sim::Slot;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, MediaQueryList};

use crate::api::notify;
use crate::canvas::{self, Camera, Frame, GradientCache, Scene};

/// More device pixels for each CSS pixel than this cost time and cannot be seen.
const DENSITY_MAX: f64 = 2.0;

/// After this many milliseconds a picture of the same moment stays the same: the camera has come to rest.
const REST_MS: f64 = 1_500.0;

/// While the picture rests, this many milliseconds pass between two looks at whether it changes: the page is idle then, and
/// a phone's battery lasts.
const LOOK_EVERY_MS: u32 = 100;

/// The function that draws a frame.
pub type Draw = Box<dyn FnMut(&mut Surface, &Frame)>;

/// A canvas, with the state that drawing on it needs.
pub struct Surface {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    camera: Camera,
    gradients: GradientCache,
    pointer: Rc<Cell<Option<(f64, f64)>>>,
    calm: Option<MediaQueryList>,
    last_ms: Option<f64>,
    /// What the last picture shows, and since when.
    last_picture: Option<Picture>,
    changed_ms: f64,
    is_at_rest: bool,
}

/// The playhead, if there is a world, and the followed player.
type Moment = (Option<f64>, Option<Slot>);
/// The size, the density, the pointer, and what is shown.
type Picture = (f64, f64, f64, Option<(f64, f64)>, Moment);

impl Surface {
    fn new(canvas: HtmlCanvasElement, pointer: Rc<Cell<Option<(f64, f64)>>>) -> Option<Self> {
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let calm = window().match_media("(prefers-reduced-motion: reduce)").ok().flatten();
        Some(Self {
            canvas,
            context,
            camera: Camera::default(),
            gradients: GradientCache::default(),
            pointer,
            calm,
            last_ms: None,
            last_picture: None,
            changed_ms: 0.0,
            is_at_rest: false,
        })
    }

    /// Adapts the canvas to its size on the page and describes the next frame. `None` while it has no size.
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

    /// Draws a moment of a match.
    pub fn draw(&mut self, frame: &Frame, scene: &Scene<'_>) {
        canvas::draw(&self.context, &mut self.camera, &mut self.gradients, frame, scene);
    }

    /// Whether a picture of this moment differs from the last one. A moment that stays is drawn until the camera has come
    /// to rest.
    pub(super) fn has_changed(&mut self, frame: &Frame, moment: Moment) -> bool {
        let picture = (frame.width, frame.height, frame.density, frame.pointer, moment);
        if self.last_picture != Some(picture) {
            self.last_picture = Some(picture);
            self.changed_ms = frame.now_ms;
        }
        self.is_at_rest = frame.now_ms - self.changed_ms >= REST_MS;
        !self.is_at_rest
    }

    /// Draws a moment of a match as a picture for a row.
    pub fn draw_thumbnail(&mut self, frame: &Frame, scene: &Scene<'_>) {
        canvas::draw_thumbnail(&self.context, &mut self.gradients, frame, scene);
    }

    /// Draws the void: there is no match to be seen.
    pub fn draw_void(&mut self, frame: &Frame) {
        canvas::draw_void(&self.context, &mut self.gradients, frame);
    }

    /// Sets an attribute of the element, for style sheets and tests.
    pub fn set_attribute(&self, name: &str, value: &str) {
        self.canvas.set_attribute(name, value).ok();
    }
}

/// A canvas that is drawn with every frame for as long as it is on the page.
#[component]
pub fn MatchCanvas(
    /// The name by which tests find it.
    name: &'static str,
    /// The description for screen readers.
    #[prop(into)]
    label: Signal<String>,
    draw: Draw,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let pointer = Rc::new(Cell::new(None));
    let frames = StoredValue::new_local(None::<FrameLoop>);
    let draw = StoredValue::new_local(Some(draw));

    let pointer_of_surface = pointer.clone();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let Some(mut draw) = draw.try_update_value(Option::take).flatten() else { return };
        let Some(mut surface) = Surface::new(canvas, pointer_of_surface.clone()) else { return };
        frames.set_value(Some(FrameLoop::start(move |now_ms| {
            if let Some(frame) = surface.frame(now_ms) {
                draw(&mut surface, &frame);
            }
            if surface.is_at_rest { Next::Later } else { Next::Frame }
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

/// When a [`FrameLoop`] calls again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With the next animation frame.
    Frame,
    /// With a frame after a rest.
    Later,
}

/// Calls a function with every animation frame, or rests between two, until it is dropped.
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
    /// Starts with the next frame. The argument is the time of the frame in milliseconds.
    pub fn start(mut each: impl FnMut(f64) -> Next + 'static) -> Self {
        let shared = Rc::new(Shared {
            request: Cell::new(0),
            stopped: Cell::new(false),
            closure: RefCell::new(None),
        });
        let weak = Rc::downgrade(&shared);
        let closure = OnFrame::new(move |now_ms| {
            let next = each(now_ms);
            let Some(shared) = weak.upgrade().filter(|shared| !shared.stopped.get()) else {
                return;
            };
            match next {
                Next::Frame => shared.ask(),
                Next::Later => {
                    let resting = weak.clone();
                    notify::later(LOOK_EVERY_MS, move || {
                        if let Some(shared) =
                            resting.upgrade().filter(|shared| !shared.stopped.get())
                        {
                            shared.ask();
                        }
                    });
                }
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
        // The loop may be dropped inside a frame, and a closure must outlive its own call.
        let closure = self.shared.closure.take();
        let free = Closure::once_into_js(move || drop(closure));
        let free: &js_sys::Function = free.unchecked_ref();
        window().set_timeout_with_callback(free).ok();
    }
}
