use super::*;
use crate::ErrorKind;

/// A data set of empty files.
fn dataset(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    dir
}

const SMALL: [&str; 12] = [
    "bottle/train/good/001.png",
    "bottle/train/good/000.png",
    "bottle/train/good/notes.txt",
    "bottle/train/stray.png",
    "bottle/test/good/000.png",
    "bottle/test/.DS_Store",
    "bottle/test/broken/000.png",
    "bottle/test/broken/001.png",
    "bottle/test/unmasked/000.png",
    "bottle/ground_truth/broken/001_mask.png",
    "bottle/ground_truth/broken/000.png",
    "readme.txt",
];

#[test]
fn a_category_is_read_sorted_and_paired() {
    let dir = dataset(&SMALL);
    let bottle = dir.path().join("bottle");
    let category = mvtec_category(dir.path(), "bottle").unwrap();
    assert_eq!(category.name, "bottle");
    let train: Vec<_> = category.train.iter().map(|s| s.path.clone()).collect();
    assert_eq!(train, [bottle.join("train/good/000.png"), bottle.join("train/good/001.png")]);
    let test: Vec<_> = category.test.iter().map(|s| (s.defect.as_str(), s.anomalous)).collect();
    assert_eq!(test, [("broken", true), ("broken", true), ("good", false), ("unmasked", true)]);
    let masks: Vec<_> = category.test.iter().map(|s| s.mask.clone()).collect();
    let truth = |name| Some(bottle.join("ground_truth/broken").join(name));
    assert_eq!(masks, [truth("000.png"), truth("001_mask.png"), None, None]);
}

#[test]
fn categories_are_folders_with_train_good() {
    let dir =
        dataset(&["b/train/good/0.png", "a/train/good/0.png", "c/test/good/0.png", ".d/train/good/0.png"]);
    assert_eq!(mvtec_categories(dir.path()).unwrap(), ["a", "b"]);
}

#[test]
fn missing_parts_are_named() {
    let dir =
        dataset(&["b/train/good/0.png", "a/train/good/0.png", "c/test/good/0.png", "e/train/good/x.txt"]);
    let said = |name| mvtec_category(dir.path(), name).unwrap_err().to_string();
    assert!(said("x").ends_with(r#": no category "x"; there are "a", "b", "e""#), "{}", said("x"));
    for name in ["..", "../..", "a/../b", "/etc", ""] {
        assert!(said(name).contains("no category"), "{name}");
    }
    assert!(said("c").ends_with("no folder train/good in it"));
    assert!(said("e").contains("no pictures"));
    let error = mvtec_categories(&dir.path().join("none")).unwrap_err();
    assert!(error.to_string().ends_with("none: no such folder"));
    assert_eq!(error.kind(), ErrorKind::Input);
}

#[test]
fn all_unpaired_files_come_in_one_error() {
    let dir = dataset(&SMALL);
    for name in
        ["bottle/test/broken/1.png", "bottle/ground_truth/ghost/0_mask.png", "bottle/ground_truth/good/0.png"]
    {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    for i in 10..15 {
        std::fs::write(dir.path().join(format!("bottle/ground_truth/broken/0{i}_mask.png")), "").unwrap();
    }
    let error = mvtec_category(dir.path(), "bottle").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("bottle: 7 files cannot be paired: mask "), "{text}");
    assert!(text.ends_with("and 2 more"), "{text}");
    let DatasetError::Unpaired { faults, .. } = error else { panic!("{text}") };
    let bottle = dir.path().join("bottle");
    assert!(faults.contains(&PairFault::PictureWithoutMask(bottle.join("test/broken/1.png"))));
    assert!(faults.contains(&PairFault::MaskWithoutPicture(bottle.join("ground_truth/ghost/0_mask.png"))));
    assert_eq!(faults.len(), 7);
}

#[test]
fn a_data_set_without_test_pictures_can_be_fitted() {
    let dir = dataset(&["a/train/good/0.png"]);
    assert!(mvtec_category(dir.path(), "a").unwrap().test.is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_category_is_an_error() {
    let dir = dataset(&SMALL);
    let elsewhere = dataset(&["x/0.png"]);
    std::os::unix::fs::symlink(elsewhere.path().join("x"), dir.path().join("bottle/test/linked")).unwrap();
    let error = mvtec_category(dir.path(), "bottle").unwrap_err();
    assert!(matches!(error, DatasetError::Link { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn the_category_itself_may_be_a_link() {
    let dir = dataset(&[]);
    let elsewhere = dataset(&SMALL);
    std::os::unix::fs::symlink(elsewhere.path().join("bottle"), dir.path().join("flask")).unwrap();
    assert_eq!(mvtec_categories(dir.path()).unwrap(), ["flask"]);
    assert_eq!(mvtec_category(dir.path(), "flask").unwrap().train.len(), 2);
}
