//! Buttons, fields and rows for several panels.

use bevy_egui::egui::{
    Align, Align2, Color32, CornerRadius, Layout, Response, RichText, Sense, Stroke, TextEdit, Ui,
    Vec2, pos2, vec2,
};

use super::bidi;
use super::theme::{self, FIELD, INK, LINE, LINE_BRIGHT, MUTED, RADIUS_SMALL, TEXT, WARM};

/// The primary button of a panel.
pub fn primary(ui: &mut Ui, text: &str, height: f32) -> Response {
    filled(ui, text, vec2(ui.available_width(), height), (WARM, INK))
}

/// A button with these colours for fill and text.
pub fn filled(ui: &mut Ui, text: &str, size: Vec2, (fill, ink): (Color32, Color32)) -> Response {
    let enabled = ui.is_enabled();
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let lift = ui.ctx().animate_bool_with_time(response.id, response.hovered() && enabled, 0.12);
    let bright = lerp(fill, Color32::WHITE, 0.18 * lift);
    let fill = if enabled { bright } else { lerp(fill, theme::PANEL_SOLID, 0.82) };
    let ink = if enabled { ink } else { MUTED };
    let radius = CornerRadius::same(RADIUS_SMALL);
    ui.painter().rect_filled(rect, radius, fill);
    if response.has_focus() {
        let line = Stroke::new(2.0, TEXT);
        ui.painter().rect_stroke(rect, radius, line, bevy_egui::egui::StrokeKind::Outside);
    }
    let font = theme::bold(if size.y >= 44.0 { 20.0 } else { 14.0 });
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, ink);
    response
}

/// A secondary button over the whole width.
pub fn secondary(ui: &mut Ui, text: &str) -> Response {
    secondary_sized(ui, text, vec2(ui.available_width(), 36.0))
}

/// A secondary button.
pub fn secondary_sized(ui: &mut Ui, text: &str, size: Vec2) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let enabled = ui.is_enabled();
    let lit = ui.ctx().animate_bool_with_time(response.id, response.hovered() && enabled, 0.12);
    let fill = lerp(Color32::from_rgb(27, 38, 68), Color32::from_rgb(42, 58, 100), lit);
    let line = if response.has_focus() { TEXT } else { lerp(LINE, LINE_BRIGHT, lit) };
    let radius = CornerRadius::same(RADIUS_SMALL);
    let edge = Stroke::new(1.0, line);
    ui.painter().rect(rect, radius, fill, edge, bevy_egui::egui::StrokeKind::Inside);
    let ink = if enabled { TEXT } else { MUTED.gamma_multiply(0.6) };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, theme::bold(14.0), ink);
    response
}

/// A row that opens a panel: a title, a remark and an arrow. It is highlighted while the panel is open.
pub fn row(ui: &mut Ui, title: &str, remark: &str, is_open: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::click());
    let lit = ui.ctx().animate_bool_with_time(response.id, response.hovered() || is_open, 0.12);
    let fill = lerp(Color32::from_rgb(22, 31, 57), Color32::from_rgb(38, 53, 92), lit);
    let line = if is_open { WARM } else { lerp(LINE, LINE_BRIGHT, lit) };
    let radius = CornerRadius::same(RADIUS_SMALL);
    ui.painter().rect(
        rect,
        radius,
        fill,
        Stroke::new(1.0, line),
        bevy_egui::egui::StrokeKind::Inside,
    );
    let middle = rect.center().y;
    let left = pos2(rect.left() + 14.0, middle);
    ui.painter().text(left, Align2::LEFT_CENTER, title, theme::bold(14.0), TEXT);
    let right = pos2(rect.right() - 30.0, middle);
    ui.painter().text(right, Align2::RIGHT_CENTER, remark, theme::font(12.0), MUTED);
    let tip = pos2(rect.right() - 13.0 + 2.0 * lit, middle);
    let arrow = Stroke::new(1.6, lerp(MUTED, TEXT, lit));
    ui.painter().line_segment([tip - vec2(5.0, 5.0), tip], arrow);
    ui.painter().line_segment([tip - vec2(5.0, -5.0), tip], arrow);
    response
}

