//! Golden tensors, read from safetensors files.

use safetensors::{Dtype, SafeTensors};
use std::path::{Path, PathBuf};

/// One file of golden tensors.
pub struct Fixture {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// The project's own test data, always present.
pub fn testdata(name: &str) -> PathBuf {
    workspace_root().join("testdata").join(name)
}

/// A path below `../shared`, or `None` where the folder does not exist.
///
/// # Panics
/// If it does not exist and `CI=true`: a continuous-integration run must not skip in silence.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = workspace_root().join("../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI=true, but {} is missing", path.display());
    None
}

/// A fixture from `../shared/golden`, or `None` where the folder does not exist (see [`shared`]).
pub fn shared_golden(name: &str) -> Option<Fixture> {
    shared(&format!("golden/{name}.safetensors")).map(|path| Fixture::open(&path))
}

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Fixture {
    /// Reads a safetensors file.
    ///
    /// # Panics
    /// If it cannot be read: a broken fixture is a broken test.
    pub fn open(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { path: path.to_path_buf(), bytes }
    }

    /// Shape and raw bytes of a tensor whose dtype must be `dtype`.
    fn raw(&self, name: &str, dtype: Dtype) -> (Vec<usize>, Vec<u8>) {
        let file =
            SafeTensors::deserialize(&self.bytes).unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{}: {name}: {e}", self.path.display()));
        assert_eq!(view.dtype(), dtype, "{name}");
        (view.shape().to_vec(), view.data().to_vec())
    }

    /// Names of all tensors, sorted.
    ///
    /// # Panics
    /// If the file is no safetensors file.
    pub fn names(&self) -> Vec<String> {
        let file =
            SafeTensors::deserialize(&self.bytes).unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        let mut names: Vec<String> = file.names().into_iter().map(ToString::to_string).collect();
        names.sort();
        names
    }

    /// Shape and values of an `f32` tensor.
    pub fn f32(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let (shape, bytes) = self.raw(name, Dtype::F32);
        (shape, numbers(&bytes, f32::from_le_bytes))
    }

    /// Shape and values of an `f64` tensor.
    pub fn f64(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let (shape, bytes) = self.raw(name, Dtype::F64);
        (shape, numbers(&bytes, f64::from_le_bytes))
    }

    /// Shape and values of an `i64` tensor.
    pub fn i64(&self, name: &str) -> (Vec<usize>, Vec<i64>) {
        let (shape, bytes) = self.raw(name, Dtype::I64);
        (shape, numbers(&bytes, i64::from_le_bytes))
    }

    /// Shape and values of an `i32` tensor.
    pub fn i32(&self, name: &str) -> (Vec<usize>, Vec<i32>) {
        let (shape, bytes) = self.raw(name, Dtype::I32);
        (shape, numbers(&bytes, i32::from_le_bytes))
    }

    /// Shape and values of a `u8` tensor.
    pub fn u8(&self, name: &str) -> (Vec<usize>, Vec<u8>) {
        self.raw(name, Dtype::U8)
    }
}

fn numbers<T, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}
