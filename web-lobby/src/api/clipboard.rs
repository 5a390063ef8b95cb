//! Copying text to the clipboard.

use wasm_bindgen_futures::JsFuture;

/// Copies a text. Returns false when the browser does not allow it: it needs a secure page, or localhost.
pub(crate) async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else { return false };
    let clipboard = window.navigator().clipboard();
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
