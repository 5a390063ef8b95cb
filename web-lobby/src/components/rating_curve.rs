//! A player's rating over the last rounds, as a curve.

use leptos::prelude::*;
use presentation::words;
use shared::api::RatingPoint;

use crate::api::clock::local;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 180.0;
const MARGIN: f64 = 12.0;

/// Draws the curve of at least two rounds.
#[component]
pub(crate) fn RatingCurve(points: Vec<RatingPoint>) -> impl IntoView {
    let curve_points = curve_points(&points);
    let line: Vec<_> = curve_points
        .iter()
        .map(|(x, y)| format!("{},{}", words::fixed(*x, 1), words::fixed(*y, 1)))
        .collect();
    let line = line.join(" ");
    let area = match (curve_points.first(), curve_points.last()) {
        (Some((first, _)), Some((last, _))) => {
            format!("{first:.1},{HEIGHT} {line} {last:.1},{HEIGHT}")
        }
        _ => String::new(),
    };
    let lowest = points.iter().map(|point| point.rating).min().unwrap_or_default();
    let highest = points.iter().map(|point| point.rating).max().unwrap_or_default();
    let label = match (points.first(), points.last()) {
        (Some(first), Some(last)) => format!(
            "Rating over {} rounds, from {} to {}: between {lowest} and {highest}.",
            points.len(),
            local(first.at_ms),
            local(last.at_ms)
        ),
        _ => String::new(),
    };
    view! {
        <figure class="curve">
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="img" aria-label=label preserveAspectRatio="none">
                <polygon points=area />
                <polyline points=line vector-effect="non-scaling-stroke" />
            </svg>
            <figcaption>
                <span class="num">{highest}</span>
                <span class="num">{lowest}</span>
            </figcaption>
        </figure>
    }
}

/// The point of each round in the picture: rounds at equal distances, the highest rating on top.
fn curve_points(points: &[RatingPoint]) -> Vec<(f64, f64)> {
    let ratings = || points.iter().map(|point| f64::from(point.rating));
    let lowest = ratings().fold(f64::INFINITY, f64::min);
    let span = (ratings().fold(f64::NEG_INFINITY, f64::max) - lowest).max(1.0);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred rounds")]
    let step = (WIDTH - 2.0 * MARGIN) / (points.len().max(2) - 1) as f64;
    let mut x = MARGIN - step;
    ratings()
        .map(|rating| {
            x += step;
            (x, HEIGHT - MARGIN - (rating - lowest) / span * (HEIGHT - 2.0 * MARGIN))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use shared::api::RatingPoint;

    use super::{HEIGHT, MARGIN, WIDTH, curve_points};

    #[test]
    fn the_curve_fills_its_frame() {
        let point = |rating| RatingPoint { at_ms: 0, rating };

        let curve_points = curve_points(&[point(1500), point(1600), point(1550)]);

        assert_eq!(curve_points[0], (MARGIN, HEIGHT - MARGIN));
        assert_eq!(curve_points[1], (WIDTH / 2.0, MARGIN));
        assert!((curve_points[2].0 - (WIDTH - MARGIN)).abs() < 0.01);
    }
}
