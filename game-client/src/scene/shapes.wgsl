// Draws a match with signed distance functions. Each vertex carries the kind of its shape.
// Compiled twice: for gradient meshes (TINTED), and for shapes (SHAPES).

#import bevy_sprite::mesh2d_functions::mesh2d_position_world_to_clip
#ifdef SRGB_OUTPUT
#import bevy_render::color_operations::linear_to_srgb
#endif

struct Vertex {
    // x, y: the position in the scene. z: the kind.
    @location(0) place_and_kind: vec3<f32>,
    @location(1) local: vec2<f32>,
    @location(2) colour: vec4<f32>,
    @location(3) second: vec4<f32>,
    @location(4) parameters: vec4<f32>,
}

struct Fragment {
    @builtin(position) position: vec4<f32>,
    @location(0) local: vec2<f32>,
#ifdef TINTED
    @location(1) colour: vec4<f32>,
#else
    @location(1) @interpolate(flat) colour: vec4<f32>,
#endif
    @location(2) @interpolate(flat) second: vec4<f32>,
    @location(3) @interpolate(flat) parameters: vec4<f32>,
    @location(4) @interpolate(flat) kind: u32,
}

@vertex
fn vertex(vertex: Vertex) -> Fragment {
    var out: Fragment;
    out.position = mesh2d_position_world_to_clip(vec4(vertex.place_and_kind.xy, 0.0, 1.0));
    out.local = vertex.local;
    out.colour = vertex.colour;
    out.second = vertex.second;
    out.parameters = vertex.parameters;
    out.kind = u32(vertex.place_and_kind.z + 0.5);
    return out;
}

// The part of a pixel inside an outline. `distance` is negative inside; `soft` widens the edge.
fn cover(distance: f32, pixel: f32, soft: f32) -> f32 {
    let width = max(pixel, soft);
    return 1.0 - smoothstep(-width, pixel * 0.5, distance - pixel * 0.25);
}

#ifdef SHAPES
// A premultiplied colour that covers, adds light, or both.
fn lay(colour: vec4<f32>, covered: f32, shine: f32) -> vec4<f32> {
    let alpha = colour.a * covered;
    return vec4(colour.rgb * alpha, alpha * (1.0 - shine));
}

fn disc(in: Fragment, pixel: f32) -> vec4<f32> {
    let radius = in.parameters.x;
    let squash = select(in.parameters.zw, vec2(1.0), in.parameters.z == 0.0);
    let local = in.local / squash;
    let distance = length(local);
    // Light from above, a little to the left.
    let light = dot(local / radius, vec2(-0.35, 0.6)) * 0.5 + 0.5;
    let along = clamp(distance / radius * 0.75 + (1.0 - light) * 0.45 - 0.2, 0.0, 1.0);
    let colour = mix(in.colour, in.second, along);
    return lay(colour, cover(distance - radius, pixel, in.parameters.y), 0.0);
}

fn ring(in: Fragment, pixel: f32) -> vec4<f32> {
    let distance = abs(length(in.local) - in.parameters.x) - in.parameters.y;
    return lay(in.colour, cover(distance, pixel, in.parameters.z), in.parameters.w);
}

// The half of the sweep is given as its sine and cosine.
fn arc(in: Fragment, pixel: f32) -> vec4<f32> {
    let radius = in.parameters.x;
    let end = in.parameters.zw;
    let local = vec2(in.local.x, abs(in.local.y));
    let beyond = end.y * local.y > end.x * local.x;
    let distance = select(abs(length(local) - radius), length(local - end.yx * radius), beyond);
    return lay(in.colour, cover(distance - in.parameters.y, pixel, 0.0), 0.0);
}

fn streak(in: Fragment, pixel: f32) -> vec4<f32> {
    let half_length = max(in.parameters.x, 0.001);
    let on_line = vec2(clamp(in.local.x, -half_length, half_length), 0.0);
    let along = (on_line.x / half_length) * 0.5 + 0.5;
    let width = in.parameters.y * mix(1.0, along, in.parameters.z);
    let distance = length(in.local - on_line) - width;
    let colour = mix(in.second, in.colour, along);
    return lay(colour, cover(distance, pixel, 0.0), in.parameters.w);
}

fn glow(in: Fragment) -> vec4<f32> {
    let away = clamp(1.0 - length(in.local) / in.parameters.x, 0.0, 1.0);
    return lay(in.colour, away * away * (3.0 - 2.0 * away), in.parameters.w);
}

// The half of the sweep is given as its sine and cosine, and is less than half a turn.
fn cone(in: Fragment, pixel: f32) -> vec4<f32> {
    let outer = in.parameters.x;
    let inner = in.parameters.y;
    let edge = in.parameters.zw;
    let distance = length(in.local);
    let side = abs(in.local.y) * edge.y - in.local.x * edge.x;
    let covered = cover(max(side, max(distance - outer, inner - distance)), pixel, 3.0);
    let along = clamp((distance - inner) / max(outer - inner, 1.0), 0.0, 1.0);
    return lay(in.colour, covered * (0.1 + 0.9 * along * along * along), 0.35);
}

fn hexagon(in: Fragment, pixel: f32) -> vec4<f32> {
    let folded = abs(in.local);
    let distance = max(folded.x, folded.x * 0.5 + folded.y * 0.8660254) - in.parameters.x;
    return lay(in.colour, cover(distance, pixel, 0.0), 0.0);
}

fn plus(in: Fragment, pixel: f32) -> vec4<f32> {
    let p = abs(in.local);
    let along = max(p.x, p.y);
    let across = min(p.x, p.y);
    let distance = max(along - in.parameters.x, across - in.parameters.y);
    return lay(in.colour, cover(distance, pixel, 0.0), 0.0);
}

fn notch(in: Fragment, pixel: f32) -> vec4<f32> {
    let back = in.parameters.x - in.local.x;
    let size = in.parameters.y;
    let distance = max(abs(in.local.y) * 0.8 - back * 0.6, back - size);
    return lay(in.colour, cover(distance, pixel, 0.0), 0.0);
}
#endif

@fragment
fn fragment(in: Fragment) -> @location(0) vec4<f32> {
#ifdef TINTED
    // Dithering: noise below one step of the screen's colours, against banding.
    let grain = (fract(dot(in.position.xy, vec2(0.7548, 0.5698))) - 0.5) / 900.0;
    var colour = in.colour + vec4(vec3(grain * in.colour.a), 0.0);
#endif
#ifdef SHAPES
    let pixel = max(fwidth(in.local.x), fwidth(in.local.y));
    var colour: vec4<f32>;
    switch in.kind {
        case 0u: { colour = disc(in, pixel); }
        case 1u: { colour = ring(in, pixel); }
        case 2u: { colour = arc(in, pixel); }
        case 3u: { colour = streak(in, pixel); }
        case 4u: { colour = glow(in); }
        case 5u: { colour = cone(in, pixel); }
        case 6u: { colour = hexagon(in, pixel); }
        case 7u: { colour = plus(in, pixel); }
        default: { colour = notch(in, pixel); }
    }
#endif
#ifdef SRGB_OUTPUT
    colour = vec4(linear_to_srgb(colour.rgb), colour.a);
#endif
    return colour;
}
