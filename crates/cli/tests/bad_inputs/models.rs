//! Model files that are no models any more, and other programs' models. `crates/patchcore/tests/model_damage.rs` tries
//! every byte and every bit on the loader itself.

use crate::support::{Room, tiny_model};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

#[test]
fn case_49_altered_bytes_are_refused_and_the_part_is_named() {
    let room = Room::new();
    let model = tiny_model();
    for place in (0..model.len()).step_by(199) {
        let mut altered = model.to_vec();
        altered[place] ^= 1 << (place % 8);
        room.write("altered.patchcore", &altered);
        room.run("inspect altered.patchcore").fails(4, &["altered.patchcore: "]);
    }
    let mut altered = model.to_vec();
    altered[start_of_data(model)] ^= 1;
    room.write("altered.patchcore", &altered);
    room.run("inspect altered.patchcore").fails(4, &["altered.patchcore: checksum mismatch in bank: "]);
}

#[test]
fn case_50_truncations_and_appended_bytes_are_refused() {
    let room = Room::new();
    let model = tiny_model();
    for length in (0..model.len()).step_by(499).chain([1, 7, 8, 9, model.len() - 1]) {
        room.write("cut.patchcore", &model[..length]);
        room.run("inspect cut.patchcore").fails(4, &["cut.patchcore: "]);
    }
    for extra in [1, 8, 64] {
        room.write("longer.patchcore", [model, &vec![0; extra]].concat());
        room.run("inspect longer.patchcore").fails(4, &["longer.patchcore: "]);
    }
}

#[test]
fn case_51_another_models_bank_is_refused() {
    let room = Room::with_data();
    room.run("fit --good set/nut/train/good -o nut --imagesize 32 --bank-rows 4 --quiet").succeeds();
    let (mut bolt, nut) = (tiny_model().to_vec(), room.read("nut"));
    let bank = |file: &[u8]| {
        let data = start_of_data(file);
        data..data + SafeTensors::deserialize(file).unwrap().tensor("bank").unwrap().data().len()
    };
    bolt[bank(tiny_model())].copy_from_slice(&nut[bank(&nut)]);
    room.write("mixed.patchcore", bolt);
    room.run("predict mixed.patchcore set/bolt/test/good")
        .fails(4, &["mixed.patchcore: checksum mismatch in bank: "]);
}

#[test]
fn case_52_other_versions_are_refused_with_both_versions() {
    let room = Room::new();
    for (version, advice) in [(0, "fit it again"), (2, "fit it again"), (4, "a newer patchcore is needed")] {
        let change = |header: &mut Value, _: &mut Tensors| {
            header["format_version"] = json!(version);
            header["training"]["version"] = json!("9.8.7");
        };
        room.write("other.patchcore", changed(change));
        let reason = format!(
            "other.patchcore: format version {version}, made by patchcore 9.8.7; this program reads 3: {advice}"
        );
        room.run("inspect other.patchcore").fails(4, &[&reason]);
    }
    for version in [json!(-3), json!("3"), json!(3.5), Value::Null, json!(1u64 << 40)] {
        room.write("odd.patchcore", changed(|header, _| header["format_version"] = version));
        room.run("inspect odd.patchcore").fails(4, &["odd.patchcore: header: "]);
    }
}

/// Other weights have their tests in `weights.rs`. What else a model says of its network is held against the network.
#[test]
fn case_53_a_model_of_another_network_or_other_layers_is_refused() {
    let room = Room::with_data();
    let refused = |reason: &str, change: &dyn Fn(&mut Value)| {
        room.write("other.patchcore", changed(|header, _| change(&mut header["members"][0])));
        for command in
            ["predict other.patchcore set/bolt/test/good", "bench other.patchcore set/bolt/test/good"]
        {
            room.run(command).fails(4, &["other.patchcore: ", reason]);
        }
    };
    refused("vgg16", &|m| m["params"]["backbone"] = json!("vgg16"));
    refused("blocks.9", &|m| m["params"]["layers"][1] = json!("blocks.9"));
    refused("twice", &|m| m["params"]["layers"][1] = m["params"]["layers"][0].clone());
    refused("gives embeddings of 40 values", &|m| m["params"]["layers"] = json!(["blocks.2"]));
    refused("fitted with other weights", &|m| m["fingerprint"] = json!("00"));
    refused("f64", &|m| m["params"]["precision"] = json!("f64"));
    refused("out of range", &|m| m["params"]["preprocess"]["mean"] = json!([0.5, 1e300, 0.5]));
    refused("std", &|m| m["params"]["preprocess"]["std"] = json!([0.5, 0.0, 0.5]));
    // The same weights, but embeddings of another width than the bank's rows.
    refused("32 values", &|m| {
        m["params"]["embedding"]["reduction"] = json!({"pooled": {"pretrain": 64, "target": 32}});
    });
}

