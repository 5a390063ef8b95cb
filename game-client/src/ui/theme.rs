//! Fonts, colours and sizes, in the style of the lobby.

use std::sync::Arc;

use bevy::color::ColorToPacked as _;
use bevy_egui::egui::style::{TextCursorStyle, WidgetVisuals};
use bevy_egui::egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Frame, Margin,
    RichText, Shadow, Stroke, TextStyle, Vec2, Visuals,
};

/// The background of a panel over the picture. It is blended in linear light, where 96 % look like the 88 % of a browser.
pub const PANEL: Color32 = Color32::from_rgba_premultiplied(17, 25, 46, 246);
/// The background of an opaque panel.
pub const PANEL_SOLID: Color32 = Color32::from_rgb(18, 26, 48);
/// The background of fields.
pub const FIELD: Color32 = Color32::from_rgb(11, 16, 32);
/// The outline of a panel.
pub const LINE: Color32 = Color32::from_rgb(36, 48, 79);
/// The outline under the mouse.
pub const LINE_BRIGHT: Color32 = Color32::from_rgb(70, 90, 140);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(232, 238, 247);
/// Secondary text.
pub const MUTED: Color32 = Color32::from_rgb(147, 164, 191);
/// Pushes, danger, own actions, the primary button.
pub const WARM: Color32 = Color32::from_rgb(255, 122, 89);
/// Success.
pub const GOOD: Color32 = Color32::from_rgb(87, 217, 163);
/// Overcharge, and the leader.
pub const CHARGE: Color32 = Color32::from_rgb(255, 209, 102);
/// Text on a bright button.
pub const INK: Color32 = Color32::from_rgb(20, 12, 14);

/// The font family of headings.
pub const BOLD: &str = "bold";
/// The corner radius of panels, in points.
pub const RADIUS: u8 = 10;
/// The corner radius of buttons and fields, in points.
pub const RADIUS_SMALL: u8 = 8;

const REGULAR_FONT: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
const BOLD_FONT: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");

/// Present once fonts and colours are set.
#[derive(Debug, bevy::prelude::Resource)]
pub(super) struct ThemeApplied;

/// The font of text.
#[must_use]
pub fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// The font of headings.
#[must_use]
pub fn bold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(BOLD.into()))
}

/// A heading.
#[must_use]
pub fn heading(text: impl Into<String>, size: f32) -> RichText {
    RichText::new(text).font(bold(size)).color(TEXT)
}

/// Text.
#[must_use]
pub fn text(text: impl Into<String>) -> RichText {
    RichText::new(text).font(font(14.0)).color(TEXT)
}

/// Secondary text.
#[must_use]
pub fn muted(text: impl Into<String>) -> RichText {
    RichText::new(text).font(font(14.0)).color(MUTED)
}

/// Small secondary text.
#[must_use]
pub fn small(text: impl Into<String>) -> RichText {
    RichText::new(text).font(font(12.0)).color(MUTED)
}

/// The frame of a panel.
pub fn panel() -> Frame {
    Frame::new()
        .fill(PANEL_SOLID)
        .stroke(Stroke::new(1.0, LINE))
        .corner_radius(CornerRadius::same(RADIUS))
        .inner_margin(Margin::same(16))
}

/// The frame of a small panel.
pub fn chip() -> Frame {
    panel().inner_margin(Margin::symmetric(12, 8))
}

/// A colour of the scene as a colour of egui.
#[must_use]
pub fn colour(of: bevy::color::Color) -> Color32 {
    let [red, green, blue, alpha] = of.to_srgba().to_u8_array();
    Color32::from_rgba_unmultiplied(red, green, blue, alpha)
}

/// The fonts that are part of the game.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    for (name, bytes) in [("inter", REGULAR_FONT), ("inter-bold", BOLD_FONT)] {
        fonts.font_data.insert(name.to_owned(), FontData::from_static(bytes).into());
    }
    fonts
}

/// Their data.
pub(super) fn own_fonts() -> Vec<Arc<FontData>> {
    fonts().font_data.into_values().collect()
}

/// Sets fonts, colours and spacing.
pub(super) fn apply(context: &Context) {
    let mut fonts = fonts();
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let with = |first: &str| {
        core::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect::<Vec<_>>()
    };
    fonts.families.insert(FontFamily::Proportional, with("inter"));
    fonts.families.insert(FontFamily::Name(BOLD.into()), with("inter-bold"));
    context.set_fonts(fonts);
    context.options_mut(|options| options.zoom_with_keyboard = false);
    context.all_styles_mut(|style| {
        style.visuals = visuals();
        style.interaction.selectable_labels = false;
        style.spacing.item_spacing = Vec2::new(8.0, 8.0);
        style.spacing.button_padding = Vec2::new(12.0, 8.0);
        style.spacing.interact_size = Vec2::new(32.0, 32.0);
        style.spacing.slider_width = 160.0;
        style.spacing.scroll.bar_width = 6.0;
        style.text_styles.insert(TextStyle::Body, font(14.0));
        style.text_styles.insert(TextStyle::Button, font(14.0));
        style.text_styles.insert(TextStyle::Small, font(12.0));
        style.text_styles.insert(TextStyle::Heading, bold(20.0));
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.override_text_color = None;
    visuals.panel_fill = PANEL_SOLID;
    visuals.window_fill = PANEL_SOLID;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.window_corner_radius = CornerRadius::same(RADIUS);
    visuals.window_shadow = Shadow::NONE;
    visuals.popup_shadow = Shadow::NONE;
    visuals.menu_corner_radius = CornerRadius::same(RADIUS_SMALL);
    visuals.extreme_bg_color = FIELD;
    visuals.faint_bg_color = FIELD;
    visuals.hyperlink_color = CHARGE;
    visuals.selection.bg_fill = Color32::from_rgb(60, 82, 140);
    visuals.selection.stroke = Stroke::new(1.0, TEXT);
    visuals.text_cursor = TextCursorStyle { stroke: Stroke::new(2.0, WARM), ..visuals.text_cursor };
    let widget = |fill, line, text| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: CornerRadius::same(RADIUS_SMALL),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let rest = Color32::from_rgb(27, 38, 68);
    visuals.widgets.noninteractive = widget(Color32::TRANSPARENT, LINE, TEXT);
    visuals.widgets.inactive = widget(rest, LINE, TEXT);
    visuals.widgets.hovered = widget(Color32::from_rgb(36, 50, 88), LINE_BRIGHT, TEXT);
    visuals.widgets.active = widget(Color32::from_rgb(44, 60, 104), WARM, TEXT);
    visuals.widgets.open = widget(rest, LINE_BRIGHT, TEXT);
    visuals
}
