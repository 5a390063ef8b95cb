//! The parts of the lobby as tabs at the bottom, for phones.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Icon, IconView};

/// A part of the lobby that fills a phone's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Play,
    Scores,
    Chat,
    Replays,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Play, Self::Scores, Self::Chat, Self::Replays];

    /// The name in the URL's fragment and in style sheets.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Play => "play",
            Self::Scores => "scores",
            Self::Chat => "chat",
            Self::Replays => "replays",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Play => "Play",
            Self::Scores => "Scores",
            Self::Chat => "Chat",
            Self::Replays => "Replays",
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Play => Icon::Swords,
            Self::Scores => Icon::Trophy,
            Self::Chat => Icon::Message,
            Self::Replays => Icon::Film,
        }
    }

    const fn address(self) -> &'static str {
        match self {
            Self::Play => "/",
            Self::Scores => "/#scores",
            Self::Chat => "/#chat",
            Self::Replays => "/#replays",
        }
    }

    /// The tab of a URL's fragment, such as `#chat`.
    pub(crate) fn of(fragment: &str) -> Self {
        let name = fragment.trim_start_matches('#');
        Self::ALL.into_iter().find(|tab| tab.name() == name).unwrap_or(Self::Play)
    }
}

/// The tabs. Only narrow screens show them.
#[component]
pub(crate) fn TabBar() -> impl IntoView {
    let location = use_location();
    let current = Memo::new(move |_| match location.pathname.get().as_str() {
        "/" => Some(Tab::of(&location.hash.get())),
        path if path.starts_with("/replays") => Some(Tab::Replays),
        _ => None,
    });
    let tab = move |tab: Tab| {
        view! {
            <a
                href=tab.address()
                data-testid=format!("tab-{}", tab.name())
                aria-current=move || (current.get() == Some(tab)).then_some("page")
            >
                <IconView icon=tab.icon() />
                {tab.title()}
            </a>
        }
    };
    view! {
        <nav class="tabs" aria-label="Lobby">
            {Tab::ALL.map(tab).collect_view()}
        </nav>
    }
}
