//! Constants of a graph: type, shape, and where the values stand.

use super::model::entry;
use super::wire::{Field, Fields, Message};
use crate::OnnxError;
use std::borrow::Cow;

/// A constant whose values are as many as its shape says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) dims: Vec<usize>,
    pub(crate) dtype: Dtype,
    pub(crate) values: Values<'a>,
}

/// The values, little-endian, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values<'a> {
    Here(Cow<'a, [u8]>),
    Elsewhere(Elsewhere<'a>),
}

/// A range of another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elsewhere<'a> {
    /// A path relative to the model's folder.
    pub(crate) location: &'a str,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

/// The types of numbers that are computed with here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dtype {
    Float,
    Uint8,
    Int8,
    Int32,
    Int64,
    Bool,
    Double,
}

impl Dtype {
    pub(crate) fn from_code(code: i64) -> Result<Self, OnnxError> {
        Ok(match code {
            1 => Self::Float,
            2 => Self::Uint8,
            3 => Self::Int8,
            6 => Self::Int32,
            7 => Self::Int64,
            9 => Self::Bool,
            11 => Self::Double,
            10 => return Err(unsupported("it holds float16 numbers: export it in float32")),
            16 => return Err(unsupported("it holds bfloat16 numbers: export it in float32")),
            _ => {
                return Err(unsupported(format!("it holds numbers of type {code}, which are not read here")));
            }
        })
    }

    fn code(self) -> i64 {
        match self {
            Self::Float => 1,
            Self::Uint8 => 2,
            Self::Int8 => 3,
            Self::Int32 => 6,
            Self::Int64 => 7,
            Self::Bool => 9,
            Self::Double => 11,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Uint8 | Self::Int8 | Self::Bool => 1,
            Self::Float | Self::Int32 => 4,
            Self::Int64 | Self::Double => 8,
        }
    }
}

impl<'a> Tensor<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, OnnxError> {
        let (mut name, mut dims, mut code, mut raw, mut elsewhere) = ("", Vec::new(), 0, None, false);
        let (mut floats, mut doubles, mut ints, mut entries) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for field in Fields::new(bytes) {
            match field? {
                (1, f) => f.ints(&mut dims)?,
                (2, f) => code = f.int()?,
                (3, _) => return Err(unsupported("a tensor comes in segments")),
                (4, f) => f.fixed::<4>(&mut floats)?,
                (5 | 7, f) => f.ints(&mut ints)?,
                (8, f) => name = f.text()?,
                (9, f) => raw = Some(f.bytes()?),
                (10, f) => f.fixed::<8>(&mut doubles)?,
                (13, f) => entries.push(f),
                (14, f) => elsewhere = f.int()? == 1,
                _ => {}
            }
        }
        let dtype = Dtype::from_code(code)?;
        let wrong = |problem: &str| OnnxError::Damaged(format!("tensor {name:?} {problem}"));
        let dims: Option<Vec<usize>> = dims.into_iter().map(|d| usize::try_from(d).ok()).collect();
        let dims = dims.ok_or_else(|| wrong("has a negative length"))?;
        let needed = dims.iter().try_fold(dtype.bytes(), |product, &d| product.checked_mul(d));
        let needed = needed.ok_or_else(|| wrong("is larger than any memory"))?;
        let values = if elsewhere {
            Values::Elsewhere(parse_elsewhere(&entries, needed)?)
        } else if let Some(raw) = raw {
            Values::Here(raw.into())
        } else {
            Values::Here(match dtype {
                Dtype::Float => floats.into(),
                Dtype::Double => doubles.into(),
                _ => integers(&ints, dtype.bytes()).into(),
            })
        };
        match &values {
            Values::Here(values) if values.len() != needed => {
                Err(wrong(&format!("of shape {dims:?} needs {needed} bytes and has {}", values.len())))
            }
            _ => Ok(Self { name, dims, dtype, values }),
        }
    }

    /// The values, little-endian; none if they have not been brought here yet.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.values {
            Values::Here(values) => values,
            Values::Elsewhere(_) => &[],
        }
    }

    /// The values as integers, if they are.
    pub(crate) fn int64(&self) -> Option<Vec<i64>> {
        let values = self.bytes().as_chunks().0.iter().copied().map(i64::from_le_bytes);
        (self.dtype == Dtype::Int64).then(|| values.collect())
    }

    pub(super) fn write(&'a self) -> Message<'a> {
        let mut message = Message::default();
        for &d in &self.dims {
            message.int(1, d as i64);
        }
        message.int(2, self.dtype.code());
        message.text(8, self.name);
        message.bytes(9, self.bytes());
        message
    }
}

/// Integers in `width` bytes each.
fn integers(values: &[i64], width: usize) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes().into_iter().take(width)).collect()
}

fn parse_elsewhere<'a>(entries: &[Field<'a>], needed: usize) -> Result<Elsewhere<'a>, OnnxError> {
    let (mut location, mut offset, mut len) = (None, 0, needed);
    for field in entries {
        let (key, value) = entry(field.bytes()?)?;
        let number = || value.parse().map_err(|_| damaged(format!("external data has the {key} {value:?}")));
        match key {
            "location" => location = Some(value),
            "offset" => offset = number()?,
            "length" => len = number()?,
            _ => {}
        }
    }
    let location = location.ok_or_else(|| damaged("external data has no location"))?;
    if len != needed {
        return Err(damaged(format!("external data has {len} bytes for a tensor of {needed}")));
    }
    Ok(Elsewhere { location, offset, len })
}

fn damaged(problem: impl Into<String>) -> OnnxError {
    OnnxError::Damaged(problem.into())
}

fn unsupported(problem: impl Into<String>) -> OnnxError {
    OnnxError::Unsupported(problem.into())
}
