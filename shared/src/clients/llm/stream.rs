//! A reply as server-sent events ("Server-sent events", HTML Standard; "Streaming API responses", OpenAI API
//! documentation): deltas of text and tool calls, then the usage, then `[DONE]`.
//!
//! The bytes may be cut anywhere, even inside a character. The same bytes give the same reply wherever they are cut,
//! and no bytes cause a panic.

use super::reply::{CallError, Gathered, Reply, broken, unavailable};
use super::visible;

/// The longest answer that is read, streamed or whole. A token takes some 300 bytes of its own event, so this is about
/// four times what a model writes within a request's time.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Parses one streamed reply.
#[derive(Debug, Default)]
pub struct StreamReader {
    read: usize,
    line: Vec<u8>,
    /// Whether the last byte was a carriage return; a line feed after it belongs to the same line end.
    after_return: bool,
    /// The data lines of the current event, each with a line feed at its end.
    data: Vec<u8>,
    gathered: Gathered,
    /// The number of bytes that were passed on.
    passed_on: usize,
    done: bool,
}

impl StreamReader {
    /// Parses the next bytes, and passes their visible text on.
    pub fn take(&mut self, bytes: &[u8], on_text: &mut (dyn FnMut(&str) + Send)) -> Result<(), CallError> {
        self.read += bytes.len();
        if self.read > MAX_BYTES {
            return Err(broken("the stream is too long"));
        }
        for byte in bytes {
            let ends_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if ends_return => {}
                b'\n' | b'\r' => self.end_line(on_text)?,
                other => self.line.push(*other),
            }
        }
        Ok(())
    }

    /// Whether the stream is complete. Later bytes do not belong to it.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the reply is complete. The usage may follow.
    pub fn is_finished(&self) -> bool {
        self.gathered.is_finished()
    }

    /// The reply, after the last bytes. Passes on the text that was held back because it could have been a tag.
    pub fn finish(mut self, on_text: &mut (dyn FnMut(&str) + Send)) -> Result<Reply, CallError> {
        // The last event may lack the empty line at its end.
        if !self.line.is_empty() {
            self.end_line(on_text)?;
        }
        if !self.done && !self.is_finished() && self.data.trim_ascii() != b"[DONE]" {
            return Err(unavailable("broken off"));
        }
        let shown = visible::split(self.gathered.text(), true).shown;
        let reply = self.gathered.finish()?;
        if let Some(rest) = shown.get(self.passed_on..).filter(|rest| !rest.is_empty()) {
            on_text(rest);
        }
        Ok(reply)
    }

    fn end_line(&mut self, on_text: &mut (dyn FnMut(&str) + Send)) -> Result<(), CallError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.end_event(on_text);
        }
        // Other fields are not used, and a line that starts with a colon is a comment.
        if let Some(data) = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).strip_prefix(b"data:") {
            self.data.extend_from_slice(data);
            self.data.push(b'\n');
        }
        Ok(())
    }

    fn end_event(&mut self, on_text: &mut (dyn FnMut(&str) + Send)) -> Result<(), CallError> {
        let data = std::mem::take(&mut self.data);
        let data = data.trim_ascii();
        if data.is_empty() || self.done {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk = serde_json::from_slice(data).map_err(|_| unavailable("the stream is no chat completion"))?;
        let before = self.gathered.text().len();
        self.gathered.take(&chunk)?;
        if self.gathered.text().len() > before {
            let shown = visible::split(self.gathered.text(), false).shown;
            if let Some(new) = shown.get(self.passed_on..).filter(|new| !new.is_empty()) {
                on_text(new);
                self.passed_on = shown.len();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::clients::llm::conversation::ToolCall;

    /// Reads a stream in pieces; gives the reply and what was handed over.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Result<Reply, CallError>, String) {
        let (mut reader, mut seen) = (StreamReader::default(), String::new());
        for piece in pieces {
            if let Err(error) = reader.take(piece, &mut |text| seen.push_str(text)) {
                return (Err(error), seen);
            }
        }
        let reply = reader.finish(&mut |text| seen.push_str(text));
        (reply, seen)
    }

    fn event(data: &serde_json::Value) -> String {
        format!("data: {data}\n\n")
    }

    fn delta(delta: &serde_json::Value) -> String {
        event(&json!({"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
    }

    fn call(index: u64, id: &str, name: &str, arguments: &str) -> String {
        let call =
            json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
        delta(&json!({"tool_calls": [call]}))
    }

    fn piece(index: u64, arguments: &str) -> String {
        delta(&json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}))
    }

    fn end(reason: &str) -> String {
        let last = event(&json!({"choices": [{"delta": {}, "finish_reason": reason}], "usage": null}));
        let usage = event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}));
        format!("{last}{usage}data: [DONE]\n\n")
    }

    /// A stream with text, two calls whose arguments alternate, comments and an unused field.
    fn example() -> String {
        [
            "\u{feff}: hello\n\nevent: chunk\n".to_owned(),
            delta(&json!({"role": "assistant", "content": ""})),
            delta(&json!({"content": "Schön, "})),
            ": keep-alive\n\n".to_owned(),
            delta(&json!({"content": "👍 ich suche."})),
            call(0, "a", "find", "{\"count\""),
            call(1, "b", "read", ""),
            piece(0, ": 20}"),
            piece(1, "{\"name\": \"Zoë\"}"),
            end("tool_calls"),
        ]
        .concat()
    }

    fn tool_call(id: &str, name: &str, arguments: &str) -> ToolCall {
        ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned(), extra: Map::new() }
    }

    fn expected() -> Reply {
        Reply {
            text: "Schön, 👍 ich suche.".to_owned(),
            calls: vec![tool_call("a", "find", "{\"count\": 20}"), tool_call("b", "read", "{\"name\": \"Zoë\"}")],
            model: "m".to_owned(),
            input_tokens: 7,
            output_tokens: 5,
            ..Reply::default()
        }
    }

    #[test]
    fn text_and_calls_are_put_together() {
        let (reply, seen) = read([example().as_bytes()]);
        assert_eq!(reply, Ok(expected()));
        assert_eq!(seen, expected().text);
    }

    #[test]
    fn one_byte_at_a_time_is_the_same_with_every_line_end() {
        for line_end in ["\n", "\r\n", "\r"] {
            let stream = example().replace('\n', line_end);
            assert_eq!(read(stream.as_bytes().chunks(1)), (Ok(expected()), expected().text), "{line_end:?}");
        }
    }

    proptest! {
        #[test]
        fn the_same_stream_cut_anywhere_gives_the_same_reply(cuts in prop::collection::vec(0..2_000_usize, 0..20)) {
            let stream = example().replace('\n', "\r\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % stream.len()).chain([0, stream.len()]).collect();
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &stream.as_bytes()[pair[0]..pair[1]]);
            prop_assert_eq!(read(pieces), (Ok(expected()), expected().text));
        }

        #[test]
        fn no_bytes_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)) {
            let _ = read(pieces.iter().map(Vec::as_slice));
        }

        /// Damage to a valid stream reaches deeper code than random bytes do.
        #[test]
        fn no_damage_panics(damage in prop::collection::vec((0..2_000_usize, any::<u8>()), 1..8), end in 0..2_000_usize) {
            let mut stream = example().into_bytes();
            for (place, byte) in damage {
                let place = place % stream.len();
                stream[place] = byte;
            }
            stream.truncate(end);
            let (reply, seen) = read([stream.as_slice()]);
            if let Ok(reply) = reply {
                prop_assert!(reply.calls.iter().all(|call| !call.name.is_empty()));
                prop_assert!(reply.text.contains(seen.trim()));
            }
        }

        /// An unfinished stream is never a reply.
        #[test]
        fn a_stream_that_ends_early_is_broken_off(end in 0..2_000_usize) {
            let stream = example();
            let finished = stream.find("\"finish_reason\":\"tool_calls\"").unwrap();
            let end = end % finished;
            prop_assert_eq!(read([&stream.as_bytes()[..end]]).0, Err(unavailable("broken off")));
        }
    }

    #[test]
    fn a_finished_stream_needs_neither_usage_nor_done() {
        let text = delta(&json!({"content": "Hi"}));
        let finished = event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
        for stream in [format!("{text}{finished}"), format!("{text}data: [DONE]"), format!("{text}data: [DONE]\n")] {
            assert_eq!(read([stream.as_bytes()]).0.unwrap().text, "Hi", "{stream}");
        }
    }

    #[test]
    fn what_is_no_whole_reply_says_whose_fault_it_is() {
        let text = delta(&json!({"content": "Hi"}));
        let cut_off = || CallError::CutOff("model endpoint: the reply was cut off".to_owned());
        let none = || unavailable("the stream is no chat completion");
        for (stream, error) in [
            (format!("{text}{}", end("length")), cut_off()),
            (format!("{text}{}", end("model_length")), cut_off()),
            (format!("{text}{}", end("content_filter")), broken("the reply was cut off")),
            (format!("{text}{}", end("insufficient_system_resource")), unavailable("the reply was broken off")),
            (format!("{text}{}", end("error")), unavailable("the reply was broken off")),
            (end("stop"), broken("no content")),
            (format!("{}{}", delta(&json!({"content": " \n"})), end("stop")), broken("no content")),
            (format!("{}{}", call(0, "a", "", "{}"), end("tool_calls")), broken("a tool call without a name")),
            ("data: <html>\n\n".to_owned(), none()),
            ("data: {\"choices\"\n\n".to_owned(), none()),
        ] {
            assert_eq!(read([stream.as_bytes()]).0, Err(error), "{stream}");
        }
        for reason in ["stop", "EOS", "eos_token", "stop_sequence", "end_turn", ""] {
            assert!(read([format!("{text}{}", end(reason)).as_bytes()]).0.is_ok(), "{reason}");
        }
    }

    #[test]
    fn an_error_in_the_stream_may_pass() {
        let error = event(&json!({"error": {"message": "overloaded", "code": 529}}));
        let stream = format!("{}{error}", delta(&json!({"content": "Hi"})));
        let expected = unavailable("an error in the answer, code 529");
        assert_eq!(read([stream.as_bytes()]), (Err(expected), "Hi".to_owned()));
        // Some endpoints send a null error in every chunk.
        let fine = event(&json!({"error": null, "choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}));
        assert!(read([fine.as_bytes()]).0.is_ok());
    }

    #[test]
    fn thoughts_are_not_passed_on_wherever_they_are_cut() {
        let text = "<think>\nShe is fishing.\n</think>\n\nAll noted.";
        let pieces: String = text.chars().map(|one| delta(&json!({"content": one.to_string()}))).collect();
        assert_eq!(read([format!("{pieces}{}", end("stop")).as_bytes()]).1, "All noted.");
        let reasoning = delta(&json!({"reasoning_content": "She is fishing.", "content": null}));
        let stream = format!("{reasoning}{}{}", delta(&json!({"content": "All noted."})), end("stop"));
        let (reply, seen) = read([stream.as_bytes()]);
        assert_eq!(
            (reply.unwrap().extra["reasoning_content"].as_str(), seen.as_str()),
            (Some("She is fishing."), "All noted.")
        );
    }

    #[test]
    fn calls_are_told_apart_where_an_endpoint_numbers_them_wrongly() {
        let unnumbered = |id: &str, arguments: &str| {
            let call = json!({"id": id, "function": {"name": "find", "arguments": arguments}});
            delta(&json!({"tool_calls": [call]}))
        };
        let calls = vec![tool_call("a", "find", "{}"), tool_call("b", "find", "{}")];
        for stream in [
            [unnumbered("a", "{"), unnumbered("a", "}"), unnumbered("b", "{}"), end("tool_calls")],
            [call(0, "a", "find", "{"), piece(0, "}"), call(0, "b", "find", "{}"), end("tool_calls")],
            [call(0, "a", "find", ""), call(1, "b", "find", ""), piece(1, "{}"), end("tool_calls")],
        ] {
            assert_eq!(read([stream.concat().as_bytes()]).0.unwrap().calls, calls);
        }
    }

    #[test]
    fn a_stream_without_an_end_is_given_up() {
        let noise = vec![b':'; 64 * 1024];
        let (reply, _) = read(std::iter::repeat_n(noise.as_slice(), 65));
        assert_eq!(reply, Err(broken("the stream is too long")));
    }
}
