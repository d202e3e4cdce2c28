//! From a score to a colour.

use crate::ReportError;
use patchcore_tensor::AnomalyMap;

/// The scores at which colour begins and at which it is full.
///
/// Fixed once per model, so that colours mean the same in every picture. At `calm` and below nothing is drawn; half-way the
/// colour is a clear orange; at `alarm` and above it is full. Scores are in the map's
/// own units; `calm` must be below `alarm`, both finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourScale {
    /// The score up to which the picture is left alone.
    pub calm: f32,
    /// The score from which the colour is full.
    pub alarm: f32,
}

/// The threshold times this is the loud end of a model's scale.
pub const FULL: f32 = 1.4;

/// One mark of the ramp: its place in `[0, 1]`, then red, green, blue, alpha.
type Stop = (f32, [f32; 4]);

/// Yellow, orange, red, dark magenta: ever darker and ever more opaque, so the order shows without hue too;
/// never so opaque that the defect itself is hidden.
const RAMP: [Stop; 6] = [
    (0.00, [255.0, 240.0, 130.0, 0.0]),
    (0.30, [255.0, 222.0, 80.0, 32.0]),
    (0.50, [255.0, 160.0, 30.0, 110.0]),
    (0.70, [236.0, 70.0, 30.0, 140.0]),
    (0.85, [196.0, 16.0, 62.0, 158.0]),
    (1.00, [128.0, 0.0, 96.0, 172.0]),
];

impl ColourScale {
    /// The scale of a model: colour begins where good pictures typically peak, and is full at [`FULL`] times the
    /// threshold, so that an ordinary defect shows its shape and a glaring one its extent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patchcore_report::ColourScale;
    /// assert_eq!(ColourScale::of_model(1.0, 2.0), ColourScale { calm: 1.0, alarm: 2.8 });
    /// ```
    pub fn of_model(typical: f32, threshold: f32) -> Self {
        Self { calm: typical.min(threshold), alarm: threshold * FULL }
    }

    /// Where a score stands between `calm` (0) and `alarm` (1), cut off at both.
    ///
    /// NaN stands at 1: what could not be measured must not look calm.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patchcore_report::ColourScale;
    /// let scale = ColourScale { calm: 1.0, alarm: 5.0 };
    /// assert_eq!([0.0, 2.0, 3.0, 9.0].map(|score| scale.position(score)), [0.0, 0.25, 0.5, 1.0]);
    /// ```
    pub fn position(&self, score: f32) -> f32 {
        if score <= self.calm {
            0.0
        } else if score < self.alarm {
            // In f64, where the difference of two f32 cannot overflow.
            let (calm, alarm) = (f64::from(self.calm), f64::from(self.alarm));
            ((f64::from(score) - calm) / (alarm - calm)) as f32
        } else {
            1.0
        }
    }

    /// The colour of a score as red, green, blue, alpha.
    ///
    /// As the score grows, alpha never falls and the colour never gets lighter.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patchcore_report::ColourScale;
    /// let scale = ColourScale { calm: 1.0, alarm: 5.0 };
    /// assert_eq!(scale.colour(1.0)[3], 0);
    /// assert_eq!(scale.colour(3.0), [255, 160, 30, 110]);
    /// assert_eq!(scale.colour(9.0), scale.colour(5.0));
    /// ```
    pub fn colour(&self, score: f32) -> [u8; 4] {
        ramp(&RAMP, self.position(score)).map(|channel| channel.round() as u8)
    }

    /// Refuses a scale without room between its ends.
    pub(crate) fn check(self) -> Result<(), ReportError> {
        let Self { calm, alarm } = self;
        let sound = calm.is_finite() && alarm.is_finite() && calm < alarm;
        if sound { Ok(()) } else { Err(ReportError::Scale { calm, alarm }) }
    }
}

/// The colour at a place in `[0, 1]`, on straight lines between the stops.
pub(crate) fn ramp<const N: usize>(stops: &[(f32, [f32; N])], place: f32) -> [f32; N] {
    let above = stops.partition_point(|stop| stop.0 <= place).clamp(1, stops.len() - 1);
    let ((p0, c0), (p1, c1)) = (stops[above - 1], stops[above]);
    let share = (place - p0) / (p1 - p0);
    std::array::from_fn(|i| c0[i] + (c1[i] - c0[i]) * share)
}

/// Refuses a map with a score that has no place on a scale.
pub(crate) fn check_finite(map: &AnomalyMap) -> Result<(), ReportError> {
    match map.data().iter().position(|score| !score.is_finite()) {
        Some(i) => Err(ReportError::NotFinite { y: i / map.width(), x: i % map.width() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brightness as the eye weighs it.
    fn luminance(c: [u8; 4]) -> f32 {
        0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2])
    }

    #[test]
    fn a_models_scale_has_room_even_if_good_pictures_peak_above_the_threshold() {
        assert_eq!(ColourScale::of_model(3.0, 2.0), ColourScale { calm: 2.0, alarm: 2.8 });
    }

    #[test]
    fn colours_are_ordered() {
        let scale = ColourScale { calm: -1.0, alarm: 3.0 };
        let colours: Vec<_> = (-150..400).map(|i| scale.colour(i as f32 / 100.0)).collect();
        for pair in colours.windows(2) {
            assert!(pair[0][3] <= pair[1][3], "{pair:?}");
            // Rounding to whole numbers may lift the luminance by less than one.
            assert!(luminance(pair[1]) < luminance(pair[0]) + 1.0, "{pair:?}");
        }
        for pair in RAMP.windows(2) {
            let whole = pair.iter().map(|stop| luminance(stop.1.map(|c| c as u8))).collect::<Vec<_>>();
            assert!(whole[1] < whole[0], "{pair:?}");
        }
    }

    #[test]
    fn the_ends_are_calm_and_full() {
        let scale = ColourScale { calm: 1.0, alarm: 3.0 };
        assert_eq!(scale.colour(f32::MIN), [255, 240, 130, 0]);
        assert_eq!(scale.colour(1.0), [255, 240, 130, 0]);
        assert_eq!(scale.colour(2.0), [255, 160, 30, 110]);
        assert_eq!(scale.colour(3.0), [128, 0, 96, 172]);
        assert_eq!(scale.colour(f32::NAN), [128, 0, 96, 172]);
    }

    #[test]
    fn a_scale_may_span_all_of_f32() {
        let scale = ColourScale { calm: f32::MIN, alarm: f32::MAX };
        assert!(scale.check().is_ok());
        assert_eq!(scale.position(0.0), 0.5);
    }

    #[test]
    fn a_scale_without_room_is_refused() {
        for (calm, alarm) in [(1.0, 1.0), (2.0, 1.0), (f32::NAN, 1.0), (0.0, f32::INFINITY)] {
            let error = ColourScale { calm, alarm }.check().unwrap_err();
            assert!(matches!(error, ReportError::Scale { .. }));
        }
    }
}
