//! Draws everything of a match with one mesh, one material and one draw call.
//!
//! Whoever wants to be seen puts shapes into a layer, each frame anew. A shape is a quad; its outline and its soft edge
//! come from a distance function in the shader, so no textures are needed and every edge is smooth at every size.

use bevy::asset::{Asset, Assets, Handle, RenderAssetUsages, load_internal_asset, uuid_handle};
use bevy::camera::visibility::NoFrustumCulling;
use bevy::color::{Alpha as _, Color, ColorToComponents as _, LinearRgba};
use bevy::math::Vec2;
use bevy::mesh::{
    Indices, Mesh, Mesh2d, MeshVertexAttribute, MeshVertexBufferLayoutRef, PrimitiveTopology,
};
use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Plugin, PostUpdate, Res, ResMut, Resource, Startup,
};
use bevy::reflect::TypePath;
use bevy::render::render_resource::{
    AsBindGroup, BlendState, RenderPipelineDescriptor, SpecializedMeshPipelineError, VertexFormat,
};
use bevy::shader::{Shader, ShaderRef};
use bevy::sprite_render::{
    AlphaMode2d, Material2d, Material2dKey, Material2dPlugin, MeshMaterial2d,
};

const SHADER: Handle<Shader> = uuid_handle!("6d0c9e0e-5f0f-4a34-9c55-3c2a1d3a7b10");

/// Second colour of a shape.
const SECOND_COLOUR: MeshVertexAttribute =
    MeshVertexAttribute::new("SecondColour", 718_231_001, VertexFormat::Float32x4);
/// What the distance function takes.
const PARAMETERS: MeshVertexAttribute =
    MeshVertexAttribute::new("Parameters", 718_231_002, VertexFormat::Float32x4);

/// Shapes that are drawn in a frame at most. What comes after is left out.
const SHAPES_MAX: usize = 6_000;

/// What lies over what, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// The deep and what falls into it.
    Deep,
    /// The ice.
    Ice,
    /// On the ice: marks, shadows, lights, pickups.
    Ground,
    /// Discs.
    Discs,
    /// Pulses, sparks, rings.
    Above,
}

/// The outline of a shape. Numbers as in `shapes.wgsl`.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Disc = 0,
    Ring = 1,
    Arc = 2,
    Streak = 3,
    Glow = 4,
    Cone = 5,
    Polygon = 6,
    Plus = 7,
    Notch = 8,
    Ice = 9,
    Deep = 10,
}

/// A quad with an outline.
#[derive(Debug, Clone, Copy)]
struct Shape {
    kind: Kind,
    centre: Vec2,
    half: Vec2,
    /// Radians, counter-clockwise.
    turn: f32,
    colour: LinearRgba,
    second: LinearRgba,
    parameters: [f32; 4],
}

/// Where shapes are put. Emptied each frame.
#[derive(Debug, Resource, Default)]
pub(super) struct Painter {
    layers: [Vec<Shape>; 5],
}

/// Added to a quad so that the soft edge fits, in units.
const EDGE: f32 = 3.0;

