//! Letters that the game's own fonts lack come from the fonts of the system: Chinese, Japanese, Korean, Arabic, Hebrew,
//! Thai and all others. Such fonts are large, so they are loaded when a text first needs them.

use std::collections::BTreeSet;
use std::thread::{self, JoinHandle};

use bevy::prelude::IntoScheduleConfigs as _;
use bevy::prelude::{
    App, Plugin, Real, Res, ResMut, Resource, Time, Update, resource_exists, warn,
};
use bevy_egui::EguiContexts;
use bevy_egui::egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use bevy_egui::egui::{FontData, FontFamily};
use fontdb::{Database, FaceInfo, ID, Stretch, Style, Weight};
use ttf_parser::{Face, OutlineBuilder};

use super::chat::Draft;
use super::theme::{self, ThemeApplied};
use crate::chat::Chat;
use crate::frame::RenderState;
use crate::lobby::Lobby;
use crate::replay_list::Replays;
use crate::settings::Settings;

/// Seconds between two looks at what is shown.
const LOOK_EVERY_SECONDS: f32 = 0.4;
/// All letters of the game's own fonts come before this one.
const FIRST_OTHER: char = '\u{250}';
/// Letters that are remembered as looked for. Further ones are not looked for.
const LETTERS_MAX: usize = 20_000;
/// Fonts of the system that are loaded at most, and their size.
const FONTS_MAX: usize = 12;
const BYTES_MAX: usize = 160 * 1024 * 1024;
/// Letters that a line of the log names at most.
const NAMED_MAX: usize = 12;

/// Loads fonts for what is shown.
#[derive(Debug)]
pub(super) struct FontsPlugin;

impl Plugin for FontsPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<SystemFonts>()
            .add_systems(Update, load.run_if(resource_exists::<ThemeApplied>));
    }
}

/// The letters that were looked for, and the fonts that were found.
#[derive(Debug, Default, Resource)]
struct SystemFonts {
    known: BTreeSet<char>,
    look_in_seconds: f32,
    search: Option<JoinHandle<Found>>,
    loaded: BTreeSet<ID>,
    bytes: usize,
}

/// The result of a search.
#[derive(Debug, Default)]
struct Found {
    fonts: Vec<FoundFont>,
    /// Letters that no font has.
    missing: Vec<char>,
}

#[derive(Debug)]
struct FoundFont {
    id: ID,
    name: String,
    data: Vec<u8>,
    index: u32,
}

fn load(
    mut fonts: ResMut<SystemFonts>,
    mut contexts: EguiContexts<'_, '_>,
    time: Res<Time<Real>>,
    render: Res<RenderState>,
    chat: Res<Chat>,
    lobby: Res<Lobby>,
    replays: Res<Replays>,
    settings: Res<Settings>,
    draft: Res<Draft>,
) {
    if let Some(search) = fonts.search.take_if(|search| search.is_finished()) {
        let Ok(context) = contexts.ctx_mut() else { return };
        let found = search.join().unwrap_or_default();
        for font in found.fonts {
            fonts.loaded.insert(font.id);
            fonts.bytes += font.data.len();
            context.add_font(insert(font));
        }
        if !found.missing.is_empty() {
            let named: String = found.missing.iter().take(NAMED_MAX).collect();
            warn!("no font of this system has {named}: install one, such as Noto, to see it");
        }
    }
    fonts.look_in_seconds -= time.delta_secs();
    if fonts.look_in_seconds > 0.0 || fonts.search.is_some() {
        return;
    }
    fonts.look_in_seconds = LOOK_EVERY_SECONDS;
    let roster = render.roster.entries.iter().map(|entry| entry.name.as_str());
    let lines = chat
        .lines
        .iter()
        .flat_map(|received| [received.line.name.as_str(), received.line.text.as_str()]);
    let rooms = lobby.rooms.iter().flatten().flat_map(|list| &list.rooms);
    let leaders = rooms.filter_map(|room| Some(room.leader.as_ref()?.0.as_str()));
    let recorded = replays.found.iter().flatten().flat_map(|replay| &replay.players);
    let winners = recorded.map(|player| player.name.as_str());
    let former = settings.previous_identities.as_slice().iter().map(|one| one.name.as_str());
    let own = [settings.name.as_str(), draft.text.as_str()];
    let texts = roster.chain(lines).chain(leaders).chain(winners).chain(former).chain(own);
    let wanted = unknown(texts, &mut fonts.known);
    if wanted.is_empty() || fonts.loaded.len() >= FONTS_MAX || fonts.bytes >= BYTES_MAX {
        return;
    }
    let (loaded, room) = (fonts.loaded.clone(), BYTES_MAX - fonts.bytes);
    let fonts_max = FONTS_MAX - fonts.loaded.len();
    let thread = thread::Builder::new().name("fonts".to_owned());
    fonts.search = thread.spawn(move || search(wanted, &loaded, fonts_max, room)).ok();
}

