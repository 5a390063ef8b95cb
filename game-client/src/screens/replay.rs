//! The screen of a recording: pause, speed, a timeline with markers, and the disc that the camera follows.

use std::time::Instant;

use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::prelude::{Commands, NextState, Res, ResMut};
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    Align, Align2, Area, Context, CornerRadius, Id, Layout, Order, Rect, Sense, Stroke, Ui, pos2,
    vec2,
};
use presentation::recording_player::{PlaybackCommand, PlaybackState, SPEEDS};
use presentation::words;
use shared::api::MarkerKind;
use shared::sim::Slot;
use shared::tick::TICK_RATE_HZ;

use crate::frame::RenderState;
use crate::lobby::Screen;
use crate::replay::{Arrival, JUMP_SECONDS, Recording};
use crate::scene::Labels;
use crate::settings::Settings;
use crate::ui::kill_feed::KillFeed;
use crate::ui::text::elided;
use crate::ui::{bidi, hud, kill_feed, theme, widgets};

pub(super) fn show(
    mut contexts: EguiContexts<'_, '_>,
    recording: Option<ResMut<Recording>>,
    mut render: ResMut<RenderState>,
    labels: Res<Labels>,
    feed: Res<KillFeed>,
    settings: Res<Settings>,
    keys: Res<ButtonInput<KeyCode>>,
    mut next: ResMut<NextState<Screen>>,
    mut commands: Commands,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    let Some(mut recording) = recording else { return Ok(()) };
    by_keys(&mut recording, &keys, &render);
    hud::names(context, &labels);
    let title = recording.reader().header().map_or("", |header| header.mode.title());
    hud::round(context, &render, title, None, settings.palette, false);
    kill_feed::show(context, &feed, None, settings.palette);
    let mut leave = keys.just_pressed(KeyCode::Escape);
    waiting(context, &recording);
    bar(context, &mut recording, &render, &mut leave);
    if leave {
        commands.remove_resource::<Recording>();
        render.reset();
        next.set(Screen::Menu);
    }
    Ok(())
}

fn by_keys(recording: &mut Recording, keys: &ButtonInput<KeyCode>, render: &RenderState) {
    let commands = [
        (KeyCode::Space, PlaybackCommand::TogglePlay),
        (KeyCode::ArrowLeft, PlaybackCommand::Skip { seconds: -JUMP_SECONDS }),
        (KeyCode::ArrowRight, PlaybackCommand::Skip { seconds: JUMP_SECONDS }),
        (KeyCode::ArrowUp, PlaybackCommand::Faster),
        (KeyCode::ArrowDown, PlaybackCommand::Slower),
    ];
    for (key, command) in commands {
        if keys.just_pressed(key) {
            recording.apply(command);
        }
    }
    if keys.just_pressed(KeyCode::KeyF) {
        recording.follow = after(render, recording.follow);
    }
}

/// The next slot to follow. `None` after the last one.
fn after(render: &RenderState, now: Option<Slot>) -> Option<Slot> {
    let mut slots = render.roster.entries.iter().map(|entry| entry.slot);
    match now {
        None => slots.next(),
        Some(now) => slots.find(|slot| *slot > now),
    }
}

fn bar(context: &Context, recording: &mut Recording, render: &RenderState, leave: &mut bool) {
    let width = (context.content_rect().width() - 48.0).clamp(160.0, 980.0);
    let is_narrow = width < 800.0;
    let area = Area::new(Id::new("replay bar")).anchor(Align2::CENTER_BOTTOM, vec2(0.0, -16.0));
    area.order(Order::Middle).show(context, |ui| {
        theme::chip().show(ui, |ui| {
            ui.set_width(width - 24.0);
            problem(ui, recording);
            timeline(ui, recording);
            ui.horizontal(|ui| {
                let text = if recording.is_playing() { "Pause" } else { "Play" };
                if widgets::secondary_sized(ui, text, vec2(84.0, 32.0)).clicked() {
                    recording.apply(PlaybackCommand::TogglePlay);
                }
                let now = words::clock_rounded_up(recording.seconds().into());
                let length = words::clock_rounded_up(recording.length().into());
                ui.label(theme::text(format!("{now} of {length}")));
                if *recording.arrival() == Arrival::Arriving {
                    let share = recording.share() * 100.0;
                    ui.label(theme::small(format!("{share:.0} % downloaded")));
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    *leave |= widgets::secondary_sized(ui, "Close", vec2(72.0, 32.0)).clicked();
                    if !is_narrow {
                        follow(ui, recording, render);
                        speed(ui, recording);
                        ui.label(theme::small("Speed"));
                    }
                });
            });
            if is_narrow {
                ui.horizontal(|ui| {
                    speed(ui, recording);
                    follow(ui, recording, render);
                });
            }
        });
    });
}

