//! Damage: bytes changed, removed, repeated, moved; numbers set to their extremes; words put in; two inputs crossed.

/// Damages inputs.
pub struct Mutator<'a> {
    /// Where chance comes from.
    pub random: SplitMix,
    words: &'a [&'a [u8]],
    seeds: &'a [Vec<u8>],
}

/// An input does not grow beyond this: time, not size, is what finds faults.
const BYTES: usize = 400_000;
/// Numbers that count, size or place something wrongly.
const NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    u64::MAX,
];
/// The same as people write them.
const WRITTEN: [&[u8]; 8] = [
    b"0",
    b"-1",
    b"65536",
    b"4294967295",
    b"99999999999999999999",
    b"1e308",
    b"\xc3\xa9",
    b"\x00",
];

impl<'a> Mutator<'a> {
    /// A mutator over the words of a format; `seeds` are what an input may be crossed with.
    pub fn new(seed: u64, words: &'a [&'a [u8]], seeds: &'a [Vec<u8>]) -> Self {
        Self {
            random: SplitMix(seed),
            words,
            seeds,
        }
    }

    /// A damaged copy.
    pub fn damaged(&mut self, original: &[u8]) -> Vec<u8> {
        let mut bytes = original.to_vec();
        for _ in 0..=self.random.below(6) {
            self.damage(&mut bytes);
        }
        bytes.truncate(BYTES.max(original.len()));
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            bytes.push(self.random.next() as u8);
            return;
        }
        let from = self.random.below(bytes.len());
        let length = match self.random.below(4) {
            0 => 1,
            1 => 1 + self.random.below(8),
            2 => 1 + self.random.below(64),
            _ => 1 + self.random.below(1_024),
        };
        let to = (from + length).min(bytes.len());
        match self.random.below(12) {
            0 => bytes[from] ^= 1 << self.random.below(8),
            1 => bytes[from] = self.random.next() as u8,
            2 => drop(bytes.drain(from..to)),
            3 => {
                let copy = bytes[from..to].to_vec();
                let at = self.random.below(bytes.len());
                bytes.splice(at..at, copy);
            }
            4 => {
                let copy = bytes[from..to].to_vec().repeat(1 + self.random.below(200));
                bytes.splice(from..from, copy);
            }
            5 => {
                let number = NUMBERS[self.random.below(NUMBERS.len())].to_le_bytes();
                let size = [1, 2, 4, 8][self.random.below(4)].min(bytes.len() - from);
                bytes[from..from + size].copy_from_slice(&number[..size]);
            }
            6 => {
                let number = WRITTEN[self.random.below(WRITTEN.len())];
                bytes.splice(from..(from + 1).min(to), number.iter().copied());
            }
            7 => bytes.truncate(from),
            8 => {
                let other = self.seeds[self.random.below(self.seeds.len())].clone();
                if !other.is_empty() {
                    let start = self.random.below(other.len());
                    let end = (start + length * 4).min(other.len());
                    bytes.splice(from..from, other[start..end].iter().copied());
                }
            }
            9 => bytes[from..to].reverse(),
            _ if self.words.is_empty() => bytes[from..to]
                .iter_mut()
                .for_each(|byte| *byte = byte.wrapping_add(1)),
            _ => {
                let word = self.words[self.random.below(self.words.len())];
                let times = if self.random.below(8) == 0 {
                    1 + self.random.below(300)
                } else {
                    1
                };
                let put = word.repeat(times);
                // In place of something, or between.
                let until = if self.random.below(2) == 0 { from } else { to };
                bytes.splice(from..until, put);
            }
        }
    }
}

/// Steele, Lea and Flood's generator.
pub struct SplitMix(pub u64);

impl SplitMix {
    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}
