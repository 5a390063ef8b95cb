//! The synthesiser: damped partials, filtered noise and a few tones. Pure functions from a sound to its samples.

use core::f32::consts::TAU;

/// Samples a second.
const RATE_HZ: f32 = 44_100.0;
/// The largest sample: −12 dBFS.
const PEAK: f32 = 0.25;
/// Bytes before the samples of a WAV file.
const HEADER_BYTES: usize = 44;

/// A sound of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sound {
    /// Two discs bump.
    Knock,
    /// A pulse is fired.
    Pulse,
    /// A push lands.
    Hit,
    /// A shove.
    Shove,
    /// A dash.
    Dash,
    /// A disc falls.
    Fall,
    /// A pickup is taken.
    Pickup,
    /// A pickup appears.
    Appear,
    /// The own disc is back.
    Respawn,
    /// The ice gives way.
    Crack,
    /// A second of the countdown.
    Tick,
    /// The countdown ends.
    Go,
    /// A button is clicked.
    Click,
    /// The edge is near. It loops.
    Hum,
}

impl Sound {
    /// All sounds.
    pub const ALL: [Self; 14] = [
        Self::Knock,
        Self::Pulse,
        Self::Hit,
        Self::Shove,
        Self::Dash,
        Self::Fall,
        Self::Pickup,
        Self::Appear,
        Self::Respawn,
        Self::Crack,
        Self::Tick,
        Self::Go,
        Self::Click,
        Self::Hum,
    ];
}

/// White noise from a fixed seed.
struct Noise(u32);

impl Noise {
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1_u32 << 23) as f32 - 1.0
    }
}

/// The band-pass output of a state-variable filter.
#[derive(Default)]
struct Band {
    low: f32,
    band: f32,
}

impl Band {
    fn next(&mut self, input: f32, pitch_hz: f32, width: f32) -> f32 {
        let f = 2.0 * (core::f32::consts::PI * pitch_hz / RATE_HZ).sin();
        self.low += f * self.band;
        let high = input - self.low - width * self.band;
        self.band += f * high;
        self.band
    }
}

/// A sine tone whose pitch may glide.
#[derive(Default)]
struct Tone {
    phase: f32,
}

impl Tone {
    fn next(&mut self, pitch_hz: f32) -> f32 {
        self.phase = (self.phase + pitch_hz / RATE_HZ).fract();
        (self.phase * TAU).sin()
    }
}

fn glide(from: f32, to: f32, along: f32) -> f32 {
    from * (to / from).powf(along.clamp(0.0, 1.0))
}

fn fades(time: f32, half_life: f32) -> f32 {
    0.5_f32.powf(time / half_life)
}

/// Renders `seconds` of samples. `at` gets the time in seconds and as a part of the whole, from 0 to 1.
fn render(seconds: f32, mut at: impl FnMut(f32, f32) -> f32) -> Vec<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most two seconds"
    )]
    let count = (seconds * RATE_HZ) as usize;
    #[expect(clippy::cast_precision_loss, reason = "at most two seconds")]
    let sample = |place: usize| {
        let time = place as f32 / RATE_HZ;
        // Both ends are faded, so that nothing clicks.
        let soft = (time / 0.002).min(1.0) * ((seconds - time) / 0.01).clamp(0.0, 1.0);
        at(time, time / seconds) * soft
    };
    (0..count).map(sample).collect()
}

/// Something that is struck: damped partials of `(pitch in Hz, loudness, half-life in seconds)`, and a click.
fn struck(seconds: f32, partials: &[(f32, f32, f32)], click: f32) -> Vec<f32> {
    let mut noise = Noise(7);
    render(seconds, |time, _| {
        let ring: f32 = partials
            .iter()
            .map(|(pitch, loud, half_life)| {
                loud * (time * pitch * TAU).sin() * fades(time, *half_life)
            })
            .sum();
        ring + click * noise.next() * fades(time, 0.0025)
    })
}

/// Moving air: noise whose pitch glides, over a soft tone.
fn air(
    seconds: f32,
    pitch: (f32, f32),
    width: f32,
    tone: (f32, f32, f32),
    attack: f32,
) -> Vec<f32> {
    let (mut noise, mut band, mut under) = (Noise(99), Band::default(), Tone::default());
    let half_life = seconds / 4.5;
    render(seconds, |time, along| {
        let rise = (time / attack).min(1.0);
        let breath = band.next(noise.next(), glide(pitch.0, pitch.1, along), width);
        let low = under.next(glide(tone.0, tone.1, along));
        (breath + tone.2 * low) * rise * fades((time - attack).max(0.0), half_life)
    })
}

/// Bells, each with `(start in seconds, pitch in Hz)`.
fn bells(notes: &[(f32, f32)], half_life: f32, seconds: f32) -> Vec<f32> {
    render(seconds, |time, _| {
        let note = |(begin, pitch): &(f32, f32)| {
            let since = time - begin;
            if since < 0.0 {
                return 0.0;
            }
            let wave = (since * pitch * TAU).sin() + 0.22 * (since * pitch * 2.01 * TAU).sin();
            wave * fades(since, half_life) * (since / 0.004).min(1.0)
        };
        notes.iter().map(note).sum()
    })
}

