use super::*;
use proptest::prelude::*;

fn map(h: usize, w: usize, value: impl Fn(usize, usize) -> f32) -> AnomalyMap {
    let values = (0..h).flat_map(|y| (0..w).map(move |x| (y, x))).map(|(y, x)| value(y, x)).collect();
    AnomalyMap::from_vec(h, w, values).unwrap()
}

#[test]
fn whole_keeps_the_aspect_and_the_area() {
    let whole = Preprocess::whole(224, 16);
    for (w, h) in [(700, 1000), (1024, 1024), (320, 240), (4000, 3000), (50, 60), (1000, 100)] {
        let [to_h, to_w] = whole.input_size(w, h);
        assert!(to_h % 16 == 0 && to_w % 16 == 0 && to_h > 0 && to_w > 0);
        let area = (to_h * to_w) as f64 / (224.0 * 224.0);
        assert!((0.8..1.25).contains(&area), "{w}x{h} -> {to_w}x{to_h}");
        let aspect = (to_w as f64 / to_h as f64) / (w as f64 / h as f64);
        assert!((0.85..1.18).contains(&aspect), "{w}x{h} -> {to_w}x{to_h}");
    }
    assert_eq!(whole.input_size(5000, 1), [16, 15_840]);
}

#[test]
fn the_longer_side_is_cut_down_not_rounded() {
    let [rows, columns] = Preprocess::reference(366, 320).axes(310, 200);
    assert_eq!((rows.resized, columns.resized), (366, 567));
    let [rows, columns] = Preprocess::reference(256, 224).axes(320, 240);
    assert_eq!((rows.resized, columns.resized), (256, 341));
}

#[test]
fn bad_values_from_a_file_are_named() {
    let good = Preprocess::reference(256, 224);
    assert_eq!(good.check(), Ok(()));
    assert_eq!(Preprocess::whole(224, 16).check(), Ok(()));
    let said = |p: Preprocess| p.check().unwrap_err().to_string();
    assert_eq!(said(Preprocess::reference(0, 224)), "resize is 0, must be in 1..=16384");
    assert_eq!(said(Preprocess::whole(224, 0)), "multiple is 0, must be in 1..=16384");
    assert_eq!(said(Preprocess::reference(256, 16_385)), "crop height is 16385, must be in 1..=16384");
    assert!(said(Preprocess { std: [1.0, 0.0, 1.0], ..good.clone() }).contains("above 0"));
    assert!(said(Preprocess { mean: [f32::NAN; 3], ..good }).starts_with("mean is"));
}

#[test]
fn a_map_of_the_right_place_comes_back_to_it() {
    // One hot pixel of the input lies where the picture has it: at 1024 x 700 the shorter side is reduced by 700/256.
    let preprocess = Preprocess::reference(256, 224);
    let hot = map(224, 224, |y, x| if (y, x) == (50, 200) { 1.0 } else { 0.0 });
    let back = preprocess.map_to_picture(&hot, 1024, 700);
    let hottest = back.data().iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let (y, x) = ((hottest / 1024) as f64, (hottest % 1024) as f64);
    assert!((y - ((50.5 + 16.0) * 700.0 / 256.0 - 0.5)).abs() <= 1.0, "{y}");
    assert!((x - ((200.5 + 75.0) * 1024.0 / 374.0 - 0.5)).abs() <= 1.0, "{x}");
}

#[test]
fn what_the_crop_hides_counts_as_least_anomalous() {
    let preprocess = Preprocess::reference(256, 224);
    let slope = map(224, 224, |y, x| 3.0 + (y + x) as f32);
    let back = preprocess.map_to_picture(&slope, 512, 512);
    assert_eq!(preprocess.visible(512, 512), [32, 480, 32, 480]);
    assert_eq!((back.at(0, 0), back.at(511, 511), back.at(31, 479)), (3.0, 3.0, 3.0));
    assert!(back.at(32, 479) > 200.0);
}

#[test]
fn padding_is_not_part_of_the_picture() {
    // 320 x 240 at resize 100 is 133 x 100, padded to 128 rows: padding rows hold a value that must not leak in.
    let preprocess = Preprocess::reference(100, 128);
    let padded = map(128, 128, |y, _| if (14..114).contains(&y) { 1.0 } else { 9.0 });
    let back = preprocess.map_to_picture(&padded, 320, 240);
    let [y0, y1, x0, x1] = preprocess.visible(320, 240);
    assert_eq!([y0, y1], [0, 240]);
    assert!((y0..y1).all(|y| (x0..x1).all(|x| back.at(y, x) == 1.0)));
}

#[test]
fn a_slope_stays_a_slope() {
    // Bilinear reproduces a linear function between the outermost centres.
    let whole = Preprocess::whole(64, 16);
    let slope = map(64, 64, |y, x| 2.0 * y as f32 + x as f32);
    let back = whole.map_to_picture(&slope, 256, 256);
    for (y, x) in [(2, 2), (100, 31), (200, 253)] {
        let place = |v: usize| (v as f32 + 0.5) / 4.0 - 0.5;
        assert!((back.at(y, x) - (2.0 * place(y) + place(x))).abs() < 1e-4);
    }
    assert_eq!(back.at(0, 0), 0.0);
    assert_eq!(back.at(255, 255), 189.0);
}

#[test]
#[should_panic(expected = "not the size of the input")]
fn a_map_of_another_size_is_our_own_bug() {
    Preprocess::reference(256, 224).map_to_picture(&map(28, 28, |_, _| 0.0), 320, 240);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_constant_map_stays_constant(w in 1usize..200, h in 1usize..200, value in -5f32..5.0, crop in 1usize..80) {
        for preprocess in [Preprocess::reference(64, crop), Preprocess::whole(48, 16)] {
            let [to_h, to_w] = preprocess.input_size(w, h);
            let back = preprocess.map_to_picture(&map(to_h, to_w, |_, _| value), w, h);
            prop_assert_eq!((back.width(), back.height()), (w, h));
            prop_assert!(back.data().iter().all(|&v| v == value));
        }
    }

    #[test]
    fn every_input_pixel_of_the_picture_is_seen_somewhere(w in 1usize..200, h in 1usize..200, crop in 1usize..80) {
        let [y0, y1, x0, x1] = Preprocess::reference(64, crop).visible(w, h);
        prop_assert!(y0 < y1 && y1 <= h && x0 < x1 && x1 <= w);
    }

    #[test]
    fn apply_has_the_size_it_says(w in 1usize..60, h in 1usize..60) {
        let picture = Picture::from_rgb(w, h, vec![7; w * h * 3]).unwrap();
        for preprocess in [Preprocess::reference(40, 32), Preprocess::whole(48, 16)] {
            let [to_h, to_w] = preprocess.input_size(w, h);
            prop_assert_eq!(preprocess.apply(&picture).shape(), [1, to_h, to_w, 3]);
        }
    }
}

#[test]
fn it_is_saved_and_read_back() {
    let text = serde_json::to_string(&Preprocess::reference(256, 224)).unwrap();
    assert!(
        text.starts_with(r#"{"geometry":{"resize_crop":{"resize":256,"crop":[224,224]}},"mean":[0.485,"#),
        "{text}"
    );
    for preprocess in [Preprocess::reference(256, 224), Preprocess::whole(224, 16)] {
        let text = serde_json::to_string(&preprocess).unwrap();
        assert_eq!(serde_json::from_str::<Preprocess>(&text).unwrap(), preprocess);
    }
    assert!(serde_json::from_str::<Preprocess>(&text.replace("crop\":[", "cut\":[")).is_err());
}
