//! Reads opcode arguments; every step is checked against the end of the bytes.

use crate::PickleError;

/// A position in the pickle.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where the current opcode stands, for messages.
    opcode_at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, opcode_at: 0 }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Offset of the current opcode.
    pub(crate) fn opcode_at(&self) -> usize {
        self.opcode_at
    }

    pub(crate) fn opcode(&mut self) -> Result<u8, PickleError> {
        self.opcode_at = self.position;
        self.u8()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, PickleError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, PickleError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, PickleError> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, PickleError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, PickleError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Floats alone are big-endian in a pickle.
    pub(crate) fn f64(&mut self) -> Result<f64, PickleError> {
        self.array().map(f64::from_be_bytes)
    }

    /// A two's complement integer of up to eight bytes.
    pub(crate) fn long(&mut self, n_bytes: u64) -> Result<i64, PickleError> {
        let bytes = self.slice(n_bytes)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        match wide.get_mut(..bytes.len()) {
            Some(low) => low.copy_from_slice(bytes),
            None => {
                return Err(self.error(format!("an integer of {} bytes, at most 8 are read", bytes.len())));
            }
        }
        Ok(i64::from_le_bytes(wide))
    }

    pub(crate) fn slice(&mut self, n_bytes: u64) -> Result<&'a [u8], PickleError> {
        let end = usize::try_from(n_bytes).ok().and_then(|n| self.position.checked_add(n));
        match end.and_then(|end| self.bytes.get(self.position..end).map(|slice| (slice, end))) {
            Some((slice, end)) => {
                self.position = end;
                Ok(slice)
            }
            None => Err(self.error(format!(
                "needs {n_bytes} bytes, {} are left",
                self.bytes.len().saturating_sub(self.position)
            ))),
        }
    }

    pub(crate) fn text(&mut self, n_bytes: u64) -> Result<String, PickleError> {
        let bytes = self.slice(n_bytes)?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| self.error("a string is not valid UTF-8".to_owned()))
    }

    /// Text up to a newline, which is passed over.
    pub(crate) fn line(&mut self) -> Result<String, PickleError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self.error("a name without an end".to_owned()));
        };
        let text = self.text(length as u64)?;
        self.slice(1)?;
        Ok(text)
    }

    /// An error at the current opcode.
    pub(crate) fn error(&self, problem: String) -> PickleError {
        PickleError::Bad { offset: self.opcode_at, problem }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let slice = self.slice(N as u64)?;
        slice.first_chunk().copied().ok_or_else(|| self.error("unexpected end".to_owned()))
    }
}
