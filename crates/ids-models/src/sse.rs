//! Server-sent events (WHATWG HTML, 9.2) out of bytes that may be cut anywhere.

/// The longest event: of a piece of a reply it is a few hundred bytes.
const EVENT_BYTES: usize = 1_024 * 1_024;

/// Puts events together. Only their data counts here: names, ids and comments are passed over.
#[derive(Default)]
pub(crate) struct EventReader {
    /// The line that has begun.
    line: Vec<u8>,
    /// The data of the event that has begun.
    data: Option<Vec<u8>>,
    /// The last byte was a carriage return, which a line feed may complete.
    after_return: bool,
    has_begun: bool,
}

/// An event of more bytes than any has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl EventReader {
    /// Takes bytes, and gives the data of each event that is complete with them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let completes_return = std::mem::take(&mut self.after_return) && byte == b'\n';
            match byte {
                b'\n' if completes_return => {}
                b'\n' => events.extend(self.end_line()?),
                b'\r' => {
                    self.after_return = true;
                    events.extend(self.end_line()?);
                }
                _ if self.line.len() >= EVENT_BYTES => return Err(TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    /// The event that the end of the bytes completes. The standard drops it; servers that end without a blank line mean it.
    pub(crate) fn finish(mut self) -> Result<Option<Vec<u8>>, TooLong> {
        self.end_line()?;
        Ok(self.data)
    }

    /// A blank line completes an event; any other is one of its fields.
    fn end_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.data.take());
        }
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        if name == b"data" {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut self.data {
                Some(data) if data.len() + value.len() >= EVENT_BYTES => return Err(TooLong),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{EVENT_BYTES, EventReader, TooLong};

    fn read(parts: &[&[u8]]) -> Vec<String> {
        let mut reader = EventReader::default();
        let mut events: Vec<Vec<u8>> = Vec::new();
        for part in parts {
            events.extend(reader.push(part).unwrap());
        }
        events.extend(reader.finish().unwrap());
        events
            .into_iter()
            .map(|event| String::from_utf8(event).unwrap())
            .collect()
    }

    #[test]
    fn events_are_read_whatever_the_line_ends_and_fields() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(read(&[text.as_bytes()]), expected, "{text:?}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes), expected, "{text:?}, byte by byte");
        };
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
        check("\u{feff}data: a\n\n", &["a"]);
        check(": a comment\n\nid: 1\nevent: x\ndata:a\n\n", &["a"]);
        check("data: a\ndata:  b\n\n", &["a\n b"]);
        check("data\n\n", &[""]);
        check("\n\n\n", &[]);
        check("data: [DONE]", &["[DONE]"]);
        check("data: ação 🙂\n\n", &["ação 🙂"]);
        check("database: no\n\n", &[]);
    }

    #[test]
    fn an_event_without_end_is_given_up() {
        let long = vec![b'a'; EVENT_BYTES + 1];
        assert_eq!(EventReader::default().push(&long), Err(TooLong));
        let mut reader = EventReader::default();
        let lines = [b"data: ".to_vec(), vec![b'a'; EVENT_BYTES / 2], b"\n".to_vec()].concat();
        reader.push(&lines).unwrap();
        assert_eq!(reader.push(&lines), Err(TooLong));
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(text in "(data: ?[a-c:]{0,3}|:x|id)?(\n|\r|\r\n){1,2}", more in ".{0,40}", at in any::<usize>()) {
            let text = text.repeat(3) + &more;
            let at = at % (text.len() + 1);
            let (left, right) = text.as_bytes().split_at(at);
            assert_eq!(read(&[left, right]), read(&[text.as_bytes()]));
        }
    }
}
