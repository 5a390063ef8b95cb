//! The kill feed: the last knock-outs.

use std::collections::VecDeque;

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, Plugin, Res, ResMut, Resource, Time, Update,
};
use bevy_egui::egui::{
    Align2, Color32, Context, CornerRadius, FontId, LayerId, Order, Rect, Stroke, StrokeKind, pos2,
    vec2,
};
use shared::sim::event::PushKind;
use shared::sim::{Event, Slot};

use super::text::elided;
use super::theme::{self, LINE, TEXT, WARM};
use super::{icons, narrow, player_dot};
use crate::frame::{ConfirmedEvent, Phase, RenderState};
use crate::settings::PaletteChoice;

/// Lines at once. When full, the oldest is dropped.
const LINES_MAX: usize = 5;
/// How long a line is shown.
const STAY_SECONDS: f32 = 6.0;
/// While the feed is full and its newest line is younger than this, only knock-outs of or by the own disc are added:
/// otherwise the lines of a crowd would be too fast to read.
const READ_SECONDS: f32 = 0.8;
/// How long a line fades out at its end.
const FADE_SECONDS: f32 = 0.6;

/// From the left of a player's dot to the name, in points.
const NAME: f32 = 18.0;

/// A knock-out.
#[derive(Debug, Clone)]
pub struct Line {
    fallen: (Slot, String),
    by: Option<(Slot, String, PushKind)>,
    age: f32,
}

/// The last knock-outs.
#[derive(Debug, Default, Resource)]
pub struct KillFeed {
    /// The oldest first.
    pub lines: VecDeque<Line>,
    generation: u32,
}

/// Collects the knock-outs.
#[derive(Debug)]
pub(super) struct KillFeedPlugin;

impl Plugin for KillFeedPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<KillFeed>().add_systems(Update, collect.in_set(Phase::Draw));
    }
}

fn collect(
    mut confirmed: MessageReader<ConfirmedEvent>,
    render: Res<RenderState>,
    time: Res<Time>,
    mut feed: ResMut<KillFeed>,
) {
    if feed.generation != render.generation {
        *feed = KillFeed { generation: render.generation, ..KillFeed::default() };
    }
    for line in &mut feed.lines {
        line.age += time.delta_secs();
    }
    feed.lines.retain(|line| line.age < STAY_SECONDS);
    for ConfirmedEvent(event) in confirmed.read() {
        let Event::KnockOut { slot, credit, .. } = event else { continue };
        let name = |slot: Slot| render.roster.name(slot).to_owned();
        let by = credit.map(|(by, kind)| (by, name(by), kind));
        let is_own = |slot: Slot| render.own == Some(slot) || render.followed == Some(slot);
        let about_own = is_own(*slot) || credit.is_some_and(|(by, _)| is_own(by));
        if feed.lines.len() == LINES_MAX {
            if !about_own && feed.lines.back().is_some_and(|line| line.age < READ_SECONDS) {
                continue;
            }
            feed.lines.pop_front();
        }
        feed.lines.push_back(Line { fallen: (*slot, name(*slot)), by, age: 0.0 });
    }
}

/// Draws the lines at the upper right, the newest at the bottom.
pub fn show(context: &Context, feed: &KillFeed, own: Option<Slot>, colours: PaletteChoice) {
    let painter = context.layer_painter(LayerId::new(Order::Background, "kill feed".into()));
    let right = context.content_rect().right() - 16.0;
    let mut top = context.content_rect().top() + narrow::below_time(context);
    let name_width = if narrow::is_compact(context) { 64.0 } else { 150.0 };
    for line in &feed.lines {
        let entering = (line.age / 0.16).clamp(0.0, 1.0);
        let leaving = ((STAY_SECONDS - line.age) / FADE_SECONDS).clamp(0.0, 1.0);
        let alpha = entering * leaving;
        let fade = |colour: Color32| colour.gamma_multiply(alpha);
        let font = FontId { size: 14.0, ..theme::bold(14.0) };
        let cut = |text: &str| elided(&painter, text, &font, name_width);
        let galley = |text: &str| painter.layout_no_wrap(cut(text), font.clone(), TEXT);
        let fallen = galley(&line.fallen.1);
        let by = line.by.as_ref().map(|(_, name, _)| galley(name));
        let by_width = by.as_ref().map_or(0.0, |by| by.size().x + NAME + 3.0);
        let width = 12.0 + by_width + 12.0 + 24.0 + 8.0 + NAME + 3.0 + fallen.size().x + 12.0;
        let left = right - width + 12.0 * (1.0 - entering);
        let rect = Rect::from_min_size(pos2(left, top), vec2(width, 30.0));
        let is_own =
            own.is_some() && (own == Some(line.fallen.0) || own == line.by.as_ref().map(|by| by.0));
        let edge =
            Stroke::new(if is_own { 1.5 } else { 1.0 }, fade(if is_own { WARM } else { LINE }));
        painter.rect(rect, CornerRadius::same(8), fade(theme::PANEL), edge, StrokeKind::Inside);
        let middle = rect.center().y;
        let mut x = rect.left() + 12.0;
        if let (Some((slot, ..)), Some(by)) = (&line.by, by) {
            player_dot::dot(&painter, pos2(x + 5.0, middle), 5.0, *slot, colours, alpha);
            let size = by.size();
            painter.galley(pos2(x + NAME, middle - size.y / 2.0), by, fade(TEXT));
            x += size.x + NAME + 3.0 + 12.0;
        }
        let kind = line.by.as_ref().map(|(_, _, kind)| *kind);
        icons::push(&painter, pos2(x + 9.0, middle), 20.0, kind, fade(WARM));
        x += 24.0 + 8.0;
        let slot = line.fallen.0;
        player_dot::dot(&painter, pos2(x + 5.0, middle), 5.0, slot, colours, alpha);
        let name = cut(&line.fallen.1);
        painter.text(pos2(x + NAME, middle), Align2::LEFT_CENTER, name, font.clone(), fade(TEXT));
        top += 34.0 * (0.4 + 0.6 * leaving);
    }
}
