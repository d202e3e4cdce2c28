//! The whole table of names that may appear in a torch.save file.

use super::dtype::Dtype;

/// What an allowed name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TorchName {
    /// `(storage, offset, size, stride, ...)`
    RebuildTensor,
    /// `(tensor, ...)`
    RebuildParameter,
    /// `(tuple,)`
    Size,
    OrderedDict,
    Storage(Dtype),
}

/// The meaning of `module.name`, if the table has it.
pub(super) fn look_up(module: &str, name: &str) -> Option<TorchName> {
    match (module, name) {
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Some(TorchName::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Some(TorchName::RebuildParameter),
        ("torch", "Size") => Some(TorchName::Size),
        ("collections", "OrderedDict") => Some(TorchName::OrderedDict),
        ("torch", storage) => storage_dtype(storage).map(TorchName::Storage),
        _ => None,
    }
}

/// Whether the table has `module.name`.
pub(super) fn is_allowed(module: &str, name: &str) -> bool {
    look_up(module, name).is_some()
}

fn storage_dtype(name: &str) -> Option<Dtype> {
    let integer = |name, n_bytes| Some(Dtype::Integer { name, n_bytes });
    match name {
        "HalfStorage" => Some(Dtype::F16),
        "BFloat16Storage" => Some(Dtype::Bf16),
        "FloatStorage" => Some(Dtype::F32),
        "DoubleStorage" => Some(Dtype::F64),
        "BoolStorage" => integer("bool", 1),
        "ByteStorage" => integer("u8", 1),
        "CharStorage" => integer("i8", 1),
        "ShortStorage" => integer("i16", 2),
        "IntStorage" => integer("i32", 4),
        "LongStorage" => integer("i64", 8),
        _ => None,
    }
}
