//! Damaged variants of real files: each one is answered, none hangs, none breaks a promise.

use ids_core::error::ErrorCode;
use ids_testkit::contracts::extractor_contract::{assert_pages_hold, read};

use crate::support::{extractor, shared};
use crate::{mails, sheets, word};

/// Variants of each file; the long run of issue 8 takes more.
const VARIANTS: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn every_damaged_file_is_answered() {
    let files = [
        "tiny.pdf",
        "multicolumn.pdf",
        "issue1155r.pdf",
        "vertical.pdf",
        "copy_paste_ligatures.pdf",
        "page-breaks.docx",
        "handbook-pt-apparmor.docx",
        "handbook-pt-apparmor.html",
        "handbook-pt-apparmor.odt",
        "slides-pt.pptx",
        "sheet-pt-sparse.xlsx",
        "mail-pt-attachment.eml",
    ];
    let mut originals = Vec::new();
    for name in files {
        let Some(file) = shared(&format!("corpus/{name}")) else {
            return;
        };
        originals.push((name, std::fs::read(file).unwrap()));
    }
    // Formats that the corpus lacks, made by the tests of theirs.
    originals.push(("a.doc", word::doc(0x0200)));
    originals.push(("a.rtf", word::RTF.to_vec()));
    originals.push(("a.msg", mails::msg()));
    originals.push(("a.xls", sheets::xls()));
    let folder = tempfile::tempdir().unwrap();
    let mut answers = std::collections::BTreeMap::<&str, u32>::new();
    for (name, original) in originals {
        for seed in 0..VARIANTS {
            let path = folder.path().join(name);
            std::fs::write(&path, damaged(&original, seed)).unwrap();
            let answer = read(&extractor(), &path, name).await;
            let word = match &answer {
                Ok(document) => {
                    assert_pages_hold(document);
                    "pages"
                }
                Err(failure) => failure.code.as_str(),
            };
            *answers.entry(word).or_default() += 1;
            let is_ours = matches!(&answer, Err(failure) if failure.code == ErrorCode::Internal);
            assert!(!is_ours, "{name}, seed {seed}: {answer:?}");
        }
    }
    println!("{answers:?}");
}

/// The bytes with a few of them changed, removed, repeated or swapped.
fn damaged(original: &[u8], seed: u64) -> Vec<u8> {
    let mut random = SplitMix(seed.wrapping_mul(0x9e37_79b9) + original.len() as u64);
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(8) {
        if bytes.is_empty() {
            break;
        }
        let (from, length) = (random.below(bytes.len()), 1 + random.below(64));
        let to = (from + length).min(bytes.len());
        match random.below(5) {
            0 => bytes[from] = random.next() as u8,
            1 => bytes[from..to]
                .iter_mut()
                .for_each(|byte| *byte = byte.wrapping_add(1)),
            2 => drop(bytes.drain(from..to)),
            3 => {
                let copy = bytes[from..to].to_vec();
                let at = random.below(bytes.len());
                bytes.splice(at..at, copy);
            }
            _ => bytes.truncate(bytes.len() / 2 + random.below(bytes.len())),
        }
    }
    bytes
}

/// Steele, Lea and Flood's generator: a seed gives the same variants on every machine.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
