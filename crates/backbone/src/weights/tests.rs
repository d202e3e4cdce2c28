use std::io::Write;
use std::path::PathBuf;

use patchcore_files::FileError;
use patchcore_testkit::safetensors::file as safetensors;
use patchcore_testkit::torch::{Entry, MATRIX, Pickler, Tensor, entry, floats, pth, state_dict, zip};

use super::*;

const SIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

fn error(bytes: &[u8]) -> WeightsError {
    match Weights::from_bytes(bytes) {
        Ok(weights) => panic!("accepted {} tensors", weights.len()),
        Err(error) => error,
    }
}

/// The message and those of its causes.
fn message(bytes: &[u8]) -> String {
    let error = error(bytes);
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn one(tensor: Tensor) -> Vec<u8> {
    pth(&state_dict(&[("w", tensor)]), &[("0", &floats(&SIX))])
}

fn good_pth() -> Vec<u8> {
    let counter = Tensor { class: "LongStorage", key: "1", n_values: 1, offset: 0, shape: &[], strides: &[] };
    let pickle = state_dict(&[("fc.weight", MATRIX), ("bn1.num_batches_tracked", counter)]);
    pth(&pickle, &[("0", &floats(&SIX)), ("1", &7u64.to_le_bytes())])
}

fn good_safetensors() -> Vec<u8> {
    let header = r#"{"__metadata__":{"a:":"{\":"},"fc.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"n":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}"#;
    safetensors(header, &[floats(&SIX), vec![0; 8]].concat())
}

fn good_legacy() -> Vec<u8> {
    legacy("fc.weight")
}

/// A file of torch.save before version 1.6, with one tensor.
fn legacy(name: &str) -> Vec<u8> {
    let version = Pickler::new().raw(&[b'M', 0xe9, 0x03]).stop();
    let machine = Pickler::new().raw(b"}(").text("little_endian").raw(&[0x88]).raw(b"u").stop();
    let keys = Pickler::new().raw(b"](").text("0").raw(b"e").stop();
    let tensors = state_dict(&[(name, MATRIX)]);
    let storage = [6u64.to_le_bytes().to_vec(), floats(&SIX)].concat();
    [file_format::LEGACY_MAGIC, &version, &machine, &tensors, &keys, &storage].concat()
}

#[test]
fn good_files_of_all_formats_agree() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let weights = Weights::from_bytes(&bytes).unwrap();
        assert_eq!(weights.names().collect::<Vec<_>>(), ["fc.weight"]);
        assert_eq!(weights.take("fc.weight", &[2, 3]).unwrap().values, SIX);
    }
}

#[test]
fn case_47_every_truncation_is_refused() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        for length in 0..whole.len() {
            assert!(Weights::from_bytes(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn no_changed_byte_makes_a_reader_panic() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        for at in 0..whole.len() {
            for change in [1, 0x10, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                let _ = Weights::from_bytes(&bytes);
            }
        }
    }
}

#[test]
fn case_47_what_people_hand_in_by_mistake_is_named() {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 46830571\n";
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, expected) in [
        (&b""[..], "empty"),
        (lfs, "Git-LFS pointer"),
        (b"\xef\xbb\xbf \n<!doctype HTML><html>", "HTML page"),
        (b"<html><head><title>Sign in", "HTML page"),
        (&tar, "tar archive"),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}", "plain pickle"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "gzip"),
        (b"short", "truncated"),
        (b"\x08\x08\x12\x07pytorch", "an ONNX file"),
        (b"anything else", "unknown format, starts with bytes [61, 6e"),
        (&zip(&[entry("word/document.xml", b"hello")]), "without data.pkl"),
        (&zip(&[entry("a/data.pkl", b""), entry("a/constants.pkl", b"")]), "TorchScript"),
    ] {
        let text = message(bytes);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn read_names_the_file_and_whose_fault_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Weights::read(&folder.path().join("none.pth")).unwrap_err();
    assert_eq!(missing.kind(), WeightsErrorKind::Io);
    let is_folder = Weights::read(folder.path()).unwrap_err();
    assert!(matches!(is_folder, WeightsError::File(_)));

    let path = folder.path().join("weights.pth");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&good_pth()).unwrap();
    assert_eq!(Weights::read(&path).unwrap().len(), 1);
    file.write_all(&good_pth()).unwrap();
    std::fs::write(&path, b"PK\x03\x04 half a download").unwrap();
    let damaged = Weights::read(&path).unwrap_err();
    assert_eq!(damaged.kind(), WeightsErrorKind::BadWeights);
    let cut_off = "weights.pth: truncated: this zip archive has no end, as after an interrupted download";
    assert!(damaged.to_string().ends_with(cut_off), "{damaged}");
}

