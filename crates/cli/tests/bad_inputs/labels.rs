//! What a data set says of its pictures: copies of what was learnt, masks that do not fit, one kind of picture only.

use crate::support::draw::{brighter, plate, save};
use crate::support::{Room, draw};
use image::{DynamicImage, GrayImage, Luma};
use serde_json::json;
use std::fs;

const EVALUATE: &str = "evaluate bolt.patchcore --dataset set --category bolt";
const MASK: &str = "set/bolt/ground_truth/dent/001_mask.png";

#[test]
fn case_27_pictures_that_are_there_twice_are_named() {
    let room = Room::with_data();
    for i in 0..6 {
        room.copy(format!("set/bolt/train/good/{i:03}.png"), format!("good/{i:03}.png"));
    }
    room.copy("good/003.png", "good/again.png");
    save(&brighter(&plate(1), 9), &room.path("good/bright.png"));
    let fit = "fit --good good --imagesize 64 --bank-rows 40";
    let all = room.run(&format!("{fit} -o m.patchcore --json")).succeeds().json();
    assert_eq!(
        all["audit"]["duplicates"],
        json!([
            {"pictures": ["003.png", "again.png"], "kind": "exact"},
            {"pictures": ["001.png", "bright.png"], "kind": "near"}
        ])
    );
    let warned = room.run(&format!("{fit} -o n.patchcore")).stderr;
    for line in [
        "warning: 2 training pictures are there already",
        "  bright.png is nearly 001.png",
        "  again.png is 003.png",
    ] {
        assert!(warned.contains(line), "no {line:?} in\n{warned}");
    }
}

#[test]
fn case_27_a_model_is_not_measured_by_what_it_learnt_from() {
    let room = Room::with_model();
    assert_eq!(room.run(&format!("{EVALUATE} --json")).succeeds().json()["leaks"], json!([]));
    room.copy("set/bolt/train/good/003.png", "set/bolt/test/good/copy.png");
    save(&brighter(&plate(1), 9), &room.path("set/bolt/test/good/bright.png"));
    room.refuses(
        &format!("{EVALUATE} -o out"),
        3,
        &[
            "2 of 6 test pictures",
            "bright.png is nearly bolt/train/good/001.png",
            "copy.png is bolt/train/good/003.png",
            "--allow-leak",
        ],
    );
    let allowed = room.run(&format!("{EVALUATE} --allow-leak --json"));
    assert_eq!(allowed.code, 0);
    assert!(allowed.stderr.contains("warning: 2 of 6 test pictures"), "{}", allowed.stderr);
    let leaks = allowed.json()["leaks"].take();
    assert_eq!((&leaks[0]["kind"], &leaks[1]["kind"]), (&json!("near"), &json!("exact")));
    assert_eq!(leaks[1]["trained"], "bolt/train/good/003.png");
    let run = room.run("run results --dataset set --category bolt --imagesize 32 --bank-rows 9");
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("warning: 2 test pictures are among those to fit on"), "{}", run.stderr);
}

#[test]
fn case_27_thresholds_do_not_come_from_what_a_model_learnt_from() {
    let room = Room::with_model();
    room.refuses(
        "calibrate bolt.patchcore -o new.patchcore --good set/bolt/train/good",
        3,
        &["6 of 6 pictures are not new to the model", "005.png is bolt/train/good/005.png", "has not seen"],
    );
}

#[test]
fn case_28_a_mask_without_picture_and_a_picture_without_mask_are_named() {
    let room = Room::with_model();
    save(&draw::dent_mask(), &room.path("set/bolt/ground_truth/dent/009_mask.png"));
    save(&draw::dented(9), &room.path("set/bolt/test/dent/008.png"));
    let words = ["set/bolt: 2 problems", "dent/009_mask.png has no picture", "dent/008.png has no mask"];
    room.refuses(&format!("{EVALUATE} -o results"), 3, &words);
    room.refuses("fit --dataset set --category bolt -o part.patchcore", 3, &words);
}

#[test]
fn case_28_a_mask_of_another_size_is_refused_with_both_paths_and_sizes() {
    let room = Room::with_model();
    save(&GrayImage::new(10, 12), &room.path(MASK));
    let words = [&format!("{MASK}: the mask is 10x12, its picture set/bolt/test/dent/001.png is 64x48")[..]];
    room.refuses(&format!("{EVALUATE} -o results"), 3, &words);

    // Two masks of one picture.
    fs::remove_file(room.path(MASK)).unwrap();
    let [first, second] = ["0", "1"].map(|name| format!("set/bolt/ground_truth/dent/001/{name}.png"));
    save(&draw::dent_mask(), &room.path(&first));
    save(&GrayImage::new(10, 12), &room.path(&second));
    let words = [&format!("{second}: the mask is 10x12, another one of its picture, {first}, is 64x48")[..]];
    room.refuses(&format!("{EVALUATE} -o results"), 3, &words);
}

