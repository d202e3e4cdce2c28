//! Damaged model files, read by the real loader from memory: every damage is found, and the part that has it is named.
//!
//! The ordinary run tries a share of the bytes and bits; `PATCHCORE_FULL=1 cargo test -p patchcore --test model_damage`
//! tries all of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{
    Calibration, Filter, Fitted, HeldOutBy, Member, MemoryBank, Origin, Params, Rates, Training,
};
use patchcore_image::Fingerprint;
use patchcore_tensor::Embeddings;
use rayon::prelude::*;
use std::ops::Range;

/// Values of a row.
const DIM: usize = 8;

/// Whether everything is to be tried.
fn full() -> bool {
    std::env::var_os("PATCHCORE_FULL").is_some()
}

/// A model with so many rows in its bank, none of which are equal.
fn model(rows: usize) -> Vec<u8> {
    let values = (0..rows * DIM).map(|i| (i * i % 977) as f32 * 0.37).collect();
    let rows = Embeddings::from_vec(rows, DIM, values).unwrap();
    let origins = (0..rows.len() as u32).map(|i| Origin { picture: i % 2, y: i, x: i / 3 }).collect();
    let member = Member {
        params: Params::default(),
        fingerprint: "5e".repeat(32),
        filter: None::<Filter>,
        bank: MemoryBank { rows, origins },
        patches: 4000,
        covering_radius: Some(0.5),
    };
    let fingerprints = (1..3u8).map(|v| Fingerprint::from_bytes(&[v; Fingerprint::BYTES]).unwrap());
    let training = Training {
        pictures: vec!["a.png".into(), "b.png".into()],
        version: "0.1.0".into(),
        fingerprints: fingerprints.collect(),
        ..Training::default()
    };
    let calibration = Calibration {
        image_threshold: 1.25,
        false_alarm_rate: 0.25,
        review_threshold: 1.0,
        review_rate: 0.5,
        pixel_threshold: 2.0,
        pixel_false_area: 0.125,
        pixel_typical: 0.5,
        asked: Rates::of(0.25),
        held_out: HeldOutBy::Picture,
        image_scores: vec![1.0, 1.25],
        scales: vec![1.0],
    };
    Fitted { members: vec![member], training, calibration: Some(calibration) }.to_bytes().unwrap()
}

/// Where the file's parts lie: the header, and each tensor by its name.
fn parts(file: &[u8]) -> Vec<(String, Range<usize>)> {
    let (header, metadata) = safetensors::SafeTensors::read_metadata(file).unwrap();
    let data = 8 + header;
    let mut parts = vec![("header".to_string(), 0..data)];
    for name in metadata.offset_keys() {
        let (start, end) = metadata.info(&name).unwrap().data_offsets;
        parts.push((name, data + start..data + end));
    }
    parts
}

/// Fails unless the change at `place` is found, and the right part is named.
fn assert_found(bytes: &[u8], place: usize, parts: &[(String, Range<usize>)], what: &str) {
    let Err(reason) = Fitted::from_bytes(bytes) else { panic!("{what} at {place} is not found") };
    let (part, _) = parts.iter().find(|(_, range)| range.contains(&place)).unwrap();
    let named = match part.as_str() {
        "checksum" => reason.contains("its header or its checksum"),
        "header" => reason.contains("header") || reason.starts_with("not a patchcore model"),
        tensor => reason.starts_with(&format!("checksum mismatch in {tensor}: ")),
    };
    assert!(named, "{what} at {place}, which lies in {part}: {reason}");
}

/// Changes each of these places in every way that `changes` gives for it, on all threads; how many changes there were.
fn try_all(file: &[u8], places: Vec<usize>, changes: impl Fn(usize) -> Vec<u8> + Sync) -> usize {
    let parts = parts(file);
    let tried = |copy: &mut Vec<u8>, place: usize| {
        let changes = changes(place);
        for &change in &changes {
            copy[place] ^= change;
            assert_found(copy, place, &parts, &format!("^ {change:#04x}"));
            copy[place] ^= change;
        }
        changes.len()
    };
    let counts = places.into_par_iter().map_init(|| file.to_vec(), tried);
    counts.collect::<Vec<_>>().iter().sum()
}

