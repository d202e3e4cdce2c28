//! Writes what torch.save writes, byte by byte, so that tests can bend any part of it.

use crate::craft::crc32;

/// Opcodes of one pickle.
#[derive(Debug, Default)]
#[must_use]
pub struct Pickler(pub Vec<u8>);

impl Pickler {
    /// Begins with protocol 2.
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// These bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A string.
    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    /// An integer of four bytes.
    pub fn int(self, value: i32) -> Self {
        self.raw(b"J").raw(&value.to_le_bytes())
    }

    /// A name of Python.
    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A tuple of integers.
    pub fn ints(mut self, values: &[i32]) -> Self {
        self = self.raw(b"(");
        for &value in values {
            self = self.int(value);
        }
        self.raw(b"t")
    }

    /// An empty `OrderedDict`.
    pub fn ordered_dict(self) -> Self {
        self.global("collections", "OrderedDict").raw(b")R")
    }

    /// A tensor, as torch.save describes it.
    pub fn tensor(self, tensor: &Tensor) -> Self {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"((")
            .text("storage")
            .global("torch", tensor.class)
            .text(tensor.key)
            .text("cpu")
            .int(tensor.n_values)
            .raw(b"tQ")
            .int(tensor.offset)
            .ints(tensor.shape)
            .ints(tensor.strides)
            .raw(&[0x89])
            .ordered_dict()
            .raw(b"tR")
    }

    /// The bytes, with their end.
    pub fn stop(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// The description of one tensor in a pickle.
#[derive(Debug, Clone, Copy)]
pub struct Tensor {
    /// The storage's class in `torch`.
    pub class: &'static str,
    /// The storage's name in the archive.
    pub key: &'static str,
    /// Values in the storage.
    pub n_values: i32,
    /// The first value's place in the storage.
    pub offset: i32,
    /// Length of each axis.
    pub shape: &'static [i32],
    /// In values, per axis.
    pub strides: &'static [i32],
}

/// Two by three floats in storage 0.
pub const MATRIX: Tensor =
    Tensor { class: "FloatStorage", key: "0", n_values: 6, offset: 0, shape: &[2, 3], strides: &[3, 1] };

/// The pickle of an `OrderedDict` state dict, memo entries and `_metadata` included.
pub fn state_dict(tensors: &[(&str, Tensor)]) -> Vec<u8> {
    let mut pickler = Pickler::new().ordered_dict().raw(b"q\x00(");
    for (name, tensor) in tensors {
        pickler = pickler.text(name).raw(b"q\x01").tensor(tensor).raw(b"r\x02\x00\x00\x00");
    }
    let metadata = |pickler: Pickler| {
        let pickler = pickler.text("_metadata").ordered_dict().text("").raw(b"}");
        pickler.text("version").raw(b"K\x01sss")
    };
    metadata(pickler.raw(b"u}q\x03")).raw(b"b").stop()
}

/// Little-endian.
pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// One zip entry; the second numbers overrule what the headers say.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its path in the archive.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// 0 is stored, 8 deflated.
    pub method: u16,
    /// Bit 0 is encrypted.
    pub flags: u16,
    /// The checksum.
    pub crc: Option<u32>,
    /// The length, packed and unpacked.
    pub size: Option<u32>,
}

/// A stored entry with true numbers.
pub fn entry(name: &str, bytes: &[u8]) -> Entry {
    // Bit 3: sizes follow the data; bit 11: the name is UTF-8. torch.save sets both.
    Entry { name: name.to_owned(), bytes: bytes.to_vec(), method: 0, flags: 0x0808, crc: None, size: None }
}

/// The entries of a `.pth` file, data at multiples of 64 bytes.
pub fn pth(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let mut entries = vec![entry("archive/data.pkl", pickle), entry("archive/byteorder", b"little")];
    entries.extend(storages.iter().map(|(key, bytes)| entry(&format!("archive/data/{key}"), bytes)));
    entries.push(entry("archive/version", b"3\n"));
    zip(&entries)
}

/// An archive of these entries, as torch.save writes it.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let start = file.len() as u32;
        let crc = entry.crc.unwrap_or_else(|| crc32(&entry.bytes));
        let size = entry.size.unwrap_or(entry.bytes.len() as u32);
        let padding = (64 - (file.len() + 30 + entry.name.len() + 4) % 64) % 64;
        // torch.save leaves checksum and sizes of the local header empty, as bit 3 says.
        file.extend(local_header(entry, 0, 0, padding as u16 + 4));
        file.extend_from_slice(entry.name.as_bytes());
        file.extend_from_slice(b"FB");
        file.extend_from_slice(&(padding as u16).to_le_bytes());
        file.extend(std::iter::repeat_n(b'Z', padding));
        file.extend_from_slice(&entry.bytes);
        file.extend_from_slice(b"PK\x07\x08");
        file.extend([crc, size, size].iter().flat_map(|v| v.to_le_bytes()));

        directory.extend_from_slice(b"PK\x01\x02\x00\x00");
        let local = local_header(entry, crc, size, 0);
        directory.extend_from_slice(&local[4..]);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&start.to_le_bytes());
        directory.extend_from_slice(entry.name.as_bytes());
    }
    let (n, at, length) = (entries.len() as u64, file.len() as u64, directory.len() as u64);
    file.extend(directory);
    // torch.save always adds the 64-bit end records.
    let end64 = file.len() as u64;
    file.extend_from_slice(b"PK\x06\x06");
    file.extend(44u64.to_le_bytes());
    file.extend([45u16, 45].iter().flat_map(|v| v.to_le_bytes()));
    file.extend([0u32, 0].iter().flat_map(|v| v.to_le_bytes()));
    file.extend([n, n, length, at].iter().flat_map(|v| v.to_le_bytes()));
    file.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    file.extend(end64.to_le_bytes());
    file.extend(1u32.to_le_bytes());
    file.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    file.extend([n as u16, n as u16].iter().flat_map(|v| v.to_le_bytes()));
    file.extend([length as u32, at as u32].iter().flat_map(|v| v.to_le_bytes()));
    file.extend([0, 0]);
    file
}

fn local_header(entry: &Entry, crc: u32, size: u32, n_extra: u16) -> Vec<u8> {
    let mut header = b"PK\x03\x04".to_vec();
    header.extend([20, entry.flags, entry.method, 0, 0x21].iter().flat_map(|v: &u16| v.to_le_bytes()));
    header.extend([crc, size, size].iter().flat_map(|v| v.to_le_bytes()));
    header.extend([entry.name.len() as u16, n_extra].iter().flat_map(|v| v.to_le_bytes()));
    header
}
