//! The original's files: those in testdata/, written by FAISS and Python, and the larger golden ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use patchcore_foreign::{
    Protocol, ReferenceParams, SavedMember, SequenceKind, Writing, read_reference, write_reference,
};
use patchcore_tensor::Embeddings;
use patchcore_testkit::{Fixture, shared, testdata};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const INDEX: &str = "nnscorer_search_index.faiss";
const PARAMS: &str = "patchcore_params.pkl";

fn own() -> Fixture {
    Fixture::open(&testdata("saved_models.safetensors"))
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// All files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}

/// Reads a saved model, writes it elsewhere, and compares byte by byte.
fn check_round_trip(folder: &Path) -> Vec<SavedMember> {
    let members = read_reference(folder).unwrap().members;
    let again = tempfile::tempdir().unwrap();
    write_reference(again.path(), &members, Writing::default()).unwrap();
    assert_eq!(files(again.path()), files(folder));
    members
}

fn vectors(fixture: &Fixture, name: &str) -> Embeddings {
    let (shape, values) = fixture.f32(&format!("vectors/{name}"));
    Embeddings::from_vec(shape[0], shape[1], values).unwrap()
}

fn params(
    backbone: &str,
    kind: SequenceKind,
    layers: &[&str],
    side: usize,
    embed: [usize; 2],
) -> ReferenceParams {
    ReferenceParams {
        backbone: backbone.to_owned(),
        layers: layers.iter().map(ToString::to_string).collect(),
        layers_kind: kind,
        input_shape: [3, side, side],
        pretrain_embed_dimension: embed[0],
        target_embed_dimension: embed[1],
        patchsize: 3,
        patchstride: 1,
        anomaly_scorer_num_nn: 5,
    }
}

#[test]
fn a_single_model_is_read_and_written_back() {
    let own = own();
    let saved = folder(&[(INDEX, &own.u8("index/single").1), (PARAMS, &own.u8("params/single").1)]);
    let members = check_round_trip(saved.path());
    let params = params("resnet18", SequenceKind::Tuple, &["layer2", "layer3"], 64, [32, 12]);
    assert_eq!(members, [SavedMember { params, vectors: vectors(&own, "single") }]);
}

#[test]
fn an_ensemble_is_read_and_written_back() {
    let own = own();
    let saved = tempfile::tempdir().unwrap();
    for member in ["Ensemble-1-2", "Ensemble-2-2"] {
        let write = |file: &str, tensor: &str| {
            let bytes = own.u8(&format!("{tensor}/{member}")).1;
            fs::write(saved.path().join(format!("{member}_{file}")), bytes).unwrap();
        };
        write(INDEX, "index");
        write(PARAMS, "params");
    }
    let members = check_round_trip(saved.path());
    let expected = |backbone, name: &str| {
        let vectors = vectors(&own, name);
        let params = params(backbone, SequenceKind::List, &["a", "b"], 64, [16, vectors.dim()]);
        SavedMember { params, vectors }
    };
    assert_eq!(members, [expected("resnet18", "Ensemble-1-2"), expected("densenet121", "Ensemble-2-2")]);
}

#[test]
fn every_protocol_and_every_form_of_the_parameters_is_read() {
    use SequenceKind::{List, Tuple};
    let own = own();
    let long = "n".repeat(300);
    let dense = ["features.denseblock2", "features.denseblock3"];
    for (name, expected) in [
        ("tuple1", params("resnet18", Tuple, &["layer2"], 224, [1, 255])),
        ("tuple2", params("wideresnet50", Tuple, &["layer2", "layer3"], 224, [1024, 1024])),
        ("tuple3", params("resnet18", Tuple, &["layer1", "layer2", "layer3"], 256, [256, 65535])),
        (
            "tuple4",
            params("resnet18", Tuple, &["layer1", "layer2", "layer3", "layer4"], 320, [2_147_483_647, 65536]),
        ),
        ("list1", params("resnet18", List, &["layer2"], 255, [300, 8])),
        ("list2", params("densenet201", List, &dense, 320, [1024, 384])),
        ("long", params(&long, List, &["layer2", "Schicht-ß"], 224, [1024, 1024])),
    ] {
        let width = expected.target_embed_dimension;
        let vectors = Embeddings::from_vec(1, width, vec![0.5; width]).unwrap();
        let member = SavedMember { params: expected, vectors };
        for protocol in 2..=5 {
            let bytes = own.u8(&format!("params/{name}/{protocol}")).1;
            let saved = tempfile::tempdir().unwrap();
            let writing = Writing {
                protocol: if protocol == 4 { Protocol::Four } else { Protocol::Five },
                force: false,
            };
            write_reference(saved.path(), std::slice::from_ref(&member), writing).unwrap();
            let written = fs::read(saved.path().join(PARAMS)).unwrap();
            assert_eq!(written == bytes, protocol >= 4, "{name}, protocol {protocol}");
            fs::write(saved.path().join(PARAMS), bytes).unwrap();
            assert_eq!(
                read_reference(saved.path()).unwrap().members,
                std::slice::from_ref(&member),
                "{name}, protocol {protocol}"
            );
        }
    }
}

#[test]
fn other_indexes_are_refused_by_what_they_are() {
    let own = own();
    for (name, expected) in [
        ("inner_product", "compares by inner product"),
        ("other_metric", "is a flat index of another metric (IxFl)"),
        ("inverted", "is an inverted file (IwFl)"),
        ("inverted_product", "is an inverted file with product quantisation (IwPQ)"),
        ("product", "is product quantisation (IxPq)"),
        ("scalar", "is scalar quantisation (IxSQ)"),
        ("graph", "is an HNSW graph (IHNf)"),
        ("ids", "is an index with a table of ids (IxMp)"),
        ("transform", "is an index behind a transform (IxPT)"),
        ("hashed", "is hashed codes (IxHe)"),
        ("empty", "byte 8: no vectors"),
    ] {
        let index = own.u8(&format!("other/{name}")).1;
        let saved = folder(&[(INDEX, &index), (PARAMS, &own.u8("params/single").1)]);
        let text = read_reference(saved.path()).unwrap_err().to_string();
        assert!(
            text.contains(&format!("{INDEX}: ")) && text.contains(expected),
            "{text}, expected {expected}"
        );
    }
}

#[test]
fn golden_saved_models() {
    for (name, networks, width) in [
        ("saved_model_resnet18", &["resnet18"][..], 1024),
        ("saved_cli_single/models/mvtec_widget", &["resnet18"], 1024),
        ("saved_cli_ensemble/models/mvtec_widget", &["resnet18", "densenet121"], 384),
    ] {
        let Some(path) = shared(&format!("golden/{name}")) else { return };
        let members = check_round_trip(&path);
        let found: Vec<&str> = members.iter().map(|member| member.params.backbone.as_str()).collect();
        assert_eq!(found, networks);
        for member in &members {
            assert_eq!(member.vectors.dim(), width);
            assert_eq!((member.params.input_shape, member.params.patchsize), ([3, 224, 224], 3));
        }
    }
}

#[test]
fn golden_tiny_indexes() {
    let Some(golden) = shared("golden") else { return };
    let read = |name: &str| fs::read(golden.join(name)).unwrap();
    let own = own();
    let values = vec![0.0, 0.5, 1.0, 1.5, 2.0, 2.5];
    let vectors = Embeddings::from_vec(2, 3, values).unwrap();
    let params = params("resnet18", SequenceKind::Tuple, &["layer2"], 64, [8, 3]);
    let saved = tempfile::tempdir().unwrap();
    write_reference(saved.path(), &[SavedMember { params, vectors }], Writing::default()).unwrap();
    assert_eq!(fs::read(saved.path().join(INDEX)).unwrap(), read("tiny_flatl2_2x3.faiss"));

    let inner = folder(&[(INDEX, &read("tiny_flatip_2x3.faiss")), (PARAMS, &own.u8("params/single").1)]);
    let text = read_reference(inner.path()).unwrap_err().to_string();
    assert!(text.contains("inner product"), "{text}");
}

/// What the name of an official file says: `IM224_Ensemble_L2-3_P001_D1024-384_PS-3_AN-1__Ensemble-2-3_patchcore_params`.
fn named(file: &str) -> ReferenceParams {
    let (config, member) = file.split_once("__").unwrap();
    let parts: Vec<&str> = config.split('_').collect();
    let number = |text: &str, prefix: &str| text.strip_prefix(prefix).unwrap().parse().unwrap();
    let (pretrain, target) = parts[4].strip_prefix('D').unwrap().split_once('-').unwrap();
    let resnet = ["layer2", "layer3"];
    let (backbone, kind, layers) = match member.strip_suffix(&format!("_{PARAMS}")) {
        None => ("wideresnet50", SequenceKind::Tuple, resnet),
        Some("Ensemble-1-3") => ("wideresnet101", SequenceKind::List, resnet),
        Some("Ensemble-2-3") => ("resnext101", SequenceKind::List, resnet),
        Some("Ensemble-3-3") => {
            ("densenet201", SequenceKind::List, ["features.denseblock2", "features.denseblock3"])
        }
        Some(other) => panic!("{other}"),
    };
    ReferenceParams {
        patchsize: number(parts[5], "PS-"),
        anomaly_scorer_num_nn: number(parts[6], "AN-"),
        ..params(
            backbone,
            kind,
            &layers,
            number(parts[0], "IM"),
            [pretrain.parse().unwrap(), target.parse().unwrap()],
        )
    }
}

#[test]
fn golden_official_parameters_are_read_and_made_again() {
    let (Some(official), Some(manifest)) =
        (shared("golden/official_pickles"), shared("golden/manifest.json"))
    else {
        return;
    };
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let pickles = files(&official);
    assert_eq!(pickles.len(), 12);
    for (name, bytes) in pickles {
        let expected = named(&name);
        let width = expected.target_embed_dimension;
        let vectors = Embeddings::from_vec(1, width, vec![0.5; width]).unwrap();
        let member = SavedMember { params: expected, vectors };
        let saved = tempfile::tempdir().unwrap();
        write_reference(saved.path(), std::slice::from_ref(&member), Writing::default()).unwrap();
        fs::write(saved.path().join(PARAMS), &bytes).unwrap();
        let read = read_reference(saved.path()).unwrap().members;
        assert_eq!(read, [member], "{name}");

        let again = tempfile::tempdir().unwrap();
        write_reference(again.path(), &read, Writing::default()).unwrap();
        let written = fs::read(again.path().join(PARAMS)).unwrap();
        let hash = Sha256::digest(&written);
        let file = &manifest["files"][format!("official_pickles/{name}")];
        let expected = file["sha256"].as_str().unwrap().as_bytes().as_chunks::<2>().0;
        let expected: Vec<u8> = expected
            .iter()
            .map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(hash.as_slice(), expected, "{name}");
    }
}