#[test]
fn the_whole_model_is_read() {
    for rows in [20, 1400] {
        let fitted = Fitted::from_bytes(&model(rows)).unwrap();
        assert_eq!(fitted.members[0].bank.len(), rows);
    }
}

#[test]
fn case_49_every_value_of_every_byte() {
    let file = model(20);
    assert!((2048..=4096).contains(&file.len()), "{} bytes", file.len());
    // The ordinary run: one other value for every byte, another one each time.
    let changes =
        |place: usize| if full() { (1..=255).collect() } else { vec![1 + (place * 97 % 255) as u8] };
    let tried = try_all(&file, (0..file.len()).collect(), changes);
    println!("{tried} substitutions in {} bytes: all found, the part named", file.len());
}

#[test]
fn case_49_every_bit_of_64_kib() {
    let file = model(1440);
    assert!((65_536..68_000).contains(&file.len()), "{} bytes", file.len());
    let bits = |place: usize| if full() { (0..8).map(|b| 1 << b).collect() } else { vec![1 << (place % 8)] };
    let step = if full() { 1 } else { 29 };
    let tried = try_all(&file, (0..file.len()).step_by(step).collect(), bits);
    println!("{tried} flipped bits in {} bytes: all found, the part named", file.len());
}

#[test]
fn case_50_every_truncation_and_extension() {
    let file = model(if full() { 1440 } else { 20 });
    let read = |end: usize| Fitted::from_bytes(&file[..end]).is_ok();
    assert!((0..file.len()).into_par_iter().all(|end| !read(end)));
    for extra in 1..=64 {
        for byte in [0, 7, 255] {
            let longer = [&file[..], &vec![byte; extra]].concat();
            assert!(Fitted::from_bytes(&longer).is_err(), "{extra} more");
        }
    }
    println!("{} truncations, 64 extensions: all found", file.len());
}

/// What holds the right bytes in the wrong place.
#[test]
fn case_51_parts_in_each_others_place() {
    let (file, rows) = (model(20), 20 * DIM * 4);
    let bank = parts(&file).into_iter().find(|(name, _)| name == "bank").unwrap().1;
    assert_eq!(bank.len(), rows);
    let mut swapped = file.clone();
    swapped[bank.clone()].rotate_left(DIM * 4);
    assert!(Fitted::from_bytes(&swapped).unwrap_err().starts_with("checksum mismatch in bank: "));
    // Another model's bank of the same shape, as a tool would put it there.
    let mut foreign = file.clone();
    foreign[bank].fill(0);
    assert!(Fitted::from_bytes(&foreign).unwrap_err().starts_with("checksum mismatch in bank: "));
    // Two tensors of the same length, the header left as it was: the origins of 20 rows and 240 bytes of the bank.
    let of = |name: &str| parts(&file).into_iter().find(|(n, _)| n == name).unwrap().1;
    let (a, b) = (of("bank_origin"), of("bank"));
    let mut swapped = file.clone();
    for (i, j) in a.zip(b) {
        swapped.swap(i, j);
    }
    assert!(
        Fitted::from_bytes(&swapped).unwrap_err().starts_with("checksum mismatch in bank, bank_origin: ")
    );
}

/// The file's numbers are little-endian whatever the machine: the first bytes of its bank and of its header's length are
/// these, and they are read as these values.
#[test]
fn case_58_bytes_are_little_endian_on_every_machine() {
    let file = model(20);
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let bank = parts(&file).into_iter().find(|(name, _)| name == "bank").unwrap().1;
    assert!(bank.start >= 8 + header);
    // 0.0, 0.37 and 1.48 as IEEE 754 single, least byte first.
    let expected = [0, 0, 0, 0, 0xa4, 0x70, 0xbd, 0x3e, 0xa4, 0x70, 0xbd, 0x3f];
    assert_eq!(file[bank.start..][..12], expected);
    let rows = &Fitted::from_bytes(&file).unwrap().members[0].bank.rows;
    assert_eq!(rows.row(0)[..3], [0.0, 0.37, 1.48]);
    let origin = parts(&file).into_iter().find(|(name, _)| name == "bank_origin").unwrap().1;
    // Row 5: picture 1, y 5, x 1.
    assert_eq!(file[origin.start + 60..][..12], [1, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0]);
}
