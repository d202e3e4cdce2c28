use super::*;
use crate::Limits;

fn set() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join("bolt").join(name);
    draw(&at("train/good/0.png"), 10, 0);
    draw(&at("train/good/1.png"), 11, 0);
    draw(&at("test/good/0.png"), 12, 0);
    draw(&at("test/dent/0.png"), 13, 200);
    draw(&at("ground_truth/dent/0_mask.png"), 0, 255);
    write(&at("licence.txt"), "free");
    dir
}

fn examine(root: &Path) -> Examined {
    open(root).examine("bolt", &Limits::default()).unwrap()
}

#[test]
fn a_clean_set_has_no_problem_and_every_file_a_role() {
    let dir = set();
    let found = examine(dir.path());
    assert_eq!(found.problems, []);
    let of = |role: Role| found.files.iter().filter(|(_, own)| *own == role).count();
    assert_eq!(of(Role::Picture(Split::Train)), 2);
    assert_eq!(of(Role::Picture(Split::Test)), 2);
    assert_eq!((of(Role::Mask), of(Role::None)), (1, 1));
}

#[test]
fn every_kind_of_problem_is_found_at_once() {
    let dir = set();
    let at = |name: &str| dir.path().join("bolt").join(name);
    std::fs::copy(at("train/good/0.png"), at("test/good/9.png")).unwrap();
    std::fs::copy(at("train/good/1.png"), at("train/good/2.png")).unwrap();
    write(&at("test/good/1.png"), "");
    write(&at("train/good/3.png"), "GIF89a");
    draw(&at("test/dent/1.png"), 20, 9);
    draw(&at("ground_truth/dent/1_mask.png"), 0, 0);
    draw(&at("test/dent/2.png"), 30, 9);
    GrayImage::from_pixel(8, 6, Luma([255])).save(at("ground_truth/dent/2_mask.png")).unwrap();
    draw(&at("test/dent/3.png"), 40, 9);
    draw(&at("train/loose/0.png"), 50, 0);
    let problems = examine(dir.path()).problems;
    let expected = [
        Problem::PictureWithoutMask(at("test/dent/3.png")),
        Problem::EmptyMask(at("test/dent/1.png")),
        Problem::NoRole(at("train/loose/0.png")),
        Problem::Leak { train: at("train/good/0.png"), test: at("test/good/9.png") },
        Problem::Copy { first: at("train/good/1.png"), second: at("train/good/2.png") },
        Problem::MaskSize {
            mask: at("ground_truth/dent/2_mask.png"),
            mask_size: [8, 6],
            picture: at("test/dent/2.png"),
            picture_size: [4, 3],
        },
    ];
    for problem in &expected {
        assert!(problems.contains(problem), "no {problem} in {problems:?}");
    }
    let unreadable: Vec<String> =
        problems.iter().filter(|p| matches!(p, Problem::Unreadable(_))).map(ToString::to_string).collect();
    assert_eq!(unreadable.len(), 2);
    assert!(unreadable.iter().any(|text| text.contains("train/good/3.png: unsupported: a GIF")));
    assert!(unreadable.iter().any(|text| text.ends_with("test/good/1.png: empty file")));
    assert_eq!(problems.len(), expected.len() + 2, "{problems:?}");
    assert_eq!(problems.iter().filter(|p| p.is_warning()).count(), 3);
}

#[test]
fn case_28_masks_may_hold_class_numbers() {
    let dir = set();
    draw(&dir.path().join("bolt/ground_truth/dent/0_mask.png"), 0, 1);
    assert_eq!(examine(dir.path()).problems, []);
}

#[test]
fn case_28_a_mask_of_many_values_is_told() {
    let dir = set();
    let mask = dir.path().join("bolt/ground_truth/dent/0_mask.png");
    let with = |values: u8| {
        let soft = |x: u32, y: u32| Luma([(y * 8 + x) as u8 % (values + 1)]);
        GrayImage::from_fn(8, 6, soft).save(&mask).unwrap();
        GrayImage::new(8, 6).save(dir.path().join("bolt/test/dent/0.png")).unwrap();
        examine(dir.path()).problems
    };
    assert_eq!(with(16), []);
    let many = Problem::ManyValues { mask: mask.clone(), values: 17 };
    assert!(many.is_warning());
    assert_eq!(with(17), [many]);
}

#[cfg(unix)]
#[test]
fn case_30_links_and_pipes_are_told_and_never_waited_for() {
    let dir = set();
    let link = dir.path().join("bolt/train/link");
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    let pipe = dir.path().join("bolt/train/good/pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(examine(dir.path()).problems, [Problem::NotAFile(pipe), Problem::Link(link)]);
}

#[test]
fn sizes_come_from_headers_of_every_format() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.png", "a.bmp", "a.tiff", "a.pgm", "a.webp"] {
        let path = dir.path().join(name);
        if name == "a.webp" {
            image::RgbImage::new(4, 3).save(&path).unwrap();
        } else if name == "a.pgm" {
            write(&path, b"P5 4 3 255\n\0\0\0\0\0\0\0\0\0\0\0\0");
        } else {
            draw(&path, 1, 2);
        }
        let size = crate::decode::read_header(&path, &Limits::default()).unwrap().size;
        assert_eq!(size, [4, 3], "{name}");
    }
    let small = Limits { max_side: 3, ..Limits::default() };
    assert!(crate::decode::read_header(&dir.path().join("a.png"), &small).is_err());
}
