//! Weights that are missing, broken, or not those of the model.

use crate::support::Room;
use patchcore_backbone::weights_from;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;

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
fn what_is_no_weights_file_is_named_for_what_it_is() {
    let room = Room::with_data();
    room.write("empty.pth", "");
    room.write("garbage.pth", [7; 300]);
    room.write("pointer.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    room.write("page.safetensors", "<!DOCTYPE html><title>Sign in</title>");
    room.write("half.safetensors", &EMBEDDED[..EMBEDDED.len() / 2]);
    for (name, reason) in [
        ("gone.pth", "gone.pth"),
        ("empty.pth", "empty"),
        ("garbage.pth", "unknown format"),
        ("pointer.pth", "Git-LFS pointer"),
        ("page.safetensors", "HTML page"),
        ("half.safetensors", "safetensors"),
    ] {
        room.run(&format!("{RESNET} --weights {name}")).fails(4, &[name, reason]);
    }
    room.run(&format!("{RESNET} --weights set")).fails(5, &["set: not a regular file but a folder"]);
    assert!(!room.path("part.patchcore").exists());
}

#[test]
fn a_missing_and_a_misshapen_tensor_are_named() {
    let room = Room::with_data();
    let mut tensors = resnet18();
    tensors.remove("layer1.0.conv1.weight");
    room.write("short.safetensors", bytes_of(&tensors));
    room.run(&format!("{RESNET} --weights short.safetensors"))
        .fails(4, &["short.safetensors: ", "layer1.0.conv1.weight: missing"]);

    tensors.insert("conv1.weight".into(), (vec![64, 3, 5, 5], vec![0.0; 64 * 3 * 25]));
    room.write("odd.safetensors", bytes_of(&tensors));
    room.run(&format!("{RESNET} --weights odd.safetensors"))
        .fails(4, &["odd.safetensors: ", "conv1.weight: shape [64, 3, 5, 5], expected [64, 3, 7, 7]"]);

    let mut tensors = resnet18();
    tensors.get_mut("conv1.weight").unwrap().1[17] = f32::NAN;
    room.write("nan.safetensors", bytes_of(&tensors));
    room.run(&format!("{RESNET} --weights nan.safetensors"))
        .fails(4, &["nan.safetensors: ", "conv1.weight: value 17 is not finite"]);
}

#[test]
fn a_model_needs_the_weights_that_it_was_fitted_with() {
    let room = Room::with_data();
    room.write("resnet18.safetensors", bytes_of(&resnet18()));
    room.run(&format!("{RESNET} --weights resnet18.safetensors")).succeeds();
    room.run("predict part.patchcore set/bolt/test").fails(4, &["resnet18 needs a weights file", "hint: "]);
    room.run("predict part.patchcore set/bolt/test --weights resnet18.safetensors").succeeds();
    room.run("evaluate part.patchcore --dataset set --category bolt --weights resnet18.safetensors")
        .succeeds();
}

#[test]
fn case_53_one_changed_weight_is_found_and_both_fingerprints_named() {
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

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The tensors that a ResNet-18 needs up to `layer1`.
fn resnet18() -> Tensors {
    let value = |_: &str, shape: &[usize]| {
        let n: usize = shape.iter().product();
        (0..n).map(|i| 0.01 + (i % 7) as f32 * 0.01).collect()
    };
    let weights = weights_from("resnet18", value).unwrap();
    let early = |name: &&str| ["conv1.", "bn1.", "layer1."].iter().any(|start| name.starts_with(start));
    let tensor = |name: &str| weights.tensor(name).map(|t| (t.shape, t.values)).unwrap();
    weights.names().filter(early).map(|name| (name.to_string(), tensor(name))).collect()
}

fn bytes_of(tensors: &Tensors) -> Vec<u8> {
    let data: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, (*shape).clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}
