use std::io::Write;

use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn int(value: i32) -> Vec<u8> {
    [&b"J"[..], &value.to_le_bytes()].concat()
}

fn float(value: f64) -> Vec<u8> {
    [&b"G"[..], &value.to_be_bytes()].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [&b"]("[..], &items.concat(), b"e"].concat()
}

fn dict(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<u8> = items.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [&b"}("[..], &items, b"u"].concat()
}

/// An object with fields, as Python's `object.__reduce_ex__` has it.
fn object(module: &str, name: &str, fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    [format!("c{module}\n{name}\n").as_bytes(), b")\x81", &dict(fields), b"b"].concat()
}

/// A module of torch that holds these tensors and modules.
fn module(name: &str, buffers: &[(&str, Vec<u8>)], modules: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let fields = [("_parameters", dict(&[])), ("_buffers", dict(buffers)), ("_modules", dict(modules))];
    object("torch.nn", name, &fields)
}

/// A tensor of storage 0, which has six values.
fn tensor(shape: [i32; 2]) -> Vec<u8> {
    let storage =
        [&b"("[..], &text("storage"), b"ctorch\nFloatStorage\n", &text("0"), &text("cpu"), &int(6), b"tQ"];
    let [n, d] = shape;
    let sizes = [int(n), int(d), b"\x86".to_vec(), int(d), int(1), b"\x86".to_vec()].concat();
    [b"ctorch._utils\n_rebuild_tensor_v2\n(", &storage.concat()[..], &int(0), &sizes, b"\x89}tR"].concat()
}

const SIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

/// Reads a torch.save file of this value, with one storage of six values.
fn read_with(value: &[u8], storage: [f32; 6]) -> Result<AnomalibModel, ForeignError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patchcore.pt");
    let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let numbers: Vec<u8> = storage.iter().flat_map(|value| value.to_le_bytes()).collect();
    let pickle = [&b"\x80\x02"[..], value, b"."].concat();
    for (name, bytes) in [("a/data.pkl", &pickle), ("a/data/0", &numbers)] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    read_anomalib(&path)
}

fn read(value: &[u8]) -> Result<AnomalibModel, ForeignError> {
    read_with(value, SIX)
}

/// The message, and those of its causes.
fn message(value: &[u8]) -> String {
    let error = read(value).unwrap_err();
    let mut text = error.to_string();
    assert!(text.contains("patchcore.pt"), "{text}");
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn parameters() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("backbone", text("resnet18")),
        ("layers", list(&[text("layer1"), text("layer2")])),
        ("num_neighbors", int(9)),
        ("coreset_sampling_ratio", float(0.1)),
        ("precision", text("float32")),
    ]
}

fn checkpoint(parameters: &[(&str, Vec<u8>)], state: &[(&str, Vec<u8>)], transform: &[u8]) -> Vec<u8> {
    dict(&[
        ("state_dict", dict(state)),
        ("hyper_parameters", dict(parameters)),
        ("anomalib_pre_processor_config", dict(&[("transform", transform.to_vec())])),
    ])
}

fn bank() -> Vec<(&'static str, Vec<u8>)> {
    vec![("model.memory_bank", tensor([2, 3]))]
}

/// A checkpoint with one parameter in place of the usual one; an empty value leaves it out.
fn with_parameter(name: &'static str, value: Vec<u8>) -> Vec<u8> {
    let mut parameters = parameters();
    parameters.retain(|(key, _)| *key != name);
    if !value.is_empty() {
        parameters.push((name, value));
    }
    checkpoint(&parameters, &bank(), b"N")
}

fn exported(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    dict(&[("model", object("anomalib.models.image.patchcore.lightning_model", "Patchcore", fields))])
}

fn exported_with(modules: &[(&str, Vec<u8>)]) -> Vec<u8> {
    exported(&[("_hparams", dict(&parameters())), ("_modules", dict(modules))])
}

#[test]
fn a_checkpoint_and_an_exported_model_agree() {
    let inner = module("PatchcoreModel", &[("memory_bank", tensor([2, 3])), ("none", b"N".to_vec())], &[]);
    for value in [checkpoint(&parameters(), &bank(), b"N"), exported_with(&[("model", inner)])] {
        let model = read(&value).unwrap();
        assert_eq!((model.backbone.as_str(), model.num_neighbors), ("resnet18", 9));
        assert_eq!(model.layers, ["layer1", "layer2"]);
        assert_eq!((model.memory_bank.len(), model.memory_bank.data()), (2, &SIX[..]));
        assert_eq!((model.statistics, model.image_size()), (Statistics::default(), None));
        assert!(model.weights.is_empty());
    }
}