#[test]
fn case_54_banks_that_can_score_nothing_are_refused() {
    let room = Room::new();
    let refused = |reason: &str, change: &dyn Fn(&mut Tensors)| {
        room.write("odd.patchcore", changed(|_, tensors| change(tensors)));
        room.run("inspect odd.patchcore").fails(4, &["odd.patchcore: ", reason]);
    };
    let put = |name: &'static str, dtype: Dtype, shape: [usize; 2], bytes: Vec<u8>| {
        move |tensors: &mut Tensors| {
            tensors.insert(name.into(), (dtype, shape.to_vec(), bytes.clone()));
        }
    };
    refused("the memory bank is empty", &put("bank", Dtype::F32, [0, 152], vec![]));
    refused("the memory bank is empty", &put("bank", Dtype::F32, [4, 0], vec![]));
    refused("bank: I32 [4, 152]", &put("bank", Dtype::I32, [4, 152], vec![0; 4 * 152 * 4]));
    refused("4 of 3 rows", &put("bank", Dtype::F32, [3, 152], vec![0; 3 * 152 * 4]));
    refused("bank_origin: [4, 2]", &put("bank_origin", Dtype::U32, [4, 2], vec![0; 32]));
    refused(
        "row 0 of the memory bank comes from a picture",
        &put("bank_origin", Dtype::U32, [4, 3], vec![9; 48]),
    );
    refused("fingerprint: [6, 67]", &put("fingerprint", Dtype::U32, [6, 67], vec![0; 6 * 67 * 4]));
    refused("0 fingerprints of 6", &put("fingerprint", Dtype::U32, [0, 68], vec![]));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        refused("row 2 of the memory bank is not finite", &|tensors| {
            let (_, _, bytes) = tensors.get_mut("bank").unwrap();
            bytes[(2 * 152 + 7) * 4..][..4].copy_from_slice(&value.to_le_bytes());
        });
    }
    refused("bank_origin", &|tensors| drop(tensors.remove("bank_origin")));
}

/// No file is large enough for 2^60 rows: the shape is refused before anything is allocated.
#[test]
fn case_54_more_rows_than_the_file_has_bytes_are_refused() {
    let room = Room::new();
    for (rows, dim) in [(1u64 << 60, 152u64), (1 << 60, 16), (u64::MAX, 1), (5, 152), (1 << 32, 1 << 32)] {
        let mut header: Value =
            serde_json::from_slice(&tiny_model()[8..start_of_data(tiny_model())]).unwrap();
        header["bank"]["shape"] = json!([rows, dim]);
        let header = header.to_string().into_bytes();
        let length = (header.len() as u64).to_le_bytes();
        let data = &tiny_model()[start_of_data(tiny_model())..];
        room.write("huge.patchcore", with_checksum([&length, &header[..], data].concat()));
        room.run("inspect huge.patchcore").fails(4, &["huge.patchcore: not a patchcore model, or cut off"]);
    }
}

