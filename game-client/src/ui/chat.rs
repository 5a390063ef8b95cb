//! The chat over the match: the newest lines, and a field while the player writes.

use bevy::prelude::{App, Plugin, Resource};
use bevy_egui::egui::text::{LayoutJob, TextFormat};
use bevy_egui::egui::{
    Align2, Area, Color32, Context, CornerRadius, Event, Id, Key, LayerId, Order, Painter, Pos2,
    Rect, Vec2, pos2, vec2,
};
use shared::id::{PlayerId, PlayerName, name_key};
use shared::protocol::chat::{ChatChannel, ChatLine, LINE_CHARS_MAX};
use shared::text::tidy_line;

use super::theme::{self, CHARGE, GOOD, MUTED, TEXT, WARM};
use super::{bidi, narrow, widgets};
use crate::chat::{Chat, ReceivedLine};

/// The width of the chat, in points.
const WIDTH: f32 = 360.0;
/// The lines shown while the field is closed.
const LINES_PLAYING: usize = 5;
/// The lines shown while the field is open.
const LINES_WRITING: usize = 12;
/// The characters of a line by which it is recognised.
const START_CHARS: usize = 24;
/// How long a line is shown while the field is closed.
const STAY_SECONDS: f32 = 9.0;

/// The text that the player writes.
#[derive(Debug, Default, Resource)]
pub struct Draft {
    /// Whether the field is open.
    pub is_open: bool,
    /// Whether it goes to the own team only.
    pub to_team: bool,
    /// The text so far.
    pub text: String,
    /// The answer to the last command, until the text changes.
    answer: Option<String>,
    wants_focus: bool,
}

impl Draft {
    /// Opens the field.
    pub fn open(&mut self, to_team: bool) {
        (self.is_open, self.to_team, self.wants_focus) = (true, to_team, true);
    }

    /// Closes the field and drops the text.
    pub fn close(&mut self) {
        *self = Self::default();
    }
}

/// What the player did with the chat in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Nothing,
    /// Sent a line.
    Send(String),
    /// Asked to hide the lines of a player.
    Ignore(PlayerId),
}

/// What a finished line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    /// Nothing.
    Nothing,
    /// To be said.
    Say(String),
    /// To hide a player's lines.
    Ignore(PlayerId, PlayerName),
    /// A command that cannot be followed, and why.
    Unclear(String),
}

/// Keeps the draft.
#[derive(Debug)]
pub(super) struct ChatPanelPlugin;

impl Plugin for ChatPanelPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Draft>();
    }
}

/// Draws the chat at the lower left, without the lines of the `ignored` players.
pub fn show(context: &Context, chat: &Chat, draft: &mut Draft, ignored: &[PlayerId]) -> Outcome {
    let raised = narrow::raised(context);
    let corner = context.content_rect().left_bottom() + vec2(16.0, -16.0 - raised);
    let shown = chat.lines.iter().rev().filter(|received| !ignored.contains(&received.line.from));
    if draft.is_open {
        let lines: Vec<&ReceivedLine> = shown.take(LINES_WRITING).collect();
        return writing(context, chat, draft, &lines, corner);
    }
    let fresh = shown.filter(|received| age(received) < STAY_SECONDS).take(LINES_PLAYING);
    paint_lines(context, &fresh.collect::<Vec<_>>(), corner, true);
    Outcome::Nothing
}

fn age(received: &ReceivedLine) -> f32 {
    received.at.map_or(f32::INFINITY, |at| at.elapsed().as_secs_f32())
}

/// Draws lines upwards from a corner, the newest first. Returns the top of the last one.
fn paint_lines(context: &Context, lines: &[&ReceivedLine], corner: Pos2, fades: bool) -> f32 {
    let painter = context.layer_painter(LayerId::new(Order::Background, "chat".into()));
    let mut bottom = corner.y;
    for received in lines {
        let alpha =
            if fades { ((STAY_SECONDS - age(received)) / 0.8).clamp(0.0, 1.0) } else { 1.0 };
        let galley = painter.layout_job(job(&painter, received, width(context) - 20.0));
        let size = vec2(galley.size().x + 20.0, galley.size().y + 8.0);
        let rect = Rect::from_min_size(pos2(corner.x, bottom - size.y), size);
        let back = Color32::from_rgba_unmultiplied(12, 19, 38, 240).gamma_multiply(alpha);
        painter.rect_filled(rect, CornerRadius::same(7), back);
        let at = rect.min + vec2(10.0, 4.0);
        let mut faded = painter.clone();
        faded.set_opacity(alpha);
        faded.galley(at, galley, TEXT);
        bottom = rect.top() - 3.0;
    }
    bottom
}

