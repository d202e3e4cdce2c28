//! Lists the pictures to draw, and counts them.

use std::path::PathBuf;

use crate::Options;
use crate::camera::Picture;
use crate::category::Category;
use crate::rng::Rng;

/// One picture of the set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shot {
    category: Category,
    split: &'static str,
    /// `good`, or the kind of defect.
    kind: &'static str,
    index: usize,
    seed: u64,
}

impl Shot {
    pub(crate) fn draw(&self) -> Picture {
        self.category.draw(self.seed, self.is_defect().then_some((self.kind, self.index)))
    }

    pub(crate) fn is_defect(&self) -> bool {
        self.kind != GOOD
    }

    /// Where the picture goes, below the root.
    pub(crate) fn picture_path(&self) -> PathBuf {
        [self.category.name(), self.split, self.kind, &format!("{:03}.png", self.index)].iter().collect()
    }

    /// Where the mask of a defect goes, below the root.
    pub(crate) fn mask_path(&self) -> PathBuf {
        let name = format!("{:03}_mask.png", self.index);
        [self.category.name(), "ground_truth", self.kind, &name].iter().collect()
    }
}

const GOOD: &str = "good";

/// All pictures, in a fixed order.
pub(crate) fn plan(options: &Options<'_>) -> Vec<Shot> {
    Category::ALL.iter().flat_map(|&category| category_plan(category, options)).collect()
}

fn category_plan(category: Category, options: &Options<'_>) -> Vec<Shot> {
    let good = [("train", GOOD, options.train), ("test", GOOD, options.test_good)];
    let defects = category.defects().iter().map(|&kind| ("test", kind, options.per_defect));
    let shots = |(split, kind, n): (&'static str, &'static str, usize)| {
        let name = format!("{}/{split}/{kind}", category.name());
        (0..n).map(move |index| {
            let seed = Rng::new(options.seed, &format!("{name}/{index}")).next_u64();
            Shot { category, split, kind, index, seed }
        })
    };
    good.into_iter().chain(defects).flat_map(shots).collect()
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The categories in the order of their names.
    pub categories: Vec<CategorySummary>,
    /// Pictures of all categories, masks not counted.
    pub n_pictures: usize,
}

/// What was drawn of one category.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CategorySummary {
    /// The name of its folder.
    pub name: &'static str,
    /// Good pictures to learn from.
    pub train: usize,
    /// Good pictures to test with.
    pub test_good: usize,
    /// Pictures with a defect, and as many masks.
    pub test_defect: usize,
    /// The kinds of defects, named as their folders.
    pub defects: &'static [&'static str],
}

impl Summary {
    pub(crate) fn of(options: &Options<'_>) -> Self {
        let categories: Vec<_> = Category::ALL
            .iter()
            .map(|category| CategorySummary {
                name: category.name(),
                train: options.train,
                test_good: options.test_good,
                test_defect: options.per_defect * category.defects().len(),
                defects: category.defects(),
            })
            .collect();
        let n_pictures = categories.iter().map(|c| c.train + c.test_good + c.test_defect).sum();
        Self { categories, n_pictures }
    }
}
