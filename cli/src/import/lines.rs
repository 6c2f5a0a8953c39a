//! A file as lines that know where they stand, so that a rejected row can be found again.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::ops::Range;

/// One line, its end included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub number: u64,
    /// Where its first byte is.
    pub start: u64,
    /// The content; not necessarily UTF-8.
    pub bytes: Vec<u8>,
}

impl Line {
    pub fn span(&self) -> Range<u64> {
        self.start..self.start + self.bytes.len() as u64
    }

    fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

/// The lines of a file, without its byte order mark.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    number: u64,
    offset: u64,
    waiting: VecDeque<Line>,
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<R: BufRead> Lines<R> {
    /// The lines of what `reader` reads from its start.
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0, offset: 0, waiting: VecDeque::new() }
    }

    pub fn next(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.waiting.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        let read = self.reader.read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let mut start = self.offset;
        self.offset += read as u64;
        if self.number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
            start += BYTE_ORDER_MARK.len() as u64;
        }
        Ok(Some(Line { number: self.number, start, bytes }))
    }

    /// The next line that says something.
    pub fn next_filled(&mut self) -> io::Result<Option<Line>> {
        while let Some(line) = self.next()? {
            if !line.is_blank() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// Lines that were read too far, in their order.
    pub fn put_back(&mut self, lines: impl IntoIterator<Item = Line, IntoIter: DoubleEndedIterator>) {
        for line in lines.into_iter().rev() {
            self.waiting.push_front(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_their_number_and_place_after_a_byte_order_mark_and_blank_lines() {
        let mut lines = Lines::new("\u{feff}a\r\n\n  \nb".as_bytes());
        let first = lines.next_filled().unwrap().unwrap();
        assert_eq!((first.number, first.span(), first.bytes.as_slice()), (1, 3..6, b"a\r\n".as_slice()));
        let second = lines.next_filled().unwrap().unwrap();
        assert_eq!((second.number, second.span()), (4, 10..11));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_line_that_was_put_back_comes_again() {
        let mut lines = Lines::new(b"a\nb\nc".as_slice());
        let read = [lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap()];
        lines.put_back(read.clone());
        assert_eq!([lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap()], read);
        assert_eq!(lines.next().unwrap().unwrap().number, 3);
    }
}
