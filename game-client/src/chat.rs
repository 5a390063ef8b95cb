//! The newest lines of the chat.

use std::collections::VecDeque;
use std::time::Instant;

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, Plugin, Res, ResMut, Resource, Update,
};
use shared::id::PlayerId;
use shared::protocol::chat::{ChatLine, ChatServerMessage};

use crate::frame::Phase;
use crate::net::{ChatEvent, SessionEvent};
use crate::settings::Settings;

/// Lines kept. When full, the oldest is dropped.
const LINES_MAX: usize = 120;

/// A line and when it arrived.
#[derive(Debug, Clone)]
pub struct ReceivedLine {
    /// The line.
    pub line: ChatLine,
    /// When it arrived. `None` for history.
    pub at: Option<Instant>,
}

/// The chat.
#[derive(Debug, Default, Resource)]
pub struct Chat {
    /// The oldest first.
    pub lines: VecDeque<ReceivedLine>,
    /// Whether the socket is open.
    pub is_open: bool,
    /// Why the server refused the last line, and when.
    pub refused: Option<(String, Instant)>,
    /// The player that the chat belongs to. Every server has player ids of its own.
    player: Option<PlayerId>,
}

impl Chat {
    /// The chat belongs to this player. Another player means another server, or one that has lost its state: it numbers its
    /// lines from the start, so the lines before are dropped.
    fn set_player(&mut self, player: PlayerId) {
        if self.player.replace(player) != Some(player) {
            self.lines.clear();
            self.refused = None;
        }
    }

    /// A chat that holds these lines and no members.
    #[cfg(test)]
    pub(crate) fn of(lines: impl IntoIterator<Item = ReceivedLine>) -> Self {
        Self { lines: lines.into_iter().collect(), ..Self::default() }
    }

    /// The own player, as far as it is known.
    #[must_use]
    pub fn player(&self) -> Option<PlayerId> {
        self.player
    }

    fn add(&mut self, line: ChatLine, at: Option<Instant>) {
        if self.lines.iter().any(|received| received.line.sequence == line.sequence) {
            return;
        }
        let after = self.lines.partition_point(|received| received.line.sequence < line.sequence);
        self.lines.insert(after, ReceivedLine { line, at });
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
    }
}

/// Collects the lines.
#[derive(Debug)]
pub struct ChatPlugin;

impl Plugin for ChatPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Chat>().add_systems(Update, receive.in_set(Phase::Receive));
    }
}

fn receive(
    mut chat_events: MessageReader<ChatEvent>,
    mut session_events: MessageReader<SessionEvent>,
    settings: Res<Settings>,
    mut chat: ResMut<Chat>,
) {
    // Lines before sessions: a line that arrives with a new session may still belong to the one before.
    for event in chat_events.read() {
        match event {
            ChatEvent::Open(is_open) => chat.is_open = *is_open,
            ChatEvent::Message(message) => receive_message(message, &settings, &mut chat),
        }
    }
    for event in session_events.read() {
        match event {
            SessionEvent::SignedIn { session, .. } | SessionEvent::Renewed { session, .. } => {
                chat.set_player(session.player);
            }
            SessionEvent::SignInFailed { .. } | SessionEvent::PublicAddress { .. } => {}
        }
    }
}

fn receive_message(message: &ChatServerMessage, settings: &Settings, chat: &mut Chat) {
    match message {
        ChatServerMessage::Hello { player, lines, gap, .. } => {
            chat.set_player(*player);
            // These lines do not continue the ones before. A short history is better than one with a gap.
            if *gap {
                chat.lines.clear();
            }
            lines.iter().for_each(|line| chat.add(line.clone(), None));
        }
        ChatServerMessage::Entered { room, lines, gap } => {
            if *gap && let Some(first) = lines.first().map(|line| line.sequence) {
                chat.lines.retain(|ReceivedLine { line, .. }| {
                    !line.channel.is_in(*room) || line.sequence >= first
                });
            }
            lines.iter().for_each(|line| chat.add(line.clone(), None));
        }
        ChatServerMessage::Line(line) => {
            if !settings.ignored.contains(&line.from) {
                chat.add(line.clone(), Some(Instant::now()));
            }
        }
        ChatServerMessage::Refused { reason, .. } => {
            chat.refused = Some((reason.to_string(), Instant::now()));
        }
        ChatServerMessage::Heartbeat(_) => {}
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
        chat.set_player(PlayerId::from_bits(1));
        chat.add(line(40, "here"), None);

        chat.set_player(PlayerId::from_bits(1));
        assert_eq!(chat.lines.len(), 1);
        chat.set_player(PlayerId::from_bits(2));
        chat.add(line(3, "there"), None);

        let texts: Vec<&str> =
            chat.lines.iter().map(|received| received.line.text.as_str()).collect();
        assert_eq!(texts, ["there"]);
    }
}