#[test]
fn parameters_are_checked_by_name() {
    for (name, value, expected) in [
        ("backbone", vec![], "missing"),
        ("backbone", int(1), "an int, expected the name of a network"),
        ("backbone", text(""), "a string, expected the name"),
        ("layers", text("layer1"), "no tuple or list"),
        ("layers", list(&[]), "no layer"),
        ("layers", list(&[int(2)]), "a layer is an int"),
        ("num_neighbors", vec![], "missing"),
        ("num_neighbors", int(0), "0, expected 1 to"),
        ("num_neighbors", float(1.0), "a float, expected an int"),
        ("coreset_sampling_ratio", float(0.0), "0, expected above 0"),
        ("coreset_sampling_ratio", float(f64::NAN), "NaN, expected above 0"),
        ("coreset_sampling_ratio", text("1"), "no number"),
        ("precision", text("bfloat16"), "\"bfloat16\", expected float32"),
        ("precision", int(16), "an int, expected a string"),
    ] {
        let text = message(&with_parameter(name, value));
        assert!(text.contains(&format!("patchcore.pt: {name}: {expected}")), "{text}, expected {expected}");
    }
    let unknown = |name| read(&with_parameter(name, vec![])).unwrap();
    assert_eq!(unknown("coreset_sampling_ratio").coreset_sampling_ratio, None);
    assert_eq!(unknown("precision").precision, None);
    let class = [&b"canomalib\nPrecisionType\n"[..], &text("float16"), b"\x85R"].concat();
    assert_eq!(
        read(&with_parameter("precision", class)).unwrap().precision,
        Some(AnomalibPrecision::Float16)
    );
}

#[test]
fn nothing_is_run_and_other_classes_are_named() {
    let call = [&b"cos\nsystem\n"[..], &text("touch canary"), b"\x85R"].concat();
    let text = message(&dict(&[("model", call.clone())]));
    assert!(text.contains("it holds an object of \"os.system\", expected anomalib"), "{text}");
    let padim = object("anomalib.models.image.padim.lightning_model", "Padim", &[]);
    assert!(message(&dict(&[("model", padim)])).contains("padim.lightning_model.Padim"));
    assert!(message(&dict(&[("model", int(1))])).contains("neither a checkpoint nor an exported model"));
    assert!(message(&int(1)).contains("the file holds an int"));
    // As a value that nobody asks for it is passed over.
    let mut parameters = parameters();
    parameters.push(("callback", call));
    assert!(read(&checkpoint(&parameters, &bank(), b"N")).is_ok());
    assert!(!std::path::Path::new("canary").exists());
}

#[test]
fn a_memory_bank_must_be_there_and_hold_numbers() {
    let with = |state: &[(&str, Vec<u8>)]| message(&checkpoint(&parameters(), state, b"N"));
    assert!(with(&[]).contains("no PatchCore: the file has no tensor model.memory_bank"));
    assert!(with(&[("model.memory_bank", int(1))]).contains("an int, expected a tensor"));
    assert!(with(&[("model.memory_bank", tensor([0, 3]))]).contains("saved before it was trained"));
    assert!(with(&[("model.memory_bank", tensor([3, 3]))]).contains("leave storage 0 of 6 values"));
    let error = read_with(&checkpoint(&parameters(), &bank(), b"N"), [0.0, 1.0, f32::NAN, 0.0, 0.0, 0.0]);
    assert!(error.unwrap_err().to_string().ends_with("model.memory_bank: value 2 is not finite"));
}

#[test]
fn views_of_one_storage_are_read() {
    let state = [("model.memory_bank", tensor([2, 3])), ("post_processor.image_min", tensor([1, 1]))];
    let model = read(&checkpoint(&parameters(), &state, b"N")).unwrap();
    assert_eq!(model.statistics.image_min, Some(1.0));
}