/// The width of the chat in this window.
fn width(context: &Context) -> f32 {
    WIDTH.min(context.content_rect().width() - 32.0).max(120.0)
}

fn job(painter: &Painter, received: &ReceivedLine, width: f32) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = width;
    let (tag, ink) = match received.line.channel {
        ChatChannel::Lobby => ("lobby ", MUTED),
        ChatChannel::Room { .. } => ("", CHARGE),
        ChatChannel::Team { .. } => ("team ", GOOD),
        ChatChannel::Direct { .. } => ("to you ", WARM),
    };
    let format = |font, color| TextFormat { font_id: font, color, ..TextFormat::default() };
    job.append(tag, 0.0, format(theme::font(12.0), MUTED));
    let name_ink = if tag == "lobby " { MUTED } else { ink };
    let name = bidi::visual(received.line.name.as_str());
    job.append(&name, 0.0, format(theme::bold(14.0), name_ink));
    job.append("  ", 0.0, format(theme::font(14.0), TEXT));
    let font = theme::font(14.0);
    let measure = |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), TEXT).size().x;
    let head = measure(tag) + measure(&name) + measure("  ");
    let text = bidi::wrapped(&received.line.text, width, head, measure);
    job.append(&text, 0.0, format(theme::font(14.0), TEXT));
    job
}

fn writing(
    context: &Context,
    chat: &Chat,
    draft: &mut Draft,
    lines: &[&ReceivedLine],
    corner: Pos2,
) -> Outcome {
    let mut outcome = Outcome::Nothing;
    let area = Area::new(Id::new("chat field")).fixed_pos(corner - Vec2::new(0.0, 74.0));
    area.order(Order::Middle).show(context, |ui| {
        let width = width(context);
        ui.set_width(width);
        let hint = if draft.to_team { "To your team" } else { "To everyone in the room" };
        let field = widgets::field_sized(ui, &mut draft.text, hint, LINE_CHARS_MAX, width);
        let is_new = core::mem::take(&mut draft.wants_focus);
        if is_new {
            field.request_focus();
        }
        if field.changed() {
            draft.answer = None;
        }
        let recent = chat.refused.as_ref().filter(|(_, at)| at.elapsed().as_secs_f32() < 4.0);
        match (&draft.answer, chat.is_open, recent) {
            (Some(answer), ..) => {
                ui.label(theme::small(answer).color(WARM));
            }
            (None, false, _) => {
                ui.label(theme::small("The chat is reconnecting…").color(WARM));
            }
            (None, true, Some((why, _))) => {
                ui.label(theme::small(format!("Not sent: {why}.")).color(WARM));
            }
            (None, true, None) if widgets::as_read(ui, &draft.text) => {}
            (None, true, None) => {
                ui.label(theme::small("Enter sends · Esc closes"));
                ui.label(theme::small("/ignore NAME hides a player"));
            }
        }
        // The press that opened the field does not send, and neither does the repeat while the key is held.
        let send = !is_new && ui.input(|input| input.events.iter().any(is_fresh_enter));
        let close = ui.input(|input| input.key_pressed(Key::Escape));
        let mut stays = false;
        if send {
            match interpret(chat, &draft.text) {
                Meaning::Nothing => {}
                Meaning::Say(text) => outcome = Outcome::Send(text),
                Meaning::Ignore(player, name) => {
                    outcome = Outcome::Ignore(player);
                    draft.text.clear();
                    draft.answer =
                        Some(format!("{name}'s lines are hidden. The settings show them again."));
                    stays = true;
                }
                Meaning::Unclear(answer) => {
                    draft.answer = Some(answer);
                    stays = true;
                }
            }
            // Enter takes the focus from the field.
            draft.wants_focus = stays;
        }
        if close || (send && !stays) {
            draft.close();
        }
    });
    paint_lines(context, lines, corner - vec2(0.0, 82.0), false);
    outcome
}