/// What would invent or lose defective pixels is refused; grey in three channels and class numbers mark what they mark.
#[test]
fn case_28_masks_that_are_no_masks_are_refused_and_others_mark_the_same_pixels() {
    let room = Room::with_model();
    let measured =
        || room.run(&format!("{EVALUATE} --json")).succeeds().json()["categories"][0]["counts"].take();
    let expected = measured();
    let mask = draw::dent_mask();
    let marked = |value: u8| {
        GrayImage::from_fn(mask.width(), mask.height(), |x, y| Luma([mask.get_pixel(x, y).0[0].min(value)]))
    };
    for same in [
        DynamicImage::from(marked(1)),
        DynamicImage::from(marked(200)),
        DynamicImage::from(DynamicImage::from(mask.clone()).to_rgb8()),
        DynamicImage::from(DynamicImage::from(mask.clone()).to_luma16()),
    ] {
        same.save(room.path(MASK)).unwrap();
        assert_eq!(measured(), expected, "{:?}", same.color());
    }

    // A picture in the mask's place marks every pixel; a look at the data set tells.
    DynamicImage::from(plate(3)).to_luma8().save(room.path(MASK)).unwrap();
    let told = room.run("dataset inspect set --category bolt").succeeds().stdout;
    assert!(told.contains(&format!("warning: mask {MASK} holds ")), "{told}");

    let mut coloured = DynamicImage::from(mask.clone()).to_rgb8();
    coloured.put_pixel(3, 2, image::Rgb([255, 0, 0]));
    save(&coloured, &room.path(MASK));
    let words = [MASK, "a coloured mask (pixel 3,2 is [255, 0, 0], not grey)"];
    room.refuses(&format!("{EVALUATE} -o results"), 3, &words);

    let mut jpeg = Vec::new();
    mask.write_to(&mut std::io::Cursor::new(&mut jpeg), image::ImageFormat::Jpeg).unwrap();
    room.write(MASK, jpeg);
    room.refuses(&format!("{EVALUATE} -o results"), 3, &[MASK, "JPEG"]);
}

#[test]
fn case_29_with_good_pictures_only_a_metric_is_undefined_and_says_why() {
    let room = Room::with_model();
    fs::remove_dir_all(room.path("set/bolt/test/dent")).unwrap();
    fs::remove_dir_all(room.path("set/bolt/ground_truth")).unwrap();
    let text = room.run(&format!("{EVALUATE} -o results")).succeeds().stdout;
    assert!(
        text.contains("bolt: image_auroc, image_auroc_mean_of_types, image_ap, oracle_image_f1_max, "),
        "{text}"
    );
    assert!(text.contains(" are undefined: nothing is labelled anomalous\n"), "{text}");
    assert!(!text.contains("NaN"), "{text}");
    assert!(room.text("results/results.csv").contains("mvtec_bolt,,,\r\nMean,,,\r\n"));
    let bolt = room.run(&format!("{EVALUATE} --json")).succeeds().json()["categories"][0].clone();
    assert!(bolt["image_auroc"].is_null() && bolt["pixel_auroc"].is_null(), "{bolt}");
    assert_eq!(bolt["undefined"]["image_auroc"], "nothing is labelled anomalous");
}

#[test]
fn case_29_with_defective_pictures_only_a_metric_is_undefined_and_says_why() {
    let room = Room::with_model();
    fs::remove_dir_all(room.path("set/bolt/test/good")).unwrap();
    let text = room.run(&format!("{EVALUATE} -o results")).succeeds().stdout;
    assert!(text.contains(" undefined: nothing is labelled normal\n") && !text.contains("NaN"), "{text}");
    let bolt = room.run(&format!("{EVALUATE} --json")).succeeds().json()["categories"][0].clone();
    assert!(bolt["image_auroc"].is_null(), "{bolt}");
    assert_eq!(bolt["undefined"]["image_auroc"], "nothing is labelled normal");
    assert!(bolt["pixel_auroc"].is_number(), "pixels are of both kinds: {bolt}");
}

#[test]
fn case_29_without_test_pictures_there_is_nothing_to_measure() {
    let room = Room::with_model();
    fs::remove_dir_all(room.path("set/bolt/test")).unwrap();
    fs::remove_dir_all(room.path("set/bolt/ground_truth")).unwrap();
    room.refuses(&format!("{EVALUATE} -o results"), 3, &["bolt: no test pictures"]);
}
