//! The colours of a match: the same on the replay page, on a live stage and in the client.

use shared::sim::{Disc, PickupKind, PushKind, Slot};

pub const VOID_INNER: &str = "#141c36";
pub const VOID_OUTER: &str = "#0a0f1f";
pub const SPECK: &str = "#9fb4dc";
pub const ICE_MIDDLE: &str = "#dcebf5";
pub const ICE_RIM: &str = "#8fb3d1";
pub const ICE_EDGE: &str = "#f4fbff";
pub const ICE_SIDE_TOP: &str = "#55789b";
pub const ICE_SIDE_BOTTOM: &str = "#1d2f4b";
pub const ICE_MARK: &str = "#a9c6dd";
pub const CRACK: &str = "#3f6488";
pub const WARM: &str = "#ff7a59";
pub const GOOD: &str = "#57d9a3";
pub const CHARGE: &str = "#ffd166";
pub const TEXT: &str = "#e8eef7";
pub const INK: &str = "#0b1530";
pub const WHITE: &str = "#ffffff";

/// Marks of a disc: with the hue they tell sixteen players apart, also without colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Filled.
    Solid,
    /// With a pale middle.
    Ring,
}

/// Okabe and Ito's eight, tuned so that each stays apart on pale ice and on the void.
const HUES: [&str; 8] =
    ["#2f7de1", "#f0901e", "#0fa37a", "#d8432f", "#b45cc0", "#f3d43a", "#3fc0ee", "#3d4868"];
/// The same, for the shaded lower half of a disc.
const SHADES: [&str; 8] =
    ["#205bb0", "#bb6a0b", "#0a7758", "#a02c1d", "#833e8e", "#bfa31d", "#2290b8", "#262e47"];

/// From no strain to full: cool to warm.
const STRAIN: [&str; 6] = ["#3aa0e8", "#3cc3c0", "#8fd16a", "#ffd166", "#ff9a4d", "#ff4b3a"];

/// The colour of a seat.
pub fn hue(slot: Slot) -> &'static str {
    HUES[usize::from(slot.0) % HUES.len()]
}

/// The darker colour of a seat.
pub fn shade(slot: Slot) -> &'static str {
    SHADES[usize::from(slot.0) % SHADES.len()]
}

/// The mark of a seat.
pub fn mark(slot: Slot) -> Mark {
    if (usize::from(slot.0) / HUES.len()).is_multiple_of(2) { Mark::Solid } else { Mark::Ring }
}

/// The colour of a team's outline. The second is also drawn dashed.
pub fn team(disc: &Disc) -> &'static str {
    if disc.team == 0 { "#1b6fd0" } else { "#d2502f" }
}

/// The colour of a strain, given as a part of the largest, from 0 to 1.
pub fn strain(part: f64) -> &'static str {
    let last = STRAIN.len() - 1;
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 5")]
    #[expect(clippy::cast_sign_loss, reason = "between 0 and 5")]
    let step = (part.clamp(0.0, 1.0) * 5.0).round() as usize;
    STRAIN[step.min(last)]
}

/// The colour of a pickup and of what it does.
pub fn pickup(kind: PickupKind) -> &'static str {
    match kind {
        PickupKind::Heavy => "#7f8fd8",
        PickupKind::Overcharge => CHARGE,
        PickupKind::Mend => GOOD,
    }
}

/// The outline of a push in the kill feed, in a box of 24 by 24. Nothing pushed: the edge.
pub fn push_icon(kind: Option<PushKind>) -> &'static str {
    match kind {
        Some(PushKind::Pulse) => {
            "M4 12h7M3 8h4M3 16h4M16 7a5 5 0 1 1 0 10a5 5 0 1 1 0-10M16 10.5v3M14.5 12h3"
        }
        Some(PushKind::Shove) => "M4 12L19 4.5A16 16 0 0 1 19 19.5ZM9 12h6",
        Some(PushKind::Dash) => "M3 7h8M3 12h6M3 17h8M13 6l6 6l-6 6",
        Some(PushKind::Bump) => {
            "M7.5 7.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M16.5 7.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M12 2v3M12 19v3"
        }
        None => "M3 8h10l2 3M15 11v3M13 8v4M18 13v7M15 17l3 3l3-3",
    }
}

#[cfg(test)]
mod tests {
    use super::{HUES, Mark, hue, mark, strain};
    use shared::sim::Slot;

    #[test]
    fn sixteen_seats_look_different() {
        let looks: Vec<_> = (0..16).map(|slot| (hue(Slot(slot)), mark(Slot(slot)))).collect();

        for (place, look) in looks.iter().enumerate() {
            assert!(!looks[..place].contains(look), "{look:?}");
        }
        assert_eq!((mark(Slot(7)), mark(Slot(8))), (Mark::Solid, Mark::Ring));
        assert_eq!(hue(Slot(8)), HUES[0]);
    }

    #[test]
    fn strain_goes_from_cool_to_warm() {
        assert_ne!(strain(0.0), strain(1.0));
        assert_eq!(strain(9.0), strain(1.0));
    }
}
