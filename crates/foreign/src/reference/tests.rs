use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::Writing;

const INDEX: &str = "nnscorer_search_index.faiss";
const PARAMS: &str = "patchcore_params.pkl";

fn member(width: usize) -> SavedMember {
    let params = ReferenceParams {
        backbone: "wideresnet50".to_owned(),
        layers: vec!["layer2".to_owned(), "layer3".to_owned()],
        layers_kind: SequenceKind::Tuple,
        input_shape: [3, 224, 224],
        pretrain_embed_dimension: 1024,
        target_embed_dimension: width,
        patchsize: 3,
        patchstride: 1,
        anomaly_scorer_num_nn: 1,
    };
    let values = (0..5 * width).map(|i| i as f32 * 0.25 - 1.0).collect();
    SavedMember { params, vectors: Embeddings::from_vec(5, width, values).unwrap() }
}

fn saved(members: &[SavedMember]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_reference(folder.path(), members, Writing::default()).unwrap();
    folder
}

/// The message for a single model of which one file was changed; without the path before it.
fn message(file: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let folder = saved(&[member(4)]);
    let path = folder.path().join(file);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let text = read_reference(folder.path()).unwrap_err().to_string();
    let named = format!("{}: ", path.display());
    text.strip_prefix(&named).unwrap_or_else(|| panic!("{text} does not name {file}")).to_owned()
}

fn put<const N: usize>(at: usize, bytes: [u8; N]) -> impl FnOnce(&mut Vec<u8>) {
    move |file| file[at..at + N].copy_from_slice(&bytes)
}

#[test]
fn a_damaged_index_header_is_named_with_its_place() {
    for (at, bytes, expected) in [
        (0, *b"ABCD", "byte 0: no FAISS index: starts with bytes [41, 42, 43, 44]"),
        (4, 0i32.to_le_bytes(), "byte 4: vectors of 0 values"),
        (4, (-4i32).to_le_bytes(), "byte 4: vectors of -4 values"),
        (4, 5i32.to_le_bytes(), "byte 37: 20 values, expected 5 vectors of 5"),
        (8, [0; 4], "byte 8: no vectors"),
        (12, [0xff; 4], "byte 8: -4294967291 vectors"),
        (12, 0x4000_0000i32.to_le_bytes(), "byte 8: 4611686018427387909 vectors of 4 values overflow"),
        (29, [0, 0, 0, 0], "byte 32: the index is not trained (0, expected 1)"),
        (33, 0i32.to_le_bytes(), "this FAISS index compares by inner product"),
        (33, 4i32.to_le_bytes(), "byte 33: metric 4, expected 1 for L2"),
        (37, 21i32.to_le_bytes(), "byte 37: 21 values, expected 5 vectors of 4"),
        (45, f32::NAN.to_le_bytes(), "byte 45: a value of vector 0 is NaN"),
        (45 + 4 * 19, f32::INFINITY.to_le_bytes(), "byte 121: a value of vector 4 is inf"),
    ] {
        let text = message(INDEX, put(at, bytes));
        assert!(text.starts_with(expected), "{text}, expected {expected}");
    }
}

#[test]
fn an_index_of_the_wrong_length_is_refused() {
    for (length, expected) in [
        (0, "byte 0: 0 bytes are no FAISS index"),
        (3, "byte 3: 3 bytes are no FAISS index"),
        (44, "byte 44: the file ends within its header of 45 bytes"),
        (45, "byte 45: the file ends early: 5 vectors of 4 values do not fit 45 bytes"),
        (124, "byte 124: the file ends early"),
        (126, "byte 125: 1 bytes follow the vectors"),
    ] {
        let text = message(INDEX, |bytes| bytes.resize(length, 0));
        assert!(text.starts_with(expected), "{text}, expected {expected}");
    }
}

#[test]
fn pointers_to_large_files_are_explained() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 46830571\n";
    for file in [INDEX, PARAMS] {
        let text = message(file, |bytes| *bytes = pointer.to_vec());
        assert!(text.starts_with("this is a Git-LFS pointer") && text.contains("git lfs pull"), "{text}");
    }
}

#[test]
fn a_parameter_file_that_is_no_plain_pickle_is_refused() {
    let whole = 227;
    for (bytes, expected) in [
        (&b""[..], "byte 0: no pickle of protocol 2 to 5"),
        (b"(dp0\n.", "byte 0: no pickle of protocol 2 to 5"),
        (b"\x80\x01}.", "byte 0: bad pickle: protocol 1, expected 2 to 5"),
        (b"\x80\x04]\x94.", "the pickle holds a list, expected a dict of parameters"),
        (b"\x80\x04}\x94.x", "byte 5: 1 bytes follow the pickle"),
        (b"\x80\x04cos\nsystem\n.", "byte 2: GLOBAL os.system would run code"),
        (
            b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
            "byte 14: STACK_GLOBAL os.system would run code",
        ),
        (b"\x80\x04}N)Rs.", "byte 3: bad pickle: opcode 0x4e is not part of such a file"),
        (b"\x80\x04}K\x01K\x02s.", "a key of the parameters is an int"),
        (b"\x80\x04}(\x8c\x01kK\x02\x8c\x01kK\x03u.", "unknown parameter \"k\", known are backbone.name"),
    ] {
        let text = message(PARAMS, |file| *file = bytes.to_vec());
        assert!(text.starts_with(expected), "{text}, expected {expected}");
    }
    let text = message(PARAMS, |file| file.truncate(whole - 1));
    assert!(text.starts_with("byte 226: bad pickle: needs 1 bytes"), "{text}");
    let text = message(PARAMS, |file| file.resize(70_000, 0));
    assert!(text.contains("70000 bytes is over the limit of 65536"), "{text}");
}

