//! The heads-up display of a running round: time, places, countdown, names, the last push.

use bevy_egui::egui::{Align2, Context, CornerRadius, Rect, Stroke, StrokeKind, pos2, vec2};
use presentation::words;
use shared::sim::Slot;
use shared::snapshot::Roster;

use super::text::{LINE_OWN, elided, outlined, painter};
use super::theme::{self, CHARGE, LINE, MUTED, PANEL, TEXT, WARM};
use super::{bidi, crowd, icons, narrow, player_dot};
use crate::frame::RenderState;
use crate::scene::{Credit, Labels, palette};
use crate::settings::PaletteChoice;
use crate::world_to_scene::SceneWorld;

/// The lines of the small table.
const PLACES: usize = 4;
/// The same in a compact window.
const PLACES_COMPACT: usize = 3;
/// How long "Go!" is shown after the countdown.
const GO_SECONDS: f32 = 0.7;

/// The time that is left, and the mode or a warning.
pub fn time(context: &Context, scene: &SceneWorld, title: &str) {
    let painter = painter(context, "time");
    let screen = context.content_rect();
    let teams = scene.team_points;
    let width = if teams.is_some() { 260.0 } else { 132.0 };
    let rect =
        Rect::from_center_size(pos2(screen.center().x, screen.top() + 46.0), vec2(width, 60.0));
    let hurry = scene.remaining <= 10.0 && !scene.over;
    let shrinks = scene.radius < scene.radius_whole;
    let edge = Stroke::new(1.0, if shrinks { WARM.gamma_multiply(0.7) } else { LINE });
    painter.rect(rect, CornerRadius::same(theme::RADIUS), PANEL, edge, StrokeKind::Inside);
    let ink = if hurry { WARM } else { TEXT };
    let at = pos2(rect.center().x, rect.top() + 23.0);
    painter.text(
        at,
        Align2::CENTER_CENTER,
        words::clock_rounded_up(scene.remaining.into()),
        theme::bold(28.0),
        ink,
    );
    let (note, ink) = if shrinks { ("The ice breaks", WARM) } else { (title, MUTED) };
    let at = pos2(rect.center().x, rect.bottom() - 13.0);
    painter.text(at, Align2::CENTER_CENTER, note, theme::font(12.0), ink);
    if let Some(points) = teams {
        for (team, x) in [(0_u8, rect.left() + 36.0), (1, rect.right() - 36.0)] {
            let colour = theme::colour(palette::mix(palette::team(team), palette::WHITE, 0.35));
            let text = words::signed(points[usize::from(team)]);
            painter.text(
                pos2(x, rect.center().y),
                Align2::CENTER_CENTER,
                text,
                theme::bold(28.0),
                colour,
            );
        }
    }
}

/// The best players, and the local player.
pub fn places(
    context: &Context,
    scene: &SceneWorld,
    roster: &Roster,
    own: Option<Slot>,
    colours: PaletteChoice,
) {
    let painter = painter(context, "places");
    let ranking = scene.ranking();
    let own_place = ranking.iter().position(|disc| Some(disc.slot) == own);
    let most = if narrow::is_compact(context) { PLACES_COMPACT } else { PLACES };
    let mut shown: Vec<usize> = (0..ranking.len().min(most)).collect();
    if let Some(own) = own_place.filter(|own| *own >= most) {
        shown.pop();
        shown.push(own);
    }
    let screen = context.content_rect();
    let (left, mut top) = (screen.left() + 16.0, screen.top() + narrow::below_time(context));
    let width = if narrow::is_compact(context) { 150.0 } else { 208.0 };
    for place in shown {
        let disc = ranking[place];
        let is_own = Some(disc.slot) == own;
        let rect = Rect::from_min_size(pos2(left, top), vec2(width, 30.0));
        let edge = Stroke::new(1.0, if is_own { LINE_OWN } else { LINE });
        painter.rect(rect, CornerRadius::same(8), PANEL, edge, StrokeKind::Inside);
        let middle = rect.center().y;
        let number = pos2(left + 20.0, middle);
        let ink = if place == 0 && disc.points > 0 { CHARGE } else { MUTED };
        painter.text(
            number,
            Align2::CENTER_CENTER,
            (place + 1).to_string(),
            theme::bold(14.0),
            ink,
        );
        player_dot::dot(&painter, pos2(left + 41.0, middle), 6.0, disc.slot, colours, 1.0);
        let font = if is_own { theme::bold(14.0) } else { theme::font(14.0) };
        let name = elided(&painter, roster.name(disc.slot), &font, width - 96.0);
        painter.text(pos2(left + 55.0, middle), Align2::LEFT_CENTER, name, font, TEXT);
        let points = pos2(rect.right() - 12.0, middle);
        painter.text(
            points,
            Align2::RIGHT_CENTER,
            words::signed(disc.points),
            theme::bold(14.0),
            TEXT,
        );
        top += 34.0;
    }
}

