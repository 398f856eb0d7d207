//! Lines of bounded length from any reader, in constant memory.

use std::io::{self, ErrorKind, Read};

/// Longest line that is read, in bytes: room for some thirty documents of the largest size there is
/// (131,072 bytes).
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much is asked of the reader at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// One line, without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// What stands in the line.
    Bytes(&'a [u8]),
    /// It has more than [`LINE_BYTES_MAX`] bytes, which were passed over.
    TooLong,
}

/// Reads lines; the last one need not end in a line feed.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// What of the buffer is read and not yet given out.
    start: usize,
    end: usize,
    at_end: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, end: 0, at_end: false }
    }

    /// The next line, or `None` after the last. `before_waiting` is called before each read, which
    /// may wait for whoever writes.
    ///
    /// # Errors
    /// The reader's, and those of `before_waiting`.
    pub(crate) fn next(
        &mut self,
        mut before_waiting: impl FnMut() -> io::Result<()>,
    ) -> io::Result<Option<Line<'_>>> {
        let mut too_long = false;
        let mut searched = 0;
        loop {
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            let unseen = held.get(searched..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unseen) {
                return Ok(Some(self.take(searched + at, 1, too_long)));
            }
            searched = held.len();
            if self.at_end {
                let last = searched > 0 || too_long;
                return Ok(last.then(|| self.take(searched, 0, too_long)));
            }
            if searched > LINE_BYTES_MAX {
                too_long = true;
                (self.start, self.end, searched) = (0, 0, 0);
            }
            before_waiting()?;
            self.fill()?;
        }
    }

    /// Gives out `length` bytes and passes over `separator` more.
    fn take(&mut self, length: usize, separator: usize, too_long: bool) -> Line<'_> {
        let from = self.start;
        self.start += length + separator;
        match self.buffer.get(from..from + length) {
            Some(bytes) if !too_long && length <= LINE_BYTES_MAX => Line::Bytes(bytes),
            _ => Line::TooLong,
        }
    }

    /// Reads once, behind what the buffer holds.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.buffer.len() < self.end + READ_BYTES {
            // Doubling keeps the copies of a long line few; it ends at the longest line.
            self.buffer.resize((self.end + READ_BYTES).max(self.buffer.len() * 2), 0);
        }
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = loop {
            match self.reader.read(free) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.end += read;
        self.at_end = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::{LINE_BYTES_MAX, Line, Lines};

    /// Gives at most `step` bytes a read.
    struct Slow<R>(R, usize);

    impl<R: Read> Read for Slow<R> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let step = self.1.min(buffer.len());
            self.0.read(&mut buffer[..step])
        }
    }

    fn all(input: &[u8], step: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(Slow(Cursor::new(input), step));
        let mut found = Vec::new();
        while let Some(line) = lines.next(|| Ok(())).unwrap() {
            found.push(match line {
                Line::Bytes(bytes) => Some(bytes.to_vec()),
                Line::TooLong => None,
            });
        }
        assert!(lines.buffer.len() <= 2 * LINE_BYTES_MAX + 4 * super::READ_BYTES);
        found
    }

    #[test]
    fn lines_are_the_same_whatever_a_read_gives() {
        let rows: [(&str, &[&str]); 6] = [
            ("", &[]),
            ("\n", &[""]),
            ("a", &["a"]),
            ("a\n", &["a"]),
            ("a\n\nbc\r\n", &["a", "", "bc\r"]),
            ("\n\nlast", &["", "", "last"]),
        ];
        for (input, want) in rows {
            let want: Vec<_> = want.iter().map(|line| Some(line.as_bytes().to_vec())).collect();
            for step in [1, 2, 3, 1000] {
                assert_eq!(all(input.as_bytes(), step), want, "{input:?} by {step}");
            }
        }
    }

    #[test]
    fn a_line_is_as_long_as_the_limit_and_no_longer() {
        for (length, fits) in [(LINE_BYTES_MAX, true), (LINE_BYTES_MAX + 1, false)] {
            for end in ["", "\n", "\nnext"] {
                let input = [&vec![b'x'; length], end.as_bytes()].concat();
                let found = all(&input, 1 << 20);
                assert_eq!(found[0].as_ref().map(Vec::len), fits.then_some(length), "{length}");
                assert_eq!(found.get(1).is_some(), end.ends_with("next"), "{length} {end:?}");
            }
        }
        let far = [&vec![b'x'; 5 * LINE_BYTES_MAX][..], b"\nnext\n"].concat();
        assert_eq!(all(&far, 1 << 20), [None, Some(b"next".to_vec())]);
    }
}