fn is_fresh_enter(event: &Event) -> bool {
    matches!(event, Event::Key { key: Key::Enter, pressed: true, repeat: false, .. })
}

/// Reads a finished line. One that begins with a slash is a command, and is never said aloud.
fn interpret(chat: &Chat, text: &str) -> Meaning {
    let text = tidy_line(text);
    let Some(command) = text.strip_prefix('/') else {
        return if text.is_empty() { Meaning::Nothing } else { Meaning::Say(text) };
    };
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    if word.to_lowercase() == "ignore" {
        return ignore(chat, rest.trim());
    }
    Meaning::Unclear(format!(
        "There is no command /{word}. /ignore NAME hides a player. Nothing was sent."
    ))
}

/// `/ignore NAME`, or `/ignore NAME NUMBER` where several players have the name.
fn ignore(chat: &Chat, asked: &str) -> Meaning {
    if asked.is_empty() {
        return Meaning::Unclear("Whom? Write /ignore and the name on a line.".to_owned());
    }
    let called = authors(chat, asked);
    match called.as_slice() {
        [] => {}
        [(player, _)] if Some(*player) == chat.player() => {
            return Meaning::Unclear("That is your own name.".to_owned());
        }
        [(player, line)] => return Meaning::Ignore(*player, line.name.clone()),
        several => {
            let lines = several.iter().zip(1..).map(|((_, line), number)| {
                format!(
                    "\n/ignore {} {number}: said \u{201c}{}\u{201d}",
                    line.name,
                    start_of(&line.text)
                )
            });
            let count = several.len();
            return Meaning::Unclear(format!(
                "{count} players have this name. Which one?{}",
                lines.collect::<String>()
            ));
        }
    }
    // A number behind a name that several have.
    if let Some((name, number)) = asked.rsplit_once(' ')
        && let Ok(number) = number.parse::<usize>()
        && let Some((player, line)) =
            number.checked_sub(1).and_then(|n| authors(chat, name).get(n).copied())
    {
        return Meaning::Ignore(player, line.name.clone());
    }
    Meaning::Unclear(format!("No line here is from \u{201c}{asked}\u{201d}."))
}

/// The players of that name who have said something, each with the newest line. Their order stays when others speak.
fn authors<'a>(chat: &'a Chat, name: &str) -> Vec<(PlayerId, &'a ChatLine)> {
    let wanted = name_key(name);
    let mut found: Vec<(PlayerId, &ChatLine)> = Vec::new();
    for line in chat.lines.iter().rev().map(|received| &received.line) {
        let is_new = found.iter().all(|(player, _)| *player != line.from);
        if is_new && line.name.key() == wanted {
            found.push((line.from, line));
        }
    }
    found.sort_by_key(|(player, _)| *player);
    found
}

