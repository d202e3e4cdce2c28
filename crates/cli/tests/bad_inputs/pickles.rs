//! Files of torch.save that would run code, fill the memory, or are no archive of one.

use crate::support::Room;
use patchcore_testkit::torch::{Entry, MATRIX, Pickler, Tensor, entry, pth, state_dict, zip};

const FIT: &str = "fit --dataset set --category bolt -o part.patchcore --backbone resnet18 --weights w.pth";

/// What the program says to a file; it writes nothing, whatever the file asks for.
fn refused(room: &Room, bytes: impl AsRef<[u8]>, reason: &str) {
    room.write("w.pth", bytes);
    room.refuses(FIT, 4, &["w.pth: ", reason]);
    assert!(!room.path("canary").exists());
}

fn archive(pickler: Pickler) -> Vec<u8> {
    pth(&pickler.stop(), &[("0", &[0; 24])])
}

#[test]
fn case_40_a_pickle_that_would_run_code_is_refused_by_name_and_runs_nothing() {
    let room = Room::with_data();
    let new = Pickler::new;
    let system = || new().global("os", "system");
    let inner = new().global("os", "system").raw(b"(").text("touch canary").raw(b"tR").stop();
    for (pickler, reason) in [
        (system().raw(b"(").text("touch canary").raw(b"tR"), "refuses os.system"),
        (
            new().text("os").text("system").raw(&[0x93]).raw(b"(").text("touch canary").raw(b"tR"),
            "refuses os.system",
        ),
        (new().raw(b"(").text("touch canary").raw(b"ios\nsystem\n"), "refuses os.system"),
        (new().raw(b"(cos\nsystem\n").text("touch canary").raw(b"o"), "refuses os.system"),
        (new().global("posix", "system").raw(b"(").text("touch canary").raw(b"tR"), "refuses posix.system"),
        (
            new().global("builtins", "exec").raw(b"(").text("open('canary','w')").raw(b"tR"),
            "refuses builtins.exec",
        ),
        (
            new()
                .global("pickle", "loads")
                .raw(b"(B")
                .raw(&(inner.len() as u32).to_le_bytes())
                .raw(&inner)
                .raw(b"tR"),
            "refuses pickle.loads",
        ),
        (
            new().global("torch.storage", "_load_from_bytes").raw(b")R"),
            "refuses torch.storage._load_from_bytes",
        ),
        (new().global("torch", "load").raw(b"(").text("canary").raw(b"tR"), "refuses torch.load"),
        (
            new().global("torch._utils", "_rebuild_tensor_v2.__globals__").raw(b")R"),
            "refuses torch._utils._rebuild_tensor_v2.__globals__",
        ),
        (new().global("collections", "OrderedDict").raw(b")\x81"), "unknown opcode 0x81"),
        (new().raw(b"}}b"), "gives a dict as attributes to a dict"),
        (new().raw(&[0x82, 1]), "unknown opcode 0x82"),
        (new().raw(b"Pcanary\n"), "unknown opcode 0x50"),
        (new().raw(&[0xee]), "unknown opcode 0xee"),
    ] {
        refused(&room, archive(pickler), reason);
    }
    // The same in the tensors' own place, and in a file from before version 1.6.
    refused(
        &room,
        archive(new().raw(b"}").text("w").global("os", "system").raw(b"(").text("touch canary").raw(b"tRs")),
        "refuses os.system",
    );
    let magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
    refused(
        &room,
        [&magic[..], &system().raw(b"(").text("touch canary").raw(b"tR").stop()].concat(),
        "refuses os.system",
    );
}

