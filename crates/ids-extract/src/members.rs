//! What comes in a document, on its way out of the child: bounded in number, size and ratio, each at a path of its own.

use std::collections::HashMap;
use std::io::{self, Read};

use ids_core::limits;
use ids_core::member::SkipReason;

use crate::output::{Output, ParseError};

/// Bytes sent at once.
const PIECE_BYTES: usize = 64 * 1_024;
/// From here on the ratio counts, as in `package`.
const RATIO_FROM_BYTES: u64 = 32 * 1_024 * 1_024;
/// How many bytes one compressed byte may become, as in `package`.
const RATIO: u64 = 200;

/// A piece of a member.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    /// A member begins, at that path.
    Begin(&'a str),
    /// Its next bytes.
    Bytes(&'a [u8]),
    /// It is whole.
    End,
    /// It was passed over; one that began is worth nothing.
    Skipped(&'a str, SkipReason),
}

/// What came of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Where it lies.
    pub(crate) path: String,
    /// Bytes, as the directory says.
    pub(crate) size: u64,
    /// Why it was passed over.
    pub(crate) skipped: Option<SkipReason>,
}

/// Sends members to an output, within the limits.
#[derive(Default)]
pub(crate) struct Members {
    /// Each path that was given, with the number that the next one called so may get.
    paths: HashMap<String, u32>,
    given: usize,
    named: usize,
    bytes: u64,
    /// What came of each, in order, as far as they are named.
    pub(crate) listed: Vec<Listed>,
}

impl Members {
    /// Passes over a member that is called so.
    pub(crate) fn skip(
        &mut self,
        name: &str,
        size: u64,
        reason: SkipReason,
        output: &mut dyn Output,
    ) -> Result<(), ParseError> {
        let path = self.own_path(name);
        self.skip_path(path, size, reason, output)
    }

    fn skip_path(
        &mut self,
        path: String,
        size: u64,
        reason: SkipReason,
        output: &mut dyn Output,
    ) -> Result<(), ParseError> {
        self.named += 1;
        if self.named <= limits::SKIPPED_NAMED {
            output.member(Part::Skipped(&path, reason))?;
            self.list(path, size, Some(reason));
        }
        Ok(())
    }

    fn list(&mut self, path: String, size: u64, skipped: Option<SkipReason>) {
        self.listed.push(Listed { path, size, skipped });
    }

    /// How many were passed over without being named.
    pub(crate) fn unnamed(&self) -> usize {
        self.named.saturating_sub(limits::SKIPPED_NAMED)
    }

    /// Gives a member that is called so: `size` bytes as its directory says, `compressed` of them where it lies. What its bytes say counts, not
    /// what the directory says of them.
    pub(crate) fn give(
        &mut self,
        name: &str,
        size: u64,
        compressed: u64,
        mut bytes: impl Read,
        output: &mut dyn Output,
    ) -> Result<(), ParseError> {
        let path = self.own_path(name);
        if self.given >= limits::MEMBERS_PER_FILE || self.bytes >= limits::MEMBERS_BYTES {
            return self.skip_path(path, size, SkipReason::TooMany, output);
        }
        self.given += 1;
        output.member(Part::Begin(&path))?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut here = 0_u64;
        let broken = loop {
            let read = match bytes.read(&mut piece) {
                Ok(0) => break None,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The checksum too: whether a member is what was packed is known at its end.
                Err(_) => break Some(SkipReason::Corrupt),
            };
            here += read as u64;
            self.bytes += read as u64;
            if here > RATIO_FROM_BYTES && here > compressed.max(1).saturating_mul(RATIO) {
                break Some(SkipReason::ExpandsTooFar);
            }
            if self.bytes > limits::MEMBERS_BYTES {
                break Some(SkipReason::TooMany);
            }
            output.member(Part::Bytes(&piece[..read]))?;
        };
        match broken {
            Some(reason) => self.skip_path(path, size, reason, output),
            None if here == 0 => self.skip_path(path, size, SkipReason::Empty, output),
            None => {
                output.member(Part::End)?;
                self.list(path, here, None);
                Ok(())
            }
        }
    }

    /// A path that leads nowhere but down, and that no member before had: `a.pdf`, then `a (2).pdf`.
    fn own_path(&mut self, name: &str) -> String {
        let path = tame(name);
        let Some(&next) = self.paths.get(&path) else {
            self.paths.insert(path.clone(), 2);
            return path;
        };
        let (mut number, mut own) = (next, numbered(&path, next));
        while self.paths.contains_key(&own) {
            number += 1;
            own = numbered(&path, number);
        }
        self.paths.insert(path, number + 1);
        self.paths.insert(own.clone(), 2);
        own
    }
}

/// The path as [`ids_core::member::MemberPath`] takes it: backslashes are slashes, control characters are shown as what they are not, steps up and
/// empty names are left out, and the beginning of a very long one.
fn tame(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| match c {
            '\\' => '/',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    let names: Vec<&str> = clean
        .split('/')
        .map(str::trim)
        .filter(|name| !matches!(*name, "" | "." | ".."))
        .collect();
    let path = names.join("/");
    // Room for a number, which makes it its own.
    let surplus = path
        .chars()
        .count()
        .saturating_sub(limits::MEMBER_PATH_CHARS - 10);
    let path: String = path.chars().skip(surplus).collect();
    let path = path.trim_matches(|c: char| c == '/' || c.is_whitespace());
    if matches!(path, "" | "." | "..") {
        "unnamed".to_owned()
    } else {
        path.to_owned()
    }
}

fn numbered(path: &str, number: u32) -> String {
    let (folder, name) = path
        .rsplit_once('/')
        .map_or(("", path), |(folder, name)| (folder, name));
    let name = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem} ({number}).{ending}"),
        _ => format!("{name} ({number})"),
    };
    if folder.is_empty() {
        name
    } else {
        format!("{folder}/{name}")
    }
}

