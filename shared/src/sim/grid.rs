//! Who is near: places sorted into square cells, so that a thousand discs need not be compared with each other.

use super::disc::CROWD_COORDINATE_MAX;
use super::fixed::Vec2;

/// Bits of a coordinate, with its sign.
const COORDINATE_BITS: u32 = CROWD_COORDINATE_MAX.ilog2() + 2;

/// Some places, by cell. A place is known by its number in the order in which they came.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Sub-units of a cell's side, as a power of two.
    shift: u32,
    /// For each cell, row by row, where its numbers begin; one more at the end.
    starts: Vec<u16>,
    /// Cell by cell, in each cell the lowest first.
    numbers: Vec<u16>,
}

impl Grid {
    /// Sorts places into cells of `1 << shift` sub-units. At most 65,535 places.
    #[must_use]
    pub fn new(places: impl Iterator<Item = Vec2> + Clone, shift: u32) -> Self {
        let side = side(shift);
        let mut starts = vec![0_u16; side * side + 1];
        let cell_of =
            |place: Vec2| row_or_column(place.y, shift) * side + row_or_column(place.x, shift);
        let mut count = 0_usize;
        for place in places.clone() {
            starts[cell_of(place) + 1] += 1;
            count += 1;
        }
        for cell in 1..starts.len() {
            starts[cell] += starts[cell - 1];
        }
        let mut next = starts.clone();
        let mut numbers = vec![0; count];
        for (number, place) in (0_u16..).zip(places) {
            let slot = &mut next[cell_of(place)];
            numbers[usize::from(*slot)] = number;
            *slot += 1;
        }
        Self { shift, starts, numbers }
    }

    /// The numbers of all places that may lie within `reach` of `centre` along both axes, and of some more: whole
    /// cells. Row by row, not in order.
    pub fn near(&self, centre: Vec2, reach: Vec2) -> impl Iterator<Item = usize> {
        self.rows(centre, reach).flatten().copied().map(usize::from)
    }

    fn rows(&self, centre: Vec2, reach: Vec2) -> impl Iterator<Item = &[u16]> {
        let (shift, side) = (self.shift, side(self.shift));
        let columns =
            (row_or_column(centre.x - reach.x, shift), row_or_column(centre.x + reach.x, shift));
        let rows =
            row_or_column(centre.y - reach.y, shift)..=row_or_column(centre.y + reach.y, shift);
        rows.map(move |row| {
            let first = usize::from(self.starts[row * side + columns.0]);
            let end = usize::from(self.starts[row * side + columns.1 + 1]);
            &self.numbers[first..end]
        })
    }
}

/// Cells in a row.
const fn side(shift: u32) -> usize {
    1 << (COORDINATE_BITS - shift)
}

/// What lies outside belongs to the outermost cells.
fn row_or_column(coordinate: i32, shift: u32) -> usize {
    let inside = coordinate.clamp(-CROWD_COORDINATE_MAX, CROWD_COORDINATE_MAX);
    (inside + CROWD_COORDINATE_MAX + 1).unsigned_abs() as usize >> shift
}

#[cfg(test)]
mod tests {
    use super::Grid;
    use crate::sim::disc::CROWD_COORDINATE_MAX;
    use crate::sim::fixed::{Vec2, units};
    use crate::sim::rng::Rng;

    #[test]
    fn nobody_near_is_missed() {
        let mut chance = Rng(3);
        let mut coordinate = || chance.between(-CROWD_COORDINATE_MAX, CROWD_COORDINATE_MAX) / 8;
        let places: Vec<_> = (0..800).map(|_| Vec2::new(coordinate(), coordinate())).collect();
        let grid = Grid::new(places.iter().copied(), 12);
        let reach = Vec2::new(units(90), units(40));

        for centre in &places {
            let mut found: Vec<_> = grid.near(*centre, reach).collect();
            found.sort_unstable();
            let is_near = |place: &Vec2| {
                let way = *place - *centre;
                way.x.abs() <= reach.x && way.y.abs() <= reach.y
            };
            let near = (0..places.len()).filter(|number| is_near(&places[*number]));
            assert!(near.into_iter().all(|number| found.binary_search(&number).is_ok()));
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "nobody twice");
        }
        assert!(grid.near(Vec2::ZERO, reach).count() < 100, "not everybody");
    }
}