impl Painter {
    fn add(&mut self, layer: Layer, shape: Shape) {
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

    /// A filled circle, from one colour in the middle to another at the rim.
    pub(super) fn disc(&mut self, layer: Layer, centre: Vec2, radius: f32, inner: Color, rim: Color) {
        self.round(layer, Kind::Disc, centre, radius, (inner, rim), [radius, 0.0, 0.0, 0.0]);
    }

    /// A filled ellipse: a circle that was hit, `squash` along `turn`.
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

    /// A circle's line.
    pub(super) fn ring(&mut self, layer: Layer, centre: Vec2, radius: f32, width: f32, colour: Color) {
        let reach = radius + width;
        self.round(layer, Kind::Ring, centre, reach, (colour, colour), [radius, width / 2.0, 0.0, 0.0]);
    }

    /// A soft line that shines: light is added.
    pub(super) fn shining_ring(
        &mut self,
        layer: Layer,
        centre: Vec2,
        radius: f32,
        width: f32,
        colour: Color,
    ) {
        let reach = radius + width;
        let parameters = [radius, width / 2.0, width / 2.0, 1.0];
        self.round(layer, Kind::Ring, centre, reach, (colour, colour), parameters);
    }

    /// A part of a circle's line: `sweep` radians with `turn` in the middle.
    pub(super) fn arc(
        &mut self,
        layer: Layer,
        centre: Vec2,
        (radius, width): (f32, f32),
        (turn, sweep): (f32, f32),
        colour: Color,
    ) {
        let parameters = [radius, width / 2.0, sweep / 2.0, 0.0];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(radius + width + EDGE));
        let kind = Kind::Arc;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// A line with round ends that fades and narrows towards its tail.
    pub(super) fn streak(&mut self, layer: Layer, tail: Vec2, head: Vec2, width: f32, colours: (Color, Color)) {
        self.line(layer, tail, head, (width, 1.0), colours, 0.0);
    }

    /// A line with round ends of one width.
    pub(super) fn stroke(&mut self, layer: Layer, from: Vec2, to: Vec2, width: f32, colour: Color) {
        self.line(layer, from, to, (width, 0.0), (colour, colour), 0.0);
    }

    /// A spark: a line that shines and narrows towards its tail.
    pub(super) fn spark(&mut self, layer: Layer, tail: Vec2, head: Vec2, width: f32, colour: Color) {
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
        let way = head - tail;
        let half_length = way.length() / 2.0;
        let turn = if half_length > 0.0 { way.to_angle() } else { 0.0 };
        let half = Vec2::new(half_length + width / 2.0 + EDGE, width / 2.0 + EDGE);
        let parameters = [half_length, width / 2.0, taper, shine];
        let (colour, second) = (at_head.into(), at_tail.into());
        let centre = tail.midpoint(head);
        self.add(layer, Shape { kind: Kind::Streak, centre, half, turn, colour, second, parameters });
    }

    /// Light that falls off to nothing at `radius`. Light is added to what is there.
    pub(super) fn glow(&mut self, layer: Layer, centre: Vec2, radius: f32, colour: Color) {
        self.round(layer, Kind::Glow, centre, radius, (colour, colour), [radius, 0.0, 0.0, 1.0]);
    }

    /// A dark or coloured cloud that falls off to nothing at `radius`.
    pub(super) fn shade(&mut self, layer: Layer, centre: Vec2, radius: f32, colour: Color) {
        self.round(layer, Kind::Glow, centre, radius, (colour, colour), [radius, 0.0, 0.0, 0.0]);
    }

    /// A slice of a circle: `sweep` radians around `turn`, bright at its outer end.
    pub(super) fn cone(
        &mut self,
        layer: Layer,
        centre: Vec2,
        (inner, outer): (f32, f32),
        (turn, sweep): (f32, f32),
        colour: Color,
    ) {
        let parameters = [outer, sweep / 2.0, inner, 0.35];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(outer + EDGE));
        let kind = Kind::Cone;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// A regular polygon with round corners.
    pub(super) fn polygon(
        &mut self,
        layer: Layer,
        centre: Vec2,
        (radius, sides): (f32, u8),
        turn: f32,
        colour: Color,
    ) {
        let parameters = [radius, f32::from(sides), radius * 0.18, 0.0];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(radius + EDGE));
        let kind = Kind::Polygon;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// A plus sign.
    pub(super) fn plus(&mut self, layer: Layer, centre: Vec2, reach: f32, width: f32, colour: Color) {
        let parameters = [reach, width / 2.0, 0.0, 0.0];
        self.round(layer, Kind::Plus, centre, reach, (colour, colour), parameters);
    }

    /// A wedge that points along `turn`, its tip at `reach` from the centre.
    pub(super) fn notch(&mut self, layer: Layer, centre: Vec2, reach: f32, size: f32, turn: f32, colour: Color) {
        let parameters = [reach, size, 0.0, 0.0];
        let (colour, half) = (LinearRgba::from(colour), Vec2::splat(reach + EDGE));
        let kind = Kind::Notch;
        self.add(layer, Shape { kind, centre, half, turn, colour, second: colour, parameters });
    }

    /// The slab of ice around the origin.
    pub(super) fn ice(&mut self, radius: f32, depth: f32, cracks: f32, time: f32, colours: (Color, Color)) {
        let parameters = [radius, depth, cracks, time];
        let (colour, second) = (colours.0.into(), colours.1.into());
        let half = Vec2::splat(radius + depth + EDGE);
        let (kind, centre, turn) = (Kind::Ice, Vec2::ZERO, 0.0);
        self.add(Layer::Ice, Shape { kind, centre, half, turn, colour, second, parameters });
    }

    /// The deep behind everything.
    pub(super) fn deep(&mut self, centre: Vec2, half: Vec2, colours: (Color, Color)) {
        let parameters = [half.max_element(), 0.0, 0.0, 0.0];
        let (colour, second) = (colours.0.into(), colours.1.into());
        let (kind, turn) = (Kind::Deep, 0.0);
        self.add(Layer::Deep, Shape { kind, centre, half, turn, colour, second, parameters });
    }

    /// Turns the shapes into a mesh and forgets them.
    fn mesh(&mut self) -> Mesh {
        let mut vertices = Vertices::default();
        let shapes = self.layers.iter().flatten().take(SHAPES_MAX);
        shapes.for_each(|shape| vertices.push(shape));
        self.layers.iter_mut().for_each(Vec::clear);
        vertices.mesh()
    }
}

/// The mesh's attributes.
#[derive(Default)]
struct Vertices {
    positions: Vec<[f32; 3]>,
    locals: Vec<[f32; 2]>,
    colours: Vec<[f32; 4]>,
    seconds: Vec<[f32; 4]>,
    parameters: Vec<[f32; 4]>,
    indices: Vec<u32>,
}

impl Vertices {
    #[expect(clippy::cast_possible_truncation, reason = "at most four times SHAPES_MAX")]
    fn push(&mut self, shape: &Shape) {
        let first = self.positions.len() as u32;
        let axis = Vec2::from_angle(shape.turn);
        for corner in [Vec2::new(-1.0, -1.0), Vec2::new(1.0, -1.0), Vec2::ONE, Vec2::new(-1.0, 1.0)] {
            let local = corner * shape.half;
            let place = shape.centre + axis.rotate(local);
            self.positions.push([place.x, place.y, f32::from(shape.kind as u8)]);
            self.locals.push(local.to_array());
            self.colours.push(shape.colour.to_f32_array());
            self.seconds.push(shape.second.to_f32_array());
            self.parameters.push(shape.parameters);
        }
        self.indices.extend([0, 1, 2, 0, 2, 3].map(|corner| first + corner));
    }

