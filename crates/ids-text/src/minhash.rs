//! Whether two texts are nearly the same: MinHash signatures over shingles of words (Broder, "On the resemblance and containment
//! of documents", 1997), and the bands by which near ones find each other (Leskovec, Rajaraman and Ullman, "Mining of Massive
//! Datasets", 3.4).
//!
//! A text is the set of all runs of [`SHINGLE_WORDS`] words of its normalized form. Two texts resemble each other as much as these sets
//! do: the size of what they share by the size of both together (Jaccard). A signature keeps of each set the smallest value under
//! each of [`HASHES`] orders; the share of equal values is an estimate of that resemblance, with a standard error of .044 at most.

use crate::normalize::HashNormalizer;

/// Values of a signature. 128: the error halves with four times as many, and half a kilobyte is what a document may cost here.
pub const HASHES: usize = 128;
/// Words of a shingle. Three: single words make every text of an office resemble every other, and with five one changed word in ten
/// leaves half of nothing.
pub const SHINGLE_WORDS: usize = 3;
/// Values of a band: two texts meet when they agree in a whole band.
pub const BAND_ROWS: usize = 4;
/// Bands: at a resemblance of .5 two texts meet with a probability of .87, at .6 with .988, at .1 with .003.
pub const BANDS: usize = HASHES / BAND_ROWS;
/// A text of fewer words has no signature: one changed word would make it another.
pub const LEAST_WORDS: usize = 20;

/// What is kept of a text to find those that are nearly the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Box<[u32; HASHES]>);

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({:08x}…)", self.0[0])
    }
}

impl Signature {
    /// The signature of a whole text; `None` of one shorter than [`LEAST_WORDS`].
    pub fn of(text: &str) -> Option<Self> {
        let mut sketch = Sketch::default();
        sketch.push(text);
        sketch.finish()
    }

    /// The estimated resemblance of two texts, 0 to 1.
    pub fn similarity(&self, other: &Self) -> f32 {
        let equal = self.0.iter().zip(other.0.iter()).filter(|(a, b)| a == b).count();
        equal as f32 / HASHES as f32
    }

    /// A key for each band, the band's number mixed in: two texts meet when one of their keys is equal.
    pub fn bands(&self) -> [i64; BANDS] {
        let mut keys = [0; BANDS];
        for (band, (key, rows)) in keys.iter_mut().zip(self.0.chunks_exact(BAND_ROWS)).enumerate() {
            let mut mixed = mix(band as u64 + 1);
            for &row in rows {
                mixed = mix(mixed ^ u64::from(row));
            }
            *key = mixed.cast_signed();
        }
        keys
    }

    /// Its bytes, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Out of the bytes of [`Signature::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fours, rest) = bytes.as_chunks::<4>();
        let values: Vec<u32> = fours.iter().map(|four| u32::from_le_bytes(*four)).collect();
        let values: Box<[u32; HASHES]> = values.into_boxed_slice().try_into().ok()?;
        rest.is_empty().then_some(Self(values))
    }
}

/// A signature being made of a text that comes in pieces, page by page.
pub struct Sketch {
    normalizer: HashNormalizer,
    normalized: String,
    /// Hashes of the last words, the newest last.
    window: [u64; SHINGLE_WORDS],
    words: usize,
    least: Box<[u32; HASHES]>,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            normalizer: HashNormalizer::default(),
            normalized: String::new(),
            window: [0; SHINGLE_WORDS],
            words: 0,
            least: Box::new([u32::MAX; HASHES]),
        }
    }
}

impl Sketch {
    /// Adds a piece; a border between pieces counts as white space.
    pub fn push(&mut self, piece: &str) {
        let mut normalized = std::mem::take(&mut self.normalized);
        normalized.clear();
        self.normalizer.push(piece, &mut normalized);
        // Signs between words do not count: the same letter with other commas is the same letter.
        for word in normalized
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
        {
            self.word(hash_of(word.as_bytes()));
        }
        self.normalized = normalized;
    }

    /// The signature of all pieces.
    pub fn finish(self) -> Option<Signature> {
        (self.words >= LEAST_WORDS).then_some(Signature(self.least))
    }

    fn word(&mut self, hash: u64) {
        self.window.rotate_left(1);
        self.window[SHINGLE_WORDS - 1] = hash;
        self.words += 1;
        if self.words < SHINGLE_WORDS {
            return;
        }
        let shingle = self.window.iter().fold(0, |mixed, &word| mix(mixed ^ word));
        for (least, order) in self.least.iter_mut().zip(&ORDERS) {
            // Multiply and shift (Dietzfelbinger 1996): the upper half of an odd multiple is as good an order as any.
            let value = (shingle.wrapping_mul(order.0).wrapping_add(order.1) >> 32) as u32;
            *least = (*least).min(value);
        }
    }
}

