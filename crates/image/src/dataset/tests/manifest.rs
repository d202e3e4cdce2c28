use super::*;
use proptest::prelude::*;

fn read(
    text: impl AsRef<[u8]>,
    name: &str,
    files: &[&str],
) -> (tempfile::TempDir, Result<Dataset, DatasetError>) {
    let dir = dataset(files);
    let path = dir.path().join(name);
    write(&path, text);
    let set = Dataset::open(&path, None);
    (dir, set)
}

#[test]
fn the_smallest_manifest_is_enough() {
    let text = "split,image_path,label_index,note\ntrain,a.png,,x\nval,./b.png,0,\ntest,c.png,1,\nunlabelled,d.png,,\n";
    let (dir, set) = read(text, "parts.csv", &["a.png", "b.png", "c.png", "d.png"]);
    let set = set.unwrap();
    assert_eq!((set.layout(), set.names()), (Layout::Manifest, vec!["parts"]));
    assert_eq!(set.warnings().len(), 1);
    assert!(set.warnings()[0].ends_with("parts.csv: unknown column \"note\", left out"));
    assert_eq!(
        lines(dir.path(), &set.category("parts").unwrap()),
        [
            "train good normal a.png:",
            "validation good normal b.png:",
            "test anomaly anomaly c.png:",
            "unlabelled unlabelled  d.png:",
        ]
    );
}

#[test]
fn json_lines_hold_the_same() {
    let text = "{\"image_path\":\"a.png\",\"split\":\"test\",\"label\":1,\"mask_path\":[\"m;1.png\",\"m2.png\"],\"x\":0}\n\n\
                {\"image_path\":\"b.png\",\"split\":\"train\",\"label\":null,\"category\":\"nut\"}\n";
    let (dir, set) = read(text, "m.jsonl", &["a.png", "b.png", "m;1.png", "m2.png"]);
    let set = set.unwrap();
    assert_eq!(set.names(), ["m", "nut"]);
    assert_eq!(
        lines(dir.path(), &set.category("m").unwrap()),
        ["test anomaly anomaly a.png: m2.png m;1.png"]
    );
    assert!(set.warnings()[0].contains("\"x\""));
}

#[test]
fn case_34_bad_rows_are_named_with_their_line() {
    const HEAD: &str = "image_path,split,label\na.png,train,normal\n";
    for (text, name, reason) in [
        ("image_path,label\n", "m.csv", "line 1: no column \"split\""),
        ("split,label\n", "m.csv", "line 1: no column \"image_path\""),
        ("split,image_path\n", "m.csv", "line 1: no column \"label\" or \"label_index\""),
        ("split,image_path,label,split\n", "m.csv", "line 1: the column \"split\" is there twice"),
        (&format!("{HEAD}b.png,nowhere,normal\n"), "m.csv", "line 3: split \"nowhere\""),
        (&format!("{HEAD}b.png,test,bad\n"), "m.csv", "line 3: label \"bad\""),
        (&format!("{HEAD}b.png,test,\n"), "m.csv", "line 3: a test picture needs a label"),
        (&format!("{HEAD},test,normal\n"), "m.csv", "line 3: image_path is empty"),
        (&format!("{HEAD}../b.png,test,normal\n"), "m.csv", "line 3: \"../b.png\" leads out"),
        (&format!("{HEAD}b.png,test\n"), "m.csv", "line 3: "),
        (
            "split,image_path,label,label_index\ntest,a.png,normal,1\n",
            "m.csv",
            "line 2: label \"normal\" and",
        ),
        ("\n{\"image_path\":\"a.png\",\"split\":\"train\"}\n", "m.jsonl", "line 2: no column \"label\""),
        ("{\"image_path\":3e0}\n", "m.jsonl", "line 1: no column \"split\""),
        ("[1]\n", "m.jsonl", "line 1: "),
        (
            "\u{feff}{\"image_path\":\"a\",\"split\":\"train\",\"label\":0,\"split\":\"test\"}",
            "m.jsonl",
            "line 1: the key \"split\" is there twice",
        ),
        (
            "{\"image_path\":\"a\",\"split\":\"train\",\"label\":[0]}",
            "m.jsonl",
            "line 1: label is [0], not a text",
        ),
        (
            "{\"image_path\":\"a\",\"split\":\"train\",\"label\":0,\"mask_path\":[0]}",
            "m.jsonl",
            "line 1: mask_path",
        ),
    ] {
        let (_dir, set) = read(text, name, &["a.png"]);
        let error = set.unwrap_err().to_string();
        assert!(error.contains(&format!("{name}: {reason}")), "{text:?}: {error}");
    }
    let (_dir, set) = read(b"image_path,split,label\na.png,train,\n\xff,train,\n", "m.csv", &[]);
    assert!(set.unwrap_err().to_string().ends_with("m.csv: line 3: not UTF-8"));
}

