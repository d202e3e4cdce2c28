//! Axes: from values to places in a drawing, and round numbers to mark them with.

/// A stretch of values along a stretch of a drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// The values at both ends, the lower first.
    pub(super) values: [f64; 2],
    /// Where they lie in the drawing.
    pub(super) places: [f64; 2],
}

impl Axis {
    /// An axis over all finite values; it has room even if they are all the same, or there are none.
    pub(super) fn over(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Self {
        let finite = values.filter(|v| v.is_finite());
        let (low, high) =
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let values = match high - low {
            room if room > 0.0 => [low, high],
            _ if low.is_finite() => {
                let room = (low.abs() * 0.1).max(1e-3);
                [low - room, low + room]
            }
            _ => [0.0, 1.0],
        };
        Self { values, places }
    }

    /// Where a value lies; what is outside lies at the nearer end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let [low, high] = self.values;
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.places[0] + share * (self.places[1] - self.places[0])
    }

    /// About five round values between the ends, each as it is written.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let [low, high] = self.values;
        let step = round_step((high - low) / 5.0);
        // An end that is round but for its binary digits has its mark too.
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let value = |i: usize| (first + i as f64) * step;
        let n = (last - first) as usize;
        (0..=n.min(20)).map(|i| (value(i), format!("{:.digits$}", value(i)))).collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is no smaller.
fn round_step(at_least: f64) -> f64 {
    let power = 10f64.powf(at_least.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= at_least * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// A number of the drawing with one digit, which is enough for the eye and keeps the page small.
pub(super) fn px(place: f64) -> String {
    format!("{place:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(low: f64, high: f64) -> Axis {
        Axis::over([low, high].into_iter(), [0.0, 100.0])
    }

    #[test]
    fn values_lie_on_a_straight_line() {
        let axis = axis(2.0, 4.0);
        assert_eq!([1.0, 2.0, 3.0, 9.0].map(|v| axis.place(v)), [0.0, 0.0, 50.0, 100.0]);
    }

    #[test]
    fn ticks_are_round() {
        let texts = |low, high| axis(low, high).ticks().into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(texts(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(2.3, 9.9), ["4", "6", "8"]);
        assert_eq!(texts(0.0, 0.3), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(texts(-0.011, 0.012), ["-0.010", "-0.005", "0.000", "0.005", "0.010"]);
    }

    #[test]
    fn an_axis_has_room_whatever_the_values() {
        for axis in [axis(3.0, 3.0), axis(0.0, 0.0), axis(f64::NAN, f64::INFINITY), axis(-1e30, 1e30)] {
            assert!(axis.values[0] < axis.values[1], "{axis:?}");
            assert!(axis.ticks().len() <= 21 && axis.place(1.0).is_finite(), "{axis:?}");
        }
    }
}
