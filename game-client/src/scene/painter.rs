//! The painter: it collects the shapes of a frame in layers, and makes the meshes of the sheets from them.
//!
//! The parts of the scene add their shapes in every frame. The shader draws a shape with a distance function, so no textures
//! are needed and every edge is smooth at every size. Void, ice and veil are gradient meshes (see [`GradientMesh`]), which
//! stay until they are replaced.

use bevy::color::{Alpha as _, Color, LinearRgba};
use bevy::math::Vec2;
use bevy::mesh::Mesh;
use bevy::prelude::Resource;

use super::gradient_mesh::GradientMesh;
use super::shape::{Kind, Shape, Sheet, Vertices, empty_mesh};

/// The most shapes of a mesh. Further ones are dropped.
const SHAPES_MAX: usize = 6_000;

/// The layers of the shapes, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// In the void, behind the ice: falling discs and shards, specks.
    Deep,
    /// On the ice: shadows, trails, pickups.
    Ground,
    /// Discs.
    Discs,
    /// Pulses, sparks, rings.
    Above,
}

/// The shapes of this frame, and the gradient meshes that changed.
#[derive(Debug, Resource, Default)]
pub(super) struct Painter {
    layers: [Vec<Shape>; 4],
    /// A new mesh for the void, the ice or the veil. `None`: the one before stays.
    void: Option<GradientMesh>,
    ice: Option<GradientMesh>,
    veil: Option<GradientMesh>,
    /// The centre and half of the size of the picture. Shapes outside of it are dropped.
    picture: Option<(Vec2, Vec2)>,
}

/// The room for the soft edge of a quad, in units.
const EDGE: f32 = 3.0;

impl Painter {
    /// Sets the part of the scene that the picture shows.
    pub(super) fn look_at(&mut self, centre: Vec2, half: Vec2) {
        self.picture = Some((centre, half));
    }

    fn add(&mut self, layer: Layer, shape: Shape) {
        if let Some((centre, half)) = self.picture {
            let reach = half + shape.half.max_element() * core::f32::consts::SQRT_2;
            if (shape.centre - centre).abs().cmpgt(reach).any() {
                return;
            }
        }
        self.layers[layer as usize].push(shape);
    }

    fn round(
        &mut self,
        layer: Layer,
        kind: Kind,
        centre: Vec2,
        reach: f32,
        colours: (Color, Color),
        parameters: [f32; 4],
    ) {
        let (colour, second) = (colours.0.into(), colours.1.into());
        let half = Vec2::splat(reach + EDGE);
        self.add(layer, Shape { kind, centre, half, turn: 0.0, colour, second, parameters });
    }

    /// A filled circle, from one colour at the centre to another at the rim.
    pub(super) fn disc(
        &mut self,
        layer: Layer,
        centre: Vec2,
        radius: f32,
        inner: Color,
        rim: Color,
    ) {
        self.round(layer, Kind::Disc, centre, radius, (inner, rim), [radius, 0.0, 0.0, 0.0]);
    }

    /// A filled ellipse: a circle that is squashed along `turn`.
    pub(super) fn squashed(
        &mut self,
        layer: Layer,
        centre: Vec2,
        radius: f32,
        (turn, squash): (f32, f32),
        colours: (Color, Color),
    ) {
        let stretched = Vec2::new(1.0 - squash, 1.0 + 0.6 * squash);
        let parameters = [radius, 0.0, stretched.x, stretched.y];
        let half = Vec2::splat((radius + EDGE) * 1.6);
        let (colour, second) = (colours.0.into(), colours.1.into());
        let kind = Kind::Disc;
        self.add(layer, Shape { kind, centre, half, turn, colour, second, parameters });
    }

    /// The outline of a circle.
    pub(super) fn ring(
        &mut self,
        layer: Layer,
        centre: Vec2,
        radius: f32,
        width: f32,
        colour: Color,
    ) {
        let reach = radius + width;
        self.round(
            layer,
            Kind::Ring,
            centre,
            reach,
            (colour, colour),
            [radius, width / 2.0, 0.0, 0.0],
        );
    }

    /// A part of the outline of a circle: `sweep` radians with `turn` in the middle.
    pub(super) fn arc(
        &mut self,
        layer: Layer,
        centre: Vec2,
        (radius, width): (f32, f32),
        (turn, sweep): (f32, f32),
        colour: Color,
    ) {
        let (sine, cosine) = (sweep / 2.0).sin_cos();
        let parameters = [radius, width / 2.0, sine, cosine];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(radius + width + EDGE));
        let kind = Kind::Arc;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// A line with round ends that fades and narrows towards its tail.
    pub(super) fn streak(
        &mut self,
        layer: Layer,
        tail: Vec2,
        head: Vec2,
        width: f32,
        colours: (Color, Color),
    ) {
        self.line(layer, tail, head, (width, 1.0), colours, 0.0);
    }

    /// A line with round ends and one width.
    pub(super) fn stroke(&mut self, layer: Layer, from: Vec2, to: Vec2, width: f32, colour: Color) {
        self.line(layer, from, to, (width, 0.0), (colour, colour), 0.0);
    }

    /// A line that adds light and narrows towards its tail.
    pub(super) fn spark(
        &mut self,
        layer: Layer,
        tail: Vec2,
        head: Vec2,
        width: f32,
        colour: Color,
    ) {
        self.line(layer, tail, head, (width, 1.0), (colour, colour.with_alpha(0.0)), 0.7);
    }

