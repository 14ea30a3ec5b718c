//! Which files somebody has open for writing, as far as this machine tells: files of other users' processes, and of other machines on a
//! network drive, it does not.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The files below `folders` that a process has open for writing.
pub fn open_for_writing(folders: &[PathBuf]) -> HashSet<PathBuf> {
    let mut files = HashSet::new();
    let Ok(processes) = fs::read_dir("/proc") else {
        return files;
    };
    for process in processes.flatten() {
        let name = process.file_name();
        if !name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        // Of others' processes nothing is told, and processes end.
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        for descriptor in descriptors.flatten() {
            let Ok(file) = fs::read_link(descriptor.path()) else {
                continue;
            };
            let is_below = folders.iter().any(|folder| file.starts_with(folder));
            if is_below && is_writable(&process.path(), &descriptor.file_name()) {
                files.insert(file);
            }
        }
    }
    files
}

/// By the flags it was opened with: the last two bits tell, 0 is reading.
fn is_writable(process: &Path, descriptor: &std::ffi::OsStr) -> bool {
    let info = fs::read_to_string(process.join("fdinfo").join(descriptor)).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & 0b11 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::open_for_writing;

    #[test]
    fn a_file_that_is_written_is_found_and_one_that_is_read_is_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().canonicalize().unwrap();
        let (read, written) = (folder.join("read"), folder.join("written"));
        fs::write(&read, "a").unwrap();
        let reader = File::open(&read).unwrap();
        let writer = File::create(&written).unwrap();
        let found = open_for_writing(std::slice::from_ref(&folder));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [written]);
        drop((reader, writer));
        assert!(open_for_writing(&[folder]).is_empty());
    }
}
