//! Compressed RTF, as Outlook keeps it ([MS-OXRTFCP]): references into a ring of 4,096 bytes that begins with common RTF.

/// What the ring begins with.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const RING: usize = 4_096;
/// Bytes of RTF that one message may unpack to; a reference of two bytes stands for 17 at most.
const UNPACKED_BYTES: usize = 64 * 1_024 * 1_024;

/// Unpacks a body; what is damaged ends it. `None` when it is no compressed RTF.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let kind = bytes.get(8..12)?;
    let body = bytes.get(16..)?;
    if kind == b"MELA" {
        return Some(body.to_vec());
    }
    if kind != b"LZFu" {
        return None;
    }
    let mut ring = [b' '; RING];
    ring[..DICTIONARY.len()].copy_from_slice(DICTIONARY);
    let mut write = DICTIONARY.len();
    let mut unpacked = Vec::new();
    let mut rest = body;
    while let [control, after @ ..] = rest {
        rest = after;
        for bit in 0..8 {
            if unpacked.len() > UNPACKED_BYTES {
                return Some(unpacked);
            }
            if control >> bit & 1 == 0 {
                let [byte, after @ ..] = rest else {
                    return Some(unpacked);
                };
                rest = after;
                unpacked.push(*byte);
                ring[write] = *byte;
                write = (write + 1) % RING;
                continue;
            }
            let [high, low, after @ ..] = rest else {
                return Some(unpacked);
            };
            rest = after;
            let reference = usize::from(*high) << 8 | usize::from(*low);
            let (offset, length) = (reference >> 4, (reference & 0xf) + 2);
            // A reference to where the next byte goes says that all is said.
            if offset == write {
                return Some(unpacked);
            }
            for step in 0..length {
                let byte = ring[(offset + step) % RING];
                unpacked.push(byte);
                ring[write] = byte;
                write = (write + 1) % RING;
            }
        }
    }
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::{DICTIONARY, unpack};

    #[test]
    fn the_example_of_the_specification_is_unpacked() {
        let packed = b"\x2d\x00\x00\x00\x2b\x00\x00\x00LZFu\xf1\xc5\xc7\xa7\x03\x00\n\x00rcpg125B2\n\xf3 hel\t\x00 bw\x05\xb0ld}\n\x80\x0f\xa0";
        assert_eq!(
            unpack(packed).unwrap(),
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
        );
        assert_eq!(DICTIONARY.len(), 207);
        assert_eq!(unpack(b"short"), None);
    }
}