#[test]
fn case_41_a_pickle_that_would_fill_the_memory_is_refused() {
    let room = Room::with_data();
    let many = |byte: u8| Pickler::new().raw(b"N").raw(&vec![byte; 1_100_000]);
    // Each level holds the one below ten times: as many values as no memory has, if they were copied.
    let bomb = (0..200u8).fold(Pickler::new().raw(b"]q\x00"), |pickler, level| {
        pickler.raw(b"(").raw(&[b'h', level].repeat(10)).raw(&[b'l', b'q', level + 1])
    });
    for (pickler, reason) in [
        (bomb, "no state dict: the file holds a list"),
        (Pickler::new().raw(&[0x8b, 0, 0, 0, 0x40]), "needs 1073741824 bytes"),
        (Pickler::new().raw(&[0x8d]).raw(&u64::MAX.to_le_bytes()), "needs 18446744073709551615 bytes"),
        (many(b'('), "pickle marks: 1000000 is over the limit"),
        (many(b'2'), "pickle stack: 1000000 is over the limit"),
        (many(0x85), "pickle values: 1000000 is over the limit"),
        (Pickler::new().raw(b")").raw(&vec![0x85; 100_000]), "no state dict: the file holds a tuple"),
        (Pickler::new().raw(b"Nr\xff\xff\xff\xff"), "pickle memo: 4294967295 is over the limit"),
    ] {
        refused(&room, archive(pickler), reason);
    }
}

#[test]
fn case_42_archives_that_torch_save_does_not_write_are_refused_and_nothing_is_unpacked() {
    let room = Room::with_data();
    let pickle = state_dict(&[("w", MATRIX)]);
    let storage = [0; 24];
    let with = |last: Entry| zip(&[entry("a/data.pkl", &pickle), last]);
    // Numbers of 16 and 32 bits that are all ones stand in the 64-bit record, which lies.
    let lies = |from: usize, to: usize| {
        let mut bytes = with(entry("a/data/0", &storage));
        let at = |bytes: &[u8], mark: &[u8]| bytes.windows(4).rposition(|four| four == mark).unwrap();
        let (long, short) = (at(&bytes, b"PK\x06\x06"), at(&bytes, b"PK\x05\x06"));
        bytes[short + 8..short + 20].fill(0xff);
        bytes[long + from..long + to].fill(0xff);
        bytes
    };
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, reason) in [
        (with(Entry { method: 8, ..entry("a/data/0", &storage) }), "a/data/0: compressed, torch.save stores"),
        (with(Entry { flags: 0x0809, ..entry("a/data/0", &storage) }), "a/data/0: encrypted"),
        (with(Entry { size: Some(u32::MAX - 1), ..entry("a/data/0", &storage) }), "zip"),
        (with(entry("a/../../x", b"")), "a/../../x: not a plain name"),
        (with(entry("/etc/x", b"")), "/etc/x: not a plain name"),
        (with(entry("a/data.pkl", &pickle)), "zip entry: named twice"),
        (with(entry("b/data.pkl", &pickle)), "b/data.pkl: a second data.pkl"),
        (with(Entry { crc: Some(1), ..entry("a/byteorder", b"little") }), "a/byteorder: Invalid checksum"),
        (zip(&[Entry { crc: Some(1), ..entry("a/data.pkl", &pickle) }]), "a/data.pkl: Invalid checksum"),
        (zip(&[entry("word/document.xml", b"hello")]), "without data.pkl: torch.save did not make it"),
        (lies(24, 40), "zip"),
        (lies(48, 56), "zip"),
        (tar, "this is a tar archive"),
        (pickle.clone(), "this is a plain pickle"),
    ] {
        refused(&room, bytes, reason);
    }
}

#[test]
fn case_43_tensors_that_leave_their_storage_are_refused_by_name() {
    let room = Room::with_data();
    for (tensor, reason) in [
        (
            Tensor { offset: 1, ..MATRIX },
            "w: offset 1, size [2, 3] and stride [3, 1] leave storage 0 of 6 values",
        ),
        (Tensor { offset: i32::MAX, ..MATRIX }, "leave storage 0 of 6 values"),
        (Tensor { shape: &[3, 3], ..MATRIX }, "leave storage 0 of 6 values"),
        (Tensor { strides: &[3, -1], ..MATRIX }, "w: stride -1 is negative"),
        (Tensor { strides: &[1, 1], ..MATRIX }, "uses values twice"),
        (Tensor { strides: &[0, 0], ..MATRIX }, "uses values twice"),
        (Tensor { shape: &[i32::MAX; 4], strides: &[1; 4], ..MATRIX }, "overflows"),
        (Tensor { n_values: 7, ..MATRIX }, "storage 0 has 24 bytes, expected 7 values of 4 bytes"),
        (Tensor { key: "9", ..MATRIX }, "storage 9 is missing"),
    ] {
        refused(&room, pth(&state_dict(&[("w", tensor)]), &[("0", &[0; 24])]), reason);
    }
}