/// The countdown, and "Go!" after it. `elapsed` is the time since its end, in seconds.
pub fn countdown(context: &Context, scene: &SceneWorld, elapsed: f32) {
    let painter = painter(context, "countdown");
    let centre = context.content_rect().center() - vec2(0.0, context.content_rect().height() * 0.2);
    if scene.countdown > 0.0 {
        let number = scene.countdown.ceil();
        let fresh = 1.0 - (number - scene.countdown);
        let size = 76.0 + 30.0 * fresh * fresh;
        let alpha = (0.35 + fresh).min(1.0);
        outlined(&painter, centre, &format!("{number:.0}"), size, TEXT.gamma_multiply(alpha));
        outlined(&painter, centre + vec2(0.0, 70.0), "Get ready", 20.0, TEXT);
    } else if (0.0..GO_SECONDS).contains(&elapsed) {
        let along = elapsed / GO_SECONDS;
        let alpha = 1.0 - along * along;
        outlined(&painter, centre, "Go!", 84.0 + 26.0 * along, WARM.gamma_multiply(alpha));
    }
}

/// The cause of the own fall once it is confirmed, and the time until the disc is back.
pub fn fallen(context: &Context, back_in: f32, credit: Option<Credit>, roster: &Roster) {
    let painter = painter(context, "fallen");
    let screen = context.content_rect();
    let centre = pos2(screen.center().x, screen.top() + screen.height() * 0.27);
    match credit {
        Some(Credit::Pushed(by, kind)) => {
            let name = roster.name(by);
            let text = format!("{} pushed you off", bidi::visual(name));
            outlined(&painter, centre, &text, 28.0, TEXT);
            icons::push(&painter, centre - vec2(0.0, 42.0), 34.0, Some(kind), WARM);
        }
        Some(Credit::Slipped) => outlined(&painter, centre, "You slipped off the edge", 28.0, TEXT),
        None => {}
    }
    let text = format!("Back in {back_in:.1}");
    outlined(&painter, centre + vec2(0.0, 34.0), &text, 16.0, TEXT);
}

/// A line at the top, for spectators and private rooms.
pub fn watching(context: &Context, text: &str) {
    let painter = painter(context, "watching");
    let screen = context.content_rect();
    let text = elided(&painter, text, &theme::bold(14.0), screen.width() - 24.0);
    outlined(&painter, pos2(screen.center().x, screen.top() + 100.0), &text, 14.0, TEXT);
}

/// A text in the middle of the picture.
pub fn middle(context: &Context, text: &str) {
    let painter = painter(context, "middle");
    outlined(&painter, context.content_rect().center(), text, 20.0, TEXT);
}

/// The names below the discs.
pub fn names(context: &Context, labels: &Labels) {
    let painter = painter(context, "names");
    let zoom = context.zoom_factor();
    for label in &labels.0 {
        let at = pos2(label.position.x / zoom, label.position.y / zoom);
        outlined(
            &painter,
            at,
            &bidi::visual(&label.text),
            13.0,
            TEXT.gamma_multiply(label.strength),
        );
    }
}

/// The round trip and the age of the newest snapshot, in milliseconds.
pub fn link(context: &Context, round_trip_ms: Option<f64>, snapshot_age_ms: f64) {
    let painter = painter(context, "link");
    let raised = narrow::raised_in_narrow(context);
    let corner = context.content_rect().right_bottom() - vec2(16.0, 12.0 + raised);
    let ping = round_trip_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0}"));
    let text = format!("{ping} ms · {snapshot_age_ms:.0} ms old");
    let bad = round_trip_ms.is_some_and(|ms| ms > 180.0) || snapshot_age_ms > 250.0;
    let ink = if bad { WARM } else { MUTED };
    let galley = painter.layout_no_wrap(text, theme::font(12.0), ink);
    let rect = Rect::from_min_max(corner - galley.size() - vec2(16.0, 6.0), corner);
    painter.rect_filled(rect, CornerRadius::same(6), PANEL);
    painter.galley(rect.center() - galley.size() / 2.0, galley, ink);
}

/// The whole display of a running round. `is_covered`: a panel lies over the middle of the picture.
pub fn round(
    context: &Context,
    render: &RenderState,
    title: &str,
    fall: Option<Credit>,
    colours: PaletteChoice,
    is_covered: bool,
) {
    let Some(scene) = &render.scene else { return };
    time(context, scene, title);
    if scene.is_partial {
        crowd::places(context, scene, &render.roster, render.own, colours);
    } else {
        places(context, scene, &render.roster, render.own, colours);
    }
    if is_covered || scene.over {
        return;
    }
    let whole = scene.remaining / (1.0 - scene.progress).max(1e-6);
    // The countdown of a short round takes an eighth of it.
    let countdown_seconds = (shared::sim::mode::COUNTDOWN_TICKS as f32 / 60.0).min(whole / 8.0);
    let since_go = whole * scene.progress - countdown_seconds;
    countdown(context, scene, since_go);
    let own = render.own.and_then(|slot| scene.disc(slot));
    if let Some(own) = own.filter(|own| !own.standing && own.falls > 0) {
        fallen(context, own.back_in, fall, &render.roster);
    }
}
