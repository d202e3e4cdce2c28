//! Writes `.safetensors` files byte by byte, so that tests can bend any part of them.

/// A file of this header and these bytes behind it.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// One tensor on its way into a file.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// As the format calls it, such as `F32`.
    pub dtype: &'static str,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Its values.
    pub bytes: Vec<u8>,
}

/// A file of these tensors, one behind the other.
pub fn of(tensors: &[Named]) -> Vec<u8> {
    let (mut lines, mut data) = (Vec::new(), Vec::new());
    for Named { name, dtype, shape, bytes } in tensors {
        let from = data.len();
        data.extend_from_slice(bytes);
        let to = data.len();
        lines.push(format!(
            r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{from},{to}]}}"#
        ));
    }
    file(&format!("{{{}}}", lines.join(",")), &data)
}
