use super::*;

/// The problems of a category that cannot be used.
fn faults(set: &Dataset, name: &str) -> Vec<Problem> {
    match set.category(name) {
        Err(DatasetError::Faulty { faults, .. }) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn mvtec_ad_2_has_pictures_for_thresholds_and_without_labels() {
    let dir = dataset(&[
        "can/train/good/000_regular.png",
        "can/validation/good/000_regular.png",
        "can/test_public/good/000_shift_1.png",
        "can/test_public/bad/000_overexposed.png",
        "can/test_public/ground_truth/bad/000_overexposed_mask.png",
        "can/test_private/000_regular.png",
        "can/test_private_mixed/000_mixed.png",
    ]);
    let set = open(dir.path());
    assert_eq!((set.layout(), set.names()), (Layout::MvtecAd2, vec!["can"]));
    assert_eq!(
        lines(dir.path(), &set.category("can").unwrap()),
        [
            "train good normal can/train/good/000_regular.png:",
            "validation good normal can/validation/good/000_regular.png:",
            "test bad anomaly can/test_public/bad/000_overexposed.png: \
             can/test_public/ground_truth/bad/000_overexposed_mask.png",
            "test good normal can/test_public/good/000_shift_1.png:",
            "unlabelled test_private  can/test_private/000_regular.png:",
            "unlabelled test_private_mixed  can/test_private_mixed/000_mixed.png:",
        ]
    );
    write(&dir.path().join("can/test_public/bad/001_regular.png"), "");
    let picture = dir.path().join("can/test_public/bad/001_regular.png");
    assert_eq!(faults(&set, "can"), [Problem::PictureWithoutMask(picture)]);
}

const LOCO: [&str; 7] = [
    "box/train/good/000.png",
    "box/validation/good/000.png",
    "box/test/good/000.png",
    "box/test/logical_anomalies/000.png",
    "box/ground_truth/logical_anomalies/000/000.png",
    "box/ground_truth/logical_anomalies/000/001.png",
    "box/defects_config.json",
];

#[test]
fn mvtec_loco_has_several_masks_and_saturations() {
    let dir = dataset(&LOCO);
    let config = r#"[{"defect_name":"missing","pixel_value":255,"saturation_threshold":1.0,"relative_saturation":true},
        {"defect_name":"extra","pixel_value":254,"saturation_threshold":1400,"relative_saturation":false}]"#;
    write(&dir.path().join("box/defects_config.json"), config);
    let set = open(dir.path());
    assert_eq!(set.layout(), Layout::MvtecLoco);
    let category = set.category("box").unwrap();
    assert_eq!(
        lines(dir.path(), &category)[3],
        "test logical_anomalies anomaly box/test/logical_anomalies/000.png: \
         box/ground_truth/logical_anomalies/000/000.png box/ground_truth/logical_anomalies/000/001.png"
    );
    assert_eq!(category.validation.len(), 1);
    let saturations = set.saturations("box").unwrap();
    assert_eq!((saturations[0].pixel_value, saturations[0].relative_saturation), (255, true));
    assert_eq!((saturations[1].defect_name.as_str(), saturations[1].saturation_threshold), ("extra", 1400.0));

    write(&dir.path().join("box/ground_truth/logical_anomalies/007/000.png"), "");
    let lonely = dir.path().join("box/ground_truth/logical_anomalies/007/000.png");
    assert_eq!(faults(&set, "box"), [Problem::MaskWithoutPicture(lonely)]);
}

#[test]
fn saturations_out_of_range_are_refused() {
    let dir = dataset(&LOCO);
    let set = open(dir.path());
    for (threshold, relative) in [("1.5", "true"), ("0", "true"), ("0", "false"), ("-1", "false")] {
        let entry = format!(
            r#"[{{"defect_name":"a","pixel_value":1,"saturation_threshold":{threshold},"relative_saturation":{relative}}}]"#
        );
        write(&dir.path().join("box/defects_config.json"), entry);
        let error = set.saturations("box").unwrap_err().to_string();
        assert!(error.contains("defects_config.json") && error.contains("out of range"), "{error}");
    }
    write(&dir.path().join("box/defects_config.json"), "[{\"pixel_value\":256}]");
    assert!(set.saturations("box").unwrap_err().to_string().contains("line 1"));
}

#[test]
fn case_28_the_masks_of_a_picture_are_one() {
    let dir = dataset(&LOCO);
    let at = |name: &str| dir.path().join("box/ground_truth/logical_anomalies/000").join(name);
    draw(&at("000.png"), 0, 255);
    draw(&at("001.png"), 7, 0);
    let category = open(dir.path()).category("box").unwrap();
    let sample = category.test.iter().find(|s| s.is_anomalous()).unwrap();
    let mask = sample.mask(&crate::Limits::default()).unwrap().unwrap();
    assert_eq!(mask.values()[..3], [255, 7, 7]);
    assert!(category.train[0].mask(&crate::Limits::default()).unwrap().is_none());

    GrayImage::new(3, 4).save(at("001.png")).unwrap();
    let error = sample.mask(&crate::Limits::default()).unwrap_err().to_string();
    assert!(error.contains("001.png: the mask is 3x4, another one of its picture, "), "{error}");
    assert!(error.ends_with("000.png, is 4x3"), "{error}");
}

#[test]
fn btad_calls_good_ones_ok() {
    let dir = dataset(&[
        "01/train/ok/0000.bmp",
        "01/test/ok/0001.bmp",
        "01/test/ko/0000.bmp",
        "01/ground_truth/ko/0000.png",
        "02/train/ok/0000.png",
    ]);
    let set = open(dir.path());
    assert_eq!((set.layout(), set.names()), (Layout::Btad, vec!["01", "02"]));
    assert_eq!(
        lines(dir.path(), &set.category("01").unwrap()),
        [
            "train good normal 01/train/ok/0000.bmp:",
            "test good normal 01/test/ok/0001.bmp:",
            "test ko anomaly 01/test/ko/0000.bmp: 01/ground_truth/ko/0000.png",
        ]
    );
    write(&dir.path().join("01/ground_truth/ko/0005.png"), "");
    assert_eq!(
        faults(&set, "01"),
        [Problem::MaskWithoutPicture(dir.path().join("01/ground_truth/ko/0005.png"))]
    );
}

const VISA: &str = "object,split,label,image,mask\n\
    candle,train,normal,candle/Data/Images/Normal/0000.JPG,\n\
    candle,test,normal,candle/Data/Images/Normal/0001.JPG,\n\
    candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png\n\
    pcb1,train,normal,pcb1/Data/Images/Normal/0000.JPG,\n";

fn visa() -> tempfile::TempDir {
    let dir = dataset(&[
        "candle/Data/Images/Normal/0000.JPG",
        "candle/Data/Images/Normal/0001.JPG",
        "candle/Data/Images/Anomaly/000.JPG",
        "candle/Data/Masks/Anomaly/000.png",
        "candle/image_anno.csv",
        "pcb1/Data/Images/Normal/0000.JPG",
    ]);
    write(&dir.path().join("split_csv/1cls.csv"), VISA);
    dir
}

#[test]
fn visa_is_read_through_its_list() {
    let dir = visa();
    let set = open(dir.path());
    assert_eq!((set.layout(), set.names()), (Layout::Visa, vec!["candle", "pcb1"]));
    assert_eq!(
        lines(dir.path(), &set.category("candle").unwrap()),
        [
            "train good normal candle/Data/Images/Normal/0000.JPG:",
            "test anomaly anomaly candle/Data/Images/Anomaly/000.JPG: candle/Data/Masks/Anomaly/000.png",
            "test good normal candle/Data/Images/Normal/0001.JPG:",
        ]
    );
    std::fs::remove_file(dir.path().join("candle/Data/Masks/Anomaly/000.png")).unwrap();
    let path = dir.path().join("candle/Data/Masks/Anomaly/000.png");
    assert_eq!(faults(&set, "candle"), [Problem::Missing { path, line: 4 }]);
}

#[test]
fn a_bad_list_is_named_with_its_line() {
    let dir = visa();
    for (line, reason) in [
        ("candle,train,normal,../outside.jpg,", "no path within the data set"),
        ("candle,train,normal,/etc/passwd,", "no path within the data set"),
        ("candle,sometimes,normal,a.jpg,", "neither train nor test"),
        ("candle,test,maybe,a.jpg,", "neither normal nor anomaly"),
        ("candle,test", "found record with 2 fields"),
    ] {
        write(&dir.path().join("split_csv/1cls.csv"), format!("{VISA}{line}\n"));
        let error = Dataset::open(dir.path(), None).unwrap_err().to_string();
        assert!(error.contains("1cls.csv: line 6: ") && error.contains(reason), "{error}");
    }
    write(&dir.path().join("split_csv/1cls.csv"), b"object,split\n\xff\n");
    let error = Dataset::open(dir.path(), None).unwrap_err().to_string();
    assert!(error.ends_with("line 2: not UTF-8"), "{error}");
}

fn kolektor() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..6u8 {
        let at = |name: &str| dir.path().join(format!("kos0{i}")).join(name);
        draw(&at("Part0.png"), 90, i);
        draw(&at("Part0_label.bmp"), 0, u8::from(i == 3));
    }
    dir
}

