// Everything of a match, by distance functions. One draw call; the kind stands in each vertex.

#import bevy_sprite::mesh2d_functions::mesh2d_position_world_to_clip
#ifdef SRGB_OUTPUT
#import bevy_render::color_operations::linear_to_srgb
#endif

struct Vertex {
    // x, y: the place in the scene. z: the kind.
    @location(0) place_and_kind: vec3<f32>,
    @location(1) local: vec2<f32>,
    @location(2) colour: vec4<f32>,
    @location(3) second: vec4<f32>,
    @location(4) parameters: vec4<f32>,
}

struct Fragment {
    @builtin(position) position: vec4<f32>,
    @location(0) local: vec2<f32>,
    @location(1) @interpolate(flat) colour: vec4<f32>,
    @location(2) @interpolate(flat) second: vec4<f32>,
    @location(3) @interpolate(flat) parameters: vec4<f32>,
    @location(4) @interpolate(flat) kind: u32,
}

const TAU: f32 = 6.2831853;

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

// How much of a pixel lies inside an outline: `distance` is negative inside, `soft` widens the edge.
fn cover(distance: f32, pixel: f32, soft: f32) -> f32 {
    let width = max(pixel, soft);
    return 1.0 - smoothstep(-width, pixel * 0.5, distance - pixel * 0.25);
}

fn hash(value: f32) -> f32 {
    return fract(sin(value * 91.3458) * 47453.5453);
}

// Puts a colour down: covering, shining, or both.
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

