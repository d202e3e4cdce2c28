//! The wire format of protocol buffers: numbered fields, read without trust and written without copies.

use std::borrow::Cow;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadWire(pub(crate) &'static str);

/// What stands in one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message, one after the other; ends at the first error.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), BadWire> {
        let key = varint(&mut self.0)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut self.0)?),
            1 => Field::Fixed64(array(&mut self.0)?),
            2 => {
                let len = varint(&mut self.0)?;
                Field::Bytes(split(&mut self.0, usize::try_from(len).unwrap_or(usize::MAX))?)
            }
            5 => Field::Fixed32(array(&mut self.0)?),
            _ => return Err(BadWire("a field has a kind that does not exist")),
        };
        match key >> 3 {
            0 => Err(BadWire("a field has the number 0")),
            number => Ok((number, field)),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), BadWire>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    pub(crate) fn bytes(self) -> Result<&'a [u8], BadWire> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(BadWire("a number stands for a text")) }
    }

    pub(crate) fn text(self) -> Result<&'a str, BadWire> {
        std::str::from_utf8(self.bytes()?).map_err(|_| BadWire("a text is not UTF-8"))
    }

    pub(crate) fn int(self) -> Result<i64, BadWire> {
        if let Self::Varint(value) = self {
            Ok(value as i64)
        } else {
            Err(BadWire("no integer where one must be"))
        }
    }

    pub(crate) fn float(self) -> Result<f32, BadWire> {
        if let Self::Fixed32(bytes) = self {
            Ok(f32::from_le_bytes(bytes))
        } else {
            Err(BadWire("no float where one must be"))
        }
    }

    /// Adds a repeated integer to `to`, packed or alone.
    pub(crate) fn ints(self, to: &mut Vec<i64>) -> Result<(), BadWire> {
        let Self::Bytes(mut packed) = self else {
            to.push(self.int()?);
            return Ok(());
        };
        while !packed.is_empty() {
            to.push(varint(&mut packed)? as i64);
        }
        Ok(())
    }

    /// Adds the bytes of a repeated number of `N` bytes to `to`, packed or alone.
    pub(crate) fn fixed<const N: usize>(self, to: &mut Vec<u8>) -> Result<(), BadWire> {
        let bytes: &[u8] = match &self {
            Self::Bytes(packed) => packed,
            Self::Fixed32(one) => one,
            Self::Fixed64(one) => one,
            Self::Varint(_) => &[0],
        };
        if !bytes.len().is_multiple_of(N) {
            return Err(BadWire("a list of numbers ends within a number"));
        }
        to.extend_from_slice(bytes);
        Ok(())
    }
}

/// Seven bits a byte, the lowest first; at most ten bytes.
fn varint(bytes: &mut &[u8]) -> Result<u64, BadWire> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = array(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return if shift == 63 && byte > 1 { Err(TOO_LONG) } else { Ok(value) };
        }
    }
    Err(TOO_LONG)
}

const ENDS: BadWire = BadWire("it ends within a field, as after an interrupted download");
const TOO_LONG: BadWire = BadWire("an integer has more than 64 bits");

fn split<'a>(bytes: &mut &'a [u8], at: usize) -> Result<&'a [u8], BadWire> {
    let (head, rest) = bytes.split_at_checked(at).ok_or(ENDS)?;
    *bytes = rest;
    Ok(head)
}

fn array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], BadWire> {
    let (head, rest) = bytes.split_first_chunk().ok_or(ENDS)?;
    *bytes = rest;
    Ok(*head)
}

/// A message that is being written. Long fields stay where they are until [`into_bytes`](Self::into_bytes).
#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    parts: Vec<Cow<'a, [u8]>>,
    len: usize,
}

impl<'a> Message<'a> {
    fn push(&mut self, part: Cow<'a, [u8]>) {
        self.len = self.len.saturating_add(part.len());
        self.parts.push(part);
    }

    fn key(&mut self, number: u64, kind: u64) {
        self.push(encoded(number << 3 | kind).into());
    }

    pub(crate) fn int(&mut self, number: u64, value: i64) {
        self.key(number, 0);
        self.push(encoded(value as u64).into());
    }

    pub(crate) fn float(&mut self, number: u64, value: f32) {
        self.key(number, 5);
        self.push(value.to_le_bytes().to_vec().into());
    }

    pub(crate) fn bytes(&mut self, number: u64, bytes: impl Into<Cow<'a, [u8]>>) {
        let bytes = bytes.into();
        self.key(number, 2);
        self.push(encoded(bytes.len() as u64).into());
        self.push(bytes);
    }

    pub(crate) fn text(&mut self, number: u64, text: &'a str) {
        self.bytes(number, text.as_bytes());
    }

    pub(crate) fn message(&mut self, number: u64, message: Message<'a>) {
        self.key(number, 2);
        self.push(encoded(message.len as u64).into());
        self.len = self.len.saturating_add(message.len);
        self.parts.extend(message.parts);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.parts.concat()
    }
}

fn encoded(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1);
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut inner = Message::default();
        inner.text(3, "abc");
        inner.float(2, -1.5);
        let mut outer = Message::default();
        outer.int(1, -1);
        outer.message(16, inner);
        outer.int(5, i64::MAX);
        let bytes = outer.into_bytes();
        let fields: Vec<_> = Fields::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(fields[0].0, 1);
        assert_eq!(fields[0].1.int(), Ok(-1));
        assert_eq!(fields[2], (5, Field::Varint(i64::MAX as u64)));
        let inner: Vec<_> = Fields::new(fields[1].1.bytes().unwrap()).map(Result::unwrap).collect();
        assert_eq!((inner[0].0, inner[0].1.text()), (3, Ok("abc")));
        assert_eq!((inner[1].0, inner[1].1.float()), (2, Ok(-1.5)));
    }

    #[test]
    fn what_ends_early_or_has_no_kind_is_refused() {
        for bytes in [&b"\x08"[..], b"\x0a\x02a", b"\x0d\0\0\0", b"\x09\0", b"\x0b", b"\x00\x00", b"\x80"] {
            assert!(Fields::new(bytes).any(|f| f.is_err()), "{bytes:02x?}");
            assert_eq!(Fields::new(bytes).count(), 1, "nothing follows an error");
        }
        let overlong = [&[0x08][..], &[0xff; 9], &[0x02]].concat();
        assert_eq!(Fields::new(&overlong).next(), Some(Err(TOO_LONG)));
        let longest = [&[0x08][..], &[0xff; 9], &[0x01]].concat();
        assert_eq!(Fields::new(&longest).next(), Some(Ok((1, Field::Varint(u64::MAX)))));
        // A length near the top of u64 must not wrap.
        let huge = [&[0x0a][..], &[0xff; 9], &[0x01]].concat();
        assert!(Fields::new(&huge).next().unwrap().is_err());
    }

    #[test]
    fn packed_and_single_numbers_are_one_list() {
        let mut list = Vec::new();
        Field::Bytes(&[1, 0x80, 1]).ints(&mut list).unwrap();
        Field::Varint(7).ints(&mut list).unwrap();
        assert_eq!(list, [1, 128, 7]);
        assert!(Field::Bytes(&[0x80]).ints(&mut list).is_err());
        let mut bytes = Vec::new();
        Field::Bytes(&[0; 8]).fixed::<4>(&mut bytes).unwrap();
        Field::Fixed32([1; 4]).fixed::<4>(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 12);
        for wrong in [Field::Bytes(&[0; 6]), Field::Varint(3)] {
            assert!(wrong.fixed::<4>(&mut bytes).is_err());
        }
    }
}
