//! What was said lately.

use std::collections::VecDeque;
use std::time::Instant;

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, Plugin, Res, ResMut, Resource, Update,
};
use shared::protocol::chat::{ChatLine, ChatServerMessage};

use crate::net::Report;
use crate::scene::Phase;
use crate::settings::Settings;

/// Lines kept. When full, the oldest goes.
const LINES_MAX: usize = 120;

/// A line and when it came.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The line.
    pub line: ChatLine,
    /// When it came here; history counts as old.
    pub at: Option<Instant>,
}

/// The chat.
#[derive(Debug, Default, Resource)]
pub struct Chat {
    /// The oldest first.
    pub lines: VecDeque<Heard>,
    /// Whether the chat's socket is open.
    pub is_open: bool,
    /// Why the last line was not sent, and since when that is known.
    pub refused: Option<(String, Instant)>,
}

impl Chat {
    fn add(&mut self, line: ChatLine, at: Option<Instant>) {
        if self.lines.iter().any(|heard| heard.line.sequence == line.sequence) {
            return;
        }
        let after = self.lines.partition_point(|heard| heard.line.sequence < line.sequence);
        self.lines.insert(after, Heard { line, at });
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
    }
}

/// Collects lines.
#[derive(Debug)]
pub struct ChatPlugin;

impl Plugin for ChatPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Chat>().add_systems(Update, listen.in_set(Phase::Listen));
    }
}

fn listen(mut reports: MessageReader<Report>, settings: Res<Settings>, mut chat: ResMut<Chat>) {
    for report in reports.read() {
        match report {
            Report::ChatOpen(is_open) => chat.is_open = *is_open,
            Report::Chat(
                ChatServerMessage::Hello { lines, .. } | ChatServerMessage::Entered { lines, .. },
            ) => {
                lines.iter().for_each(|line| chat.add(line.clone(), None));
            }
            Report::Chat(ChatServerMessage::Line(line)) => {
                if !settings.ignored.contains(&line.from) {
                    chat.add(line.clone(), Some(Instant::now()));
                }
            }
            Report::Chat(ChatServerMessage::Refused { reason, .. }) => {
                chat.refused = Some((reason.to_string(), Instant::now()));
            }
            Report::SignedIn { .. }
            | Report::SignInFailed(_)
            | Report::Rooms(_)
            | Report::Looked(..)
            | Report::Created(_)
            | Report::Queue(_)
            | Report::QueueTrouble(_)
            | Report::Link { .. }
            | Report::Game { .. }
            | Report::RoundTrip { .. } => {}
        }
    }
}