/// Factors and summands of the orders: fixed for ever, since stored signatures depend on them.
static ORDERS: [(u64, u64); HASHES] = orders();

const fn orders() -> [(u64, u64); HASHES] {
    let mut orders = [(0, 0); HASHES];
    let mut at = 0;
    while at < HASHES {
        orders[at] = (mix(2 * at as u64 + 1) | 1, mix(2 * at as u64 + 2));
        at += 1;
    }
    orders
}

/// FNV-1a, mixed.
fn hash_of(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    mix(hash)
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A text of words that do not repeat much, made by a seed.
    fn words(seed: u64, count: usize) -> Vec<String> {
        (0..count as u64)
            .map(|at| format!("p{}", mix(seed ^ mix(at)) % 5_000))
            .collect()
    }

    fn signature(words: &[String]) -> Signature {
        Signature::of(&words.join(" ")).unwrap()
    }

    fn jaccard(a: &[String], b: &[String]) -> f32 {
        let set = |words: &[String]| words.windows(3).map(<[String]>::to_vec).collect::<HashSet<_>>();
        let (a, b) = (set(a), set(b));
        a.intersection(&b).count() as f32 / a.union(&b).count() as f32
    }

    #[test]
    fn the_estimate_is_near_the_true_resemblance() {
        let original = words(1, 2_000);
        for every in [200, 40, 20, 10, 5] {
            let mut changed = original.clone();
            for at in (0..changed.len()).step_by(every) {
                changed[at] = format!("x{at}");
            }
            let estimate = signature(&original).similarity(&signature(&changed));
            let truth = jaccard(&original, &changed);
            // Three standard errors.
            assert!(
                (estimate - truth).abs() < 0.133,
                "{every}: {estimate} for {truth}"
            );
        }
        assert!(signature(&original).similarity(&signature(&words(2, 2_000))) < 0.05);
    }

    #[test]
    fn case_signs_and_line_breaks_do_not_count_and_the_order_of_words_does() {
        let text = "O Município de Uberaba, por seu Prefeito, torna público que fará realizar licitação na modalidade pregão \
            eletrônico para a compra de merenda escolar.";
        let same = text.to_uppercase().replace(", ", " ;\n");
        assert_eq!(Signature::of(text), Signature::of(&same));
        let mut backwards: Vec<&str> = text.split(' ').collect();
        backwards.reverse();
        let backwards = Signature::of(&backwards.join(" ")).unwrap();
        assert!(Signature::of(text).unwrap().similarity(&backwards) < 0.1);
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let whole = words(3, 200);
        let mut sketch = Sketch::default();
        for piece in whole.chunks(7) {
            sketch.push(&piece.join(" "));
        }
        assert_eq!(sketch.finish(), Some(signature(&whole)));
    }

    #[test]
    fn near_texts_share_a_band_and_strangers_none() {
        let original = words(4, 1_000);
        let mut changed = original.clone();
        for at in (0..changed.len()).step_by(25) {
            changed[at] = "outra".to_owned();
        }
        let meet = |a: &Signature, b: &Signature| {
            let keys: HashSet<i64> = a.bands().into_iter().collect();
            b.bands().iter().filter(|key| keys.contains(key)).count()
        };
        let (a, b) = (signature(&original), signature(&changed));
        assert!(meet(&a, &b) > 0);
        assert_eq!(meet(&a, &signature(&words(5, 1_000))), 0);
        assert_eq!(a.bands().into_iter().collect::<HashSet<_>>().len(), BANDS);
    }

    #[test]
    fn a_signature_survives_its_bytes_and_never_changes() {
        let signature = signature(&words(6, 50));
        assert_eq!(
            Signature::from_bytes(&signature.to_bytes()),
            Some(signature.clone())
        );
        assert_eq!(Signature::from_bytes(&signature.to_bytes()[1..]), None);
        assert_eq!(Signature::from_bytes(&[]), None);
        // Stored ones are compared with new ones: whoever changes an order must make all of them anew.
        let text = "um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete \
            dezoito dezenove vinte";
        let first: Vec<u32> = Signature::of(text).unwrap().0[..3].to_vec();
        assert_eq!(first, STORED);
    }

    const STORED: [u32; 3] = [57_215_791, 225_548_797, 524_379_859];

    #[test]
    fn a_short_text_has_none() {
        assert_eq!(Signature::of("ofício recebido"), None);
        assert_eq!(Signature::of(""), None);
    }
}
