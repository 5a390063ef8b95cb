//! The Pushback lobby: a page that the game server serves and the browser runs as WebAssembly.
//!
//! `app` names the pages, `pages` and `components` are functions of data, `api` holds every request, every
//! stream and every clock, `canvas` holds pixels. A rule of the game stands in `shared` and nowhere here.

pub mod app;

pub mod pages;

pub mod components;

pub mod api;

pub mod canvas;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
