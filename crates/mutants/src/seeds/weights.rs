//! Weight files of a few values, and the pickles in them.

use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Six values.
const VALUES: [f32; 6] = [0.5, -1.0, 2.0, 3.0, 0.25, 1e-3];

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn safetensors() -> Vec<Vec<u8>> {
    let (single, half) = (floats(&VALUES), vec![0x3c; 8]);
    let view =
        |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes).expect("as many bytes");
    let tensors = [
        ("conv1.weight", view(Dtype::F32, &[2, 3], &single)),
        ("bn1.running_mean", view(Dtype::BF16, &[4], &half)),
        ("bn1.num_batches_tracked", view(Dtype::I64, &[], &half)),
    ];
    let notes = HashMap::from([("format".to_string(), "pt".to_string())]);
    [Some(notes), None]
        .map(|notes| safetensors::serialize(tensors.clone(), notes).expect("a header that can be written"))
        .to_vec()
}

/// A state dict of two tensors that share no storage, as `torch.save` pickles it (protocol 2).
fn state_dict() -> Vec<u8> {
    let mut pickle = b"\x80\x02ccollections\nOrderedDict\n)Rq\x00(".to_vec();
    for (name, class, key, values, shape, strides) in [
        ("conv1.weight", "FloatStorage", "0", 6, &b"K\x02K\x03\x86"[..], &b"K\x03K\x01\x86"[..]),
        ("bn1.bias", "HalfStorage", "1", 4, b"K\x04\x85", b"K\x01\x85"),
    ] {
        pickle.extend(text(name));
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        pickle.extend(text("storage"));
        pickle.extend(format!("ctorch\n{class}\n").bytes());
        pickle.extend([text(key), text("cpu")].concat());
        pickle.extend(
            [b"K", &[values][..], b"tQK\x00", shape, strides, b"\x89ccollections\nOrderedDict\n)RtR"]
                .concat(),
        );
    }
    pickle.extend(b"u.");
    pickle
}

/// `BINUNICODE`.
fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

/// The values of the two storages.
fn storages() -> [Vec<u8>; 2] {
    [floats(&VALUES), vec![0x3c; 8]]
}

pub(crate) fn torch_zip() -> Vec<Vec<u8>> {
    let [first, second] = storages();
    let whole = zip(&[
        ("archive/data.pkl", &state_dict()),
        ("archive/byteorder", b"little"),
        ("archive/data/0", &first),
        ("archive/data/1", &second),
        ("archive/version", b"3\n"),
    ]);
    let bare = zip(&[("data.pkl", &state_dict()), ("data/0", &first), ("data/1", &second)]);
    vec![whole, bare]
}

/// A zip archive of stored entries.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in entries {
        archive.start_file(*name, stored).expect("a new entry");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

pub(crate) fn torch_legacy() -> Vec<Vec<u8>> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let machine = [b"\x80\x02}(", &text("little_endian")[..], b"\x88u."].concat();
    let keys = [b"\x80\x02](", &text("0")[..], &text("1"), b"e."].concat();
    let mut file = [magic, &b"\x80\x02M\xe9\x03."[..], &machine, &state_dict(), &keys].concat();
    for (values, bytes) in [6u64, 4].into_iter().zip(storages()) {
        file.extend(values.to_le_bytes());
        file.extend(bytes);
    }
    vec![file]
}

pub(crate) fn pickle() -> Vec<Vec<u8>> {
    let every_kind = [
        b"\x80\x04\x95\0\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x07\x8c\x01b\x94]\x94(K\x01M\x01\x02Jxyz\0G\x3f\xf0\0\0\0\0\0\0N\x88\x89e"
            .as_slice(),
        b"\x8c\x01c\x94\x8c\x05torch\x94\x8c\x04Size\x94\x93\x94K\x02K\x03\x86\x94\x85\x94R\x94\x8c\x01d\x94(K\x05\x85C\x02hi\x8a\x02\x01\x02h\x04tu.",
    ];
    let mut kinds = every_kind.concat();
    crate::repair::pickle(&mut kinds);
    vec![state_dict(), kinds, super::foreign::PARAMS.to_vec()]
}
