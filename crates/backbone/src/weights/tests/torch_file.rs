//! What torch.save wrote: its pickles, storages and archives.

use super::*;

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
