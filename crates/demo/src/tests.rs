use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::category::Category;

const SMALL: Options<'static> = Options { seed: 5, train: 2, test_good: 1, per_defect: 1, progress: None };

/// Every file below a folder, by its path from there.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn layout_is_that_of_mvtec() {
    let root = tempfile::tempdir().unwrap();
    let calls = AtomicUsize::new(0);
    let progress = |_, n_pictures| {
        assert_eq!(n_pictures, 17);
        calls.fetch_add(1, Ordering::Relaxed);
    };
    let summary = generate(root.path(), &Options { progress: Some(&progress), ..SMALL }).unwrap();
    assert_eq!((summary.n_pictures, calls.into_inner()), (17, 17));

    let mut expected = vec![PathBuf::from(write::MARKER)];
    for category in &summary.categories {
        let mut add = |path: &str| expected.push([category.name, path].iter().collect());
        add("train/good/000.png");
        add("train/good/001.png");
        add("test/good/000.png");
        for defect in category.defects {
            add(&format!("test/{defect}/000.png"));
            add(&format!("ground_truth/{defect}/000_mask.png"));
        }
    }
    expected.sort();
    assert_eq!(files(root.path()).into_keys().collect::<Vec<_>>(), expected);

    for (path, bytes) in files(root.path()).iter().filter(|(path, _)| path.extension().is_some()) {
        let picture = image::load_from_memory(bytes).unwrap();
        assert_eq!((picture.width() as usize, picture.height() as usize), (WIDTH, HEIGHT));
        if path.to_string_lossy().contains("mask") {
            let mask = picture.as_luma8().unwrap();
            assert!(mask.iter().all(|&v| v == 0 || v == 255) && mask.contains(&255));
        }
    }
}

#[test]
fn the_seed_alone_decides() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    generate(folders[0].path(), &SMALL).unwrap();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one_thread.install(|| generate(folders[1].path(), &SMALL)).unwrap();
    generate(folders[2].path(), &Options { seed: 6, ..SMALL }).unwrap();
    let [first, second, other] = folders.each_ref().map(|folder| files(folder.path()));
    assert!(first == second, "two runs differ");
    for (path, bytes) in first.iter().filter(|(path, _)| path.extension().is_some()) {
        // The mask of a hole that was not drilled may well be in the same place twice.
        assert!(bytes != &other[path] || path.ends_with("000_mask.png"), "{} is the same", path.display());
    }
}

#[test]
fn no_two_pictures_are_alike_and_good_ones_have_no_mask() {
    let pictures: Vec<_> = plan::plan(&SMALL).iter().map(plan::Shot::draw).collect();
    for (n, picture) in pictures.iter().enumerate() {
        assert!(pictures[..n].iter().all(|other| other.rgb != picture.rgb));
    }
    assert!(Category::ALL.iter().all(|c| c.draw(1, None).mask.iter().all(|&v| v == 0)));
}

/// The defect, and nothing but the defect, changes what is inside of the mask, which the lens blurs by two pixels.
#[test]
fn masks_are_where_pictures_differ_from_their_good_twins() {
    let mut bad_cases = Vec::new();
    for category in Category::ALL {
        for &defect in category.defects() {
            for index in 0..3 {
                let seed = 1000 + index as u64;
                let (good, bad) = (category.draw(seed, None), category.draw(seed, Some((defect, index))));
                let changed = |at: usize, least: u8| {
                    (3 * at..3 * at + 3).any(|i| good.rgb[i].abs_diff(bad.rgb[i]) >= least)
                };
                let marked: Vec<usize> = (0..WIDTH * HEIGHT).filter(|&at| bad.mask[at] == 255).collect();
                let visible = marked.iter().filter(|&&at| changed(at, 5)).count();
                let stray = (0..WIDTH * HEIGHT).filter(|&at| changed(at, 7) && !near(&bad.mask, at)).count();
                let share = visible as f64 / marked.len() as f64;
                let case =
                    format!("{defect} {index}: {} pixels, {share:.2} visible, {stray} stray", marked.len());
                // A mark with letters, and cloth where only every other thread is dyed, are masked as a whole.
                let least = if ["misprint", "wrong_dye"].contains(&defect) { 0.3 } else { 0.5 };
                if !(marked.len() > 25 && share > least && stray == 0) {
                    bad_cases.push(case);
                }
            }
        }
    }
    assert!(bad_cases.is_empty(), "{bad_cases:#?}");
}

/// Whether the mask is set at most three pixels away.
fn near(mask: &[u8], at: usize) -> bool {
    let (x, y) = (at % WIDTH, at / WIDTH);
    let span = |v: usize, end: usize| v.saturating_sub(3)..(v + 4).min(end);
    span(y, HEIGHT).any(|j| span(x, WIDTH).any(|i| mask[j * WIDTH + i] == 255))
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("holiday.jpg"), b"precious").unwrap();
    let error = generate(root.path(), &SMALL).unwrap_err();
    assert!(error.to_string().contains("not a demo data set (it has no .patchcore-demo)"), "{error}");
    assert_eq!(files(root.path()).len(), 1);
}

#[test]
fn a_folder_of_ours_is_filled_anew() {
    let root = tempfile::tempdir().unwrap();
    generate(root.path(), &SMALL).unwrap();
    fs::write(root.path().join("notes.txt"), b"mine").unwrap();
    generate(root.path(), &Options { train: 1, ..SMALL }).unwrap();
    let files = files(root.path());
    assert!(!files.contains_key(Path::new("weave/train/good/001.png")));
    assert!(files.contains_key(Path::new("notes.txt")));
}

#[test]
fn a_path_that_is_a_file_is_an_io_error() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(generate(&file, &SMALL), Err(DemoError::Io { .. })));
}