#[test]
fn kolektor_tells_labels_by_its_masks() {
    let dir = kolektor();
    let set = open(dir.path());
    assert_eq!(set.layout(), Layout::KolektorSdd);
    let name = set.names()[0].to_string();
    let category = set.category(&name).unwrap();
    let all = lines(dir.path(), &category);
    assert_eq!((category.train.len(), category.test.len()), (4, 2), "{all:?}");
    assert_eq!(all[4], "test defect anomaly kos03/Part0.png: kos03/Part0_label.bmp");
    assert_eq!(all[5], "test good normal kos01/Part0.png: kos01/Part0_label.bmp");
    assert_eq!(all[0], "train good normal kos00/Part0.png: kos00/Part0_label.bmp");

    std::fs::remove_file(dir.path().join("kos00/Part0_label.bmp")).unwrap();
    write(&dir.path().join("kos01/Part0_label.bmp"), "BM");
    write(&dir.path().join("kos02/Part7_label.bmp"), "BM");
    let found = faults(&set, &name);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&Problem::PictureWithoutMask(dir.path().join("kos00/Part0.png"))));
    assert!(found.contains(&Problem::MaskWithoutPicture(dir.path().join("kos02/Part7_label.bmp"))));
    assert!(matches!(&found[1], Problem::Unreadable(text) if text.contains("kos01/Part0_label.bmp")));
}