#[test]
fn case_38_take_says_got_and_expected() {
    let mut weights = Weights::from_bytes(&good_pth()).unwrap();
    let text = |name, shape: &[usize]| weights.take(name, shape).unwrap_err().to_string();
    assert_eq!(text("fc.weight", &[3, 2]), "fc.weight: shape [2, 3], expected [3, 2]");
    assert_eq!(text("fc.weigth", &[2, 3]), "fc.weigth: missing, the nearest are fc.weight");
    assert_eq!(
        text("bn1.num_batches_tracked", &[]),
        "bn1.num_batches_tracked: dtype i64, expected f16, bf16, f32 or f64"
    );

    weights.insert("bad", WeightTensor { shape: vec![3], values: vec![0.0, 1.0, f32::NAN] });
    assert_eq!(weights.take("bad", &[3]).unwrap_err().to_string(), "bad: value 2 is not finite");
    weights.insert("lie", WeightTensor { shape: vec![3], values: vec![0.0] });
    assert!(weights.take("lie", &[3]).is_err());
}

#[test]
fn wrapped_and_prefixed_state_dicts_are_found() {
    for wrapper in ["state_dict", "model"] {
        let pickle = Pickler::new()
            .raw(b"}(")
            .text("epoch")
            .raw(b"K\x07")
            .text(wrapper)
            .raw(b"}(")
            .text("module.a")
            .tensor(&MATRIX)
            .text("module.b")
            .tensor(&Tensor { offset: 3, shape: &[3], strides: &[1], ..MATRIX })
            .raw(b"uu")
            .stop();
        let weights = Weights::from_bytes(&pth(&pickle, &[("0", &floats(&SIX))])).unwrap();
        assert_eq!(weights.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(weights.tensor("b").unwrap().values, [4.0, 5.0, 6.0]);
    }
}

#[test]
fn parameters_and_protocol_four_are_read() {
    let parameter = Pickler::new()
        .raw(b"}")
        .text("w")
        .global("torch._utils", "_rebuild_parameter")
        .raw(b"(")
        .tensor(&MATRIX)
        .raw(&[0x88])
        .ordered_dict()
        .raw(b"tRs")
        .stop();
    assert_eq!(Weights::from_bytes(&pth(&parameter, &[("0", &floats(&SIX))])).unwrap().len(), 1);

    let short = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes(), &[0x94]].concat();
    let four = Pickler(vec![0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0])
        .raw(b"}")
        .raw(&short("w"))
        .raw(&short("torch._utils"))
        .raw(&short("_rebuild_tensor_v2"))
        .raw(&[0x93])
        .raw(b"((")
        .raw(&short("storage"))
        .raw(&short("torch"))
        .raw(&short("FloatStorage"))
        .raw(&[0x93])
        .raw(&short("0"))
        .raw(&short("cpu"))
        .raw(b"K\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89}tRs")
        .stop();
    assert_eq!(
        Weights::from_bytes(&pth(&four, &[("0", &floats(&SIX))])).unwrap().tensor("w").unwrap().values,
        SIX
    );
}

