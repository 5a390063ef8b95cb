//! The session: a guest keeps the name and the identity by keeping the server's cookie.
//!
//! All windows of a browser share the cookie, so they are one player: a window that learns who that is tells the others.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{ProblemKind, Session, SessionRequest};

use super::notify::Notify;
use super::{ApiError, get, post, retry, storage};

/// The visitor's session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    /// The session. `None` until the server has confirmed it.
    pub(crate) me: RwSignal<Option<Session>>,
    /// Whether the dialog asks for a name.
    pub(crate) is_asking_name: RwSignal<bool>,
    /// Why the last name was refusal.
    pub(crate) refusal: RwSignal<Option<String>>,
    /// Whether a name is being sent.
    pub(crate) is_sending_name: RwSignal<bool>,
    waiters: StoredValue<Vec<Notify>, LocalStorage>,
    /// Whether the browser did not keep the cookie of the last sign-in. Another one would not help.
    has_lost_cookie: RwSignal<bool>,
}

impl Identity {
    /// Restores the session of an earlier visit, for the whole page.
    pub(crate) fn provide() {
        let identity = Self {
            me: RwSignal::new(None),
            is_asking_name: RwSignal::new(false),
            refusal: RwSignal::new(None),
            is_sending_name: RwSignal::new(false),
            waiters: StoredValue::new_local(Vec::new()),
            has_lost_cookie: RwSignal::new(false),
        };
        provide_context(identity);
        storage::on_change_elsewhere(move || {
            let known = identity.me.with_untracked(|me| me.as_ref().map(who));
            if storage::get(storage::WHO) != known {
                spawn_local(async move { drop(identity.reload().await) });
            }
        });
        // Without a stored name there was never a session.
        if storage::get(storage::NAME).is_some() {
            spawn_local(identity.restore());
        }
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Whether there is a session, or one is being restored.
    pub(crate) fn has_player(self) -> bool {
        let is_known = self.me.with(Option::is_some) || storage::get(storage::NAME).is_some();
        is_known && !self.has_lost_cookie.get()
    }

    /// The name to offer in the dialog.
    pub(crate) fn suggestion(self) -> String {
        let known = self.me.with_untracked(|me| me.as_ref().map(|me| me.name.to_string()));
        known.or_else(|| storage::get(storage::NAME)).unwrap_or_else(suggested_name)
    }

    /// The session. Asks for a name when there is none. `None` when the visitor closed the dialog.
    pub(crate) async fn require(self) -> Option<Session> {
        if let Some(me) = self.me.get_untracked() {
            return Some(me);
        }
        let resume = Notify::new();
        self.waiters.update_value(|waiters| waiters.push(resume.clone()));
        self.is_asking_name.set(true);
        resume.notified().await;
        self.me.get_untracked()
    }

    /// Waits for a session that the browser keeps, without asking for a name.
    pub(crate) async fn wait_for_session(self) -> Session {
        loop {
            let me = self.me.get_untracked();
            if let Some(me) = me.filter(|_| !self.has_lost_cookie.get_untracked()) {
                return me;
            }
            let resume = Notify::new();
            self.waiters.update_value(|waiters| waiters.push(resume.clone()));
            resume.notified().await;
        }
    }

    /// Submits a name: begins a session, or renames the guest.
    pub(crate) fn take_name(self, name: String) {
        self.is_sending_name.set(true);
        spawn_local(async move {
            if let Err(error) = self.begin(name).await {
                self.refusal.set(Some(error.to_string()));
            }
            self.is_sending_name.set(false);
        });
    }

    /// Closes the dialog. Tasks that wait for a session continue with what there is.
    pub(crate) fn close(self) {
        self.is_asking_name.set(false);
        self.refusal.set(None);
        for resume in self.waiters.try_update_value(std::mem::take).unwrap_or_default() {
            resume.notify();
        }
    }

    /// Begins another session under the same name, because the server does not know this one any more.
    ///
    /// # Errors
    /// [`ApiError::NoCookies`] without a request when the last sign-in was lost: a page must not sign in for ever.
    pub(crate) async fn renew(self) -> Result<(), ApiError> {
        if self.has_lost_cookie.get_untracked() {
            return Err(ApiError::NoCookies);
        }
        // Another window may have begun one already.
        match get("/api/session").await {
            Ok(session) => {
                self.store(session);
                Ok(())
            }
            Err(_) => self.begin(self.suggestion()).await,
        }
    }

    /// Asks the server who the visitor is now. Nobody, after the session was ended elsewhere.
    pub(crate) async fn reload(self) -> Result<(), ApiError> {
        match get("/api/session").await {
            Ok(session) => self.store(session),
            Err(error) if error.kind() == Some(ProblemKind::SignIn) => {
                storage::remove(storage::NAME);
                storage::remove(storage::WHO);
                self.me.set(None);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn begin(self, name: String) -> Result<(), ApiError> {
        let session =
            post("/api/session", &SessionRequest::Name { name, wants_token: false }).await?;
        // The cookie counts, not the answer: some browsers keep none, or none that is `Secure` over plain HTTP.
        if let Err(error) = get::<Session>("/api/session").await
            && error.kind() == Some(ProblemKind::SignIn)
        {
            self.has_lost_cookie.set(true);
            return Err(ApiError::NoCookies);
        }
        self.store(session);
        Ok(())
    }

    async fn restore(self) {
        let mut backoff = retry::backoff();
        loop {
            match get::<Session>("/api/session").await {
                Ok(session) => return self.store(session),
                Err(error) if error.kind() == Some(ProblemKind::SignIn) => {
                    match self.renew().await {
                        Ok(()) => return,
                        Err(error @ ApiError::NoCookies) => {
                            return self.refusal.set(Some(error.to_string()));
                        }
                        Err(_) => {}
                    }
                }
                Err(_) => {}
            }
            retry::wait(&mut backoff, None, |_link| {}).await;
        }
    }

    fn store(self, session: Session) {
        storage::set(storage::NAME, session.name.as_str());
        storage::set(storage::WHO, &who(&session));
        self.has_lost_cookie.set(false);
        self.me.set(Some(Session { token: String::new(), ..session }));
        self.close();
    }
}

fn who(session: &Session) -> String {
    format!("{} {}", session.player, session.name)
}

/// Suggests a name: short, and rarely the same one.
fn suggested_name() -> String {
    const FIRST: [&str; 8] = ["Calm", "Swift", "Frosty", "Bold", "Sly", "Merry", "Nimble", "Polar"];
    const LAST: [&str; 8] = ["Puck", "Otter", "Comet", "Fox", "Seal", "Lynx", "Heron", "Yak"];
    format!("{} {} {}", pick(&FIRST), pick(&LAST), pick(&["2", "3", "5", "7", "8", "9"]))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index below the length"
)]
fn pick(list: &[&'static str]) -> &'static str {
    let place = (js_sys::Math::random() * list.len() as f64) as usize;
    list.get(place).copied().unwrap_or("Puck")
}
