//! Writes small model files of any shape with random weights, to be computed with and to be broken.

use half::f16;

#[derive(Debug)]
pub struct Shape {
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub feed_forward: usize,
    pub positions: usize,
    pub seed: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            hidden: 32,
            layers: 1,
            heads: 2,
            feed_forward: 64,
            positions: 64,
            seed: 1,
        }
    }
}

const PIECES: [&str; 24] = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "\u{2581}",
    "a",
    "b",
    "c",
    "d",
    "e",
    "o",
    "r",
    "s",
    "t",
    ":",
    "\u{2581}a",
    "\u{2581}pa",
    "ss",
    "age",
    "\u{2581}query",
    "ção",
    "ã",
    "\u{2581}o",
    "contrato",
];

/// The file's bytes.
pub fn bytes(shape: &Shape) -> Vec<u8> {
    let mut random = Random(shape.seed.wrapping_mul(2).wrapping_add(1));
    let mut out = b"E5S1".to_vec();
    let mut number = |value: usize| out.extend((value as u32).to_le_bytes());
    number(1);
    for size in [
        shape.hidden,
        shape.layers,
        shape.heads,
        shape.feed_forward,
        PIECES.len(),
        shape.positions,
        2,
    ] {
        number(size);
    }
    out.extend(1e-12_f32.to_le_bytes());
    out.extend(32_u32.to_le_bytes());

    let text: String = PIECES.concat();
    for value in [PIECES.len() as u32, 0, 2, 1, 3] {
        out.extend(value.to_le_bytes());
    }
    out.extend((text.len() as u64).to_le_bytes());
    let mut offset = 0_u32;
    out.extend(offset.to_le_bytes());
    for piece in PIECES {
        offset += piece.len() as u32;
        out.extend(offset.to_le_bytes());
    }
    for (index, _) in PIECES.iter().enumerate() {
        out.extend((-(index as f32) / 4.0).to_le_bytes());
    }
    out.extend(text.bytes());

    // Normalization: line feed to space, U+0001 to nothing, the ligature as NFKC has it.
    let mut map = Vec::new();
    for (from, to) in [('\n', " "), ('\u{1}', ""), ('ﬁ', "fi")] {
        map.extend(u32::from(from).to_le_bytes());
        map.push(to.chars().count() as u8);
        map.extend(
            to.chars()
                .flat_map(|character| u32::from(character).to_le_bytes()),
        );
    }
    out.extend(3_u32.to_le_bytes());
    out.extend((map.len() as u32).to_le_bytes());
    out.extend(map);

    let tensors = tensors(shape);
    let table: usize = tensors.iter().map(|tensor| tensor.name.len() + 23).sum();
    let mut offset = out.len() + 4 + table;
    out.extend((tensors.len() as u32).to_le_bytes());
    let mut data = Vec::new();
    for Tensor {
        name,
        values,
        is_quantized,
    } in tensors
    {
        let bytes = if is_quantized {
            random.blocks(values / 32)
        } else {
            random.floats(&name, values)
        };
        out.extend((name.len() as u16).to_le_bytes());
        out.extend(name.bytes());
        out.push(u8::from(is_quantized));
        out.extend((values as u32).to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
        out.extend((bytes.len() as u64).to_le_bytes());
        offset += bytes.len();
        data.extend(bytes);
    }
    out.extend(data);
    out
}

struct Tensor {
    name: String,
    values: usize,
    is_quantized: bool,
}

fn tensors(shape: &Shape) -> Vec<Tensor> {
    let Shape {
        hidden, feed_forward, ..
    } = *shape;
    let mut tensors = Vec::new();
    let mut add = |name: String, values: usize, is_quantized: bool| {
        tensors.push(Tensor {
            name,
            values,
            is_quantized,
        });
    };
    add("emb.word".to_owned(), PIECES.len() * hidden, true);
    add("emb.pos".to_owned(), shape.positions * hidden, false);
    add("emb.type".to_owned(), 2 * hidden, false);
    add("emb.ln.w".to_owned(), hidden, false);
    add("emb.ln.b".to_owned(), hidden, false);
    for layer in 0..shape.layers {
        let matrices = [
            ("q", hidden, hidden),
            ("k", hidden, hidden),
            ("v", hidden, hidden),
            ("ao", hidden, hidden),
        ];
        let feeds = [("fi", hidden, feed_forward), ("fo", feed_forward, hidden)];
        for (name, inputs, outputs) in matrices.into_iter().chain(feeds) {
            add(format!("l{layer}.{name}.w"), inputs * outputs, true);
            add(format!("l{layer}.{name}.b"), outputs, false);
        }
        for name in ["aln", "oln"] {
            add(format!("l{layer}.{name}.w"), hidden, false);
            add(format!("l{layer}.{name}.b"), hidden, false);
        }
    }
    tensors
}

/// SplitMix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From -1 to 1.
    fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn floats(&mut self, name: &str, count: usize) -> Vec<u8> {
        let center = if name.ends_with("ln.w") { 1.0 } else { 0.0 };
        (0..count)
            .flat_map(|_| (center + 0.3 * self.float()).to_le_bytes())
            .collect()
    }

    fn blocks(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count * 18);
        for _ in 0..count {
            bytes.extend(f16::from_f32(0.05 * self.float()).to_le_bytes());
            bytes.extend(self.next().to_le_bytes());
            bytes.extend(self.next().to_le_bytes());
        }
        bytes
    }
}
