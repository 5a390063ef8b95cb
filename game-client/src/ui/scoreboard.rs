//! The scoreboard: of a running round, and of a result.

use bevy_egui::egui::{
    Align, Align2, Color32, CornerRadius, Layout, Rect, Sense, Ui, UiBuilder, pos2, vec2,
};
use presentation::words;
use shared::protocol::{PlayerResult, Ratings};
use shared::sim::Slot;
use shared::snapshot::Roster;

use super::player_dot;
use super::text::elided;
use super::theme::{self, CHARGE, GOOD, MUTED, TEXT, WARM};
use crate::scene::palette;
use crate::settings::PaletteChoice;
use crate::world_to_scene::SceneWorld;

/// The height of a line, in points.
const LINE_HEIGHT: f32 = 30.0;
/// The width of the change of a rating with the gap before it. The first rounds change a rating by up to three digits.
const CHANGE_WIDTH: f32 = 58.0;

/// A line of the scoreboard.
#[derive(Debug, Clone)]
pub struct Row {
    /// The place, from 1. `None` when only discs in sight are known.
    place: Option<usize>,
    slot: Slot,
    name: String,
    bot: bool,
    reconnecting: bool,
    team: Option<u8>,
    points: i32,
    knockouts: u32,
    falls: u32,
    rating: Option<RowRating>,
}

/// The rating of a player after a round.
#[derive(Debug, Clone, Copy)]
struct RowRating {
    rating: i32,
    change: i32,
    provisional: bool,
}

/// The lines of a running round.
#[must_use]
pub fn running(scene: &SceneWorld, roster: &Roster) -> Vec<Row> {
    let row = |(place, disc): (usize, &&crate::world_to_scene::SceneDisc)| {
        let entry = roster.entry(disc.slot);
        Row {
            place: (!scene.is_partial).then_some(place + 1),
            slot: disc.slot,
            name: roster.name(disc.slot).to_owned(),
            bot: entry.is_some_and(|entry| entry.bot.is_some()),
            reconnecting: entry.is_some_and(|entry| entry.reconnecting),
            team: scene.team_points.is_some().then_some(disc.team),
            points: i32::from(disc.points),
            knockouts: u32::from(disc.knockouts),
            falls: u32::from(disc.falls),
            rating: None,
        }
    };
    scene.ranking().iter().enumerate().map(row).collect()
}

/// The first `most` rows. The own row replaces the last of them when it is not among them.
#[must_use]
pub fn best(mut rows: Vec<Row>, own: Option<Slot>, most: usize) -> Vec<Row> {
    if rows.len() > most && most > 0 {
        let own = rows.iter().position(|row| Some(row.slot) == own).filter(|own| *own >= most);
        if let Some(own) = own {
            rows.swap(own, most - 1);
        }
        rows.truncate(most);
    }
    rows
}

/// The lines of a result, with ratings when the round has settled them.
#[must_use]
pub fn finished(places: &[PlayerResult], ratings: Ratings) -> Vec<Row> {
    let row = |(number, place): (usize, &PlayerResult)| Row {
        place: Some(number + 1),
        slot: place.slot,
        name: place.name.as_str().to_owned(),
        bot: place.bot,
        reconnecting: false,
        team: place.team,
        points: place.points,
        knockouts: place.knockouts,
        falls: place.falls,
        rating: (ratings == Ratings::Settled).then_some(RowRating {
            rating: place.rating,
            change: place.rating_change,
            provisional: place.provisional,
        }),
    };
    places.iter().enumerate().map(row).collect()
}

/// Draws the scoreboard.
pub fn table(ui: &mut Ui, rows: &[Row], own: Option<Slot>, colours: PaletteChoice) {
    let with_rating = rows.iter().any(|row| row.rating.is_some());
    let columns = Columns::of(ui.available_width(), with_rating);
    header(ui, &columns);
    for (number, row) in rows.iter().enumerate() {
        line(ui, &columns, number, row, own == Some(row.slot), colours);
    }
}

/// The right edges of the columns with numbers, from the left of the table.
struct Columns {
    width: f32,
    points: f32,
    knockouts: Option<f32>,
    falls: Option<f32>,
    rating: Option<f32>,
}

impl Columns {
    /// A narrow table has fewer columns: names and points are always there.
    fn of(width: f32, with_rating: bool) -> Self {
        let with_counts = width >= if with_rating { 480.0 } else { 350.0 };
        let with_rating = with_rating && width >= 300.0;
        let rating_width = if with_rating { CHANGE_WIDTH + 76.0 } else { 0.0 };
        let right = width - 14.0 - rating_width;
        Self {
            width,
            rating: with_rating.then_some(width - 14.0),
            falls: with_counts.then_some(right),
            knockouts: with_counts.then_some(right - 68.0),
            points: if with_counts { right - 158.0 } else { right },
        }
    }
}

fn header(ui: &mut Ui, columns: &Columns) {
    let (rect, _) = ui.allocate_exact_size(vec2(columns.width, 20.0), Sense::hover());
    let painter = ui.painter();
    let at = |x: f32| pos2(rect.left() + x, rect.center().y);
    let font = theme::font(12.0);
    painter.text(at(44.0), Align2::LEFT_CENTER, "Player", font.clone(), MUTED);
    let titled = [
        (Some(columns.points), "Points"),
        (columns.knockouts, "Knock-outs"),
        (columns.falls, "Falls"),
        (columns.rating, "Rating"),
    ];
    for (x, title) in titled {
        if let Some(x) = x {
            painter.text(at(x), Align2::RIGHT_CENTER, title, font.clone(), MUTED);
        }
    }
}