#[test]
fn case_34_files_that_are_not_there_are_all_named() {
    let text =
        "image_path,split,label,mask_path\na.png,train,,\nb.png,test,1,m.png\na.png,train,,\nc.png,test,1,\n";
    let (dir, set) = read(text, "m.csv", &["a.png", "c.png"]);
    let error = set.unwrap().category("m").unwrap_err();
    let DatasetError::Faulty { faults, .. } = error else { panic!("{error}") };
    let at = |name: &str| dir.path().join(name);
    assert_eq!(
        faults,
        [
            Problem::Missing { path: at("b.png"), line: 3 },
            Problem::Missing { path: at("m.png"), line: 3 },
            Problem::Twice { path: at("a.png"), line: 4 },
            Problem::PictureWithoutMask(at("c.png")),
        ]
    );
}

#[cfg(unix)]
#[test]
fn case_34_only_a_whole_path_leads_out_of_the_folder() {
    let elsewhere = dataset(&["out.png"]);
    let out = elsewhere.path().join("out.png");
    let text = format!("image_path,split,label\nlink.png,train,\n{},train,\n", out.display());
    let (dir, set) = read(text, "m.csv", &[]);
    std::os::unix::fs::symlink(&out, dir.path().join("link.png")).unwrap();
    let error = set.unwrap().category("m").unwrap_err();
    let DatasetError::Faulty { faults, .. } = error else { panic!("{error}") };
    assert_eq!(faults, [Problem::Missing { path: dir.path().join("link.png"), line: 2 }]);
}

#[test]
fn what_csv_cannot_hold_is_refused_and_json_holds_it() {
    let sample = |path: &str, defect: &str, mask: &str| Sample {
        path: path.into(),
        defect: defect.into(),
        label: Label::Anomaly,
        masks: vec![mask.into()],
    };
    let text = |sample: Sample, form| {
        let category = Category { name: "c".into(), test: vec![sample], ..Category::default() };
        manifest_text(&[category], Path::new(""), form)
    };
    for bad in [sample("a.png", "=cmd()", "m.png"), sample("a.png", "dent", "m;1.png")] {
        let error = text(bad.clone(), ManifestForm::Csv).unwrap_err().to_string();
        assert!(error.contains("write .jsonl"), "{error}");
        assert!(text(bad, ManifestForm::Jsonl).unwrap().ends_with("}\n"));
    }
    let formula = text(sample("=1+1.png", "dent", "m.png"), ManifestForm::Csv).unwrap();
    assert_eq!(
        formula,
        "image_path,split,label,defect,mask_path,category\n./=1+1.png,test,anomaly,dent,m.png,c\n"
    );
}

/// A name for files and folders: letters of several alphabets, blanks, quotes, commas.
fn name() -> impl Strategy<Value = String> {
    "[a-zé部][a-z0-9 ,\"'é部_-]{0,6}[a-z]"
}

/// Samples of one split with files that exist below `folder`.
fn samples(split: Split) -> impl Strategy<Value = Vec<(Label, String, String, usize)>> {
    let label = match split {
        Split::Train | Split::Validation => Just(Label::Normal).boxed(),
        Split::Test => prop_oneof![Just(Label::Normal), Just(Label::Anomaly)].boxed(),
        Split::Unlabelled => Just(Label::Unknown).boxed(),
    };
    proptest::collection::vec((label, name(), name(), 0..3usize), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_manifest_gives_back_its_categories(
        splits in proptest::collection::vec((samples(Split::Train), samples(Split::Validation), samples(Split::Test), samples(Split::Unlabelled)), 1..3),
        csv in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut categories = Vec::new();
        for (number, (train, validation, test, unlabelled)) in splits.into_iter().enumerate() {
            let mut category = Category { name: format!("category {number}"), ..Category::default() };
            for (split, drawn) in Split::ALL.into_iter().zip([train, validation, test, unlabelled]) {
                for (i, (label, defect, file, masks)) in drawn.into_iter().enumerate() {
                    let folder = dir.path().join(format!("{number}/{}/{i}", split.name()));
                    let path = folder.join(format!("{file}.png"));
                    // Where one picture of a kind has masks, all have.
                    let masks = masks + usize::from(label == Label::Anomaly);
                    let masks: Vec<PathBuf> = (0..masks).map(|m| folder.join(format!("{file} {m}.bmp"))).collect();
                    for file in masks.iter().chain([&path]) {
                        write(file, "");
                    }
                    category.split_mut(split).push(Sample { path, defect, label, masks });
                }
            }
            category.sort();
            if category.samples().next().is_some() {
                categories.push(category);
            }
        }
        let form = if csv { ManifestForm::Csv } else { ManifestForm::Jsonl };
        let text = manifest_text(&categories, dir.path(), form).unwrap();
        let backwards: Vec<Category> = categories.iter().rev().cloned().collect();
        prop_assert_eq!(&text, &manifest_text(&backwards, dir.path(), form).unwrap());
        let path = dir.path().join(if csv { "all.csv" } else { "all.jsonl" });
        write(&path, &text);
        let set = Dataset::open(&path, None).unwrap();
        prop_assert_eq!(set.names().len(), categories.len());
        for category in &categories {
            prop_assert_eq!(&set.category(&category.name).unwrap(), category);
        }
    }
}
