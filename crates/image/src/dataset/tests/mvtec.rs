use super::*;
use crate::ErrorKind;

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
    let category = open(dir.path()).category("bottle").unwrap();
    assert_eq!(category.name, "bottle");
    assert_eq!(
        lines(dir.path(), &category),
        [
            "train good normal bottle/train/good/000.png:",
            "train good normal bottle/train/good/001.png:",
            "test broken anomaly bottle/test/broken/000.png: bottle/ground_truth/broken/000.png",
            "test broken anomaly bottle/test/broken/001.png: bottle/ground_truth/broken/001_mask.png",
            "test good normal bottle/test/good/000.png:",
            "test unmasked anomaly bottle/test/unmasked/000.png:",
        ]
    );
}

#[test]
fn categories_are_folders_with_train_good() {
    let dir =
        dataset(&["b/train/good/0.png", "a/train/good/0.png", "c/test/good/0.png", ".d/train/good/0.png"]);
    assert_eq!(open(dir.path()).names(), ["a", "b"]);
    // The folder of a category is a data set of one.
    assert_eq!(open(&dir.path().join("a")).names(), ["a"]);
}

#[test]
fn missing_parts_are_named() {
    let dir =
        dataset(&["b/train/good/0.png", "a/train/good/0.png", "c/test/good/0.png", "e/train/good/x.txt"]);
    let set = open(dir.path());
    for name in ["x", "c", "..", "../..", "a/../b", "/etc", ""] {
        let error = set.category(name).unwrap_err().to_string();
        assert!(error.ends_with(&format!(r#": no category {name:?}; there are "a", "b", "e""#)), "{error}");
    }
    assert!(set.category("e").unwrap_err().to_string().contains("e: no pictures"));
    let error = Dataset::open(&dir.path().join("none"), None).unwrap_err();
    assert!(error.to_string().ends_with("none: no such folder"));
    assert_eq!(error.kind(), ErrorKind::Input);
}

#[test]
fn case_28_all_unpaired_files_come_in_one_error() {
    let dir = dataset(&SMALL);
    for name in ["test/broken/1.png", "ground_truth/ghost/0_mask.png", "ground_truth/good/0.png"] {
        write(&dir.path().join("bottle").join(name), "");
    }
    for i in 10..15 {
        write(&dir.path().join(format!("bottle/ground_truth/broken/0{i}_mask.png")), "");
    }
    let error = open(dir.path()).category("bottle").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("bottle: 7 problems: mask "), "{text}");
    assert!(text.ends_with("and 2 more"), "{text}");
    let DatasetError::Faulty { faults, .. } = error else { panic!("{text}") };
    let bottle = dir.path().join("bottle");
    assert!(faults.contains(&Problem::PictureWithoutMask(bottle.join("test/broken/1.png"))));
    assert!(faults.contains(&Problem::MaskWithoutPicture(bottle.join("ground_truth/ghost/0_mask.png"))));
    assert_eq!(faults.len(), 7);
}

#[test]
fn a_data_set_without_test_pictures_can_be_fitted() {
    let dir = dataset(&["a/train/good/0.png"]);
    assert!(open(dir.path()).category("a").unwrap().test.is_empty());
}

#[cfg(unix)]
#[test]
fn case_30_a_link_out_of_the_category_is_an_error() {
    let dir = dataset(&SMALL);
    let elsewhere = dataset(&["x/0.png"]);
    let link = dir.path().join("bottle/test/linked");
    std::os::unix::fs::symlink(elsewhere.path().join("x"), &link).unwrap();
    let error = open(dir.path()).category("bottle").unwrap_err();
    let DatasetError::Faulty { faults, .. } = error else { panic!("{error}") };
    assert_eq!(faults, [Problem::Link(link)]);
}

#[cfg(unix)]
#[test]
fn the_category_itself_may_be_a_link() {
    let dir = dataset(&[]);
    let elsewhere = dataset(&SMALL);
    std::os::unix::fs::symlink(elsewhere.path().join("bottle"), dir.path().join("flask")).unwrap();
    let set = open(dir.path());
    assert_eq!(set.names(), ["flask"]);
    assert_eq!(set.category("flask").unwrap().train.len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn case_32_a_category_whose_name_is_no_text_is_told() {
    use std::os::unix::ffi::OsStrExt;
    let dir = dataset(&SMALL);
    let name = dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\n"));
    std::fs::create_dir_all(name.join("train/good")).unwrap();
    let set = open(dir.path());
    assert_eq!(set.names(), ["bottle"]);
    assert_eq!(set.warnings().len(), 1);
    assert!(
        set.warnings()[0].ends_with("\u{fffd}\\n: its name is not UTF-8, left out"),
        "{:?}",
        set.warnings()
    );
}
