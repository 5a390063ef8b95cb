//! Draws everything of a match with five meshes and five draw calls.
//!
//! Whoever wants to be seen puts shapes into a layer, each frame anew. A shape is a quad; its outline and its soft edge
//! come from a distance function in the shader, so no textures are needed and every edge is smooth at every size.
//!
//! The deep and the ice are plain triangles (see [`Tinted`]) with a pipeline of their own: they cover the picture, and a
//! processor that draws computes every branch of a shader for every pixel.

use bevy::asset::{Asset, Assets, Handle, RenderAssetUsages, load_internal_asset, uuid_handle};
use bevy::camera::visibility::NoFrustumCulling;
use bevy::color::{Alpha as _, Color, ColorToComponents as _, LinearRgba};
use bevy::math::Vec2;
use bevy::mesh::{
    Indices, Mesh, Mesh2d, MeshVertexAttribute, MeshVertexBufferLayoutRef, PrimitiveTopology,
};
use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Plugin, PostUpdate, Res, ResMut, Resource, Startup,
    Transform,
};
use bevy::reflect::TypePath;
use bevy::render::render_resource::{
    AsBindGroup, BlendState, RenderPipelineDescriptor, SpecializedMeshPipelineError, VertexFormat,
};
use bevy::shader::{Shader, ShaderRef};
use bevy::sprite_render::{
    AlphaMode2d, Material2d, Material2dKey, Material2dPlugin, MeshMaterial2d,
};

use super::tinted::Tinted;

const SHADER: Handle<Shader> = uuid_handle!("6d0c9e0e-5f0f-4a34-9c55-3c2a1d3a7b10");

/// Second colour of a shape.
pub(super) const SECOND_COLOUR: MeshVertexAttribute =
    MeshVertexAttribute::new("SecondColour", 718_231_001, VertexFormat::Float32x4);
/// What the distance function takes.
pub(super) const PARAMETERS: MeshVertexAttribute =
    MeshVertexAttribute::new("Parameters", 718_231_002, VertexFormat::Float32x4);

/// Shapes that are drawn in a frame at most. What comes after is left out.
const SHAPES_MAX: usize = 6_000;

/// What lies over what, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// What falls into the deep, and the specks in it.
    Deep,
    /// On the ice: marks, shadows, lights, pickups.
    Ground,
    /// Discs.
    Discs,
    /// Pulses, sparks, rings.
    Above,
}

/// A mesh with a pipeline of its own, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sheet {
    /// The deep alone.
    Void,
    /// Shapes behind the ice.
    Behind,
    /// The ice alone.
    Ice,
    /// Shapes on the ice and over it.
    Front,
    /// Darkness over all of it, behind the panels.
    Veil,
}

impl Sheet {
    const ALL: [Self; 5] = [Self::Void, Self::Behind, Self::Ice, Self::Front, Self::Veil];

    /// What the shader calls it.
    const fn definition(self) -> &'static str {
        match self {
            Self::Void | Self::Ice | Self::Veil => "TINTED",
            Self::Behind | Self::Front => "SHAPES",
        }
    }
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
    layers: [Vec<Shape>; 4],
    /// What is new of the deep and of the ice; both stay as they were otherwise.
    void: Option<Tinted>,
    ice: Option<Tinted>,
    veil: Option<Tinted>,
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

    /// The slab of ice from now on.
    pub(super) fn ice(&mut self, ice: Tinted) {
        self.ice = Some(ice);
    }

    /// The deep behind everything from now on.
    pub(super) fn void(&mut self, void: Tinted) {
        self.void = Some(void);
    }

    /// What darkens the picture from now on.
    pub(super) fn veil(&mut self, veil: Tinted) {
        self.veil = Some(veil);
    }

    /// What a sheet shows from now on. Nothing: what it showed before.
    fn mesh(&mut self, sheet: Sheet) -> Option<Mesh> {
        let mut vertices = Vertices::default();
        let [deep, front @ ..] = &mut self.layers;
        match sheet {
            Sheet::Void => return self.void.take().map(|void| void.mesh().unwrap_or_else(nothing)),
            Sheet::Ice => return self.ice.take().map(|ice| ice.mesh().unwrap_or_else(nothing)),
            Sheet::Veil => return self.veil.take().map(|veil| veil.mesh().unwrap_or_else(nothing)),
            Sheet::Behind => deep.drain(..).take(SHAPES_MAX).for_each(|shape| vertices.push(&shape)),
            Sheet::Front => {
                let shapes = front.iter_mut().flat_map(|layer| layer.drain(..));
                shapes.take(SHAPES_MAX).for_each(|shape| vertices.push(&shape));
            }
        }
        Some(if vertices.indices.is_empty() { nothing() } else { vertices.mesh() })
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
#[bind_group_data(Sheet)]
struct ShapeMaterial {
    sheet: Sheet,
}

impl From<&ShapeMaterial> for Sheet {
    fn from(material: &ShapeMaterial) -> Self {
        material.sheet
    }
}

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
        key: Material2dKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        let definition = key.bind_group_data.definition();
        descriptor.vertex.shader_defs.push(definition.into());
        if let Some(fragment) = &mut descriptor.fragment {
            fragment.shader_defs.push(definition.into());
        }
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

/// The mesh of each sheet.
#[derive(Debug, Resource)]
struct Canvas(Vec<(Sheet, Handle<Mesh>)>);

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
    let canvas = Sheet::ALL.into_iter().enumerate().map(|(place, sheet)| {
        let mesh = meshes.add(nothing());
        let material = MeshMaterial2d(materials.add(ShapeMaterial { sheet }));
        #[expect(clippy::cast_precision_loss, reason = "five sheets")]
        let height = Transform::from_xyz(0.0, 0.0, place as f32);
        commands.spawn((Mesh2d(mesh.clone()), material, height, NoFrustumCulling));
        (sheet, mesh)
    });
    let canvas = canvas.collect();
    commands.insert_resource(Canvas(canvas));
}

/// A mesh that shows nothing: one quad without a size.
fn nothing() -> Mesh {
    let mut vertices = Vertices::default();
    vertices.push(&Shape {
        kind: Kind::Disc,
        centre: Vec2::ZERO,
        half: Vec2::ZERO,
        turn: 0.0,
        colour: LinearRgba::NONE,
        second: LinearRgba::NONE,
        parameters: [0.0; 4],
    });
    vertices.mesh()
}

fn upload(mut painter: ResMut<Painter>, canvas: Res<Canvas>, mut meshes: ResMut<Assets<Mesh>>) {
    for (sheet, handle) in &canvas.0 {
        if let Some(mesh) = painter.mesh(*sheet) {
            // The handle is alive: inserting cannot fail.
            meshes.insert(handle.id(), mesh).ok();
        }
    }
}
