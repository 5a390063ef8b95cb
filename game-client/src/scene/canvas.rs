//! The canvas: the material that draws the sheets, and the upload of their meshes to the graphics card.

use bevy::asset::{Asset, Assets, Handle, load_internal_asset, uuid_handle};
use bevy::camera::visibility::NoFrustumCulling;
use bevy::mesh::{Mesh, Mesh2d, MeshVertexBufferLayoutRef};
use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Plugin, PostUpdate, Res, ResMut, Resource, Startup,
    Transform,
};
use bevy::reflect::TypePath;
use bevy::render::render_resource::{
    AsBindGroup, BlendState, RenderPipelineDescriptor, SpecializedMeshPipelineError,
};
use bevy::shader::{Shader, ShaderRef};
use bevy::sprite_render::{
    AlphaMode2d, Material2d, Material2dKey, Material2dPlugin, MeshMaterial2d,
};

use super::painter::Painter;
use super::shape::{PARAMETERS, SECOND_COLOUR, Sheet, empty_mesh};

const SHADER: Handle<Shader> = uuid_handle!("6d0c9e0e-5f0f-4a34-9c55-3c2a1d3a7b10");

/// The material of a sheet.
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
        // With premultiplied alpha a shape may cover what is below it, add light to it, or both.
        let targets = descriptor.fragment.iter_mut().flat_map(|fragment| &mut fragment.targets);
        for target in targets.flatten() {
            target.blend = Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING);
        }
        Ok(())
    }
}

/// The sheets and their meshes, the lowest first.
#[derive(Debug, Resource)]
struct Canvas(Vec<(Sheet, Handle<Mesh>)>);

/// Uploads the meshes of the [`Painter`] at the end of each frame.
#[derive(Debug)]
pub(super) struct CanvasPlugin;

impl Plugin for CanvasPlugin {
    fn build(&self, app: &mut App) {
        load_internal_asset!(app, SHADER, "shapes.wgsl", Shader::from_wgsl);
        app.add_plugins(Material2dPlugin::<ShapeMaterial>::default())
            .init_resource::<Painter>()
            .add_systems(Startup, spawn_sheets)
            .add_systems(PostUpdate, upload.before(bevy::asset::AssetEventSystems));
    }
}

fn spawn_sheets(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<ShapeMaterial>>,
) {
    let canvas = Sheet::ALL.into_iter().enumerate().map(|(index, sheet)| {
        let mesh = meshes.add(empty_mesh());
        let material = MeshMaterial2d(materials.add(ShapeMaterial { sheet }));
        #[expect(clippy::cast_precision_loss, reason = "five sheets")]
        let height = Transform::from_xyz(0.0, 0.0, index as f32);
        commands.spawn((Mesh2d(mesh.clone()), material, height, NoFrustumCulling));
        (sheet, mesh)
    });
    let canvas = canvas.collect();
    commands.insert_resource(Canvas(canvas));
}

fn upload(mut painter: ResMut<Painter>, canvas: Res<Canvas>, mut meshes: ResMut<Assets<Mesh>>) {
    for (sheet, handle) in &canvas.0 {
        if let Some(mesh) = painter.mesh(*sheet) {
            // The handle is alive, so this cannot fail.
            meshes.insert(handle.id(), mesh).ok();
        }
    }
}
