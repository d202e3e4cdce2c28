//! Weights that are missing, broken, or not those of the model.

use crate::support::{Room, resnet18 as known_weights};
use patchcore_backbone::parameters;
use patchcore_testkit::safetensors::{self, Named};
use patchcore_testkit::torch;
use std::sync::atomic::{AtomicBool, Ordering};

const EMBEDDED: &[u8] =
    include_bytes!("../../../backbone/weights/efficientnet_lite0_blocks0-4_fp16.safetensors");

const RESNET: &str = "fit --dataset set --category bolt -o part.patchcore --backbone resnet18 --layers layer1 \
                      --imagesize 64 --bank-rows 9";

#[test]
fn a_network_without_weights_is_refused_with_a_hint() {
    let room = Room::with_data();
    for (options, name) in [
        ("--backbone resnet18", "resnet18"),
        ("--preset reference-224", "wide_resnet50_2"),
        ("--preset reference-320", "wide_resnet50_2"),
    ] {
        let hint = format!("hint: patchcore weights fetch {name}, or --weights FILE");
        room.run(&format!("fit --dataset set --category bolt -o part.patchcore {options}"))
            .fails(4, &["needs a weights file", &hint]);
    }
    assert_eq!(room.names("."), ["set"]);
}

#[test]
fn case_35_a_header_of_an_impossible_length_is_refused() {
    let room = Room::with_data();
    let json = br#"{"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}0000"#;
    for (length, reason) in [
        (0, "bad safetensors header"),
        (58, "truncated: the safetensors header needs 66 bytes, the file has 65"),
        (u64::MAX, "truncated: the safetensors header needs 18446744073709551615 bytes, the file has 65"),
    ] {
        room.write("w.safetensors", [&length.to_le_bytes(), &json[..]].concat());
        room.refuses(&format!("{RESNET} --weights w.safetensors"), 4, &["w.safetensors: ", reason]);
    }
    // The bytes are there, at least by the file's length.
    room.write("w.safetensors", [&100_000_001u64.to_le_bytes(), &json[..]].concat());
    let file = std::fs::File::options().write(true).open(room.path("w.safetensors")).unwrap();
    file.set_len(200_000_000).unwrap();
    room.refuses(&format!("{RESNET} --weights w.safetensors"), 4, &["w.safetensors: ", "header too large"]);
}

