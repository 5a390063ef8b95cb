//! A session's cookie on its way back: an answer sets it again when the session was used for the first time on a day, or
//! when the cookie has its old name.

use std::sync::{Arc, OnceLock};

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request};

use crate::sessions::cookie::{Carrier, Presented, SessionCookie};

/// The cookies to set with the answer to one request: the handler's arguments find them out, and the layer around all
/// routes sends them.
#[derive(Debug, Clone, Default)]
pub(super) struct CookieRenewal(Arc<OnceLock<Vec<HeaderValue>>>);

impl CookieRenewal {
    /// For a request that brings cookies.
    pub(super) fn attach<B>(request: &mut Request<B>) -> Option<Self> {
        if !request.headers().contains_key(COOKIE) {
            return None;
        }
        let renewal = Self::default();
        request.extensions_mut().insert(renewal.clone());
        Some(renewal)
    }

    /// The cookie of this token is set again, and one of the old name is removed.
    pub(super) fn set(&self, cookie: &SessionCookie, presented: Presented<'_>) {
        let old = (presented.by == Carrier::OldCookie).then(|| cookie.removing_old());
        let cookies = [cookie.storing(presented.token)].into_iter().chain(old);
        self.0.set(cookies.filter_map(|cookie| HeaderValue::try_from(cookie).ok()).collect()).ok();
    }

    /// Adds the cookies to an answer, unless it sets one of its own.
    pub(super) fn send(self, headers: &mut HeaderMap) {
        if headers.contains_key(SET_COOKIE) {
            return;
        }
        for cookie in self.0.get().into_iter().flatten() {
            headers.append(SET_COOKIE, cookie.clone());
        }
    }
}