#[test]
fn real_iad_is_read_through_its_lists() {
    let dir = dataset(&[
        "realiad_256/plug/OK/S1/a.jpg",
        "realiad_512/plug/OK/S1/a.jpg",
        "realiad_512/plug/OK/S2/b.jpg",
        "realiad_512/plug/NG/AK/S1/c.jpg",
        "realiad_512/plug/NG/AK/S1/c.png",
    ]);
    let list = dir.path().join("realiad_jsons/realiad_jsons/plug.json");
    let text = r#"{"meta":{"normal_class":"OK"},
        "train":[{"category":"plug","anomaly_class":"OK","image_path":"OK/S1/a.jpg","mask_path":null}],
        "test":[{"anomaly_class":"OK","image_path":"OK/S2/b.jpg","mask_path":null},
                {"anomaly_class":"AK","image_path":"NG/AK/S1/c.jpg","mask_path":"NG/AK/S1/c.png"}]}"#;
    write(&list, text);
    let set = open(dir.path());
    assert_eq!((set.layout(), set.names()), (Layout::RealIad, vec!["plug"]));
    assert_eq!(
        lines(dir.path(), &set.category("plug").unwrap()),
        [
            "train good normal realiad_512/plug/OK/S1/a.jpg:",
            "test AK anomaly realiad_512/plug/NG/AK/S1/c.jpg: realiad_512/plug/NG/AK/S1/c.png",
            "test good normal realiad_512/plug/OK/S2/b.jpg:",
        ]
    );
    write(
        &list,
        text.replace(
            "\"train\":[{",
            "\"train\":[{\"anomaly_class\":\"AK\",\"image_path\":\"NG/AK/S1/c.jpg\"},{",
        ),
    );
    let path = dir.path().join("realiad_512/plug/NG/AK/S1/c.jpg");
    assert_eq!(
        faults(&set, "plug"),
        [
            Problem::DefectAmongGood(path.clone()),
            Problem::Twice { path: path.clone(), line: 4 },
            Problem::PictureWithoutMask(path),
        ]
    );
    write(&list, text.replace("OK/S2/b.jpg", "../../b.jpg"));
    assert!(set.category("plug").unwrap_err().to_string().contains("line 2: \"../../b.jpg\""));
    write(&list, &text[..100]);
    assert!(set.category("plug").unwrap_err().to_string().contains("plug.json: line 2: EOF"));
}

