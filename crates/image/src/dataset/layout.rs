//! The layouts by name, and how each is recognised.

use super::tree::{BTAD, MVTEC, MVTEC_AD2, MVTEC_LOCO, Tree};
use super::{DatasetError, ManifestForm, kolektor, plain, real_iad, visa};
use std::path::Path;

/// How the files of a data set lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// MVTec AD, MPDD and others after its pattern.
    Mvtec,
    /// MVTec AD 2.
    MvtecAd2,
    /// MVTec LOCO AD.
    MvtecLoco,
    /// `VisA` as published, through `split_csv/1cls.csv`.
    Visa,
    /// BTAD.
    Btad,
    /// `KolektorSDD`.
    KolektorSdd,
    /// Real-IAD, through its lists.
    RealIad,
    /// Folders of good and bad pictures.
    Folder,
    /// A manifest: the root is a file.
    Manifest,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Mvtec,
        Self::MvtecAd2,
        Self::MvtecLoco,
        Self::Visa,
        Self::Btad,
        Self::KolektorSdd,
        Self::RealIad,
        Self::Folder,
        Self::Manifest,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mvtec => "mvtec",
            Self::MvtecAd2 => "mvtec-ad2",
            Self::MvtecLoco => "mvtec-loco",
            Self::Visa => "visa",
            Self::Btad => "btad",
            Self::KolektorSdd => "kolektor-sdd",
            Self::RealIad => "real-iad",
            Self::Folder => "folder",
            Self::Manifest => "manifest",
        }
    }

    /// A line about it: whose it is, and where its files lie.
    pub fn about(self) -> &'static str {
        match self {
            Self::Mvtec => "MVTec AD, MPDD: CATEGORY/{train,test,ground_truth}",
            Self::MvtecAd2 => "MVTec AD 2: CATEGORY/{train,validation,test_public,test_private}",
            Self::MvtecLoco => "MVTec LOCO AD: CATEGORY/{train,validation,test,ground_truth}",
            Self::Visa => "VisA as published: split_csv/1cls.csv",
            Self::Btad => "BTAD: CATEGORY/{train,test}/{ok,ko}",
            Self::KolektorSdd => "KolektorSDD: kosNN/PartM.jpg",
            Self::RealIad => "Real-IAD: lists in realiad_jsons",
            Self::Folder => "Folders of good and bad pictures: {good,ok,normal}, DEFECT, masks/DEFECT",
            Self::Manifest => "A file .csv or .jsonl",
        }
    }

    /// The one layout that `root` fits.
    ///
    /// # Errors
    /// [`DatasetError::NoLayout`], [`DatasetError::Ambiguous`], [`DatasetError::NoFolder`].
    pub fn recognise(root: &Path) -> Result<Self, DatasetError> {
        if !root.exists() {
            return Err(DatasetError::NoFolder { path: root.to_path_buf() });
        }
        let fitting: Vec<Self> = Self::ALL.into_iter().filter(|layout| layout.fits(root)).collect();
        match fitting[..] {
            [one] => Ok(one),
            [] => {
                let what = |layout: Self| format!("{} ({})", layout.looked_for(), layout.name());
                Err(DatasetError::NoLayout {
                    root: root.to_path_buf(),
                    looked_for: Self::ALL.into_iter().map(what).collect(),
                })
            }
            _ => Err(DatasetError::Ambiguous {
                root: root.to_path_buf(),
                layouts: fitting.into_iter().map(Self::name).collect(),
            }),
        }
    }

    /// The folders that say everything, in layouts where they do.
    pub(super) fn tree(self) -> Option<&'static Tree> {
        match self {
            Self::Mvtec => Some(&MVTEC),
            Self::MvtecAd2 => Some(&MVTEC_AD2),
            Self::MvtecLoco => Some(&MVTEC_LOCO),
            Self::Btad => Some(&BTAD),
            _ => None,
        }
    }

    fn fits(self, root: &Path) -> bool {
        match self {
            Self::Visa => root.join(visa::LIST).is_file(),
            Self::KolektorSdd => kolektor::fits(root),
            Self::RealIad => root.join(real_iad::LISTS).is_dir(),
            Self::Folder => plain::fits(root),
            Self::Manifest => root.is_file() && ManifestForm::of(root).is_some(),
            Self::Mvtec | Self::MvtecAd2 | Self::MvtecLoco | Self::Btad => self.tree().is_some_and(|tree| {
                let below = std::fs::read_dir(root).into_iter().flatten().flatten();
                tree.fits_alone(root)
                    || below.filter(|e| !is_hidden(e)).any(|entry| tree.fits_alone(&entry.path()))
            }),
        }
    }

    fn looked_for(self) -> String {
        match self {
            Self::Visa => format!("ROOT/{}", visa::LIST),
            Self::KolektorSdd => "ROOT/kosNN/*_label.bmp".into(),
            Self::RealIad => format!("ROOT/{}", real_iad::LISTS),
            Self::Folder => plain::looked_for(),
            Self::Manifest => "a file *.csv or *.jsonl".into(),
            Self::Mvtec | Self::MvtecAd2 | Self::MvtecLoco | Self::Btad => {
                self.tree().map(Tree::looked_for).unwrap_or_default()
            }
        }
    }
}

pub(super) fn is_hidden(entry: &std::fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}