/// Whether a file is what a system left for itself, and no document of anybody.
pub(crate) fn is_left_by_a_system(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|folder| folder == "__MACOSX")
        || name.starts_with("._")
        || ["thumbs.db", "desktop.ini", ".ds_store"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use ids_core::limits;
    use ids_core::member::{MemberPath, SkipReason};
    use ids_core::page::ExtractionNote;

    use super::{Members, Part, is_left_by_a_system, tame};
    use crate::output::{Output, ParseError, ParsedPage};

    /// Writes down what it is given: `path=bytes`, `path!reason`.
    #[derive(Default)]
    struct Written {
        said: Vec<String>,
        bytes: u64,
    }

    impl Output for Written {
        fn details(&mut self, _: Option<String>, _: Option<String>) -> Result<(), ParseError> {
            Ok(())
        }
        fn total(&mut self, _: u32) -> Result<(), ParseError> {
            Ok(())
        }
        fn page(&mut self, _: ParsedPage) -> Result<(), ParseError> {
            Ok(())
        }
        fn note(&mut self, _: ExtractionNote) -> Result<(), ParseError> {
            Ok(())
        }
        fn takes_members(&self) -> bool {
            true
        }
        fn member(&mut self, part: Part<'_>) -> Result<(), ParseError> {
            match part {
                Part::Begin(path) => {
                    assert!(MemberPath::parse(path).is_some(), "{path:?}");
                    self.said.push(path.to_owned());
                }
                Part::Bytes(bytes) => self.bytes += bytes.len() as u64,
                Part::End => self.said.push("whole".to_owned()),
                Part::Skipped(path, reason) => {
                    assert!(MemberPath::parse(path).is_some(), "{path:?}");
                    self.said.push(format!("{path}: {}", reason.as_str()));
                }
            }
            Ok(())
        }
    }

    #[test]
    fn every_name_becomes_a_path_of_its_own_that_leads_down() {
        let check = |name: &str, path: &str| assert_eq!(tame(name), path);
        check("../../etc/passwd", "etc/passwd");
        check("C:\\Users\\a.txt", "C:/Users/a.txt");
        check("/a//./b/../c", "a/b/c");
        check("a\0b\n.pdf", "a\u{fffd}b\u{fffd}.pdf");
        check("..", "unnamed");
        check("", "unnamed");
        check(" / ", "unnamed");
        let long = tame(&format!("{}/a.pdf", "x".repeat(5_000)));
        assert!(long.ends_with("x/a.pdf") && MemberPath::parse(&long).is_some());

        let (mut members, mut output) = (Members::default(), Written::default());
        for name in ["a.pdf", "a.pdf", "./a.pdf", "b/a", "b\\a", "a (2).pdf"] {
            members.give(name, 1, 1, &b"x"[..], &mut output).unwrap();
        }
        output.said.retain(|said| said != "whole");
        assert_eq!(
            output.said,
            [
                "a.pdf",
                "a (2).pdf",
                "a (3).pdf",
                "b/a",
                "b/a (2)",
                "a (2) (2).pdf"
            ]
        );
    }

    #[test]
    fn a_member_that_lies_about_its_size_is_stopped_by_what_comes() {
        let (mut members, mut output) = (Members::default(), Written::default());
        members
            .give("bomb", 10, 1_000, std::io::repeat(0), &mut output)
            .unwrap();
        assert_eq!(output.said, ["bomb", "bomb: expands_too_far"]);
        assert!(output.bytes < 40 * 1_024 * 1_024);
        // Much of little compression is stopped by the sum.
        let endless = || std::io::repeat(0);
        members
            .give("huge", 10, u64::MAX / 1_000, endless(), &mut output)
            .unwrap();
        members.give("late", 1, 1, &b"x"[..], &mut output).unwrap();
        assert_eq!(output.said[3..], ["huge: too_many", "late: too_many"]);
        assert!(output.bytes <= limits::MEMBERS_BYTES);
    }

    #[test]
    fn no_more_members_are_given_and_named_than_the_limits() {
        let (mut members, mut output) = (Members::default(), Written::default());
        for number in 0..limits::MEMBERS_PER_FILE + limits::SKIPPED_NAMED + 7 {
            members
                .give(&format!("{number}.txt"), 1, 1, &b"x"[..], &mut output)
                .unwrap();
        }
        let whole = output.said.iter().filter(|said| *said == "whole").count();
        let skipped = output
            .said
            .iter()
            .filter(|said| said.contains(SkipReason::TooMany.as_str()))
            .count();
        assert_eq!(
            (whole, skipped),
            (limits::MEMBERS_PER_FILE, limits::SKIPPED_NAMED)
        );
        assert_eq!(members.unnamed(), 7);
    }

    #[test]
    fn a_broken_member_is_named_as_such_and_an_empty_one_too() {
        struct Broken;
        impl std::io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("checksum"))
            }
        }
        let (mut members, mut output) = (Members::default(), Written::default());
        members.give("a", 1, 1, Broken, &mut output).unwrap();
        members.give("b", 0, 0, std::io::empty(), &mut output).unwrap();
        assert_eq!(output.said, ["a", "a: corrupt", "b", "b: empty"]);
    }

    #[test]
    fn what_systems_leave_is_known() {
        for left in ["__MACOSX/a/._b.pdf", "a/.DS_Store", "Thumbs.db", "._x"] {
            assert!(is_left_by_a_system(left), "{left}");
        }
        assert!(!is_left_by_a_system("a/_b.pdf"));
    }
}