/// The samples of a sound, scaled so that the largest is [`PEAK`].
#[must_use]
pub(super) fn samples(sound: Sound) -> Vec<f32> {
    let raw = match sound {
        Sound::Knock => {
            struck(0.2, &[(310.0, 1.0, 0.022), (655.0, 0.5, 0.014), (1_180.0, 0.22, 0.009)], 0.5)
        }
        Sound::Hit => {
            struck(0.26, &[(150.0, 1.0, 0.04), (330.0, 0.6, 0.022), (720.0, 0.3, 0.01)], 1.1)
        }
        Sound::Pulse => air(0.2, (2_400.0, 700.0), 0.5, (620.0, 250.0, 0.35), 0.006),
        Sound::Shove => air(0.34, (900.0, 240.0), 0.6, (190.0, 70.0, 0.8), 0.01),
        Sound::Dash => air(0.26, (500.0, 2_600.0), 0.7, (140.0, 240.0, 0.2), 0.03),
        Sound::Fall => air(0.75, (900.0, 160.0), 0.8, (460.0, 70.0, 0.9), 0.02),
        Sound::Pickup => bells(&[(0.0, 523.25), (0.07, 783.99), (0.14, 1_046.5)], 0.09, 0.55),
        Sound::Appear => bells(&[(0.0, 1_174.7), (0.06, 1_568.0)], 0.05, 0.3),
        Sound::Respawn => bells(&[(0.0, 392.0), (0.08, 587.3)], 0.08, 0.4),
        Sound::Tick => bells(&[(0.0, 880.0)], 0.03, 0.16),
        Sound::Go => bells(&[(0.0, 880.0), (0.0, 1_318.5)], 0.11, 0.5),
        Sound::Click => struck(0.05, &[(1_500.0, 1.0, 0.006), (620.0, 0.6, 0.008)], 0.3),
        Sound::Crack => crack(),
        Sound::Hum => hum(),
    };
    let loudest = raw.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
    let gain = if loudest > 0.0 { PEAK / loudest } else { 0.0 };
    raw.into_iter().map(|sample| sample * gain).collect()
}

/// Breaking ice: several snaps over a low rumble.
fn crack() -> Vec<f32> {
    let snaps = [0.0, 0.09, 0.13, 0.27, 0.46, 0.5, 0.71];
    let (mut noise, mut band, mut rumble) = (Noise(3), Band::default(), Tone::default());
    render(1.3, |time, along| {
        let snap: f32 = snaps
            .iter()
            .filter(|begin| time >= **begin)
            .map(|begin| fades(time - begin, 0.012))
            .sum();
        let grain = band.next(noise.next(), glide(3_000.0, 900.0, along), 0.9);
        grain * snap + 0.5 * rumble.next(glide(70.0, 42.0, along)) * (1.0 - along)
    })
}

/// Two seconds that loop without a seam: every partial has whole periods in them.
fn hum() -> Vec<f32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "two seconds")]
    let count = (2.0 * RATE_HZ) as usize;
    #[expect(clippy::cast_precision_loss, reason = "two seconds")]
    let sample = |place: usize| {
        let time = place as f32 / RATE_HZ;
        let swell = 0.8 + 0.2 * (time * 1.5 * TAU).sin();
        let partials = [(55.0, 1.0), (82.5, 0.5), (110.0, 0.35), (165.5, 0.12)];
        partials.iter().map(|(pitch, loud)| loud * (time * pitch * TAU).sin()).sum::<f32>() * swell
    };
    (0..count).map(sample).collect()
}

/// A WAV file with one channel and 16 bits a sample.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
pub(super) fn wav(samples: &[f32]) -> Vec<u8> {
    let data_bytes = samples.len() as u32 * 2;
    let rate = RATE_HZ as u32;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + data_bytes as usize);
    bytes.extend(b"RIFF");
    bytes.extend((data_bytes + HEADER_BYTES as u32 - 8).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * 2).to_le_bytes());
    bytes.extend(2_u16.to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(data_bytes.to_le_bytes());
    for sample in samples {
        let value = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16;
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{HEADER_BYTES, PEAK, Sound, samples, wav};

    #[test]
    fn every_sound_reaches_the_peak_and_none_exceeds_it() {
        for sound in Sound::ALL {
            let made = samples(sound);

            let loudest = made.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
            assert!(made.iter().all(|sample| sample.is_finite()), "{sound:?}");
            assert!((loudest - PEAK).abs() < 1e-3, "{sound:?}: {loudest}");
            let file = wav(&made);
            assert_eq!(file.len(), HEADER_BYTES + 2 * made.len());
            assert_eq!(&file[..4], b"RIFF");
        }
    }

    #[test]
    fn sounds_begin_and_end_in_silence() {
        for sound in Sound::ALL.into_iter().filter(|sound| *sound != Sound::Hum) {
            let made = samples(sound);

            assert!(made[0].abs() < 0.01, "{sound:?}");
            assert!(made[made.len() - 1].abs() < 0.01, "{sound:?}");
        }
    }
}
