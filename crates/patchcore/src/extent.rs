//! What the training pictures have in common, to tell a picture that is unlike all of them before it is judged.

use patchcore_image::Picture;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Sizes and kinds of a collection of pictures.
///
/// ```
/// # use patchcore::Extent;
/// # use patchcore_image::Picture;
/// let grey = |width, height| Picture::from_rgb(width, height, vec![9; width * height * 3]);
/// let mut trained = Extent::of(&grey(64, 48)?);
/// trained.add(&grey(80, 48)?);
/// assert_eq!(trained.to_string(), "64 to 80 x 48 pixels, without colour");
/// assert_eq!(trained.difference(&grey(70, 48)?), None);
/// let smaller = trained.difference(&grey(64, 24)?).unwrap();
/// assert_eq!(smaller, "64 x 24 pixels, where all training pictures have 64 to 80 x 48");
/// # Ok::<(), patchcore_image::PictureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Least and largest width in pixels.
    pub width: [usize; 2],
    /// Least and largest height in pixels.
    pub height: [usize; 2],
    /// Whether some have colours.
    pub colour: bool,
    /// Whether some have none: red, green and blue are equal in every pixel.
    pub grey: bool,
}

impl Extent {
    /// That of one picture.
    pub fn of(picture: &Picture) -> Self {
        let (width, height, grey) = (picture.width(), picture.height(), picture.is_grey());
        Self { width: [width; 2], height: [height; 2], colour: !grey, grey }
    }

    /// Takes in another picture.
    pub fn add(&mut self, picture: &Picture) {
        self.join(&Self::of(picture));
    }

    /// Takes in all pictures of another collection.
    pub(crate) fn join(&mut self, other: &Self) {
        let both = |a: [usize; 2], b: [usize; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        self.width = both(self.width, other.width);
        self.height = both(self.height, other.height);
        self.colour |= other.colour;
        self.grey |= other.grey;
    }

    /// What sets a picture apart from all of these: its size, or that it has colours or none; `None` if nothing does.
    pub fn difference(&self, picture: &Picture) -> Option<String> {
        let own = Self::of(picture);
        let within = |own: [usize; 2], all: [usize; 2]| all[0] <= own[0] && own[1] <= all[1];
        let size = (!within(own.width, self.width) || !within(own.height, self.height))
            .then(|| format!("{} pixels, where all training pictures have {}", own.size(), self.size()));
        let kind = match (own.grey, self.grey, self.colour) {
            (true, false, _) => Some("no colour, where all training pictures have colours"),
            (false, _, false) => Some("colours, where no training picture has any"),
            _ => None,
        };
        let parts: Vec<String> = size.into_iter().chain(kind.map(str::to_string)).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Fails unless there can be such pictures.
    pub(crate) fn check(&self) -> Result<(), String> {
        let sound = |[least, largest]: [usize; 2]| 0 < least && least <= largest;
        if sound(self.width) && sound(self.height) && (self.colour || self.grey) {
            return Ok(());
        }
        Err(format!("no picture has the size {:?} x {:?}", self.width, self.height))
    }

    fn size(&self) -> String {
        let side = |[least, largest]: [usize; 2]| {
            if least == largest { least.to_string() } else { format!("{least} to {largest}") }
        };
        format!("{} x {}", side(self.width), side(self.height))
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.colour, self.grey) {
            (true, true) => "with and without colour",
            (true, false) => "in colour",
            _ => "without colour",
        };
        write!(f, "{} pixels, {kind}", self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, coloured: bool) -> Picture {
        let rgb = (0..width * height * 3).map(|i| if coloured && i % 3 == 0 { 200 } else { 90 });
        Picture::from_rgb(width, height, rgb.collect()).unwrap()
    }

    #[test]
    fn case_18_size_and_kind_set_apart_and_neither_does_what_was_seen() {
        let mut trained = Extent::of(&picture(20, 10, true));
        assert_eq!(trained.difference(&picture(20, 10, true)), None);
        let both = trained.difference(&picture(21, 10, false)).unwrap();
        assert!(both.starts_with("21 x 10 pixels, where") && both.contains("; no colour, where"), "{both}");
        for (width, height) in [(19, 10), (21, 10), (20, 9), (20, 11)] {
            assert!(trained.difference(&picture(width, height, true)).is_some());
        }
        trained.add(&picture(30, 8, false));
        assert_eq!(trained.difference(&picture(25, 9, false)), None);
        assert_eq!(trained.to_string(), "20 to 30 x 8 to 10 pixels, with and without colour");
        let grey = Extent::of(&picture(5, 5, false));
        let reason = grey.difference(&picture(5, 5, true)).unwrap();
        assert_eq!(reason, "colours, where no training picture has any");
    }

    #[test]
    fn sizes_that_no_picture_has_are_refused() {
        let sound = Extent::of(&picture(5, 5, false));
        assert_eq!(sound.check(), Ok(()));
        for wrong in [
            Extent { width: [0, 5], ..sound.clone() },
            Extent { height: [6, 5], ..sound.clone() },
            Extent { grey: false, ..sound.clone() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
