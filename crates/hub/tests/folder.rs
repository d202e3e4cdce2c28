//! Mirrors that are folders, files that were brought by hand, and what the cache says of them. No network.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use patchcore_backbone::weights_from;
use patchcore_hub::{Checked, HubError, Pretrained, State, import};
use safetensors::tensor::{Dtype, TensorView};
use std::fs;
use support::{Place, content, sha256, weights};

/// A safetensors file from which a ResNet-18 can be built, up to its usual taps.
fn resnet18() -> Vec<u8> {
    let network = weights_from("resnet18", |_, shape| vec![0.5; shape.iter().product()]).unwrap();
    let mut tensors = Vec::new();
    for name in network.names().filter(|name| !name.starts_with("layer4")) {
        let tensor = network.tensor(name).unwrap();
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        tensors.push((name, tensor.shape, bytes));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (*name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn resnet18_row(bytes: &[u8]) -> Pretrained {
    let url = "https://origin.invalid/resnet18.pth";
    Pretrained { name: "resnet18", url, mib: Some(20.0), ..weights(bytes) }
}

#[test]
fn a_folder_serves_as_a_mirror() {
    let (place, bytes) = (Place::new(), content());
    fs::create_dir(place.path("mirror")).unwrap();
    let mirror = place.path("mirror").display().to_string();
    let error = place.fetch(&mirror, &weights(&bytes)).unwrap_err().to_string();
    assert!(error.contains("mirror/tiny.pth"), "{error}");

    fs::write(place.path("mirror/tiny.pth"), &bytes[1..]).unwrap();
    let error = place.fetch(&mirror, &weights(&bytes)).unwrap_err();
    assert!(matches!(&error, HubError::WrongHash { .. }), "{error}");
    assert_eq!(place.names(), [""; 0]);

    fs::write(place.path("mirror/tiny.pth"), vec![0; 1_048_577]).unwrap();
    let error = place.fetch(&mirror, &weights(&bytes)).unwrap_err();
    assert!(matches!(&error, HubError::TooLong { .. }), "{error}");

    fs::write(place.path("mirror/tiny.pth"), &bytes).unwrap();
    let stored = place.fetch(&mirror, &weights(&bytes)).unwrap();
    assert!(stored.first && !stored.already);
    assert_eq!(place.names(), ["tiny.pth", "tiny.pth.sha256"]);
    assert_eq!(place.read("tiny.pth"), bytes);
}

#[test]
fn an_imported_file_is_known_by_its_name_or_its_hash() {
    let bytes = resnet18();
    let table = [weights(b"another"), resnet18_row(&bytes)];
    for name in ["resnet18.pth", "resnet18 (1).pth"] {
        let place = Place::new();
        fs::write(place.path(name), &bytes).unwrap();
        let (row, stored) = import(&place.path(name), None, &table, &place.cache).unwrap();
        assert_eq!((row.name, stored.first, stored.already), ("resnet18", true, false));
        assert_eq!(place.names(), ["resnet18.pth", "resnet18.pth.sha256"]);
        assert_eq!(place.read("resnet18.pth"), bytes);
        let (_, again) = import(&place.path(name), Some(&table[1]), &table, &place.cache).unwrap();
        assert!(again.already);
        assert_eq!(place.cache.checked(&table[1]).unwrap(), stored.path);
    }
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_not_imported() {
    let (place, bytes) = (Place::new(), resnet18());
    let table = [resnet18_row(&bytes)];
    let take = |name: &str, named: Option<&Pretrained>| {
        import(&place.path(name), named, &table, &place.cache).map(|_| ()).unwrap_err()
    };
    fs::write(place.path("resnet18.pth"), &bytes[..bytes.len() - 1]).unwrap();
    let error = take("resnet18.pth", None);
    assert!(matches!(&error, HubError::WrongHash { .. }), "{error}");
    fs::write(place.path("other.pth"), b"other").unwrap();
    let error = take("other.pth", None);
    assert!(matches!(&error, HubError::Unrecognised { .. }), "{error}");
    assert!(error.to_string().contains(&sha256(b"other")), "{error}");
    let error = take("other.pth", Some(&table[0]));
    assert!(matches!(&error, HubError::WrongHash { .. }), "{error}");
    assert!(matches!(take("none.pth", None), HubError::File(error) if error.is_missing()));

    // The right hash and the wrong network.
    let wide = Pretrained { name: "resnet34", ..table[0] };
    fs::write(place.path("resnet18.pth"), &bytes).unwrap();
    let error = take("resnet18.pth", Some(&wide));
    assert!(matches!(&error, HubError::DoesNotLoad { name: "resnet34", .. }), "{error}");
    assert!(!place.cache.folder().exists());
}

#[test]
fn the_cache_says_how_every_file_stands() {
    let (place, bytes) = (Place::new(), content());
    let table = [weights(&bytes), Pretrained { url: "https://origin.invalid/b.pth", ..weights(b"b") }];
    assert_eq!(place.cache.verify(&table).unwrap(), []);
    assert!(matches!(place.cache.checked(&table[0]), Err(HubError::NotCached { .. })));

    fs::create_dir_all(place.cache.folder().join("folder")).unwrap();
    for (name, bytes) in
        [("tiny.pth", bytes.as_slice()), ("b.pth", b"b"), ("c.txt", b"c"), ("b.pth.part", b"x")]
    {
        fs::write(place.cache.folder().join(name), bytes).unwrap();
    }
    let states = || -> Vec<(String, State)> {
        let name = |c: &Checked| c.path.file_name().unwrap().to_string_lossy().into_owned();
        place.cache.verify(&table).unwrap().iter().map(|c| (name(c), c.state.clone())).collect()
    };
    let unknown = |name: &str| (name.to_string(), State::Unknown);
    let ok = |name: &str| (name.to_string(), State::Ok);
    let altered =
        |name: &str, expected: &str| (name.to_string(), State::Altered { expected: expected.to_string() });
    assert_eq!(states(), [ok("b.pth"), unknown("c.txt"), unknown("folder"), ok("tiny.pth")]);

    let cut = &bytes[..299_999];
    fs::write(place.cache.path(&table[0]), cut).unwrap();
    fs::write(place.cache.folder().join("b.pth.sha256"), format!("{}  b.pth\n", sha256(b"c"))).unwrap();
    let start = format!("{}...", &sha256(&bytes)[..8]);
    assert_eq!(
        states(),
        [altered("b.pth", &sha256(b"c")), unknown("c.txt"), unknown("folder"), altered("tiny.pth", &start)]
    );
    let error = place.cache.checked(&table[0]).unwrap_err().to_string();
    assert!(error.contains(&sha256(cut)) && error.contains(&start), "{error}");
}

#[cfg(not(feature = "fetch"))]
#[test]
fn without_network_code_a_server_is_not_asked() {
    let error = Place::new().fetch("http://127.0.0.1:9", &weights(b"")).unwrap_err();
    assert!(matches!(&error, HubError::NoNetwork { .. }), "{error}");
}