/// Opcodes of the eight pairs, one of them in place of the usual one; an empty value leaves the key out.
fn params_with(key: &str, value: &[u8]) -> Vec<u8> {
    let usual: [(&str, &[u8]); 8] = [
        ("backbone.name", b"\x8c\x08resnet18"),
        ("layers_to_extract_from", b"\x8c\x06layer2\x85"),
        ("input_shape", b"K\x03K\x40K\x40\x87"),
        ("pretrain_embed_dimension", b"M\x00\x04"),
        ("target_embed_dimension", b"K\x04"),
        ("patchsize", b"K\x03"),
        ("patchstride", b"K\x01"),
        ("anomaly_scorer_num_nn", b"K\x01"),
    ];
    let mut bytes = b"\x80\x04}(".to_vec();
    for (name, opcodes) in usual {
        let opcodes = if name == key { value } else { opcodes };
        if !opcodes.is_empty() {
            bytes.extend([0x8c, name.len() as u8]);
            bytes.extend(name.as_bytes());
            bytes.extend(opcodes);
        }
    }
    bytes.extend(b"u.");
    bytes
}

#[test]
fn every_parameter_is_checked_by_name() {
    let good = saved(&[member(4)]);
    fs::write(good.path().join(PARAMS), params_with("", b"")).unwrap();
    let params = read_reference(good.path()).unwrap().members.remove(0).params;
    assert_eq!((params.backbone.as_str(), params.input_shape), ("resnet18", [3, 64, 64]));

    for (key, value, expected) in [
        ("backbone.name", &b""[..], "missing"),
        ("backbone.name", b"K\x01", "an int, expected a string"),
        ("backbone.name", b"\x8c\x00", "empty"),
        ("layers_to_extract_from", b"", "missing"),
        ("layers_to_extract_from", b"\x8c\x06layer2", "a string, expected a tuple or a list"),
        ("layers_to_extract_from", b"]", "0 layers, expected 1 to 64"),
        ("layers_to_extract_from", b"K\x01\x85", "an int, expected a string"),
        ("layers_to_extract_from", b"\x8c\x00\x85", "an empty name"),
        ("input_shape", b"", "missing"),
        ("input_shape", b"K\x40K\x40\x86", "2 numbers, expected 3"),
        ("input_shape", b"K\x01K\x40K\x40\x87", "1 channels, expected 3"),
        ("input_shape", b"K\x03K\x00K\x40\x87", "0, expected 1 to 2147483647"),
        ("pretrain_embed_dimension", b"", "missing"),
        ("pretrain_embed_dimension", b"J\xff\xff\xff\xff", "-1, expected at least 1"),
        ("target_embed_dimension", b"K\x00", "0, expected 1 to"),
        ("target_embed_dimension", b"\x8c\x014", "a string, expected an int"),
        ("patchsize", b"K\x00", "0, expected 1 to"),
        ("patchsize", b"]", "a list, expected an int"),
        ("patchstride", b"K\x00", "0, expected 1 to"),
        ("anomaly_scorer_num_nn", b"", "missing"),
        ("anomaly_scorer_num_nn", b"K\x00", "0, expected 1 to"),
    ] {
        let text = message(PARAMS, |bytes| *bytes = params_with(key, value));
        assert!(text.starts_with(&format!("{key}: {expected}")), "{text}, expected {key}: {expected}");
    }
    let twice = message(PARAMS, |bytes| {
        *bytes = params_with("patchstride", b"K\x01\x8c\x09patchsizeK\x03");
    });
    assert_eq!(twice, "patchsize: stands twice");
    let many = message(PARAMS, |bytes| {
        let layers: Vec<u8> = b"\x8c\x01a".repeat(65);
        *bytes = params_with("layers_to_extract_from", &[b"(", &layers[..], b"t"].concat());
    });
    assert_eq!(many, "layers_to_extract_from: 65 layers, expected 1 to 64");
}

