//! Rows of a CSV file. Records are cut here rather than by the `csv` crate, so that a quote that
//! is never closed costs its own row and not the rest of the file.

use std::io::{self, BufRead};

use super::Record;
use super::field::Columns;
use super::lines::{Line, Lines};
use super::row::{Fields, NOT_UTF_8, Place, RawRow};

/// The longest record: many times what a valid row can hold.
const MAX_RECORD_BYTES: usize = 256 * 1024;

/// The advice for a file in the encoding of an old spreadsheet.
pub const SAVE_AS_UTF_8: &str = "save the file as CSV UTF-8";

/// How a CSV file is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What stands between two fields.
    pub delimiter: u8,
    /// The column names as the file has them.
    pub header: Vec<String>,
}

/// Reads the header. `None` if the file is empty.
pub fn header<R: BufRead>(lines: &mut Lines<R>) -> io::Result<Option<Result<Layout, String>>> {
    let Some(first) = lines.next_filled()? else { return Ok(None) };
    let delimiter = delimiter(&first.bytes);
    let cut = record(first, lines, delimiter, None)?;
    let header = cut.fields.and_then(|fields| text(&fields));
    let header = header.map(|names| names.into_iter().map(|name| name.trim().to_owned()).collect());
    let header = header.map(|header| Layout { delimiter, header });
    Ok(Some(header.map_err(|reason| match reason.as_str() {
        NOT_UTF_8 => format!("the header {reason}; {SAVE_AS_UTF_8}"),
        _ => format!("the header {reason}"),
    })))
}

/// The next row: its place and its fields, or why it has none. A row of nothing but delimiters, which
/// spreadsheets leave at the end, is as good as a blank line.
pub fn next<R: BufRead>(
    lines: &mut Lines<R>,
    layout: &Layout,
    columns: &Columns,
) -> io::Result<Option<(Place, Result<Record, String>)>> {
    while let Some(first) = lines.next_filled()? {
        let cut = record(first, lines, layout.delimiter, Some(layout.header.len()))?;
        match cut.fields.and_then(|fields| text(&fields)) {
            Ok(fields) if fields.iter().all(|field| field.trim().is_empty()) => {}
            read => return Ok(Some((cut.place, read.map(|fields| Record::Cells(raw_row(&fields, columns)))))),
        }
    }
    Ok(None)
}

fn raw_row(fields: &[String], columns: &Columns) -> RawRow {
    let (mut lead, mut activity) = (Fields::new(), Fields::new());
    for (field, column) in &columns.of_field {
        let Some(text) = fields.get(*column).map(|text| text.trim()).filter(|text| !text.is_empty()) else { continue };
        let fields = if field.is_of_activity() { &mut activity } else { &mut lead };
        fields.entry(*field).or_insert_with(|| Ok(text.to_owned()));
    }
    RawRow { lead, activities: if activity.is_empty() { Vec::new() } else { vec![Ok(activity)] } }
}

/// A record as it was cut out of the file.
struct Cut {
    place: Place,
    fields: Result<Vec<Vec<u8>>, String>,
}

/// The record that begins with the line `first`, of `width` fields where that is known.
fn record<R: BufRead>(first: Line, lines: &mut Lines<R>, delimiter: u8, width: Option<usize>) -> io::Result<Cut> {
    let mut scan = Scan { delimiter, state: State::Start };
    scan.line(&first.bytes);
    let (mut bytes, mut place) = (first.bytes, Place { line: first.number, span: first.start..first.start });
    let end_of_first = first.start + bytes.len() as u64;
    let mut more = Vec::new();
    while scan.is_open()
        && bytes.len() < MAX_RECORD_BYTES
        && let Some(line) = lines.next()?
    {
        scan.line(&line.bytes);
        bytes.extend_from_slice(&line.bytes);
        more.push(line);
    }
    place.span.end = place.span.start + bytes.len() as u64;
    let fields = if scan.is_open() { Vec::new() } else { split(&bytes, delimiter).unwrap_or_default() };
    let fits = !scan.is_open() && width.is_none_or(|width| width == fields.len());
    if fits {
        return Ok(Cut { place, fields: Ok(fields) });
    }
    let reason = match width {
        Some(width) if more.is_empty() && !scan.is_open() => {
            format!("has {} fields where the header has {width}", fields.len())
        }
        _ => "opens a quote that is not closed in its place".to_owned(),
    };
    // The quote was most likely meant literally, so the lines after the first are rows of their own.
    lines.put_back(more);
    place.span.end = end_of_first;
    Ok(Cut { place, fields: Err(reason) })
}

/// The fields of one record; `None` if a quote stays open.
pub fn split(record: &[u8], delimiter: u8) -> Option<Vec<Vec<u8>>> {
    let mut scan = Scan { delimiter, state: State::Start };
    scan.line(record);
    if scan.is_open() {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .buffer_capacity(record.len().max(64))
        .from_reader(record);
    let record = reader.byte_records().next()?.ok()?;
    Some(record.iter().map(<[u8]>::to_vec).collect())
}

fn text(fields: &[Vec<u8>]) -> Result<Vec<String>, String> {
    let texts = fields.iter().map(|field| String::from_utf8(field.clone()));
    texts.collect::<Result<_, _>>().map_err(|_| NOT_UTF_8.to_owned())
}

/// Comma, semicolon or tab: whichever the header has most of outside quotes.
fn delimiter(header: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in header {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| !quoted && delimiter == byte) {
            *count += 1;
        }
    }
    // The first of those that are as frequent, because `max_by_key` takes the last.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

/// The state of the parser within a record (RFC 4180, section 2; a quote within an unquoted field is taken literally,
/// as the `csv` crate does).
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Unquoted,
    Quoted,
    QuoteInQuoted,
}

