//! The Pushback lobby: a page that the game server serves and the browser runs as WebAssembly.
//!
//! `app` has the routes. `pages` and `components` are functions of data. `api` has every request, every stream and
//! every clock. `canvas` draws. The rules of the game are in `shared`, and the rules of showing in `presentation`.

pub mod app;

pub mod pages;

pub mod components;

pub mod api;

pub mod canvas;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