fn refused(folder: &TempDir) -> (PathBuf, String) {
    match read_reference(folder.path()).unwrap_err() {
        ForeignError::Members { path, problem } => {
            (path.strip_prefix(folder.path()).unwrap().to_path_buf(), problem)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn the_files_of_a_folder_must_make_one_model() {
    let empty = tempfile::tempdir().unwrap();
    let (path, problem) = refused(&empty);
    assert_eq!(path, PathBuf::new());
    assert!(problem.starts_with("no *.faiss file"), "{problem}");

    let two = saved(&[member(4), member(6)]);
    fs::remove_file(two.path().join("Ensemble-2-2_patchcore_params.pkl")).unwrap();
    let (path, problem) = refused(&two);
    assert_eq!(path, PathBuf::from("Ensemble-2-2_patchcore_params.pkl"));
    assert_eq!(problem, "missing: 2 *.faiss files make an ensemble of 2");

    let half = saved(&[member(4), member(6)]);
    fs::remove_file(half.path().join("Ensemble-2-2_nnscorer_search_index.faiss")).unwrap();
    let (path, problem) = refused(&half);
    assert_eq!(path, PathBuf::from("Ensemble-1-2_nnscorer_search_index.faiss"));
    assert_eq!(problem, "surplus: one *.faiss file makes a single model");

    let one = saved(&[member(4)]);
    fs::write(one.path().join("Ensemble-1-1_patchcore_params.pkl"), b"").unwrap();
    assert_eq!(refused(&one).0, PathBuf::from("Ensemble-1-1_patchcore_params.pkl"));
    fs::remove_file(one.path().join("Ensemble-1-1_patchcore_params.pkl")).unwrap();
    fs::write(one.path().join("nnscorer_features.pkl"), b"not looked at").unwrap();
    assert_eq!(read_reference(one.path()).unwrap().members, [member(4)]);
    fs::write(one.path().join("backup.faiss"), b"").unwrap();
    let (path, problem) = refused(&one);
    assert_eq!(path, PathBuf::from("backup.faiss"));
    assert_eq!(problem, "surplus: 2 *.faiss files make an ensemble of 2");

    let nowhere = one.path().join("none");
    assert!(matches!(read_reference(&nowhere), Err(ForeignError::Folder { path, .. }) if path == nowhere));
}

#[test]
fn members_must_not_contradict_each_other() {
    let two = saved(&[member(4), member(6)]);
    let index = |i: usize| two.path().join(format!("Ensemble-{i}-2_{INDEX}"));
    fs::copy(index(1), index(2)).unwrap();
    let (path, problem) = refused(&two);
    assert_eq!(path, PathBuf::from(format!("Ensemble-2-2_{INDEX}")));
    assert_eq!(problem, "vectors of 4 values, but target_embed_dimension is 6");

    let mut other = member(6);
    other.params.input_shape = [3, 320, 320];
    let folder = tempfile::tempdir().unwrap();
    let error = write_reference(folder.path(), &[member(4), other], Writing::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("Ensemble-2-2_patchcore_params.pkl: input_shape is [3, 320, 320]"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_written_over_what_exists() {
    let folder = saved(&[member(4)]);
    let again = |members: &[SavedMember], force| {
        write_reference(folder.path(), members, Writing { force, ..Writing::default() })
    };
    let error = again(&[member(6)], false).unwrap_err();
    assert!(error.to_string().ends_with("nnscorer_search_index.faiss: exists already"), "{error}");
    assert_eq!(read_reference(folder.path()).unwrap().members, [member(4)]);

    again(&[member(6)], true).unwrap();
    assert_eq!(read_reference(folder.path()).unwrap().members, [member(6)]);

    // The old index would stay, and count as a third member.
    let error = again(&[member(4), member(6)], true).unwrap_err();
    assert!(error.to_string().contains(": belongs to another saved model"), "{error}");
    assert_eq!(read_reference(folder.path()).unwrap().members, [member(6)]);
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |members: &[SavedMember]| {
        let error = write_reference(folder.path(), members, Writing::default()).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        error.to_string()
    };
    assert!(refuse(&[]).contains("without members"));
    let mut bad = member(4);
    bad.vectors.data_mut()[3] = f32::NAN;
    assert!(
        refuse(&[member(4), bad])
            .contains("Ensemble-2-2_nnscorer_search_index.faiss: a memory bank with the value NaN")
    );
    let empty = SavedMember { vectors: Embeddings::with_capacity(0, 4), ..member(4) };
    assert!(refuse(&[empty]).contains("an empty memory bank"));
    let mut zero = member(4);
    zero.params.patchstride = 0;
    assert!(refuse(&[zero]).contains("patchstride: 0, expected 1"));
    let mut long = member(4);
    long.params.layers = vec!["l".repeat(70_000)];
    assert!(refuse(&[long]).contains("layers_to_extract_from: the names need"));
}

#[test]
fn a_failed_write_leaves_nothing_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    // A folder in the place of the last file cannot be replaced by a file, even by force.
    fs::create_dir(folder.path().join(INDEX)).unwrap();
    let force = Writing { force: true, ..Writing::default() };
    assert!(matches!(write_reference(folder.path(), &[member(4)], force), Err(ForeignError::File(_))));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [INDEX]);
}