#[test]
fn case_36_a_header_that_is_no_table_is_refused() {
    let room = Room::with_data();
    let one = r#""w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}"#;
    let many: Vec<String> = (0..100_001)
        .map(|i| format!(r#""{i}":{{"dtype":"U8","shape":[],"data_offsets":[{i},{}]}}"#, i + 1))
        .collect();
    for (header, reason) in [
        ("no JSON".to_string(), "unknown format"),
        ("{no JSON".to_string(), "bad safetensors header"),
        (format!("{{{one},{one}}}"), "w: named twice"),
        (format!("{{\"w\":{}", "[".repeat(10_000)), "bad safetensors header"),
        (format!("{{\"__metadata__\":{}", "{\"\":".repeat(10_000)), "bad safetensors header"),
        (format!("{{{}}}", many.join(",")), "tensors: 100001 is over the limit of 100000"),
    ] {
        room.write("w.safetensors", safetensors::file(&header, &[0; 4]));
        room.refuses(&format!("{RESNET} --weights w.safetensors"), 4, &["w.safetensors: ", reason]);
    }
}

#[test]
fn case_37_bytes_that_do_not_belong_to_their_tensor_are_refused_by_name() {
    let room = Room::with_data();
    let header = |shape: &str, second: &str| {
        let first = format!(r#""a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,8]}}"#);
        format!(r#"{{{first},"b":{{"dtype":"F32","shape":[1],"data_offsets":{second}}}}}"#)
    };
    for (header, reason) in [
        (header("[2]", "[4,8]"), "b: its bytes from 4 on overlap with those of the tensor before"),
        (header("[2]", "[9,13]"), "b: its bytes from 9 on leave a gap behind the tensor before"),
        (header("[2]", "[8,12]"), "truncated: the last tensor needs"),
        (header("[3]", "[8,12]"), "a: bytes 0 to 8 are not those of shape [3]"),
        (header("[4294967296,4294967296]", "[8,12]"), "a: shape [4294967296, 4294967296] overflows"),
    ] {
        room.write("w.safetensors", safetensors::file(&header, &[0; 8]));
        room.refuses(&format!("{RESNET} --weights w.safetensors"), 4, &["w.safetensors: ", reason]);
    }
}

#[test]
fn case_38_tensors_that_do_not_fit_are_named_the_first_five_of_many() {
    let room = Room::with_data();
    let written = |change: &dyn Fn(&mut Vec<Named>)| {
        let mut tensors = resnet18("F32");
        change(&mut tensors);
        room.write("w.safetensors", safetensors::of(&tensors));
        format!("{RESNET} --weights w.safetensors")
    };
    let at = |tensors: &mut Vec<Named>, name: &str| tensors.iter().position(|t| t.name == name).unwrap();

    let line = written(&|tensors| tensors.retain(|t| t.name != "layer1.0.conv1.weight"));
    room.refuses(&line, 4, &["w.safetensors: ", "resnet18: layer1.0.conv1.weight: missing, the nearest are"]);
    let line = written(&|tensors| {
        let i = at(tensors, "bn1.running_mean");
        tensors[i].name = "bn1.runing_mean".into();
    });
    room.refuses(&line, 4, &["bn1.running_mean: missing, the nearest are bn1.runing_mean"]);
    let line = written(&|tensors| {
        let i = at(tensors, "conv1.weight");
        (tensors[i].shape, tensors[i].bytes) = (vec![64, 3, 5, 5], vec![0; 64 * 3 * 25 * 4]);
    });
    room.refuses(&line, 4, &["conv1.weight: shape [64, 3, 5, 5], expected [64, 3, 7, 7]"]);
    for dtype in ["I8", "F8_E5M2"] {
        let line = written(&|tensors| {
            let i = at(tensors, "conv1.weight");
            (tensors[i].dtype, tensors[i].bytes) = (dtype, vec![0; 64 * 3 * 49]);
        });
        let found = if dtype == "I8" { "i8" } else { dtype };
        room.refuses(&line, 4, &[&format!("conv1.weight: dtype {found}, expected f16, bf16, f32 or f64")]);
    }
    let line =
        written(&|tensors| tensors.retain(|t| !t.name.starts_with("layer1.0") && t.name != "bn1.bias"));
    room.refuses(
        &line,
        4,
        &[
            "weights do not fit resnet18: 11 tensors do not fit: bn1.bias: missing",
            "; layer1.0.conv1.weight: missing",
            "; layer1.0.bn1.running_mean: missing",
            "; and 6 more",
        ],
    );
    // What the network does not ask for, such as the classifier, is left alone.
    let extra = Named { name: "fc.bias".into(), dtype: "I64", shape: vec![1], bytes: vec![0; 8] };
    room.run(&written(&|tensors| tensors.push(extra.clone()))).succeeds();
}

#[test]
fn case_38_weights_of_every_width_are_the_same_network() {
    let room = Room::with_data();
    let fingerprint = |dtype: &'static str| {
        room.write("w.safetensors", safetensors::of(&resnet18(dtype)));
        room.run(&format!("{RESNET} --weights w.safetensors --force")).succeeds();
        let all = room.run("inspect --json part.patchcore").succeeds().json();
        all["members"][0]["weights_fingerprint"].as_str().unwrap().to_string()
    };
    let expected = fingerprint("F32");
    for dtype in ["F16", "BF16", "F64"] {
        assert_eq!(fingerprint(dtype), expected, "{dtype}");
    }
}

#[test]
fn case_39_a_value_that_is_not_finite_is_refused_with_its_place() {
    let room = Room::with_data();
    for (bad, tensor) in [(f32::NAN, "conv1.weight"), (f32::INFINITY, "layer1.1.bn2.running_var")] {
        let mut tensors = resnet18("F32");
        let spoilt = tensors.iter_mut().find(|t| t.name == tensor).unwrap();
        spoilt.bytes[17 * 4..18 * 4].copy_from_slice(&bad.to_le_bytes());
        room.write("w.safetensors", safetensors::of(&tensors));
        let words = ["w.safetensors: ", &format!("{tensor}: value 17 is not finite")];
        room.refuses(&format!("{RESNET} --weights w.safetensors"), 4, &words);
    }
}

#[test]
fn case_46_weights_of_another_network_are_refused_and_both_named() {
    let room = Room::with_data();
    room.write("w.safetensors", known_weights::file());
    let fit = "fit --dataset set --category bolt -o part.patchcore --weights w.safetensors --backbone";
    for other in ["wide_resnet50_2", "resnet34", "efficientnet_lite0"] {
        let reason = format!("weights do not fit {other}: ");
        let hint = "hint: these are weights of resnet18";
        room.refuses(
            &format!("{fit} {other}"),
            4,
            &["w.safetensors: ", &reason, " tensors do not fit: ", hint],
        );
    }
}

#[test]
fn case_46_a_model_needs_the_weights_that_it_was_fitted_with() {
    let room = Room::with_data();
    room.write("resnet18.safetensors", safetensors::of(&resnet18("F32")));
    room.run(&format!("{RESNET} --weights resnet18.safetensors")).succeeds();
    room.run("predict part.patchcore set/bolt/test").fails(4, &["resnet18 needs a weights file", "hint: "]);
    room.run("predict part.patchcore set/bolt/test --weights resnet18.safetensors").succeeds();
    room.run("evaluate part.patchcore --dataset set --category bolt --weights resnet18.safetensors")
        .succeeds();
}

#[test]
fn case_46_one_changed_weight_is_found_and_both_fingerprints_named() {
    let room = Room::with_model();
    let mut changed = EMBEDDED.to_vec();
    let data = 8 + u64::from_le_bytes(EMBEDDED[..8].try_into().unwrap()) as usize;
    changed[data] ^= 1;
    room.write("changed.safetensors", &changed);
    room.run(
        "fit --dataset set --category bolt -o other.patchcore --imagesize 32 --weights changed.safetensors",
    )
    .succeeds();
    let fingerprint = |model: &str| {
        let all = room.run(&format!("inspect --json {model}")).succeeds().json();
        all["members"][0]["weights_fingerprint"].as_str().unwrap().to_string()
    };
    let (ours, other) = (fingerprint("bolt.patchcore"), fingerprint("other.patchcore"));
    assert_ne!(ours, other);
    room.run("predict other.patchcore set/bolt/test")
        .fails(4, &["other.patchcore: the model was fitted with other weights", &ours, &other]);
    room.run("predict bolt.patchcore set/bolt/test --weights changed.safetensors").fails(4, &[&ours, &other]);
    room.run("predict other.patchcore set/bolt/test --weights changed.safetensors").succeeds();
}

#[test]
fn case_47_what_is_no_weights_file_is_named_for_what_it_is() {
    let room = Room::with_data();
    let pth = torch::pth(&torch::state_dict(&[("w", torch::MATRIX)]), &[("0", &[0; 24])]);
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    for (name, bytes, reason) in [
        ("empty.pth", Vec::new(), "the file is empty"),
        ("garbage.pth", vec![7; 300], "unknown format"),
        (
            "pointer.pth",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".to_vec(),
            "this is a Git-LFS pointer, not the weights: run `git lfs pull`",
        ),
        (
            "page.safetensors",
            b"<!DOCTYPE html><title>Sign in</title>".to_vec(),
            "this is an HTML page, not weights",
        ),
        ("net.onnx", b"\x08\x08\x12\x07pytorch".to_vec(), "this is an ONNX file"),
        ("half.safetensors", half(EMBEDDED), "truncated: the last tensor needs"),
        ("begun.safetensors", EMBEDDED[..100].to_vec(), "truncated: the safetensors header needs"),
        ("half.pth", half(&pth), "truncated: this zip archive has no end, as after an interrupted download"),
    ] {
        room.write(name, bytes);
        room.refuses(&format!("{RESNET} --weights {name}"), 4, &[&format!("]: {name}: {reason}")]);
        if name != "garbage.pth" {
            room.refuses(&format!("weights import {name}"), 4, &[name, reason]);
            room.refuses(&format!("weights import {name} --name resnet18"), 4, &[name, "SHA-256", reason]);
        }
    }
    room.refuses(&format!("{RESNET} --weights gone.pth"), 4, &["gone.pth: "]);
    room.refuses(&format!("{RESNET} --weights set"), 5, &["set: not a regular file but a folder"]);
}

/// Whoever replaces the file meanwhile, the network is that of one file or of the other.
#[cfg(unix)]
#[test]
fn case_48_weights_that_are_replaced_while_they_are_read_are_one_file_or_the_other() {
    let room = Room::with_data();
    let mut other = resnet18("F32");
    for tensor in &mut other {
        tensor.bytes[0] ^= 1;
    }
    let files = [resnet18("F32"), other].map(|tensors| safetensors::of(&tensors));
    let fingerprint = || {
        room.run(&format!("{RESNET} --weights w.safetensors --force")).succeeds();
        let all = room.run("inspect --json part.patchcore").succeeds().json();
        all["members"][0]["weights_fingerprint"].as_str().unwrap().to_string()
    };
    let known = files.each_ref().map(|bytes| {
        room.write("w.safetensors", bytes);
        fingerprint()
    });
    assert_ne!(known[0], known[1]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for bytes in files.iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
                room.write("next", bytes);
                std::fs::rename(room.path("next"), room.path("w.safetensors")).unwrap();
            }
        });
        let all: Vec<String> = (0..4).map(|_| fingerprint()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(all.iter().all(|one| known.contains(one)), "{all:?}, {known:?}");
    });
}

/// The tensors that a ResNet-18 needs up to `layer1`, with values that every width holds.
fn resnet18(dtype: &'static str) -> Vec<Named> {
    let value = |i: usize| 0.007_812_5 * (1 + i % 7) as f32;
    let early = |name: &str| ["conv1.", "bn1.", "layer1."].iter().any(|start| name.starts_with(start));
    let wide = |value: f32| match dtype {
        "F32" => value.to_le_bytes().to_vec(),
        "F64" => f64::from(value).to_le_bytes().to_vec(),
        "BF16" => value.to_le_bytes()[2..].to_vec(),
        _ => half(value).to_le_bytes().to_vec(),
    };
    let named = |(name, shape): (String, Vec<usize>)| {
        let bytes = (0..shape.iter().product()).flat_map(|i| wide(value(i))).collect();
        Named { name, dtype, shape, bytes }
    };
    parameters("resnet18").unwrap().into_iter().filter(|(name, _)| early(name)).map(named).collect()
}

/// A positive number as 16 bits, if it needs no more of its fraction than they hold.
fn half(value: f32) -> u16 {
    ((value.to_bits() >> 13) - (112 << 10)) as u16
}