#[test]
fn plain_folders_are_good_and_bad() {
    let dir = dataset(&[
        "set/ok/1.png",
        "set/ok/2.png",
        "set/ok_test/3.png",
        "set/scratch/1.png",
        "set/dent/1.png",
        "set/masks/scratch/1_mask.png",
    ]);
    let root = dir.path().join("set");
    let set = open(&root);
    assert_eq!((set.layout(), set.names()), (Layout::Folder, vec!["set"]));
    assert_eq!(
        lines(&root, &set.category("set").unwrap()),
        [
            "train good normal ok/1.png:",
            "train good normal ok/2.png:",
            "test dent anomaly dent/1.png:",
            "test good normal ok_test/3.png:",
            "test scratch anomaly scratch/1.png: masks/scratch/1_mask.png",
        ]
    );
    write(&root.join("masks/loose.png"), "");
    write(&root.join("masks/ghost/1.png"), "");
    let found = faults(&set, "set");
    let lonely = |name: &str| Problem::MaskWithoutPicture(root.join(name));
    assert_eq!(found, [lonely("masks/loose.png"), lonely("masks/ghost/1.png")]);
    std::fs::create_dir(root.join("ground_truth")).unwrap();
    assert!(matches!(set.category("set"), Err(DatasetError::Several { .. })));
}

#[test]
fn two_layouts_that_fit_are_both_named() {
    let dir = visa();
    write(&dir.path().join("bolt/train/good/0.png"), "");
    let error = Dataset::open(dir.path(), None).unwrap_err().to_string();
    assert!(error.ends_with("fits the layouts mvtec and visa; name the one that is meant"), "{error}");
    let named = Dataset::open(dir.path(), Some(Layout::Mvtec)).unwrap();
    assert_eq!(named.names(), ["bolt"]);
    assert_eq!(Dataset::open(dir.path(), Some(Layout::Visa)).unwrap().names(), ["candle", "pcb1"]);
}

#[test]
fn where_nothing_fits_is_said_what_was_looked_for() {
    let dir = dataset(&["pictures/1.png"]);
    let error = Dataset::open(dir.path(), None).unwrap_err().to_string();
    for layout in Layout::ALL {
        assert!(error.contains(&format!("({})", layout.name())), "{error}");
    }
    assert!(error.contains("CATEGORY/train/good") && error.contains("split_csv/1cls.csv"), "{error}");
}
