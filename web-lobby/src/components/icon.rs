//! Icons: shapes from Lucide (ISC licence), drawn with lines.

use leptos::prelude::*;

/// A shape of 24 × 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Bot,
    ChevronRight,
    Check,
    Copy,
    Close,
    Eye,
    Film,
    Mute,
    Message,
    Play,
    Refresh,
    Send,
    Swords,
    Trophy,
    User,
    Whisper,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Bot => {
                "M12 8V4H8M4 10a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM2 14h2M20 14h2M15 13v2M9 13v2"
            }
            Self::ChevronRight => "m9 18 6-6-6-6",
            Self::Check => "M20 6 9 17l-5-5",
            Self::Copy => {
                "M8 10a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H10a2 2 0 0 1-2-2zM4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2"
            }
            Self::Close => "M18 6 6 18M6 6l12 12",
            Self::Eye => {
                "M2.1 12.3a1 1 0 0 1 0-.7 10.8 10.8 0 0 1 19.9 0 1 1 0 0 1 0 .7 10.8 10.8 0 0 1-19.9 0M9 12a3 3 0 1 0 6 0 3 3 0 1 0-6 0"
            }
            Self::Film => {
                "M3 5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2zM7 3v18M3 7.5h4M3 12h18M3 16.5h4M17 3v18M17 7.5h4M17 16.5h4"
            }
            Self::Mute => {
                "M11 4.7a.7.7 0 0 0-1.2-.5L6.4 7.6A1.4 1.4 0 0 1 5.4 8H3a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2.4a1.4 1.4 0 0 1 1 .4l3.4 3.4a.7.7 0 0 0 1.2-.5zM22 9l-6 6M16 9l6 6"
            }
            Self::Message => {
                "M22 17a2 2 0 0 1-2 2H6.8a2 2 0 0 0-1.4.6l-2.2 2.2A.7.7 0 0 1 2 21.3V5a2 2 0 0 1 2-2h16a2 2 0 0 1 2 2z"
            }
            Self::Play => "M5 5a2 2 0 0 1 3-1.7l12 7a2 2 0 0 1 0 3.4l-12 7A2 2 0 0 1 5 19z",
            Self::Refresh => {
                "M3 12a9 9 0 0 1 9-9 9.8 9.8 0 0 1 6.7 2.7L21 8M21 3v5h-5M21 12a9 9 0 0 1-9 9 9.8 9.8 0 0 1-6.7-2.7L3 16M8 16H3v5"
            }
            Self::Send => {
                "M3.7 3a.5.5 0 0 0-.7.6l2.9 7.7a2 2 0 0 1 0 1.4L3 20.4a.5.5 0 0 0 .7.6l18-8.5a.5.5 0 0 0 0-.9zM6 12h16"
            }
            Self::Swords => {
                "m14.5 17.5-11.5-11.5V3h3l11.5 11.5M13 19l6-6M16 16l4 4M19 21l2-2M14.5 6.5 18 3h3v3l-3.5 3.5M5 14l4 4M7 17l-3 3M3 19l2 2"
            }
            Self::Trophy => {
                "M10 14.7v1.6a1 1 0 0 1-1 1A3 3 0 0 0 7 20v2M14 14.7v1.6a1 1 0 0 0 1 1 3 3 0 0 1 2 2.7v2M18 9h1.5a1 1 0 0 0 0-5H18M4 22h16M6 9a6 6 0 0 0 12 0V3a1 1 0 0 0-1-1H7a1 1 0 0 0-1 1zM6 9H4.5a1 1 0 0 1 0-5H6"
            }
            Self::User => {
                "M19 21v-2a4 4 0 0 0-4-4H9a4 4 0 0 0-4 4v2M8 7a4 4 0 1 0 8 0 4 4 0 1 0-8 0"
            }
            Self::Whisper => {
                "M22 7l-9 5.7a2 2 0 0 1-2 0L2 7M2 6a2 2 0 0 1 2-2h16a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2z"
            }
        }
    }
}

/// Draws an icon. It only decorates: words beside it, or the button's label, say what it means.
#[component]
pub(crate) fn IconView(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=icon.path() />
        </svg>
    }
}