/// A segmented control. Returns the option that was clicked.
pub fn segments<T: Copy + PartialEq>(ui: &mut Ui, options: &[(T, &str)], now: T) -> Option<T> {
    let mut picked = None;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let radius = CornerRadius::same(RADIUS_SMALL);
    ui.painter().rect(
        rect,
        radius,
        FIELD,
        Stroke::new(1.0, LINE),
        bevy_egui::egui::StrokeKind::Inside,
    );
    let width = rect.width() / options.len().max(1) as f32;
    for (place, (option, title)) in options.iter().enumerate() {
        let left = rect.left() + width * place as f32;
        let part = bevy_egui::egui::Rect::from_min_size(pos2(left, rect.top()), vec2(width, 32.0));
        let id = ui.id().with((title, place));
        let response = ui.interact(part, id, Sense::click());
        let is_now = *option == now;
        if is_now {
            let fill = Color32::from_rgb(46, 63, 110);
            ui.painter().rect_filled(part.shrink(3.0), CornerRadius::same(6), fill);
        }
        let colour = if is_now || response.hovered() { TEXT } else { MUTED };
        let font = if is_now { theme::bold(14.0) } else { theme::font(14.0) };
        ui.painter().text(part.center(), Align2::CENTER_CENTER, *title, font, colour);
        if response.clicked() {
            picked = Some(*option);
        }
    }
    picked
}

/// A text field over the whole width.
pub fn field(ui: &mut Ui, text: &mut String, hint: &str, chars_max: usize) -> Response {
    let width = ui.available_width();
    let field = field_sized(ui, text, hint, chars_max, width);
    as_read(ui, text);
    field
}

/// Below a field: its text in the order in which it is read, if that is not the order of its letters. egui's fields show
/// Hebrew and Arabic from left to right. Returns whether there was something to show.
pub fn as_read(ui: &mut Ui, text: &str) -> bool {
    let visual = bidi::visual(text);
    let differs = visual != text;
    if differs {
        ui.label(theme::text(format!("Reads: {visual}")));
    }
    differs
}

/// A text field of this width, in points.
pub fn field_sized(
    ui: &mut Ui,
    text: &mut String,
    hint: &str,
    chars_max: usize,
    width: f32,
) -> Response {
    let edit = TextEdit::singleline(text)
        .hint_text(RichText::new(hint).color(MUTED.gamma_multiply(0.7)))
        .font(theme::font(16.0))
        .char_limit(chars_max)
        .margin(bevy_egui::egui::Margin::symmetric(12, 9))
        .desired_width(width);
    ui.add(edit)
}

/// A row with a label at the left and a widget at the right.
pub fn labelled(ui: &mut Ui, label: &str, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        ui.label(theme::text(label));
        ui.with_layout(Layout::right_to_left(Align::Center), add);
    });
}

/// A switch.
pub fn switch(ui: &mut Ui, on: &mut bool) -> Response {
    let (rect, mut response) = ui.allocate_exact_size(vec2(40.0, 22.0), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    let along = ui.ctx().animate_bool_with_time(response.id, *on, 0.12);
    let fill = lerp(FIELD, Color32::from_rgb(40, 120, 96), along);
    let line = Stroke::new(1.0, if response.hovered() { LINE_BRIGHT } else { LINE });
    let kind = bevy_egui::egui::StrokeKind::Inside;
    ui.painter().rect(rect, CornerRadius::same(11), fill, line, kind);
    let knob = pos2(rect.left() + 11.0 + 18.0 * along, rect.center().y);
    ui.painter().circle_filled(knob, 7.5, lerp(MUTED, TEXT, along));
    response
}

/// A dot.
pub fn paint_dot(
    painter: &bevy_egui::egui::Painter,
    centre: bevy_egui::egui::Pos2,
    radius: f32,
    colour: Color32,
) {
    painter.circle_filled(centre, radius, colour);
    painter.circle_stroke(centre, radius, Stroke::new(1.0, Color32::from_black_alpha(90)));
}

/// A colour between two.
#[must_use]
pub fn lerp(a: Color32, b: Color32, part: f32) -> Color32 {
    a.lerp_to_gamma(b, part.clamp(0.0, 1.0))
}
