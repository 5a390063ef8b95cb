//! What the meshes of the scene are made of: sheets, shapes and the attributes of their corners.
//!
//! Every sheet is one mesh and one draw call. A shape is a quad; the shader draws its outline and its soft edge with a
//! signed distance function. A leaf: painter, gradient meshes and canvas all take from here.

use bevy::asset::RenderAssetUsages;
use bevy::color::{ColorToComponents as _, LinearRgba};
use bevy::math::Vec2;
use bevy::mesh::{Indices, Mesh, MeshVertexAttribute, PrimitiveTopology};
use bevy::render::render_resource::VertexFormat;

/// Vertex attribute: the second colour of a shape.
pub(super) const SECOND_COLOUR: MeshVertexAttribute =
    MeshVertexAttribute::new("SecondColour", 718_231_001, VertexFormat::Float32x4);
/// Vertex attribute: the parameters of the distance function.
pub(super) const PARAMETERS: MeshVertexAttribute =
    MeshVertexAttribute::new("Parameters", 718_231_002, VertexFormat::Float32x4);

/// The meshes of the scene, the lowest first. Large areas are gradient meshes with a pipeline of their own, because a
/// software renderer computes every branch of a shader for every pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sheet {
    /// The void, a gradient mesh.
    Void,
    /// Shapes behind the ice.
    Behind,
    /// The ice, a gradient mesh.
    Ice,
    /// Shapes on the ice and above it.
    Front,
    /// A dark gradient above everything, behind the panels of the menu.
    Veil,
}

impl Sheet {
    /// All sheets, the lowest first.
    pub(super) const ALL: [Self; 5] =
        [Self::Void, Self::Behind, Self::Ice, Self::Front, Self::Veil];

    /// The shader definition that selects this sheet's pipeline.
    pub(super) const fn definition(self) -> &'static str {
        match self {
            Self::Void | Self::Ice | Self::Veil => "TINTED",
            Self::Behind | Self::Front => "SHAPES",
        }
    }
}

/// The outline of a shape. `shapes.wgsl` uses the same numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Disc = 0,
    Ring = 1,
    Arc = 2,
    Streak = 3,
    Glow = 4,
    Cone = 5,
    Hexagon = 6,
    Plus = 7,
    Notch = 8,
}

/// A quad with an outline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) centre: Vec2,
    pub(super) half: Vec2,
    /// Rotation in radians, counter-clockwise.
    pub(super) turn: f32,
    pub(super) colour: LinearRgba,
    pub(super) second: LinearRgba,
    pub(super) parameters: [f32; 4],
}

/// The vertex buffers of a mesh of shapes.
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
    /// Adds the four corners of a shape.
    #[expect(clippy::cast_possible_truncation, reason = "at most four times SHAPES_MAX")]
    pub(super) fn push(&mut self, shape: &Shape) {
        let first = self.positions.len() as u32;
        let axis = Vec2::from_angle(shape.turn);
        for corner in [Vec2::new(-1.0, -1.0), Vec2::new(1.0, -1.0), Vec2::ONE, Vec2::new(-1.0, 1.0)]
        {
            let local = corner * shape.half;
            let position = shape.centre + axis.rotate(local);
            self.positions.push([position.x, position.y, f32::from(shape.kind as u8)]);
            self.locals.push(local.to_array());
            self.colours.push(shape.colour.to_f32_array());
            self.seconds.push(shape.second.to_f32_array());
            self.parameters.push(shape.parameters);
        }
        self.indices.extend([0, 1, 2, 0, 2, 3].map(|corner| first + corner));
    }

    /// Whether there is no shape.
    pub(super) fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The mesh.
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

/// A mesh that shows nothing: one quad of size zero. Bevy does not draw a mesh without corners.
pub(super) fn empty_mesh() -> Mesh {
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
