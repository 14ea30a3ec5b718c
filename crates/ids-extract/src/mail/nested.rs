//! A message of Outlook that lies in another one, as a file of its own ([MS-OXMSG] 2.2.2): its storage becomes the root.

use std::io::{Cursor, Write};
use std::path::Path;

use cfb::CompoundFile;

use crate::ole::Ole;

/// The list of properties of fixed size, which begins with other bytes in a message that lies in no other.
const LIST: &str = "__properties_version1.0";
/// Names of properties, which only the outermost message has.
const NAMES: &str = "/__nameid_version1.0";
/// Bytes before the list of a message in another one; eight more stand before that of a message of its own.
const INNER_HEADER_BYTES: usize = 24;
/// Storages and streams that are copied.
const ENTRIES: usize = 10_000;

/// The bytes of the message in `storage`; `None` where there is none, or it makes no sense.
pub(super) fn message(ole: &mut Ole, storage: &str) -> Option<Vec<u8>> {
    let mut entries = ole.entries_under(storage, ENTRIES)?;
    let roots = [(storage, ""), (NAMES, NAMES)];
    entries.extend(ole.entries_under(NAMES, ENTRIES).unwrap_or_default());
    let mut file = CompoundFile::create(Cursor::new(Vec::new())).ok()?;
    for (path, is_stream) in entries {
        let own = roots.iter().find_map(|(from, to)| {
            let rest = path.strip_prefix(from)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
        })?;
        if own.is_empty() {
            continue;
        }
        if !is_stream {
            file.create_storage_all(&own).ok()?;
            continue;
        }
        let mut bytes = ole.stream(&path)?;
        if own.strip_prefix('/') == Some(LIST) {
            let at = INNER_HEADER_BYTES.min(bytes.len());
            bytes.splice(at..at, [0; 8]);
        }
        if let Some(folder) = Path::new(&own).parent() {
            file.create_storage_all(folder).ok()?;
        }
        file.create_stream(&own).ok()?.write_all(&bytes).ok()?;
    }
    file.flush().ok()?;
    Some(file.into_inner().into_inner())
}
