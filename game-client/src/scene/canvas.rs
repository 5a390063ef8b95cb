//! The sheets: meshes, the material that draws them, and their way to the graphics card.

use bevy::asset::{Asset, Assets, Handle, RenderAssetUsages, load_internal_asset, uuid_handle};
use bevy::camera::visibility::NoFrustumCulling;
use bevy::color::{ColorToComponents as _, LinearRgba};
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

use super::painter::{Kind, Painter, Shape};

const SHADER: Handle<Shader> = uuid_handle!("6d0c9e0e-5f0f-4a34-9c55-3c2a1d3a7b10");

/// Second colour of a shape.
pub(super) const SECOND_COLOUR: MeshVertexAttribute =
    MeshVertexAttribute::new("SecondColour", 718_231_001, VertexFormat::Float32x4);
/// What the distance function takes.
pub(super) const PARAMETERS: MeshVertexAttribute =
    MeshVertexAttribute::new("Parameters", 718_231_002, VertexFormat::Float32x4);

/// A mesh of its own, the lowest first. Large areas have a pipeline of their own as well: a processor that draws
/// computes every branch of a shader for every pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sheet {
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

/// The mesh's attributes.
#[derive(Default)]
pub(super) struct Vertices {
    positions: Vec<[f32; 3]>,
    locals: Vec<[f32; 2]>,
    colours: Vec<[f32; 4]>,
    seconds: Vec<[f32; 4]>,
    parameters: Vec<[f32; 4]>,
    indices: Vec<u32>,
}

impl Vertices {
    #[expect(clippy::cast_possible_truncation, reason = "at most four times SHAPES_MAX")]
    pub(super) fn push(&mut self, shape: &Shape) {
        let first = self.positions.len() as u32;
        let axis = Vec2::from_angle(shape.turn);
        for corner in [Vec2::new(-1.0, -1.0), Vec2::new(1.0, -1.0), Vec2::ONE, Vec2::new(-1.0, 1.0)]
        {
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

    pub(super) fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    pub(super) fn mesh(self) -> Mesh {
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

/// Draws what the [`Painter`] has at the end of each frame.
#[derive(Debug)]
pub(super) struct CanvasPlugin;

impl Plugin for CanvasPlugin {
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
pub(super) fn nothing() -> Mesh {
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
