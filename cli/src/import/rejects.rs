//! The file of rejected rows: where each stood, why it was rejected, and the row as it was, so
//! that it can be corrected and imported again.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde_json::{Value, json};

use super::csv_rows::{Layout, split};
use super::field::{REJECTED_LINE, REJECTED_REASON};
use super::row::Rejection;

/// Writes rejected rows of `source` to `into`.
pub fn write<R: Read + Seek>(
    mut source: R,
    into: File,
    layout: Option<&Layout>,
    rejections: &[Rejection],
) -> io::Result<()> {
    let mut into = BufWriter::new(into);
    match layout {
        Some(layout) => write_csv(&mut source, &mut into, layout, rejections)?,
        None => write_json(&mut source, &mut into, rejections)?,
    }
    into.flush()
}

fn write_csv(
    source: &mut (impl Read + Seek),
    into: impl Write,
    layout: &Layout,
    rejections: &[Rejection],
) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().delimiter(layout.delimiter).flexible(true).from_writer(into);
    let header = [REJECTED_LINE, REJECTED_REASON].into_iter().chain(layout.header.iter().map(String::as_str));
    writer.write_record(header)?;
    for rejection in rejections {
        let row = original(source, rejection)?;
        // A row that cannot be taken apart is kept whole in one field.
        let fields = split(&row, layout.delimiter).unwrap_or_else(|| vec![row]);
        let line = rejection.place.line.to_string();
        let place = [line.as_bytes(), rejection.reason.as_bytes()].into_iter();
        writer.write_record(place.chain(fields.iter().map(Vec::as_slice)))?;
    }
    writer.flush()
}

fn write_json(source: &mut (impl Read + Seek), mut into: impl Write, rejections: &[Rejection]) -> io::Result<()> {
    for rejection in rejections {
        let row = original(source, rejection)?;
        let mut object = match serde_json::from_slice(&row) {
            Ok(Value::Object(object)) => Value::Object(object),
            _ => json!({ "row": String::from_utf8_lossy(&row) }),
        };
        object[REJECTED_LINE] = rejection.place.line.into();
        object[REJECTED_REASON] = rejection.reason.as_str().into();
        writeln!(into, "{object}")?;
    }
    Ok(())
}

/// The row as the file has it, without its end of line.
fn original(source: &mut (impl Read + Seek), rejection: &Rejection) -> io::Result<Vec<u8>> {
    let span = &rejection.place.span;
    source.seek(SeekFrom::Start(span.start))?;
    let mut row = Vec::new();
    source.by_ref().take(span.end - span.start).read_to_end(&mut row)?;
    while row.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        row.pop();
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::row::Place;
    use super::*;

    fn rejections(source: &[u8], rows: &[(u64, &[u8])]) -> Vec<Rejection> {
        let rejection = |(line, row): &(u64, &[u8])| {
            let start = source.windows(row.len()).position(|bytes| bytes == *row).unwrap() as u64;
            let place = Place { line: *line, span: start..start + row.len() as u64 };
            Rejection { place, reason: "email has no @".to_owned() }
        };
        rows.iter().map(rejection).collect()
    }

    #[test]
    fn csv_rows_keep_their_fields_their_bytes_and_their_delimiter() {
        let source = b"Email;Notes\njane;\"a\r\n\"\"b\"\"\"\r\n\"open;x\nj\xe9;y";
        let rows: [(u64, &[u8]); 3] = [(2, b"jane;\"a\r\n\"\"b\"\"\"\r\n"), (4, b"\"open;x\n"), (5, b"j\xe9;y")];
        let layout = Layout { delimiter: b';', header: vec!["Email".to_owned(), "Notes".to_owned()] };
        let mut written = Vec::new();
        write_csv(&mut Cursor::new(source), &mut written, &layout, &rejections(source, &rows)).unwrap();
        let expected: &[u8] = b"rejected_line;rejected_reason;Email;Notes\n\
            2;email has no @;jane;\"a\r\n\"\"b\"\"\"\n\
            4;email has no @;\"\"\"open;x\"\n\
            5;email has no @;j\xe9;y\n";
        assert_eq!(written, expected);
    }

    #[test]
    fn json_rows_stay_objects_where_they_are_ones() {
        let source = b"{\"email\":\"jane\"}\n[1\n";
        let mut written = Vec::new();
        let rows: [(u64, &[u8]); 2] = [(1, b"{\"email\":\"jane\"}\n"), (2, b"[1\n")];
        write_json(&mut Cursor::new(source), &mut written, &rejections(source, &rows)).unwrap();
        let lines: Vec<Value> =
            written.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let reason = "email has no @";
        assert_eq!(lines[0], json!({ "rejected_line": 1, "rejected_reason": reason, "email": "jane" }));
        assert_eq!(lines[1], json!({ "rejected_line": 2, "rejected_reason": reason, "row": "[1" }));
    }
}