fn arc(in: Fragment, pixel: f32) -> vec4<f32> {
    let radius = in.parameters.x;
    let half_sweep = in.parameters.z;
    let angle = abs(atan2(in.local.y, in.local.x));
    let end = vec2(cos(half_sweep), sin(half_sweep)) * radius;
    let to_end = length(vec2(in.local.x, abs(in.local.y)) - end);
    let distance = select(to_end, abs(length(in.local) - radius), angle <= half_sweep);
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

fn cone(in: Fragment, pixel: f32) -> vec4<f32> {
    let outer = in.parameters.x;
    let inner = in.parameters.z;
    let distance = length(in.local);
    let angle = abs(atan2(in.local.y, in.local.x));
    let side = (angle - in.parameters.y) * distance;
    let covered = cover(max(side, max(distance - outer, inner - distance)), pixel, 3.0);
    let along = clamp((distance - inner) / max(outer - inner, 1.0), 0.0, 1.0);
    return lay(in.colour, covered * (0.1 + 0.9 * along * along * along), in.parameters.w);
}

fn polygon(in: Fragment, pixel: f32) -> vec4<f32> {
    let corner = in.parameters.z;
    let step = TAU / in.parameters.y;
    let angle = atan2(in.local.y, in.local.x);
    let within = angle - step * floor(angle / step + 0.5);
    let apothem = (in.parameters.x - corner) * cos(step * 0.5);
    let distance = length(in.local) * cos(within) - apothem - corner * 0.6;
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

// Lines that run inwards from the rim, jagged; 1 on a line.
fn crack(local: vec2<f32>, distance: f32, radius: f32, reach: f32, pixel: f32) -> f32 {
    let inwards = radius - distance;
    if reach <= 1.0 || inwards < 0.0 || inwards > reach {
        return 0.0;
    }
    let sectors = 34.0;
    let bend = 0.22 * sin(inwards * 0.21) + 0.13 * sin(inwards * 0.53 + 1.3);
    let along = atan2(local.y, local.x) / TAU * sectors + bend;
    let sector = floor(along);
    let line = abs(along - sector - 0.25 - 0.5 * hash(sector)) * TAU / sectors * distance;
    let length_here = reach * (0.35 + 0.65 * hash(sector + 17.0));
    let fade = clamp(1.0 - inwards / length_here, 0.0, 1.0);
    return (1.0 - smoothstep(0.4, 0.9 + pixel, line)) * fade;
}

fn ice_top(in: Fragment, distance: f32, pixel: f32) -> vec3<f32> {
    let radius = in.parameters.x;
    let cracks = in.parameters.z;
    let local = in.local;
    let from_light = length(local - vec2(-0.18, 0.2) * radius) / radius;
    var colour = mix(in.colour.rgb, in.second.rgb, smoothstep(0.1, 1.2, from_light));
    // Marbled by a little, so that speed shows.
    let marble = sin(local.x * 0.021 + 2.0 * sin(local.y * 0.013))
        * sin(local.y * 0.027 + 1.7 * sin(local.x * 0.017));
    let scratch = sin(local.x * 0.19 + local.y * 0.07 + 3.0 * sin(local.y * 0.011));
    colour *= 1.0 + 0.022 * marble + 0.02 * smoothstep(0.965, 1.0, scratch);
    // The rings of a rink.
    let mark = vec3(0.36, 0.53, 0.69);
    let rings = max(
        cover(abs(distance - 150.0) - 1.2, pixel, 0.0),
        max(cover(abs(distance - 300.0) - 1.2, pixel, 0.0), cover(distance - 6.0, pixel, 0.0)),
    );
    colour = mix(colour, mark, rings * 0.4);
    // What is about to break off looks dull, and its cracks are dark.
    let rim = smoothstep(58.0, 0.0, radius - distance);
    colour = mix(colour, mark, rim * 0.25 * cracks);
    let line = crack(local, distance, radius, 66.0 * cracks, pixel);
    colour = mix(colour, vec3(0.05, 0.13, 0.25), line * 0.7);
    // A bright edge, and a thin shade inside of it.
    let shade = smoothstep(9.0, 3.0, radius - distance);
    colour *= 1.0 - 0.12 * shade;
    let bright = smoothstep(2.2 + pixel, 1.2, radius - distance);
    return mix(colour, vec3(0.91, 0.97, 1.0), bright);
}

fn ice(in: Fragment, pixel: f32) -> vec4<f32> {
    let radius = in.parameters.x;
    let depth = in.parameters.y;
    let distance = length(in.local);
    let on_top = cover(distance - radius, pixel, 0.0);
    // The side is the same circle a little lower.
    let across = clamp(abs(in.local.x) / radius, 0.0, 1.0);
    let edge = -sqrt(max(1.0 - across * across, 0.0)) * radius;
    let below = (edge - in.local.y) / depth;
    let lower = length(in.local + vec2(0.0, depth)) - radius;
    let beside = select(0.0, cover(lower, pixel, 0.0), in.local.y < 0.0);
    if on_top + beside <= 0.0 {
        discard;
    }
    let column = floor(atan2(in.local.y, in.local.x) * 46.0);
    let streaks = 0.9 + 0.2 * hash(column);
    let side = mix(vec3(0.12, 0.24, 0.4), vec3(0.012, 0.028, 0.07), clamp(below, 0.0, 1.0)) * streaks;
    let top = ice_top(in, distance, pixel);
    let colour = mix(side, top, on_top);
    let covered = max(on_top, beside);
    return vec4(colour * covered, covered);
}

fn deep(in: Fragment) -> vec4<f32> {
    let away = length(in.local) / in.parameters.x;
    let colour = mix(in.colour.rgb, in.second.rgb, smoothstep(0.0, 1.0, away));
    // A grain below one step of a screen's colours: no bands.
    let grain = (hash(dot(in.position.xy, vec2(0.371, 0.733))) - 0.5) / 700.0;
    return vec4(max(colour + grain, vec3(0.0)), 1.0);
}

@fragment
fn fragment(in: Fragment) -> @location(0) vec4<f32> {
    let pixel = max(fwidth(in.local.x), fwidth(in.local.y));
    var colour: vec4<f32>;
    switch in.kind {
        case 0u: { colour = disc(in, pixel); }
        case 1u: { colour = ring(in, pixel); }
        case 2u: { colour = arc(in, pixel); }
        case 3u: { colour = streak(in, pixel); }
        case 4u: { colour = glow(in); }
        case 5u: { colour = cone(in, pixel); }
        case 6u: { colour = polygon(in, pixel); }
        case 7u: { colour = plus(in, pixel); }
        case 8u: { colour = notch(in, pixel); }
        case 9u: { colour = ice(in, pixel); }
        default: { colour = deep(in); }
    }
#ifdef SRGB_OUTPUT
    colour = vec4(linear_to_srgb(colour.rgb), colour.a);
#endif
    return colour;
}
