//! The frame around every page, and the one table of pages.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::path;
use shared::api::{RoomList, Scoreboard};

use crate::api::chat::Chat;
use crate::api::clock::Now;
use crate::api::directory::PrivateRoom;
use crate::api::glimpses::Glimpses;
use crate::api::handover::Handover;
use crate::api::long_poll::QuickPlay;
use crate::api::session::Identity;
use crate::api::sse::Fed;
use crate::api::wake::{self, Seen};
use crate::components::banner::Banner;
use crate::components::footer::Footer;
use crate::components::header::Header;
use crate::components::name_dialog::NameDialog;
use crate::components::tab_bar::TabBar;
use crate::pages::determinism::DeterminismPage;
use crate::pages::home::HomePage;
use crate::pages::invite::InvitePage;
use crate::pages::not_found::NotFoundPage;
use crate::pages::player::PlayerPage;
use crate::pages::replay::ReplayPage;
use crate::pages::replays::ReplaysPage;
use crate::pages::watch::WatchPage;

/// The whole lobby.
#[component]
pub(crate) fn App() -> impl IntoView {
    connect();
    view! {
        <Router>
            <a class="skip" href="#main" rel="external">"Skip to the content"</a>
            <Header />
            <Banner />
            <main id="main" tabindex="-1">
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=path!("/") view=HomePage />
                    <Route path=path!("/replays") view=ReplaysPage />
                    <Route path=path!("/replays/:id") view=ReplayPage />
                    <Route path=path!("/rooms/:id/watch") view=WatchPage />
                    <Route path=path!("/r/:code") view=InvitePage />
                    <Route path=path!("/players/:id") view=PlayerPage />
                    <Route path=path!("/determinism") view=DeterminismPage />
                </FlatRoutes>
            </main>
            <Footer />
            <TabBar />
            <NameDialog />
        </Router>
    }
}

/// What lives as long as the page and is shared by its parts: see `expect` of each.
fn connect() {
    wake::install();
    Seen::provide();
    Now::provide();
    Identity::provide();
    Fed::<Scoreboard>::provide();
    Fed::<RoomList>::provide();
    Glimpses::provide();
    QuickPlay::provide();
    PrivateRoom::provide();
    Handover::provide();
    Chat::provide();
}