/// The beginning of a line, to recognise it by.
fn start_of(text: &str) -> String {
    let mut start: String = text.chars().take(START_CHARS).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// The hint at the lower left that there is a chat.
pub fn hint(context: &Context, key: &str) {
    let painter = context.layer_painter(LayerId::new(Order::Background, "chat hint".into()));
    let corner = context.content_rect().left_bottom() + vec2(16.0, -14.0);
    let text = format!("{key} to chat");
    painter.text(corner, Align2::LEFT_BOTTOM, text, theme::font(12.0), MUTED);
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::{Context, Event, Key, Modifiers, RawInput};

    use shared::id::{PlayerId, PlayerName};
    use shared::protocol::chat::{ChatChannel, ChatLine};

    use super::{Draft, Meaning, Outcome, interpret, show};
    use crate::chat::{Chat, ReceivedLine};

    fn enter(pressed: bool) -> Event {
        let (key, modifiers) = (Key::Enter, Modifiers::NONE);
        Event::Key { key, physical_key: None, pressed, repeat: false, modifiers }
    }

    /// One frame of the chat with these keyboard events.
    fn frame(context: &Context, draft: &mut Draft, events: Vec<Event>) -> Outcome {
        let mut outcome = Outcome::Nothing;
        let input = RawInput { events, ..RawInput::default() };
        let shown = |ui: &mut bevy_egui::egui::Ui| {
            outcome = show(ui.ctx(), &Chat::default(), draft, &[]);
        };
        context.run_ui(input, shown).textures_delta.clear();
        outcome
    }

    #[test]
    fn the_press_that_opens_the_field_does_not_send() {
        let (context, mut draft) = (Context::default(), Draft::default());

        draft.open(false);
        let opened = frame(&context, &mut draft, vec![enter(true)]);
        // The key is held, and the keyboard repeats it.
        let held = frame(&context, &mut draft, vec![enter(true)]);

        assert_eq!((opened, held), (Outcome::Nothing, Outcome::Nothing));
        assert!(draft.is_open);
    }

    #[test]
    fn another_press_sends_what_was_written() {
        let (context, mut draft) = (Context::default(), Draft::default());
        draft.open(false);
        drop(frame(&context, &mut draft, vec![enter(true)]));

        drop(frame(&context, &mut draft, vec![enter(false), Event::Text("hello".to_owned())]));
        let sent = frame(&context, &mut draft, vec![enter(true)]);

        assert_eq!(sent, Outcome::Send("hello".to_owned()));
        assert!(!draft.is_open);
    }

    fn chat_with(lines: &[(u64, &str, &str)]) -> Chat {
        let lines = lines.iter().zip(1..).map(|((from, name, text), sequence)| ReceivedLine {
            line: ChatLine {
                sequence,
                at_ms: 0,
                channel: ChatChannel::Lobby,
                from: PlayerId::from_bits(*from),
                name: PlayerName::parse(name).expect("a name"),
                text: (*text).to_owned(),
                nonce: None,
            },
            at: None,
        });
        Chat::of(lines)
    }

    fn unclear(chat: &Chat, text: &str) -> String {
        match interpret(chat, text) {
            Meaning::Unclear(answer) => answer,
            other => panic!("{text:?} means {other:?}"),
        }
    }

    #[test]
    fn a_command_is_answered_and_never_said_aloud() {
        let chat = chat_with(&[(7, "Zoë", "hello")]);

        assert!(unclear(&chat, "/ignroe Zoë").contains("/ignroe"));
        assert!(unclear(&chat, "/ignore").contains("Whom"));
        assert!(unclear(&chat, "/ignore ").contains("Whom"));
        assert!(unclear(&chat, "/ignore Nobody").contains("Nobody"));
        assert_eq!(interpret(&chat, " \u{200b} "), Meaning::Nothing);
        // A capital, another case and the other Unicode form of the letter.
        for command in ["/ignore Zoë", "/Ignore zoë", "/IGNORE ZOE\u{308}", " /ignore  Zoë "] {
            let meaning = interpret(&chat, command);
            assert!(matches!(meaning, Meaning::Ignore(id, _) if id.bits() == 7), "{command}");
        }
    }

    #[test]
    fn of_two_players_with_one_name_the_person_chooses() {
        let chat =
            chat_with(&[(9, "Ada", "I am Ada"), (7, "ada", "no, I am"), (9, "Ada", "not you")]);

        let answer = unclear(&chat, "/ignore ada");

        assert!(answer.contains("/ignore ada 1: said \u{201c}no, I am"), "{answer}");
        assert!(answer.contains("/ignore Ada 2: said \u{201c}not you"), "{answer}");
        let second = interpret(&chat, "/ignore ada 2");
        assert!(matches!(second, Meaning::Ignore(id, _) if id.bits() == 9), "{second:?}");
        assert!(unclear(&chat, "/ignore ada 3").contains("ada 3"));
    }

    #[test]
    fn an_unclear_command_stays_in_the_field_with_its_answer() {
        let (context, mut draft) = (Context::default(), Draft::default());
        draft.open(false);
        drop(frame(&context, &mut draft, vec![enter(true)]));

        drop(frame(&context, &mut draft, vec![enter(false), Event::Text("/ignor Ada".to_owned())]));
        let sent = frame(&context, &mut draft, vec![enter(true)]);

        assert_eq!(
            (sent, draft.is_open, draft.text.as_str()),
            (Outcome::Nothing, true, "/ignor Ada")
        );
        assert!(draft.answer.is_some_and(|answer| answer.contains("/ignor")));
    }
}
