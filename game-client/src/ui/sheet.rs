//! Panels that fit into any window: what does not fit scrolls.

use bevy_egui::egui::{Align2, Area, Context, Id, Margin, Order, ScrollArea, Ui, Vec2, vec2};

use super::theme;

/// From a panel to the edge of the window, in points.
const EDGE: f32 = 8.0;
/// Left, right, above and below the content of a panel, and the part at the right that the scroll bar has.
const INSIDE: f32 = 16.0;
const BAR: f32 = 10.0;
/// The smallest content. A window that is smaller still shows a part of it.
const LEAST: Vec2 = vec2(120.0, 40.0);

/// A panel in the middle of the window. `width` is that of its content in a window that is wide enough.
pub fn centred(context: &Context, name: &str, order: Order, width: f32, add: impl FnOnce(&mut Ui)) {
    let screen = context.content_rect();
    let area = Area::new(Id::new(name)).anchor(Align2::CENTER_CENTER, Vec2::ZERO).order(order);
    let room = screen.size() - vec2(2.0 * EDGE, 2.0 * EDGE);
    area.show(context, |ui| panel(ui, name, room, width, add));
}

/// A panel that takes at most this room, with its frame. `name` tells its scrolling from that of other panels.
pub fn panel(ui: &mut Ui, name: &str, room: Vec2, width: f32, add: impl FnOnce(&mut Ui)) {
    let content = content(room);
    let width = width.min(content.x);
    #[expect(clippy::cast_possible_truncation, reason = "small constants")]
    let margin = Margin {
        left: INSIDE as i8,
        right: (INSIDE - BAR) as i8,
        top: INSIDE as i8,
        bottom: INSIDE as i8,
    };
    theme::panel().inner_margin(margin).show(ui, |ui| {
        ui.set_width(width + BAR);
        scrolled(ui, name, width, content.y, add);
    });
}

/// Content that scrolls when it is taller than `height`. Returns the height that it wants.
pub fn scrolled(
    ui: &mut Ui,
    name: &str,
    width: f32,
    height: f32,
    add: impl FnOnce(&mut Ui),
) -> f32 {
    let (width, height) = (width.max(LEAST.x), height.max(LEAST.y));
    // The bar is beside the content.
    ui.set_max_width(width + BAR);
    ScrollArea::vertical()
        .id_salt(name)
        .max_height(height)
        .min_scrolled_height(height)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.set_width(width);
            add(ui);
        })
        .content_size
        .y
}

/// The content of a panel that takes this room.
fn content(room: Vec2) -> Vec2 {
    (room - vec2(2.0 * INSIDE, 2.0 * INSIDE)).max(LEAST)
}