#[test]
fn case_55_thresholds_that_judge_nothing_are_refused_when_the_model_is_read() {
    let room = Room::with_data();
    let commands = [
        "inspect odd.patchcore",
        "predict odd.patchcore set/bolt/test/good",
        "evaluate odd.patchcore --dataset set --category bolt",
    ];
    let refused = |reason: &str, change: &dyn Fn(&mut Value)| {
        room.write("odd.patchcore", changed(|header, _| change(&mut header["calibration"])));
        for command in commands {
            room.run(command).fails(4, &["odd.patchcore: ", reason]);
        }
    };
    for name in ["image_threshold", "review_threshold", "pixel_threshold", "pixel_typical"] {
        // JSON has no NaN; null is what some programs write for it.
        refused("header: ", &|c| c[name] = Value::Null);
        refused("out of range", &|c| c[name] = json!(-1e39));
        refused("missing field", &|c| drop(c.as_object_mut().unwrap().remove(name)));
    }
    refused("above that of a defect", &|c| c["review_threshold"] = json!(1e9));
    refused("out of range", &|c| c["image_scores"][0] = json!(1e39));
    refused("between 0 and 1", &|c| c["false_alarm_rate"] = json!(1.5));
    refused("between 0 and 1", &|c| c["pixel_false_area"] = json!(-0.5));
    refused("review_rate", &|c| c["asked"]["review"] = json!(0.0));
    for scales in [json!([]), json!([0.0]), json!([-1.0]), json!([1.0, 1.0])] {
        refused("scales", &|c| c["scales"] = scales.clone());
    }
    assert_eq!(room.names("."), ["odd.patchcore", "set"]);
}

/// Numbers inside the header that a checksum does not question.
#[test]
fn case_55_parameters_out_of_range_are_refused_when_the_model_is_read() {
    let room = Room::with_data();
    let refused = |reason: &str, change: &dyn Fn(&mut Value)| {
        room.write("odd.patchcore", changed(|header, _| change(&mut header["members"][0])));
        room.run("inspect odd.patchcore").fails(4, &["odd.patchcore: ", reason]);
    };
    for wrong in [json!(0), json!(1025), json!(u64::MAX), json!(-1), json!(0.5), Value::Null] {
        refused("", &|m| m["params"]["num_nn"] = wrong.clone());
        refused("", &|m| m["params"]["embedding"]["patch"]["size"] = wrong.clone());
        refused("", &|m| m["params"]["embedding"]["patch"]["stride"] = wrong.clone());
    }
    for wrong in [0, 1 << 15, u64::MAX] {
        for name in ["area_side", "multiple"] {
            refused(name, &|m| m["params"]["preprocess"]["geometry"]["whole"][name] = json!(wrong));
        }
    }
    for wrong in [-60.0, 1e9] {
        refused("map_sigma", &|m| m["params"]["map_sigma"] = json!(wrong));
    }
    refused("layers_to_extract_from", &|m| m["params"]["layers"] = json!([]));
    refused("covering radius", &|m| m["covering_radius"] = json!(-1.0));
    refused("pretrain_embed_dimension", &|m| {
        m["params"]["embedding"]["reduction"] = json!({"pooled": {"pretrain": u64::MAX, "target": 152}});
    });
    // A filter that is not there, and one that does not belong to the bank.
    let parts = json!({"k": 64, "centre": 0.0, "step": 1.0, "guess_step": 1.0});
    refused("filter", &|m| m["filter"] = parts.clone());
    let narrow = |header: &mut Value, tensors: &mut Tensors| {
        header["members"][0]["filter"] = parts.clone();
        tensors.insert("filter".into(), (Dtype::F32, vec![1, 64], vec![0; 64 * 4]));
    };
    room.write("odd.patchcore", changed(narrow));
    room.run("inspect odd.patchcore").fails(4, &["the search's filter is for rows of 64 values", "have 152"]);
    room.write("odd.patchcore", changed(|header, _| header["members"] = json!([])));
    room.run("inspect odd.patchcore").fails(4, &["odd.patchcore: ", "members"]);
    room.write(
        "odd.patchcore",
        changed(|header, _| header["members"] = json!([header["members"][0], header["members"][0]])),
    );
    room.run("inspect odd.patchcore").fails(4, &["odd.patchcore: ", "bank.2"]);
}