/// The letters of these texts that were not looked for yet. From now on they are known.
fn unknown<'a>(texts: impl Iterator<Item = &'a str>, known: &mut BTreeSet<char>) -> BTreeSet<char> {
    let others = texts.filter(|text| !text.is_ascii()).flat_map(str::chars);
    let others = others.filter(|letter| *letter >= FIRST_OTHER && !letter.is_whitespace());
    let mut wanted = BTreeSet::new();
    for letter in others {
        if known.len() < LETTERS_MAX && known.insert(letter) {
            wanted.insert(letter);
        }
    }
    wanted
}

fn insert(font: FoundFont) -> FontInsert {
    let data = FontData { index: font.index, ..FontData::from_owned(font.data) };
    let families = [FontFamily::Proportional, FontFamily::Name(theme::BOLD.into())];
    let lowest = |family| InsertFontFamily { family, priority: FontPriority::Lowest };
    FontInsert::new(&font.name, data, families.map(lowest).to_vec())
}

/// Looks for the letters in all fonts of the system. It reads many files, so it has a thread of its own.
fn search(
    mut wanted: BTreeSet<char>,
    loaded: &BTreeSet<ID>,
    fonts_max: usize,
    mut bytes_max: usize,
) -> Found {
    for own in theme::own_fonts() {
        if let Ok(face) = Face::parse(&own.font, own.index) {
            wanted.retain(|letter| !has(&face, *letter));
        }
    }
    let mut found = Found::default();
    if wanted.is_empty() {
        return found;
    }
    let mut database = Database::new();
    database.load_system_fonts();
    let mut faces: Vec<&FaceInfo> = database.faces().collect();
    faces.sort_by_key(|face| oddness(face));
    let covers = |id: ID, wanted: &BTreeSet<char>| {
        let letters = database.with_face_data(id, |data, index| {
            let face = Face::parse(data, index).ok()?;
            Some(wanted.iter().copied().filter(|letter| has(&face, *letter)).collect())
        });
        letters.flatten().unwrap_or_default()
    };
    let mut offers: Vec<(ID, BTreeSet<char>)> =
        faces.iter().map(|face| (face.id, covers(face.id, &wanted))).collect();
    // The id of a face depends on the order in which the files are found, which does not change while the game runs.
    offers.retain(|(id, letters)| !letters.is_empty() && !loaded.contains(id));
    while found.fonts.len() < fonts_max {
        // The font with most of the letters; of equal ones the most usual.
        let count = |(_, letters): &&(ID, BTreeSet<char>)| letters.intersection(&wanted).count();
        let Some((id, letters)) = offers.iter().rev().max_by_key(count) else { break };
        let (id, letters) = (*id, letters.clone());
        offers.retain(|(other, _)| *other != id);
        if letters.is_disjoint(&wanted) {
            break;
        }
        let data = database.with_face_data(id, |data, index| (data.to_vec(), index));
        let Some((data, index)) = data.filter(|(data, _)| data.len() <= bytes_max) else {
            continue;
        };
        bytes_max -= data.len();
        wanted.retain(|letter| !letters.contains(letter));
        found.fonts.push(FoundFont { id, name: format!("system font {id}"), data, index });
    }
    found.missing = wanted.into_iter().collect();
    found
}

/// How far a face is from plain text. Zero is a regular sans serif.
fn oddness(face: &FaceInfo) -> (bool, bool, u16, bool) {
    let name = face.families.first().map_or("", |(name, _)| name.as_str());
    let is_odd = face.style != Style::Normal || face.stretch != Stretch::Normal;
    let is_sans = name.contains("Sans") || name.contains("Gothic");
    (is_odd, face.monospaced, face.weight.0.abs_diff(Weight::NORMAL.0), !is_sans)
}

/// Whether a face can draw a letter: fonts of coloured pictures have letters without an outline.
fn has(face: &Face<'_>, letter: char) -> bool {
    let Some(glyph) = face.glyph_index(letter) else { return false };
    face.outline_glyph(glyph, &mut Nowhere).is_some() || is_invisible(letter)
}

/// Joiners and direction marks draw nothing anywhere.
const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}')
}

/// Draws an outline nowhere.
struct Nowhere;

impl OutlineBuilder for Nowhere {
    fn move_to(&mut self, _: f32, _: f32) {}
    fn line_to(&mut self, _: f32, _: f32) {}
    fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {}
    fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {}
    fn close(&mut self) {}
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FONTS_MAX, search, unknown};

    #[test]
    fn letters_are_looked_for_once() {
        let mut known = BTreeSet::new();

        let first = unknown(["Ada", "名前", "Żółć"].into_iter(), &mut known);
        let second = unknown(["名前 名"].into_iter(), &mut known);

        assert_eq!(first, BTreeSet::from(['名', '前']));
        assert!(second.is_empty());
    }

    #[test]
    fn letters_of_the_own_fonts_need_no_other_and_a_letter_that_no_font_has_is_reported() {
        let own = search(BTreeSet::from(['Ж', 'λ', '😀']), &BTreeSet::new(), FONTS_MAX, usize::MAX);
        assert!(own.fonts.is_empty() && own.missing.is_empty(), "{:?}", own.missing);

        // The last code point is no letter, and never will be.
        let never = search(BTreeSet::from(['\u{10ffff}']), &BTreeSet::new(), FONTS_MAX, usize::MAX);
        assert_eq!(never.missing, ['\u{10ffff}']);
    }
}
