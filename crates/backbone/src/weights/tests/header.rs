//! Headers of safetensors files, and the types that they name.

use super::*;

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