#[test]
fn modules_in_modules_without_an_end_are_refused() {
    // A module that is its own part: the table of modules is remembered, and recalled as the module.
    let start = b"ctorch.nn\nSequential\n)\x81q\x01}(".to_vec();
    let itself = [start, text("_modules"), dict(&[("again", b"h\x01".to_vec())]), b"ub".to_vec()].concat();
    assert!(message(&exported_with(&[("model", itself)])).contains("without an end"));

    // Ten of the module before, thirty levels deep.
    let mut bomb = module("Linear", &[], &[]);
    for level in 0..30u8 {
        let same: Vec<(String, Vec<u8>)> = (0..10).map(|i| (i.to_string(), vec![b'h', level])).collect();
        let same: Vec<(&str, Vec<u8>)> = same.iter().map(|(name, id)| (name.as_str(), id.clone())).collect();
        bomb = [bomb, vec![b'q', level, b'0'], module("Sequential", &[], &same)].concat();
    }
    assert!(message(&exported_with(&[("model", bomb)])).contains("without an end"));
}

/// A transform as a checkpoint describes it.
fn described(class: &str, arguments: &[(&str, Vec<u8>)]) -> Vec<u8> {
    dict(&[("class_path", text(class)), ("init_args", dict(arguments))])
}

fn steps(transform: &[u8]) -> Vec<TransformStep> {
    read(&checkpoint(&parameters(), &bank(), transform)).unwrap().transform.unwrap()
}

#[test]
fn transforms_are_read_and_unknown_ones_named() {
    assert_eq!(steps(b"N"), []);
    let bicubic = [
        ("size", int(224)),
        ("interpolation", text("bicubic")),
        ("max_size", b"N".to_vec()),
        ("antialias", b"\x89".to_vec()),
    ];
    let resize = described("torchvision.transforms.v2.Resize", &bicubic);
    let shorter =
        TransformStep::Resize { size: vec![224], interpolation: "bicubic".to_owned(), antialias: false };
    assert_eq!(steps(&resize), std::slice::from_ref(&shorter));
    let other = described("torchvision.transforms.v2.Grayscale", &[]);
    let crop = described("torchvision.transforms.v2.CenterCrop", &[("size", int(32))]);
    let parts = [resize, described("Compose", &[("transforms", list(&[other, crop]))])];
    let nested = described("torchvision.transforms.v2.Compose", &[("transforms", list(&parts))]);
    assert_eq!(
        steps(&nested),
        [
            shorter,
            TransformStep::Other("torchvision.transforms.v2.Grayscale".to_owned()),
            TransformStep::CenterCrop { size: [32, 32] },
        ]
    );

    // Settings that are not understood make a known class an unknown one.
    for (class, name, value) in [
        ("Resize", "size", int(0)),
        ("Resize", "max_size", int(500)),
        ("Resize", "interpolation", int(2)),
        ("Resize", "antialias", text("warn")),
        ("CenterCrop", "size", list(&[int(1), int(2), int(3)])),
        ("Normalize", "mean", list(&[float(0.5)])),
        ("Normalize", "mean", list(&[float(f64::NAN), float(0.5), float(0.5)])),
    ] {
        let mut arguments = match class {
            "Resize" => bicubic.to_vec(),
            _ => vec![("std", list(&[float(1.0), float(1.0), float(1.0)]))],
        };
        arguments.retain(|(key, _)| *key != name);
        arguments.push((name, value));
        assert_eq!(steps(&described(class, &arguments)), [TransformStep::Other(class.to_owned())], "{name}");
    }

    let neither = message(&checkpoint(&parameters(), &bank(), &int(1)));
    assert!(neither.contains("transform: neither an object nor a class_path"), "{neither}");
    let itself = [&b"}q\x01("[..], &text("class_path"), &text("Compose"), &text("init_args")].concat();
    let itself = [itself, dict(&[("transforms", list(&[b"h\x01".to_vec()]))]), b"u".to_vec()].concat();
    assert!(message(&checkpoint(&parameters(), &bank(), &itself)).contains("too many transforms"));
}

#[test]
fn the_size_is_known_where_every_picture_gets_the_same() {
    let size = |steps: &[TransformStep]| transform::output_size(steps);
    let resize = |size: &[usize]| TransformStep::Resize {
        size: size.to_vec(),
        interpolation: "bilinear".to_owned(),
        antialias: true,
    };
    let normalize = TransformStep::Normalize { mean: [0.5; 3], std: [0.5; 3] };
    let other = TransformStep::Other("Pad".to_owned());
    assert_eq!(size(&[resize(&[20, 30]), normalize.clone()]), Some([20, 30]));
    assert_eq!(size(&[resize(&[20]), normalize.clone()]), None);
    assert_eq!(size(&[resize(&[20]), TransformStep::CenterCrop { size: [8, 9] }, normalize]), Some([8, 9]));
    assert_eq!(size(&[resize(&[20, 30]), other]), None);
    assert_eq!(size(&[]), None);
}
