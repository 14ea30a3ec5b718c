use std::io::{Read, Write};

use ids_net::Secret;

use super::{AgeError, DecryptReader, EncryptWriter};

const CHUNK: usize = 64 * 1024;

fn passphrase() -> Secret {
    Secret::new("correct horse battery staple")
}

fn sealed(text: &[u8]) -> Vec<u8> {
    let mut writer = EncryptWriter::new(Vec::new(), &passphrase(), 2).unwrap();
    // In odd pieces: borders of writes are not those of chunks.
    for piece in text.chunks(10_007) {
        writer.write_all(piece).unwrap();
    }
    writer.finish().unwrap()
}

fn opened(sealed: &[u8]) -> Result<Vec<u8>, String> {
    let mut reader = DecryptReader::new(sealed, &passphrase()).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    reader.read_to_end(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

#[test]
fn what_was_sealed_is_opened_whatever_its_length() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 200_000] {
        let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let file = sealed(&text);
        assert_eq!(opened(&file).unwrap(), text, "{length}");
        assert_eq!(
            file.len() - sealed(b"").len(),
            length + 16 * (length.div_ceil(CHUNK).max(1) - 1)
        );
    }
}

#[test]
fn a_file_that_was_cut_anywhere_is_damaged() {
    let file = sealed(&vec![7; 2 * CHUNK + 100]);
    let header = file.len() - (2 * CHUNK + 100 + 3 * 16);
    for end in [
        10,
        header - 1,
        header,
        header + 1,
        header + CHUNK + 16,
        file.len() - 1,
    ] {
        assert!(opened(&file[..end]).is_err(), "{end}");
    }
    assert!(
        opened(&[&file[..], b"x"].concat()).is_err(),
        "nor may anything follow"
    );
}

#[test]
fn a_file_of_which_any_byte_was_changed_is_damaged() {
    let file = sealed(b"O prazo");
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(opened(&changed).is_err(), "{at}");
    }
}

#[test]
fn another_passphrase_is_told_from_damage() {
    let other = Secret::new("incorrect");
    let error = DecryptReader::new(sealed(b"x").as_slice(), &other).err().unwrap();
    assert!(matches!(error, AgeError::WrongPassphrase), "{error:?}");
    let error = DecryptReader::new(&b"\x1f\x8b anything else"[..], &other)
        .err()
        .unwrap();
    assert!(matches!(error, AgeError::NotOurs), "{error:?}");
    assert_eq!(format!("{other:?}"), "Secret(***)");
}

#[test]
fn what_age_itself_wrote_is_read() {
    // `age -p` 1.1.1 of Debian, of the text below, with the passphrase of this file.
    let file = include_bytes!("by_age.age");
    assert_eq!(opened(file).unwrap(), "Câmara Municipal\n".as_bytes());
}