    fn mesh(self) -> Mesh {
        Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, self.locals)
            .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, self.colours)
            .with_inserted_attribute(SECOND_COLOUR, self.seconds)
            .with_inserted_attribute(PARAMETERS, self.parameters)
            .with_inserted_indices(Indices::U32(self.indices))
    }
}

/// Draws shapes by their distance functions.
#[derive(Asset, TypePath, AsBindGroup, Debug, Clone)]
struct ShapeMaterial {}

impl Material2d for ShapeMaterial {
    fn vertex_shader() -> ShaderRef {
        SHADER.into()
    }

    fn fragment_shader() -> ShaderRef {
        SHADER.into()
    }

    fn alpha_mode(&self) -> AlphaMode2d {
        AlphaMode2d::Blend
    }

    fn specialize(
        descriptor: &mut RenderPipelineDescriptor,
        layout: &MeshVertexBufferLayoutRef,
        _key: Material2dKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        descriptor.vertex.buffers = vec![layout.0.get_layout(&[
            Mesh::ATTRIBUTE_POSITION.at_shader_location(0),
            Mesh::ATTRIBUTE_UV_0.at_shader_location(1),
            Mesh::ATTRIBUTE_COLOR.at_shader_location(2),
            SECOND_COLOUR.at_shader_location(3),
            PARAMETERS.at_shader_location(4),
        ])?];
        // Premultiplied: a shape may cover what is there, add light to it, or both.
        let targets = descriptor.fragment.iter_mut().flat_map(|fragment| &mut fragment.targets);
        for target in targets.flatten() {
            target.blend = Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING);
        }
        Ok(())
    }
}

/// The one mesh.
#[derive(Debug, Resource)]
struct Canvas(Handle<Mesh>);

/// Collects shapes and draws them at the end of the frame.
#[derive(Debug)]
pub(super) struct PainterPlugin;

impl Plugin for PainterPlugin {
    fn build(&self, app: &mut App) {
        load_internal_asset!(app, SHADER, "shapes.wgsl", Shader::from_wgsl);
        app.add_plugins(Material2dPlugin::<ShapeMaterial>::default())
            .init_resource::<Painter>()
            .add_systems(Startup, spread)
            .add_systems(PostUpdate, upload.before(bevy::asset::AssetEventSystems));
    }
}

fn spread(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<ShapeMaterial>>,
) {
    let mut nothing = Painter::default();
    nothing.deep(Vec2::ZERO, Vec2::ONE, (Color::BLACK, Color::BLACK));
    let canvas = meshes.add(nothing.mesh());
    let material = MeshMaterial2d(materials.add(ShapeMaterial {}));
    commands.spawn((Mesh2d(canvas.clone()), material, NoFrustumCulling));
    commands.insert_resource(Canvas(canvas));
}

fn upload(mut painter: ResMut<Painter>, canvas: Res<Canvas>, mut meshes: ResMut<Assets<Mesh>>) {
    if painter.layers.iter().all(Vec::is_empty) {
        return;
    }
    let mesh = painter.mesh();
    // The handle is alive: inserting cannot fail.
    meshes.insert(canvas.0.id(), mesh).ok();
}
