//! What was said lately.

use std::collections::VecDeque;
use std::time::Instant;

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, Plugin, Res, ResMut, Resource, Update,
};
use shared::id::PlayerId;
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
    /// As whom it is heard. Every server gives guests ids of its own.
    player: Option<PlayerId>,
}

impl Chat {
    /// It is heard as this guest from now on. Another server, or one that has forgotten everything, counts its lines
    /// anew: those of the old one go.
    fn hear_as(&mut self, player: PlayerId) {
        if self.player.replace(player) != Some(player) {
            self.lines.clear();
            self.refused = None;
        }
    }

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
            Report::SignedIn { session, .. } => chat.hear_as(session.player),
            Report::Chat(ChatServerMessage::Hello { player, lines, gap, .. }) => {
                chat.hear_as(*player);
                // What was said before does not join up with these: rather a short history than one with a hole.
                if *gap {
                    chat.lines.clear();
                }
                lines.iter().for_each(|line| chat.add(line.clone(), None));
            }
            Report::Chat(ChatServerMessage::Entered { room, lines, gap }) => {
                if *gap && let Some(first) = lines.first().map(|line| line.sequence) {
                    chat.lines.retain(|Heard { line, .. }| {
                        !line.channel.is_in(*room) || line.sequence >= first
                    });
                }
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
            Report::SignInFailed(_)
            | Report::Rooms(_)
            | Report::Looked(..)
            | Report::Created(_)
            | Report::Queue(_)
            | Report::QueueTrouble(_)
            | Report::Link { .. }
            | Report::Game { .. }
            | Report::RoundTrip { .. }
            | Report::Replays(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName, RoomId};
    use shared::protocol::chat::{ChatChannel, ChatLine};

    use super::Chat;

    fn line(sequence: u64, text: &str) -> ChatLine {
        ChatLine {
            sequence,
            at_ms: 0,
            channel: ChatChannel::Room { room: RoomId::from_bits(1) },
            from: PlayerId::from_bits(7),
            name: PlayerName::parse("Ada").expect("a name"),
            text: text.to_owned(),
            nonce: None,
        }
    }

    #[test]
    fn lines_of_two_servers_do_not_mix() {
        let mut chat = Chat::default();
        chat.hear_as(PlayerId::from_bits(1));
        chat.add(line(40, "here"), None);

        chat.hear_as(PlayerId::from_bits(1));
        assert_eq!(chat.lines.len(), 1);
        chat.hear_as(PlayerId::from_bits(2));
        chat.add(line(3, "there"), None);

        let texts: Vec<&str> = chat.lines.iter().map(|heard| heard.line.text.as_str()).collect();
        assert_eq!(texts, ["there"]);
    }
}