struct Scan {
    delimiter: u8,
    state: State,
}

impl Scan {
    fn line(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = match (self.state, *byte) {
                (State::Start | State::QuoteInQuoted, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::QuoteInQuoted,
                (State::Quoted, _) => State::Quoted,
                (_, byte) if byte == self.delimiter => State::Start,
                _ => State::Unquoted,
            };
        }
    }

    fn is_open(&self) -> bool {
        self.state == State::Quoted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::field::{Field, FieldSet};
    use super::*;

    fn cells(record: Record) -> RawRow {
        match record {
            Record::Cells(row) => row,
            Record::Object(_) => RawRow::default(),
        }
    }

    /// Line numbers with the e-mail address or the reason.
    fn read(file: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let mut lines = Lines::new(file);
        let layout = header(&mut lines).unwrap().unwrap().unwrap();
        let columns = Columns::of_header(&layout.header, &[], FieldSet::Leads).unwrap();
        let mut rows = Vec::new();
        while let Some((place, record)) = next(&mut lines, &layout, &columns).unwrap() {
            let email =
                |record| cells(record).lead.get(&Field::Email).cloned().transpose().unwrap().unwrap_or_default();
            rows.push((place.line, record.map(email)));
        }
        rows
    }

    proptest! {
        #[test]
        fn whatever_follows_the_header_each_row_is_told_once_and_in_order(
            bytes in prop::collection::vec(prop::sample::select(b"a@.,;\"\n\r\t \xff\xc3".to_vec()), 0..120),
        ) {
            let file = [b"Email,Name\n".as_slice(), &bytes].concat();
            let lines: Vec<_> = read(&file).into_iter().map(|(line, _)| line).collect();
            prop_assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "{lines:?}");
            prop_assert!(lines.iter().all(|line| (2..=file.len() as u64).contains(line)), "{lines:?}");
        }
    }

    fn ok(text: &str) -> Result<String, String> {
        Ok(text.to_owned())
    }

    #[test]
    fn quoted_fields_may_span_lines_and_keep_the_count() {
        let file = b"Email,Activity Notes\na@x.org,\"one\n\"\"two\"\"\"\n\nb@x.org,\n";
        assert_eq!(read(file), [(2, ok("a@x.org")), (5, ok("b@x.org"))]);
    }

    #[test]
    fn an_open_quote_costs_its_own_row_only() {
        let file = b"Email,Name\n\"a@x.org,Jane\nb@x.org,\"Joe\"\nc@x.org,Ann";
        let rows = read(file);
        assert!(rows[0].1.as_ref().unwrap_err().contains("quote"));
        assert_eq!(rows[1..], [(3, ok("b@x.org")), (4, ok("c@x.org"))]);
    }

    #[test]
    fn a_row_of_another_width_is_rejected_with_both_widths() {
        let rows = read(b"Email,Name\na@x.org\nb@x.org,Joe,x\nc@x.org,Ann\n");
        assert_eq!(rows[0], (2, Err("has 1 fields where the header has 2".to_owned())));
        assert_eq!(rows[1], (3, Err("has 3 fields where the header has 2".to_owned())));
        assert_eq!(rows[2], (4, ok("c@x.org")));
    }

    #[test]
    fn a_row_that_is_not_utf_8_is_rejected_alone() {
        let rows = read(b"Email,Name\na@x.org,J\xe9\nb@x.org,Joe\n");
        assert_eq!(rows, [(2, Err("is not UTF-8".to_owned())), (3, ok("b@x.org"))]);
    }

    #[test]
    fn a_header_that_is_not_utf_8_says_how_to_save_the_file() {
        let read = header(&mut Lines::new(b"Stra\xdfe,Email\n".as_slice())).unwrap().unwrap();
        assert_eq!(read.unwrap_err(), "the header is not UTF-8; save the file as CSV UTF-8");
    }

    #[test]
    fn semicolons_tabs_and_a_byte_order_mark_are_understood() {
        assert_eq!(read("\u{feff}Name;Email\r\nJane;a@x.org\r\n".as_bytes()), [(2, ok("a@x.org"))]);
        assert_eq!(read(b"Name\tEmail\n\"Doe, Jane\"\ta@x.org\n"), [(2, ok("a@x.org"))]);
    }

    #[test]
    fn an_activity_is_there_when_one_of_its_fields_is() {
        let mut lines = Lines::new(b"Email,Activity Type,Activity Date\na@x.org,,\na@x.org,call,\n".as_slice());
        let layout = header(&mut lines).unwrap().unwrap().unwrap();
        let columns = Columns::of_header(&layout.header, &[], FieldSet::Leads).unwrap();
        let mut row = || cells(next(&mut lines, &layout, &columns).unwrap().unwrap().1.unwrap()).activities.len();
        assert_eq!([row(), row()], [0, 1]);
    }

    #[test]
    fn rows_of_nothing_but_delimiters_are_blank() {
        assert_eq!(read(b"Email,Name\n,\n , \na@x.org,\n,\n"), [(4, ok("a@x.org"))]);
    }

    #[test]
    fn an_empty_file_has_no_header() {
        assert!(header(&mut Lines::new(b"\n\n".as_slice())).unwrap().is_none());
    }
}