/// The bytes of a file that the original saved.
fn originals(name: &str) -> Vec<u8> {
    let all = std::fs::read(testdata("saved_models.safetensors")).unwrap();
    SafeTensors::deserialize(&all).unwrap().tensor(name).unwrap().data().to_vec()
}

fn testdata(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

#[test]
fn case_56_damaged_faiss_files_are_refused() {
    let room = Room::new();
    room.write("saved/patchcore_params.pkl", originals("params/single"));
    let index = originals("index/single");
    let import = "import saved --resize 40 -o part.patchcore";
    let refused = |reason: &str, bytes: Vec<u8>| {
        room.write("saved/nnscorer_search_index.faiss", bytes);
        room.run(import).fails(4, &["saved/nnscorer_search_index.faiss: ", reason]);
    };
    let put = |at: usize, bytes: &[u8]| {
        let mut changed = index.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    refused("no FAISS index", put(0, b"ABCD"));
    for (kind, named) in [
        (b"IHNf", "HNSW"),
        (b"IxPq", "product quantisation"),
        (b"IwPQ", "inverted"),
        (b"Iqqq", "another type"),
    ] {
        refused(named, put(0, kind));
    }
    for width in [0, -1, i32::MIN, i32::MAX] {
        refused("byte ", put(4, &width.to_le_bytes()));
    }
    for vectors in [0, -1, i64::MIN, i64::MAX, 1 << 60] {
        refused("byte ", put(8, &vectors.to_le_bytes()));
    }
    for values in [0, 1, u64::MAX] {
        refused("byte 37: ", put(37, &values.to_le_bytes()));
    }
    refused("metric", put(33, &99i32.to_le_bytes()));
    refused("NaN", put(45, &f32::NAN.to_le_bytes()));
    refused("1 bytes follow", [&index[..], b"x"].concat());
    refused("ends early", index[..index.len() - 1].to_vec());
    refused("", Vec::new());
    assert_eq!(room.names("."), ["saved"]);
}

#[test]
fn case_57_pickles_that_are_more_than_plain_data_are_refused() {
    let room = Room::new();
    room.write("saved/nnscorer_search_index.faiss", originals("index/single"));
    for (pickle, reason) in [
        (&b"\x80\x04cos\nsystem\n(\x8c\x0etouch harmed.txttR."[..], "os.system would run code"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x01x\x85R.", "builtins.eval would run code"),
        (b"\x80\x04cnumpy.core.multiarray\n_reconstruct\n.", "_reconstruct"),
        (b"\x80\x04}N)Rs.", "opcode"),
        (b"\x80\x04]\x94.", "a list"),
        (b"garbage", "pickle"),
        (b"", "pickle"),
    ] {
        room.write("saved/patchcore_params.pkl", pickle);
        room.run("import saved --resize 40 -o part.patchcore")
            .fails(4, &["saved/patchcore_params.pkl: ", reason]);
    }
    // anomalib's files are pickles with names of classes: those are data, and a foreign one makes nothing run.
    let checkpoint = std::fs::read(testdata("anomalib/patchcore.ckpt")).unwrap();
    for length in [0, 1, 100, checkpoint.len() / 2, checkpoint.len() - 1] {
        room.write("cut.ckpt", &checkpoint[..length]);
        room.run("import cut.ckpt -o part.patchcore").fails(4, &["cut.ckpt: "]);
    }
    assert_eq!(room.names("."), ["cut.ckpt", "saved"]);
}

#[test]
fn case_59_what_is_no_model_is_named_for_what_it_is() {
    let room = Room::with_data();
    room.write("empty.patchcore", "");
    room.write("notes.patchcore", "bolts, from the third line");
    room.write("pointer.patchcore", "version https://git-lfs.github.com/spec/v1\n");
    std::fs::create_dir(room.path("folder.patchcore")).unwrap();
    for command in
        ["inspect {}", "predict {} set/bolt/test/good", "evaluate {} --dataset set --category bolt"]
    {
        let run = |name: &str| room.run(&command.replace("{}", name));
        run("empty.patchcore").fails(4, &["empty.patchcore: the file is empty"]);
        run("notes.patchcore").fails(4, &["notes.patchcore: not a patchcore model"]);
        run("pointer.patchcore").fails(4, &["pointer.patchcore: this is a Git LFS pointer"]);
        run("gone.patchcore").fails(4, &["gone.patchcore: "]);
        run("set/bolt/test/good/000.png").fails(4, &["000.png: not a patchcore model"]);
    }
    // `evaluate` takes a folder of models.
    for command in ["inspect folder.patchcore", "predict folder.patchcore set"] {
        room.run(command).fails(5, &["folder.patchcore: not a regular file but a folder"]);
    }
    room.run("inspect --json gone.patchcore").fails_in_json(4, &["gone.patchcore"]);
}

#[cfg(unix)]
#[test]
fn case_59_a_device_or_a_pipe_is_not_read() {
    let room = Room::with_data();
    let made = std::process::Command::new("mkfifo").arg(room.path("pipe.patchcore")).status().unwrap();
    assert!(made.success());
    for command in ["inspect {}", "predict {} set/bolt/test/good", "import {} -o part.patchcore"] {
        for path in ["/dev/zero", "pipe.patchcore"] {
            room.run(&command.replace("{}", path)).fails(5, &[&format!("{path}: not a regular file")]);
        }
    }
}

/// A file of a terabyte that takes no disk: its header already says that it is no model.
#[cfg(target_os = "linux")]
#[test]
fn case_59_a_file_larger_than_memory_is_refused() {
    let room = Room::new();
    let file = std::fs::File::create(room.path("large.patchcore")).unwrap();
    file.set_len(1 << 40).unwrap();
    room.run("inspect large.patchcore").fails(4, &["large.patchcore: not a patchcore model"]);
    room.run("import large.patchcore -o part.patchcore").fails(4, &["large.patchcore: "]);
    // One whose header fits its length.
    let name = "bank";
    let end = (1u64 << 40) - 8 - 1024;
    let text = json!({name: {"dtype": "U8", "shape": [end], "data_offsets": [0, end]}}).to_string();
    let header = format!("{text:<width$}", width = 1024);
    room.write("large.patchcore", [&1024u64.to_le_bytes(), header.as_bytes()].concat());
    std::fs::File::options()
        .write(true)
        .open(room.path("large.patchcore"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    room.run("inspect large.patchcore")
        .fails(6, &["large.patchcore: the model needs about 2359", "this machine has"]);
}

#[cfg(unix)]
#[test]
fn case_59_a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::with_model();
    std::fs::set_permissions(room.path("bolt.patchcore"), std::fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is forbidden to root.
    if std::fs::read(room.path("bolt.patchcore")).is_err() {
        for command in ["inspect bolt.patchcore", "predict bolt.patchcore set/bolt/test/good"] {
            room.run(command).fails(5, &["bolt.patchcore: ", "ermission denied"]);
        }
    }
}

/// Type, shape and bytes of tensors by their names.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// The tiny model with another header or other tensors, put together as a program that means it would: with the right
/// checksum.
fn changed(change: impl FnOnce(&mut Value, &mut Tensors)) -> Vec<u8> {
    let (_, metadata) = SafeTensors::read_metadata(tiny_model()).unwrap();
    let entry = &metadata.metadata().as_ref().unwrap()["patchcore"];
    let mut header: Value = serde_json::from_str(entry).unwrap();
    let file = SafeTensors::deserialize(tiny_model()).unwrap();
    let owned = |name: &str| {
        let view = file.tensor(name).unwrap();
        (name.to_string(), (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
    };
    let mut tensors: Tensors = file.names().into_iter().map(owned).collect();
    change(&mut header, &mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    let metadata = HashMap::from([("patchcore".to_string(), header.to_string())]);
    with_checksum(safetensors::serialize(views, Some(metadata)).unwrap())
}

/// Where the header ends.
fn start_of_data(file: &[u8]) -> usize {
    8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize
}

fn with_checksum(mut model: Vec<u8>) -> Vec<u8> {
    let end = model.len() - 32;
    let sum = Sha256::digest(&model[..end]);
    model[end..].copy_from_slice(&sum);
    model
}
