//! A uniform grid for neighbour queries, so that a thousand discs need not be compared with each other.

use super::disc::CROWD_COORDINATE_MAX;
use super::fixed::Vec2;

/// Bits of a coordinate, with its sign.
const COORDINATE_BITS: u32 = CROWD_COORDINATE_MAX.ilog2() + 2;

/// Positions sorted into square cells. An entry is the index of a position in the order in which they were given.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Side of a cell in sub-units, as a power of two.
    shift: u32,
    /// The first entry of each cell, row by row, and the end of the last one.
    starts: Vec<u16>,
    /// Cell by cell, in each cell in ascending order.
    entries: Vec<u16>,
}

impl Grid {
    /// Sorts positions into cells of `1 << shift` sub-units. At most 65,535 positions.
    #[must_use]
    pub fn new(positions: impl Iterator<Item = Vec2> + Clone, shift: u32) -> Self {
        let side = side(shift);
        let mut starts = vec![0_u16; side * side + 1];
        let cell_of = |position: Vec2| {
            row_or_column(position.y, shift) * side + row_or_column(position.x, shift)
        };
        let mut count = 0_usize;
        for position in positions.clone() {
            starts[cell_of(position) + 1] += 1;
            count += 1;
        }
        for cell in 1..starts.len() {
            starts[cell] += starts[cell - 1];
        }
        let mut next = starts.clone();
        let mut entries = vec![0; count];
        for (index, position) in (0_u16..).zip(positions) {
            let entry = &mut next[cell_of(position)];
            entries[usize::from(*entry)] = index;
            *entry += 1;
        }
        Self { shift, starts, entries }
    }

    /// The indices of all positions within `reach` of `centre` along both axes, and of others in the same cells. Not in
    /// ascending order.
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
            &self.entries[first..end]
        })
    }
}

/// Cells in a row.
const fn side(shift: u32) -> usize {
    1 << (COORDINATE_BITS - shift)
}

/// The row of a y-coordinate, or the column of an x-coordinate. Coordinates outside belong to the outermost cells.
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
    fn no_position_near_is_missed() {
        let mut rng = Rng(3);
        let mut coordinate = || rng.between(-CROWD_COORDINATE_MAX, CROWD_COORDINATE_MAX) / 8;
        let positions: Vec<_> = (0..800).map(|_| Vec2::new(coordinate(), coordinate())).collect();
        let grid = Grid::new(positions.iter().copied(), 12);
        let reach = Vec2::new(units(90), units(40));

        for centre in &positions {
            let mut found: Vec<_> = grid.near(*centre, reach).collect();
            found.sort_unstable();
            let is_near = |position: &Vec2| {
                let offset = *position - *centre;
                offset.x.abs() <= reach.x && offset.y.abs() <= reach.y
            };
            let near = (0..positions.len()).filter(|index| is_near(&positions[*index]));
            assert!(near.into_iter().all(|index| found.binary_search(&index).is_ok()));
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "each index once");
        }
        assert!(grid.near(Vec2::ZERO, reach).count() < 100, "not all of them");
    }
}