    fn line(
        &mut self,
        layer: Layer,
        tail: Vec2,
        head: Vec2,
        (width, taper): (f32, f32),
        (at_head, at_tail): (Color, Color),
        shine: f32,
    ) {
        let vector = head - tail;
        let half_length = vector.length() / 2.0;
        let turn = if half_length > 0.0 { vector.to_angle() } else { 0.0 };
        let half = Vec2::new(half_length + width / 2.0 + EDGE, width / 2.0 + EDGE);
        let parameters = [half_length, width / 2.0, taper, shine];
        let (colour, second) = (at_head.into(), at_tail.into());
        let centre = tail.midpoint(head);
        self.add(
            layer,
            Shape { kind: Kind::Streak, centre, half, turn, colour, second, parameters },
        );
    }

    /// Light that fades out at `radius`. It is added to what is below.
    pub(super) fn glow(&mut self, layer: Layer, centre: Vec2, radius: f32, colour: Color) {
        self.round(layer, Kind::Glow, centre, radius, (colour, colour), [radius, 0.0, 0.0, 1.0]);
    }

    /// A dark or coloured cloud that fades out at `radius`.
    pub(super) fn shade(&mut self, layer: Layer, centre: Vec2, radius: f32, colour: Color) {
        self.round(layer, Kind::Glow, centre, radius, (colour, colour), [radius, 0.0, 0.0, 0.0]);
    }

    /// A sector of a circle: `sweep` radians around `turn`, bright at its outer end.
    pub(super) fn cone(
        &mut self,
        layer: Layer,
        centre: Vec2,
        (inner, outer): (f32, f32),
        (turn, sweep): (f32, f32),
        colour: Color,
    ) {
        let (sine, cosine) = (sweep / 2.0).sin_cos();
        let parameters = [outer, inner, sine, cosine];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(outer + EDGE));
        let kind = Kind::Cone;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// A filled hexagon.
    pub(super) fn hexagon(
        &mut self,
        layer: Layer,
        centre: Vec2,
        radius: f32,
        turn: f32,
        colour: Color,
    ) {
        let parameters = [radius * 0.8660254, 0.0, 0.0, 0.0];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(radius + EDGE));
        let kind = Kind::Hexagon;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// A plus sign.
    pub(super) fn plus(
        &mut self,
        layer: Layer,
        centre: Vec2,
        reach: f32,
        width: f32,
        colour: Color,
    ) {
        let parameters = [reach, width / 2.0, 0.0, 0.0];
        self.round(layer, Kind::Plus, centre, reach, (colour, colour), parameters);
    }

    /// A wedge along `turn`, with its tip at `reach` from the centre.
    pub(super) fn notch(
        &mut self,
        layer: Layer,
        centre: Vec2,
        reach: f32,
        size: f32,
        turn: f32,
        colour: Color,
    ) {
        let parameters = [reach, size, 0.0, 0.0];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(reach + EDGE));
        let kind = Kind::Notch;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// Replaces the mesh of the ice.
    pub(super) fn ice(&mut self, ice: GradientMesh) {
        self.ice = Some(ice);
    }

    /// Replaces the mesh of the void.
    pub(super) fn void(&mut self, void: GradientMesh) {
        self.void = Some(void);
    }

    /// Replaces the mesh of the veil.
    pub(super) fn veil(&mut self, veil: GradientMesh) {
        self.veil = Some(veil);
    }

    /// The new mesh of a sheet. `None`: the one before stays.
    pub(super) fn mesh(&mut self, sheet: Sheet) -> Option<Mesh> {
        let [deep, front @ ..] = &mut self.layers;
        let gradient = match sheet {
            Sheet::Void => &mut self.void,
            Sheet::Ice => &mut self.ice,
            Sheet::Veil => &mut self.veil,
            Sheet::Behind => return Some(mesh_of(deep.drain(..))),
            Sheet::Front => {
                return Some(mesh_of(front.iter_mut().flat_map(|layer| layer.drain(..))));
            }
        };
        gradient.take().map(|mesh| mesh.mesh().unwrap_or_else(empty_mesh))
    }
}

#[cfg(test)]
impl Painter {
    /// The number of shapes in a layer.
    pub(super) fn count(&self, layer: Layer) -> usize {
        self.layers[layer as usize].len()
    }
}

fn mesh_of(shapes: impl Iterator<Item = Shape>) -> Mesh {
    let mut vertices = Vertices::default();
    shapes.take(SHAPES_MAX).for_each(|shape| vertices.push(&shape));
    if vertices.is_empty() { empty_mesh() } else { vertices.mesh() }
}

#[cfg(test)]
mod tests {
    use bevy::color::Color;
    use bevy::math::Vec2;

    use super::{Layer, Painter};

    #[test]
    fn shapes_outside_the_picture_are_dropped() {
        let mut painter = Painter::default();
        painter.look_at(Vec2::new(1_000.0, 0.0), Vec2::new(720.0, 400.0));

        for position in [(1_000.0, 0.0), (1_735.0, 0.0), (1_900.0, 0.0), (1_000.0, -500.0)] {
            let white = Color::WHITE;
            painter.disc(Layer::Discs, Vec2::from(position), 24.0, white, white);
        }
        painter.stroke(Layer::Above, Vec2::ZERO, Vec2::new(2_000.0, 0.0), 4.0, Color::WHITE);

        assert_eq!(painter.layers.each_ref().map(Vec::len), [0, 0, 2, 1]);
    }
}