#[test]
fn permuted_strides_are_put_in_order() {
    let turned = one(Tensor { shape: &[3, 2], strides: &[1, 3], ..MATRIX });
    assert_eq!(
        Weights::from_bytes(&turned).unwrap().tensor("w").unwrap(),
        WeightTensor { shape: vec![3, 2], values: vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0] }
    );
    let sparse = one(Tensor { offset: 1, shape: &[3], strides: &[2], ..MATRIX });
    assert_eq!(Weights::from_bytes(&sparse).unwrap().tensor("w").unwrap().values, [2.0, 4.0, 6.0]);
    let none = one(Tensor { shape: &[0, 3], strides: &[3, 1], ..MATRIX });
    assert_eq!(Weights::from_bytes(&none).unwrap().tensor("w").unwrap().values, [0.0; 0]);
}

#[test]
fn case_43_tensors_that_leave_their_storage_are_refused() {
    for (tensor, expected) in [
        (Tensor { offset: 1, ..MATRIX }, "leave storage 0 of 6 values"),
        (Tensor { shape: &[3, 3], ..MATRIX }, "leave storage"),
        (Tensor { shape: &[2, i32::MAX], strides: &[i32::MAX, 1], ..MATRIX }, "limit"),
        (Tensor { shape: &[i32::MAX; 4], strides: &[1; 4], ..MATRIX }, "overflows"),
        (Tensor { offset: -1, ..MATRIX }, "offset -1 is negative"),
        (Tensor { shape: &[-2, 3], ..MATRIX }, "size -2 is negative"),
        (Tensor { strides: &[3, -1], ..MATRIX }, "stride -1 is negative"),
        (Tensor { strides: &[0, 1], ..MATRIX }, "uses values twice"),
        (Tensor { strides: &[1, 1], ..MATRIX }, "uses values twice"),
        (Tensor { strides: &[1], ..MATRIX }, "with stride [1]"),
        (Tensor { shape: &[1; 17], strides: &[1; 17], ..MATRIX }, "17 axes"),
        (Tensor { n_values: 7, ..MATRIX }, "24 bytes, expected 7 values"),
        (Tensor { n_values: -6, ..MATRIX }, "storage length -6"),
        (Tensor { class: "DoubleStorage", ..MATRIX }, "24 bytes, expected 6 values of 8"),
        (Tensor { key: "9", ..MATRIX }, "storage 9 is missing"),
    ] {
        let text = message(&one(tensor));
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
}

#[test]
fn case_43_many_views_of_one_storage_are_over_the_limit() {
    let names: Vec<String> = (0..300).map(|i| i.to_string()).collect();
    let shared = Tensor { n_values: 60_000, shape: &[60_000], strides: &[1], ..MATRIX };
    let tensors: Vec<_> = names.iter().map(|name| (name.as_str(), shared)).collect();
    let bytes = pth(&state_dict(&tensors), &[("0", &vec![0; 240_000])]);
    assert!(matches!(error(&bytes), WeightsError::OverLimit { .. }));
}

#[test]
fn a_name_twice_is_refused() {
    let twice = pth(&state_dict(&[("w", MATRIX), ("w", MATRIX)]), &[("0", &floats(&SIX))]);
    assert_eq!(message(&twice), "w: named twice");
}

#[test]
fn case_40_nothing_is_ever_called() {
    let call =
        |name: &[u8]| pth(&Pickler::new().raw(name).raw(b"(").text("touch canary").raw(b"tR").stop(), &[]);
    for (name, expected) in [
        (&b"cos\nsystem\n"[..], "refuses os.system"),
        (b"cposix\nsystem\n", "refuses posix.system"),
        (b"c__builtin__\neval\n", "refuses __builtin__.eval"),
        (b"ctorch\nload\n", "refuses torch.load"),
        (b"ctorch.storage\n_load_from_bytes\n", "refuses torch.storage._load_from_bytes"),
        (
            b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n",
            "refuses torch._utils._rebuild_tensor_v2.__globals__",
        ),
        (b"X\x02\0\0\0osX\x06\0\0\0system\x93", "refuses os.system"),
        (b"(ios\nsystem\n", "refuses os.system"),
        (b"X\x02\0\0\0osK\x01\x93", "a name that is not text"),
        (b"cos", "name without an end"),
    ] {
        let text = message(&call(name));
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn case_40_allowed_names_in_the_wrong_place_are_refused() {
    let with = |pickler: Pickler| message(&pth(&pickler.stop(), &[("0", &floats(&SIX))]));
    let dict = || Pickler::new().raw(b"}").text("w");
    for (pickler, expected) in [
        (dict().raw(b"K\x01s"), "w: an int, expected a tensor"),
        (dict().global("torch", "FloatStorage").raw(b")Rs"), "w: not a tensor"),
        (dict().global("torch._utils", "_rebuild_tensor_v2").raw(b")Rs"), "w: not a tensor"),
        (dict().raw(b"}}bs"), "gives a dict as attributes to a dict"),
        (dict().tensor(&MATRIX).raw(b"}bs"), "as attributes to a call"),
        (Pickler::new().text("x").raw(b")R"), "calls a string"),
        (Pickler::new().raw(b"K\x01"), "the file holds an int"),
        (Pickler::new().raw(b"}K\x01K\x02s"), "a key is an int"),
        (Pickler::new().global("collections", "OrderedDict").raw(b"]\x85R"), "OrderedDict with arguments"),
    ] {
        let text = with(pickler);
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
}

#[test]
fn case_42_bad_archives_are_refused() {
    let pickle = state_dict(&[("w", MATRIX)]);
    let bytes = floats(&SIX);
    let with = |last: Entry| message(&zip(&[entry("a/data.pkl", &pickle), last]));
    for (last, expected) in [
        (Entry { method: 8, ..entry("a/data/0", &bytes) }, "a/data/0: compressed, torch.save stores"),
        (Entry { flags: 0x0809, ..entry("a/data/0", &bytes) }, "a/data/0: encrypted"),
        (Entry { crc: Some(1), ..entry("a/data/0", &bytes) }, "a/data/0:"),
        (Entry { size: Some(u32::MAX - 1), ..entry("a/data/0", &bytes) }, "zip"),
        (entry("a/../../x", b""), "not a plain name"),
        (entry("/etc/x", b""), "not a plain name"),
        (entry("a\\x", b""), "not a plain name"),
        (entry("b/data.pkl", &pickle), "a second data.pkl"),
        (entry("a/data.pkl", &pickle), "twice"),
        (entry("a/byteorder", b"big"), "\"big\", expected \"little\""),
        (entry("a/data/1", b""), "storage 0 is missing"),
    ] {
        let text = with(last);
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
}

/// What the header says of one tensor `w`, before `n` bytes.
fn with_header(inner: &str, n: usize) -> String {
    message(&safetensors(&format!("{{\"w\":{{{inner}}}}}"), &vec![0; n]))
}

#[test]
fn case_35_a_header_of_an_impossible_length_is_refused() {
    let with_length = |length: u64, rest: &[u8]| message(&[&length.to_le_bytes(), rest].concat());
    let json = br#"{"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}0000"#;
    for (length, expected) in [
        (0, "bad safetensors header"),
        (1, "bad safetensors header"),
        (58, "truncated: the safetensors header needs 66 bytes, the file has 65"),
        (i64::MAX as u64, "truncated: the safetensors header needs 9223372036854775815 bytes"),
        (u64::MAX, "truncated: the safetensors header needs 18446744073709551615 bytes"),
    ] {
        let text = with_length(length, json);
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
}

/// A file that is really so long, though nobody wrote what it holds.
#[test]
fn case_35_a_header_of_more_than_100_mb_is_refused_unread() {
    let (_folder, path) = on_disk(&[&100_000_001u64.to_le_bytes()[..], b"{"].concat());
    std::fs::File::options().write(true).open(&path).unwrap().set_len(200_000_000).unwrap();
    let error = Weights::read(&path).unwrap_err();
    let text = std::error::Error::source(&error).and_then(std::error::Error::source).unwrap().to_string();
    assert_eq!(text, "header too large");
}

#[test]
fn case_36_a_header_that_is_no_table_is_refused() {
    let deep = |before: &str| safetensors(&format!("{before}{}", "[".repeat(10_000)), &[]);
    let twice = r#"{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    for (bytes, expected) in [
        (safetensors("{", &[]), "bad safetensors header"),
        (safetensors("{]", &[]), "bad safetensors header"),
        (safetensors("{\"w\":7}", &[]), "bad safetensors header"),
        (safetensors("{} ,", &[]), "bad safetensors header"),
        (deep("{\"w\":"), "bad safetensors header"),
        (deep("{\"__metadata__\":"), "bad safetensors header"),
        (deep("{\"w\":{\"dtype\":\"F32\",\"shape\":"), "bad safetensors header"),
        (safetensors(twice, &[0; 4]), "w: named twice"),
        ([&2u64.to_le_bytes()[..], b"{\xff"].concat(), "bad safetensors header"),
    ] {
        let text = message(&bytes);
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
}

/// A table of a million costs no more than that of the hundred thousand that may be.
#[test]
fn case_36_too_many_tensors_are_counted_and_refused() {
    let count = 1_000_000;
    let one = |i: usize| format!(r#""{i}":{{"dtype":"U8","shape":[],"data_offsets":[{i},{}]}}"#, i + 1);
    let header = format!("{{{}}}", (0..count).map(one).collect::<Vec<_>>().join(","));
    let text = message(&safetensors(&header, &vec![0; count]));
    assert_eq!(text, format!("tensors: {count} is over the limit of 100000"));
}

#[test]
fn case_37_bytes_that_do_not_belong_to_their_tensor_are_refused_by_name() {
    let two = |first: &str, second: &str, n: usize| {
        let one = |name, place| format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":{place}}}"#);
        message(&safetensors(&format!("{{{},{}}}", one("a", first), one("b", second)), &vec![0; n]))
    };
    for (text, expected) in [
        (two("[0,8]", "[4,12]", 12), "b: its bytes from 4 on overlap with those of the tensor before"),
        (two("[0,8]", "[0,8]", 8), "b: its bytes from 0 on overlap"),
        (
            two("[0,8]", "[12,20]", 20),
            "b: its bytes from 12 on leave a gap behind the tensor before, which ends at 8",
        ),
        (two("[4,12]", "[12,20]", 20), "a: its bytes from 4 on leave a gap"),
        (two("[0,8]", "[8,16]", 12), "truncated: the last tensor needs"),
        (two("[0,8]", "[8,16]", 17), "bytes follow after the last tensor"),
        (two("[0,8]", "[8,4]", 8), "b: bytes 8 to 4 are not those of shape [2] and dtype F32"),
        (
            with_header(r#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#, 8),
            "w: bytes 0 to 8 are not those of shape [3]",
        ),
        (
            with_header(r#""dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]"#, 8),
            "w: shape [9223372036854775807, 4] overflows",
        ),
        (
            with_header(r#""dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,8]"#, 8),
            "w: shape [4611686018427387904] overflows",
        ),
        (
            with_header(r#""dtype":"U8","shape":[8],"data_offsets":[0,18446744073709551615]"#, 8),
            "w: bytes 0 to 18446744073709551615",
        ),
        (with_header(r#""dtype":"U8","shape":[-1],"data_offsets":[0,8]"#, 8), "bad safetensors header"),
    ] {
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
}

#[test]
fn case_38_numbers_of_another_kind_are_refused_by_name() {
    let text = with_header(r#""dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]"#, 8);
    assert_eq!(text, "w: dtype F8_E4M3, expected f16, bf16, f32 or f64");
    let header = r#"{"w":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}}"#;
    let weights = Weights::from_bytes(&safetensors(header, &[0; 8])).unwrap();
    let error = weights.take("w", &[8]).unwrap_err().to_string();
    assert_eq!(error, "w: dtype i8, expected f16, bf16, f32 or f64");
}

#[test]
fn case_39_the_first_value_that_is_not_finite_is_named_in_every_width() {
    let f64s = |bad: f64| [1.0, bad, bad].map(f64::to_le_bytes).concat();
    for (dtype, bytes) in [
        ("F16", [0x3c00u16, 0x7c00, 0x7e00].map(u16::to_le_bytes).concat()),
        ("BF16", [0x3f80u16, 0xff80, 0x7fc0].map(u16::to_le_bytes).concat()),
        ("F32", floats(&[1.0, f32::NAN, 1.0])),
        ("F32", floats(&[1.0, f32::NEG_INFINITY, f32::NAN])),
        ("F64", f64s(f64::NAN)),
        // Finite as it stands there, and beyond all that is computed with.
        ("F64", f64s(1e39)),
    ] {
        let header =
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":[3],"data_offsets":[0,{}]}}}}"#, bytes.len());
        let file = safetensors(&header, &bytes);
        let (_folder, path) = on_disk(&file);
        for weights in [Weights::from_bytes(&file).unwrap(), Weights::read(&path).unwrap()] {
            let error = weights.take("w", &[3]).unwrap_err().to_string();
            assert_eq!(error, "w: value 1 is not finite", "{dtype}");
        }
    }
}

#[test]
fn case_38_half_and_double_widths_are_read() {
    let tensor = |class, n_values| Tensor { class, n_values, shape: &[2], strides: &[1], ..MATRIX };
    for (class, bytes) in [
        ("HalfStorage", vec![0x00, 0x3c, 0x00, 0xc0]),
        ("BFloat16Storage", vec![0x80, 0x3f, 0x00, 0xc0]),
        ("DoubleStorage", [1f64.to_le_bytes(), (-2f64).to_le_bytes()].concat()),
    ] {
        let file = pth(&state_dict(&[("w", tensor(class, 2))]), &[("0", &bytes)]);
        assert_eq!(Weights::from_bytes(&file).unwrap().tensor("w").unwrap().values, [1.0, -2.0]);
    }
}

/// A file on disk, and its folder, which goes with it.
fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn files_on_disk_and_bytes_in_memory_agree() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&bytes);
        let weights = Weights::read(&path).unwrap();
        assert!(weights.contains("fc.weight") && !weights.contains("n"));
        assert_eq!(weights.names().collect::<Vec<_>>(), ["fc.weight"]);
        assert_eq!(weights.take("fc.weight", &[2, 3]).unwrap().values, SIX);
        let memory = Weights::from_bytes(&bytes).unwrap();
        for (name, shape) in [("fc.weight", &[3, 2][..]), ("fc", &[]), ("n", &[])] {
            let errors = [&weights, &memory].map(|w| w.take(name, shape).unwrap_err().to_string());
            assert_eq!(errors[0], errors[1]);
            assert_eq!(weights.check(name, shape).unwrap_err().to_string(), errors[0]);
        }
    }
}

#[test]
fn case_47_every_truncation_on_disk_is_refused() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&[]);
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let in_memory = Weights::from_bytes(&whole[..length]).unwrap_err();
            let on_disk = Weights::read(&path).unwrap_err();
            let WeightsError::InFile { source, .. } = on_disk else { panic!("{on_disk}") };
            assert_eq!(source.to_string(), in_memory.to_string(), "{length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn no_changed_byte_on_disk_makes_a_reader_panic() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&[]);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x81;
            std::fs::write(&path, &bytes).unwrap();
            let Ok(weights) = Weights::read(&path) else { continue };
            for name in weights.names() {
                let _ = weights.tensor(name);
            }
        }
    }
}

#[test]
fn case_48_a_file_that_changes_before_its_values_are_read_is_found() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&bytes);
        let weights = Weights::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let error = weights.take("fc.weight", &[2, 3]).unwrap_err();
        assert!(matches!(error, WeightsError::File(FileError::Changed { .. })), "{error}");
        assert_eq!(error.kind(), WeightsErrorKind::Io);

        std::fs::write(&path, &bytes).unwrap();
        let weights = Weights::read(&path).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        let error = weights.take("fc.weight", &[2, 3]).unwrap_err();
        assert!(matches!(error, WeightsError::File(FileError::Rewritten { .. })), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn case_48_a_new_file_under_the_old_name_changes_nothing() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let (folder, path) = on_disk(&bytes);
        let weights = Weights::read(&path).unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, vec![0; bytes.len()]).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(weights.take("fc.weight", &[2, 3]).unwrap().values, SIX);
    }
}

/// On disk the checksum of an entry is looked at when its tensor is taken; the file and the entry are named.
#[test]
fn case_42_a_damaged_entry_is_found_when_it_is_read() {
    let pickle = state_dict(&[("w", MATRIX), ("v", Tensor { key: "1", ..MATRIX })]);
    let bytes = floats(&SIX);
    let damaged = Entry { crc: Some(1), ..entry("a/data/1", &bytes) };
    let (_folder, path) = on_disk(&zip(&[entry("a/data.pkl", &pickle), entry("a/data/0", &bytes), damaged]));
    let weights = Weights::read(&path).unwrap();
    assert_eq!(weights.tensor("w").unwrap().values, SIX);
    let error = weights.tensor("v").unwrap_err();
    assert_eq!(error.kind(), WeightsErrorKind::BadWeights);
    let WeightsError::InFile { path: named, source } = error else { panic!("{error}") };
    assert_eq!(named, path);
    assert_eq!(source.to_string(), "zip entry a/data/1: Invalid checksum");

    let damaged = Entry { crc: Some(1), ..entry("a/data.pkl", &pickle) };
    let (_folder, path) = on_disk(&zip(&[damaged, entry("a/data/0", &bytes)]));
    let error = std::error::Error::source(&Weights::read(&path).unwrap_err()).unwrap().to_string();
    assert_eq!(error, "zip entry a/data.pkl: Invalid checksum");
}

#[test]
fn views_of_one_storage_on_disk_are_read() {
    let turned = Tensor { shape: &[3, 2], strides: &[1, 3], ..MATRIX };
    let tail = Tensor { offset: 4, shape: &[2], strides: &[1], ..MATRIX };
    let (_folder, path) =
        on_disk(&pth(&state_dict(&[("turned", turned), ("tail", tail)]), &[("0", &floats(&SIX))]));
    let weights = Weights::read(&path).unwrap();
    assert_eq!(weights.tensor("turned").unwrap().values, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(weights.tensor("tail").unwrap().values, [5.0, 6.0]);
}

#[test]
fn a_long_beginning_of_an_old_file_is_read() {
    let name = "x".repeat(2 << 20);
    let (_folder, path) = on_disk(&legacy(&name));
    assert_eq!(Weights::read(&path).unwrap().tensor(&name).unwrap().values, SIX);
}

/// More than is read at a time, in every width.
#[test]
fn long_tensors_are_read_piece_by_piece() {
    const N: usize = 100_003;
    let number = |i: usize| (i % 2039) as f32 - 1000.0;
    let expected: Vec<f32> = (0..N).map(number).collect();
    for (dtype, width) in [("F16", 2), ("F32", 4), ("F64", 8)] {
        let data: Vec<u8> = expected
            .iter()
            .flat_map(|&v| match width {
                2 => half::f16::from_f32(v).to_le_bytes().to_vec(),
                4 => v.to_le_bytes().to_vec(),
                _ => f64::from(v).to_le_bytes().to_vec(),
            })
            .collect();
        let header =
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":[{N}],"data_offsets":[0,{}]}}}}"#, data.len());
        let (_folder, path) = on_disk(&safetensors(&header, &data));
        assert!(Weights::read(&path).unwrap().take("w", &[N]).unwrap().values == expected, "{dtype}");
    }
}
