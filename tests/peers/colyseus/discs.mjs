// Sixteen discs on ice, in integers: the part of Pushback's rules that moves every disc in every tick.
//
// A step costs about a microsecond, so the measurement is of the framework and not of this file. Pulses, shoves,
// dashes and pick-ups are left out here, which makes this room cheaper; ours has them.

/** Steps in a second. */
export const TICK_RATE_HZ = 60;
/** Seats in a room. */
export const SEATS = 16;

/** Lengths are in sub-units, speeds in sub-units a tick, as in `shared/src/sim`. */
const UNIT = 64;
const PLATFORM_RADIUS = 480 * UNIT;
const RADIUS = 24 * UNIT;
const SPEED_MAX = 16 * UNIT;
const THRUST = 8;
const FRICTION_DIVISOR = 48;
const STRAIN_MAX = 150;
const BUMP_SPEED_MIN = 96;
const BUMP_SPEED_PER_STRAIN = 128;
const POINTS_MAX = 999;

/** Directions of thrust. An input says 0 for none, else the direction plus one. */
const DIRECTIONS = 16;
const THRUSTS = Array.from({ length: DIRECTIONS }, (_, direction) => {
  const angle = (direction / DIRECTIONS) * 2 * Math.PI;
  return { x: Math.round(Math.cos(angle) * THRUST), y: Math.round(Math.sin(angle) * THRUST) };
});

/** A disc that enters, on a circle around the middle. */
export function entering(seat) {
  const angle = (seat / SEATS) * 2 * Math.PI;
  const home = { x: Math.round(Math.cos(angle) * 320 * UNIT), y: Math.round(Math.sin(angle) * 320 * UNIT) };
  return { home, x: home.x, y: home.y, vx: 0, vy: 0, angle: 0, thrust: 0, strain: 0, points: 0, bumpedBy: null };
}

/** Moves all discs by one tick. */
export function step(discs) {
  for (const disc of discs) {
    advance(disc);
  }
  for (let second = 1; second < discs.length; second++) {
    for (let first = 0; first < second; first++) {
      meet(discs[first], discs[second]);
    }
  }
  for (const disc of discs) {
    if (disc.x * disc.x + disc.y * disc.y > PLATFORM_RADIUS * PLATFORM_RADIUS) {
      fall(disc);
    }
  }
}

function advance(disc) {
  if (disc.thrust > 0 && disc.thrust <= DIRECTIONS) {
    disc.vx += THRUSTS[disc.thrust - 1].x;
    disc.vy += THRUSTS[disc.thrust - 1].y;
  }
  disc.vx = clamp(disc.vx - ((disc.vx / FRICTION_DIVISOR) | 0), SPEED_MAX);
  disc.vy = clamp(disc.vy - ((disc.vy / FRICTION_DIVISOR) | 0), SPEED_MAX);
  disc.x += disc.vx;
  disc.y += disc.vy;
}

/** Parts two discs that overlap and swaps what they close in with. */
function meet(a, b) {
  const x = b.x - a.x;
  const y = b.y - a.y;
  const squared = x * x + y * y;
  if (squared >= 4 * RADIUS * RADIUS) {
    return;
  }
  const distance = Math.max(Math.sqrt(squared) | 0, 1);
  const overlap = (2 * RADIUS - distance) >> 1;
  shift(a, ((-x * overlap) / distance) | 0, ((-y * overlap) / distance) | 0);
  shift(b, ((x * overlap) / distance) | 0, ((y * overlap) / distance) | 0);

  const closing = (((a.vx - b.vx) * x + (a.vy - b.vy) * y) / distance) | 0;
  if (closing <= 0) {
    return;
  }
  const vx = ((x * closing) / distance) | 0;
  const vy = ((y * closing) / distance) | 0;
  push(a, -vx, -vy);
  push(b, vx, vy);
  if (closing >= BUMP_SPEED_MIN) {
    bump(a, b, closing);
    bump(b, a, closing);
  }
}

function shift(disc, x, y) {
  disc.x += x;
  disc.y += y;
}

function push(disc, vx, vy) {
  disc.vx = clamp(disc.vx + vx, SPEED_MAX);
  disc.vy = clamp(disc.vy + vy, SPEED_MAX);
}

function bump(disc, by, closing) {
  disc.strain = Math.min(disc.strain + ((closing / BUMP_SPEED_PER_STRAIN) | 0), STRAIN_MAX);
  disc.bumpedBy = by;
}

/** Over the edge: a point for whoever bumped it last, and home again. */
function fall(disc) {
  if (disc.bumpedBy !== null) {
    disc.bumpedBy.points = clamp(disc.bumpedBy.points + 1, POINTS_MAX);
  }
  disc.points = clamp(disc.points - 1, POINTS_MAX);
  Object.assign(disc, { x: disc.home.x, y: disc.home.y, vx: 0, vy: 0, strain: 0, bumpedBy: null });
}

function clamp(value, most) {
  return Math.max(-most, Math.min(value, most));
}
