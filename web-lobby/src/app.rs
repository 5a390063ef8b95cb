//! The frame around every page, and the table of routes.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::hooks::use_location;
use leptos_router::path;
use shared::api::{RoomList, Scoreboard};
use wasm_bindgen::JsCast as _;
use web_sys::{FocusOptions, HtmlElement};

use crate::api::chat::Chat;
use crate::api::clock::Now;
use crate::api::device_link::DeviceLinkCode;
use crate::api::long_poll::QuickPlay;
use crate::api::private_room::PrivateRoom;
use crate::api::session::Identity;
use crate::api::sse::LiveFeed;
use crate::api::thumbnails::ThumbnailPoller;
use crate::api::visibility::PageVisible;
use crate::api::{lenient, notify, server_address, share};
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
            <Arrival />
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

/// Moves the focus to a page that was navigated to, so that keyboard and screen reader begin there and not at the top of
/// the document. Not to the first page: there the browser decides.
#[component]
fn Arrival() -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            request_animation_frame(|| {
                let main = document().get_element_by_id("main");
                if let Some(main) = main.and_then(|main| main.dyn_into::<HtmlElement>().ok()) {
                    let options = FocusOptions::new();
                    options.set_prevent_scroll(true);
                    main.focus_with_options(&options).ok();
                }
            });
        }
        path
    });
}

/// Starts the services of the page. Components find each of them with its `expect`.
fn connect() {
    notify::install();
    share::install();
    lenient::outdated();
    server_address::provide();
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
