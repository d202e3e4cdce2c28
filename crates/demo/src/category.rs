//! The two things that are inspected.

use crate::camera::{Camera, Picture};
use crate::rng::Rng;
use crate::weave::{Weave, WeaveDefect};
use crate::widget::{Widget, WidgetDefect};

/// What is inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Weave,
    Widget,
}

impl Category {
    pub(crate) const ALL: [Self; 2] = [Self::Weave, Self::Widget];

    /// The name of its folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Weave => "weave",
            Self::Widget => "widget",
        }
    }

    /// The kinds of defects, named as their folders.
    pub(crate) fn defects(self) -> &'static [&'static str] {
        match self {
            Self::Weave => &WeaveDefect::NAMES,
            Self::Widget => &WidgetDefect::NAMES,
        }
    }

    /// The picture of this seed, with a defect given by its name and its number among those of that name.
    ///
    /// With and without the defect, everything else is the same.
    pub(crate) fn draw(self, seed: u64, defect: Option<(&str, usize)>) -> Picture {
        let camera = Camera::new(seed);
        let defect_seed = Rng::new(seed, "defect").next_u64();
        match self {
            Self::Weave => {
                let defect = defect.and_then(|(name, index)| WeaveDefect::new(name, index, defect_seed));
                camera.shoot(&Weave::new(seed, defect))
            }
            Self::Widget => {
                let defect = defect.and_then(|(name, index)| WidgetDefect::new(name, index, defect_seed));
                camera.shoot(&Widget::new(seed, defect))
            }
        }
    }
}