fn line(
    ui: &mut Ui,
    columns: &Columns,
    number: usize,
    row: &Row,
    is_own: bool,
    colours: PaletteChoice,
) {
    let (rect, _) = ui.allocate_exact_size(vec2(columns.width, LINE_HEIGHT), Sense::hover());
    ui.advance_cursor_after_rect(Rect::from_min_size(
        rect.left_bottom() - vec2(0.0, 4.0),
        vec2(0.0, 0.0),
    ));
    let painter = ui.painter().clone();
    if is_own {
        painter.rect_filled(rect, CornerRadius::same(6), Color32::from_rgb(42, 56, 98));
    } else if number % 2 == 1 {
        painter.rect_filled(rect, CornerRadius::same(6), Color32::from_white_alpha(5));
    }
    let at = |x: f32| pos2(rect.left() + x, rect.center().y);
    if let Some(place) = row.place {
        let ink = if place == 1 { CHARGE } else { MUTED };
        painter.text(at(18.0), Align2::CENTER_CENTER, place.to_string(), theme::bold(14.0), ink);
    }
    let mut x = 44.0;
    if let Some(team) = row.team {
        let bar = Rect::from_center_size(at(36.0), vec2(3.0, 18.0));
        painter.rect_filled(bar, CornerRadius::same(2), theme::colour(palette::team(team)));
    }
    player_dot::dot(&painter, at(x + 6.0), 6.0, row.slot, colours, 1.0);
    x += 20.0;
    let font = if is_own { theme::bold(14.0) } else { theme::font(14.0) };
    let name = elided(&painter, &row.name, &font, (columns.points - x - 84.0).max(60.0));
    let end = painter.text(at(x), Align2::LEFT_CENTER, name, font, TEXT);
    let note = match (row.reconnecting, row.bot) {
        (true, _) => Some(("reconnecting", WARM)),
        (false, true) => Some(("bot", MUTED.gamma_multiply(0.8))),
        (false, false) => None,
    };
    if let Some((note, ink)) = note {
        let after = pos2(end.right() + 8.0, rect.center().y + 0.5);
        painter.text(after, Align2::LEFT_CENTER, note, theme::font(12.0), ink);
    }
    let number = |x: f32, value: String| {
        painter.text(at(x), Align2::RIGHT_CENTER, value, theme::font(14.0), TEXT);
    };
    painter.text(
        at(columns.points),
        Align2::RIGHT_CENTER,
        words::signed(row.points),
        theme::bold(14.0),
        TEXT,
    );
    for (x, count) in [(columns.knockouts, row.knockouts), (columns.falls, row.falls)] {
        if let Some(x) = x {
            number(x, count.to_string());
        }
    }
    if let (Some(x), Some(own)) = (columns.rating, row.rating) {
        let RowRating { rating, change, provisional } = own;
        let ink = if change >= 0 { GOOD } else { WARM };
        let text = words::signed(format_args!("{change:+}"));
        painter.text(at(x), Align2::RIGHT_CENTER, text, theme::bold(14.0), ink);
        number(x - CHANGE_WIDTH, words::rating(rating, provisional));
    }
}

/// A title with a remark at the right.
pub fn title(ui: &mut Ui, title: &str, remark: &str) {
    let size = vec2(ui.available_width(), 32.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let mut line =
        ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    let room = (line.available_width() - if remark.is_empty() { 0.0 } else { 90.0 }).max(60.0);
    let title = elided(line.painter(), title, &theme::bold(20.0), room);
    line.label(theme::heading(title, 20.0));
    line.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(theme::muted(remark)));
}

#[cfg(test)]
mod tests {
    use shared::sim::{Command, Mode, Slot, World};
    use shared::snapshot::Roster;

    use super::{best, running};
    use crate::world_to_scene::SceneWorld;

    fn crowd(seed: u64) -> SceneWorld {
        let mut world = World::new(Mode::Crowd, seed, 3_600);
        let joins: Vec<_> =
            (0..300).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
        world.step(&joins);
        SceneWorld::interpolate(&world, &world, 1.0)
    }

    #[test]
    fn of_a_crowd_the_best_and_the_own_row_are_listed() {
        let rows = best(running(&crowd(1), &Roster::default()), Some(Slot(207)), 16);

        assert_eq!(rows.len(), 16);
        assert_eq!(rows.last().map(|row| (row.slot, row.place)), Some((Slot(207), Some(208))));
    }

    #[test]
    fn a_narrow_table_has_room_for_names_and_points() {
        for width in [120.0, 240.0, 360.0, 480.0, 620.0] {
            for with_rating in [false, true] {
                let columns = super::Columns::of(width, with_rating);
                assert!(columns.points > 60.0 && columns.points < width, "{width}");
            }
        }
    }

    #[test]
    fn there_are_no_places_when_only_discs_in_sight_are_known() {
        let rows = running(&crowd(0), &Roster::default());

        assert!(rows.iter().all(|row| row.place.is_none()));
    }
}