/// The button that goes to the next disc to follow.
fn follow(ui: &mut Ui, recording: &mut Recording, render: &RenderState) {
    let followed = recording.follow.map_or("no disc", |slot| render.roster.name(slot));
    let size = vec2(160.0, 32.0);
    let text = format!("Follow: {}", bidi::visual(followed));
    let text = elided(ui.painter(), &text, &theme::bold(14.0), size.x - 12.0);
    if widgets::secondary_sized(ui, &text, size).clicked() {
        recording.follow = after(render, recording.follow);
    }
}

/// The choice of the speed.
fn speed(ui: &mut Ui, recording: &mut Recording) {
    let names = SPEEDS.iter().map(|speed| speed.name);
    let options: Vec<(usize, &str)> = names.enumerate().collect();
    let width = 220.0_f32.min(ui.available_width());
    ui.allocate_ui(vec2(width, 32.0), |ui| {
        let chosen = recording.player().speed_index();
        if let Some(index) = widgets::segments(ui, &options, chosen) {
            recording.apply(PlaybackCommand::SetSpeed { index });
        }
    });
}

/// The problem with the download, if there is one.
fn problem(ui: &mut Ui, recording: &Recording) {
    let text = match recording.arrival() {
        Arrival::Arriving => return,
        Arrival::Interrupted { error, retry_at } => {
            let wait = retry_at.saturating_duration_since(Instant::now()).as_secs_f32();
            format!("{error} Next attempt in {wait:.1} s.")
        }
        Arrival::Failed { error } => error.clone(),
        Arrival::Complete if recording.reader().is_complete() => return,
        Arrival::Complete => "The recording is incomplete: its end is missing.".to_owned(),
    };
    ui.label(theme::small(text).color(theme::WARM));
}

/// A note while the playhead waits for more of the recording.
fn waiting(context: &Context, recording: &Recording) {
    if recording.player().state() == PlaybackState::Buffering {
        hud::middle(context, "Waiting for the recording…");
    }
}

#[expect(clippy::cast_precision_loss, reason = "ticks of a round")]
fn timeline(ui: &mut Ui, recording: &mut Recording) {
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::click_and_drag());
    let length = recording.length().max(0.1);
    let x_of = |seconds: f32| rect.left() + rect.width() * (seconds / length).clamp(0.0, 1.0);
    let line = Rect::from_min_max(
        pos2(rect.left(), rect.center().y - 3.0),
        pos2(rect.right(), rect.center().y + 3.0),
    );
    let painter = ui.painter();
    painter.rect_filled(line, CornerRadius::same(3), theme::FIELD);
    let here = Rect::from_min_max(line.min, pos2(x_of(recording.available()), line.bottom()));
    painter.rect_filled(here, CornerRadius::same(3), theme::LINE_BRIGHT);
    let now = x_of(recording.seconds());
    let gone = Rect::from_min_max(line.min, pos2(now, line.bottom()));
    painter.rect_filled(gone, CornerRadius::same(3), theme::WARM);
    for marker in recording.reader().markers() {
        let x = x_of(marker.tick as f32 / TICK_RATE_HZ as f32);
        let (colour, half) = match marker.kind {
            MarkerKind::KnockOut => (theme::TEXT, 6.0),
            MarkerKind::LeadChange => (theme::CHARGE, 8.0),
            MarkerKind::Pickup => (theme::GOOD.gamma_multiply(0.6), 4.0),
        };
        let y = rect.center().y;
        painter.line_segment([pos2(x, y - half), pos2(x, y + half)], Stroke::new(1.0, colour));
    }
    painter.circle_filled(pos2(now, rect.center().y), 7.0, theme::TEXT);
    if let Some(pointer) = response.interact_pointer_pos() {
        let along = ((pointer.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
        if response.clicked() || response.dragged() {
            recording.jump_to(along * length);
        }
    }
}
