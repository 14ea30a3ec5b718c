//! A reading position in bytes that cannot run past their end.

use super::ModelFileError;

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The next `length` bytes; `what` names them in the error.
    pub fn bytes(&mut self, what: &'static str, length: u64) -> Result<&'a [u8], ModelFileError> {
        let rest = &self.bytes[self.offset..];
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
            .ok_or(ModelFileError::Truncated {
                what,
                offset: self.offset,
                needed: length,
                size: self.bytes.len(),
            })?;
        self.offset += taken.len();
        Ok(taken)
    }

    /// The next `count` arrays of `N` bytes.
    pub fn arrays<const N: usize>(
        &mut self,
        what: &'static str,
        count: usize,
    ) -> Result<&'a [[u8; N]], ModelFileError> {
        let bytes = self.bytes(what, count as u64 * N as u64)?;
        Ok(bytes.as_chunks::<N>().0)
    }

    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ModelFileError> {
        Ok(self.arrays::<N>(what, 1)?[0])
    }

    pub fn u32(&mut self, what: &'static str) -> Result<u32, ModelFileError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, what: &'static str) -> Result<u64, ModelFileError> {
        self.array(what).map(u64::from_le_bytes)
    }

    pub fn f32(&mut self, what: &'static str) -> Result<f32, ModelFileError> {
        self.array(what).map(f32::from_le_bytes)
    }

    /// An `i32` that must lie between `min` and `max`, both included.
    pub fn size(&mut self, field: &'static str, min: usize, max: usize) -> Result<usize, ModelFileError> {
        let value = i32::from_le_bytes(self.array(field)?);
        match usize::try_from(value) {
            Ok(size) if (min..=max).contains(&size) => Ok(size),
            _ => Err(ModelFileError::Field {
                field,
                value: value.to_string(),
                allowed: if min == max {
                    format!("only `{min}`")
                } else {
                    format!("{min} to {max}")
                },
            }),
        }
    }

    /// The id of a piece in a vocabulary of `count` (at least one).
    pub fn piece_id(&mut self, field: &'static str, count: usize) -> Result<u32, ModelFileError> {
        self.size(field, 0, count - 1).map(|id| id as u32)
    }
}
