//! Who one is: a guest who keeps the name and the identity by keeping the server's cookie.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{ProblemKind, Session, SessionRequest};
use shared::id::PlayerName;

use super::wake::{self, Gate};
use super::{ApiError, get, post, storage};

/// The person at the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    /// Who it is, once the server has said so.
    pub(crate) me: RwSignal<Option<Session>>,
    /// Whether the name is being asked for.
    pub(crate) asking: RwSignal<bool>,
    /// What the server said to the last name.
    pub(crate) refused: RwSignal<Option<String>>,
    /// Whether a name is on its way.
    pub(crate) busy: RwSignal<bool>,
    waiting: StoredValue<Vec<Gate>, LocalStorage>,
}

impl Identity {
    /// Looks who was here before, for the whole page.
    pub(crate) fn provide() {
        let identity = Self {
            me: RwSignal::new(None),
            asking: RwSignal::new(false),
            refused: RwSignal::new(None),
            busy: RwSignal::new(false),
            waiting: StoredValue::new_local(Vec::new()),
        };
        provide_context(identity);
        // Who never had a name here has no session either.
        if storage::get(storage::NAME).is_some() {
            spawn_local(identity.restore());
        }
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Whether there is somebody at the page: known, or about to be told by the server.
    pub(crate) fn is_somebody(self) -> bool {
        self.me.with(Option::is_some) || storage::get(storage::NAME).is_some()
    }

    /// The name to offer in the dialog.
    pub(crate) fn suggestion(self) -> String {
        let known = self.me.with_untracked(|me| me.as_ref().map(|me| me.name.to_string()));
        known.or_else(|| storage::get(storage::NAME)).unwrap_or_else(invented_name)
    }

    /// The session; asks for a name when there is none. Nothing: the dialog was closed.
    pub(crate) async fn needed(self) -> Option<Session> {
        if let Some(me) = self.me.get_untracked() {
            return Some(me);
        }
        let gate = Gate::new();
        self.waiting.update_value(|waiting| waiting.push(gate.clone()));
        self.asking.set(true);
        gate.passed().await;
        self.me.get_untracked()
    }

    /// Waits until there is a session, however long it takes.
    pub(crate) async fn known(self) -> Session {
        loop {
            if let Some(me) = self.me.get_untracked() {
                return me;
            }
            let gate = Gate::new();
            self.waiting.update_value(|waiting| waiting.push(gate.clone()));
            gate.passed().await;
        }
    }

    /// Takes a name: begins a session or renames the guest.
    pub(crate) fn take_name(self, name: String) {
        if let Err(error) = PlayerName::parse(&name) {
            self.refused.set(Some(format!("Please choose another: {error}.")));
            return;
        }
        self.busy.set(true);
        spawn_local(async move {
            if let Err(error) = self.begin(name).await {
                self.refused.set(Some(error.to_string()));
            }
            self.busy.set(false);
        });
    }

    /// Closes the dialog; whoever waited for a name goes on with what there is.
    pub(crate) fn close(self) {
        self.asking.set(false);
        self.refused.set(None);
        for gate in self.waiting.try_update_value(std::mem::take).unwrap_or_default() {
            gate.open();
        }
    }

    /// The server does not know the session any more: begins another under the same name.
    pub(crate) async fn renew(self) -> Result<(), ApiError> {
        self.begin(self.suggestion()).await
    }

    async fn begin(self, name: String) -> Result<(), ApiError> {
        let session = post("/api/session", &SessionRequest::Name { name }).await?;
        self.keep(session);
        Ok(())
    }

    async fn restore(self) {
        let mut backoff = wake::backoff();
        loop {
            match get::<Session>("/api/session").await {
                Ok(session) => return self.keep(session),
                Err(error) if error.kind() == Some(ProblemKind::SignIn) => {
                    if self.renew().await.is_ok() {
                        return;
                    }
                }
                Err(_) => {}
            }
            wake::wait_to_retry(&mut backoff, None, |_link| {}).await;
        }
    }

    fn keep(self, session: Session) {
        storage::set(storage::NAME, session.name.as_str());
        self.me.set(Some(Session { token: String::new(), ..session }));
        self.close();
    }
}

/// A name for somebody who has none yet: short enough, and rarely the same.
fn invented_name() -> String {
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
