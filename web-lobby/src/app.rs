//! The frame around every page, and the table of routes.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::path;
use shared::api::{RoomList, Scoreboard};

use crate::api::chat::Chat;
use crate::api::clock::Now;
use crate::api::device_link::DeviceLinkCode;
use crate::api::long_poll::QuickPlay;
use crate::api::notify;
use crate::api::private_room::PrivateRoom;
use crate::api::session::Identity;
use crate::api::sse::LiveFeed;
use crate::api::thumbnails::ThumbnailPoller;
use crate::api::visibility::PageVisible;
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

/// Starts the services of the page. Components find each of them with its `expect`.
fn connect() {
    notify::install();
    PageVisible::provide();
    Now::provide();
    Identity::provide();
    LiveFeed::<Scoreboard>::provide();
    LiveFeed::<RoomList>::provide();
    ThumbnailPoller::provide();
    QuickPlay::provide();
    PrivateRoom::provide();
    DeviceLinkCode::provide();
    Chat::provide();
}
