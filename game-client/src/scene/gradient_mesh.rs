//! Gradient meshes: large smooth areas as triangles with a colour at each corner. A pixel needs no computation, so even a
//! software renderer fills a window quickly. Edges are anti-aliased by a narrow strip that fades out.

use bevy::asset::RenderAssetUsages;
use bevy::color::{Color, LinearRgba};
use bevy::math::Vec2;
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};

use super::shape::{PARAMETERS, SECOND_COLOUR};

/// A mesh that is being built.
#[derive(Debug, Clone, Default)]
pub(super) struct GradientMesh {
    positions: Vec<[f32; 3]>,
    colours: Vec<[f32; 4]>,
    indices: Vec<u32>,
}

impl GradientMesh {
    /// Adds a corner. Returns its index, which triangles may use again.
    pub(super) fn corner(&mut self, position: Vec2, colour: impl Into<LinearRgba>) -> u32 {
        let LinearRgba { red, green, blue, alpha } = colour.into();
        self.positions.push([position.x, position.y, 0.0]);
        self.colours.push([red * alpha, green * alpha, blue * alpha, alpha]);
        u32::try_from(self.positions.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds two triangles between four corners, in order around them.
    pub(super) fn quad(&mut self, [a, b, c, d]: [u32; 4]) {
        self.indices.extend([a, b, c, a, c, d]);
    }

    /// Adds a grid over a rectangle, coloured by position.
    pub(super) fn grid(
        &mut self,
        centre: Vec2,
        half: Vec2,
        (columns, rows): (u32, u32),
        colour: impl Fn(Vec2) -> LinearRgba,
    ) {
        let first = u32::try_from(self.positions.len()).unwrap_or(u32::MAX);
        for row in 0..=rows {
            for column in 0..=columns {
                let part = Vec2::new(column as f32 / columns as f32, row as f32 / rows as f32);
                let position = centre + half * (part * 2.0 - Vec2::ONE);
                self.corner(position, colour(position));
            }
        }
        let across = columns + 1;
        for row in 0..rows {
            for column in 0..columns {
                let corner = first + row * across + column;
                self.quad([corner, corner + 1, corner + across + 1, corner + across]);
            }
        }
    }

    /// Adds rings around the origin, from one radius to the next. `colour` gets the index of the radius and the position.
    pub(super) fn rings(
        &mut self,
        radii: &[f32],
        segments: u32,
        colour: impl Fn(usize, Vec2) -> LinearRgba,
    ) {
        let first = u32::try_from(self.positions.len()).unwrap_or(u32::MAX);
        for (index, radius) in radii.iter().enumerate() {
            for segment in 0..=segments {
                let turn = core::f32::consts::TAU * segment as f32 / segments as f32;
                let at = Vec2::from_angle(turn) * radius;
                self.corner(at, colour(index, at));
            }
        }
        let across = segments + 1;
        let bands = u32::try_from(radii.len().saturating_sub(1)).unwrap_or(0);
        for band in 0..bands {
            for segment in 0..segments {
                let corner = first + band * across + segment;
                self.quad([corner, corner + 1, corner + across + 1, corner + across]);
            }
        }
    }

    /// Adds a line that fades out to both sides, through points with opacities.
    pub(super) fn soft_line(&mut self, points: &[(Vec2, f32)], width: f32, colour: Color) {
        let colour = LinearRgba::from(colour);
        let clear = LinearRgba { alpha: 0.0, ..colour };
        let mut before: Option<[u32; 3]> = None;
        for (index, (at, strength)) in points.iter().enumerate() {
            let next = points.get(index + 1).map_or(*at, |(next, _)| *next);
            let last = index.checked_sub(1).map_or(*at, |last| points[last].0);
            let aside = (next - last).normalize_or_zero().perp() * width * 0.5;
            let middle = LinearRgba { alpha: colour.alpha * strength, ..colour };
            let corners = [
                self.corner(*at - aside, clear),
                self.corner(*at, middle),
                self.corner(*at + aside, clear),
            ];
            if let Some([a, b, c]) = before {
                let [d, e, f] = corners;
                self.quad([a, b, e, d]);
                self.quad([b, c, f, e]);
            }
            before = Some(corners);
        }
    }

    /// The mesh. `None` when there is no triangle.
    pub(super) fn mesh(self) -> Option<Mesh> {
        if self.indices.is_empty() {
            return None;
        }
        let nothing = vec![[0.0_f32; 4]; self.positions.len()];
        let locals = vec![[0.0_f32; 2]; self.positions.len()];
        let mesh = Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, locals)
            .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, self.colours)
            .with_inserted_attribute(SECOND_COLOUR, nothing.clone())
            .with_inserted_attribute(PARAMETERS, nothing)
            .with_inserted_indices(Indices::U32(self.indices));
        Some(mesh)
    }
}
