//! Placeholders that a template leaves in a text.

/// A placeholder, bracket or template variable in a text: `[Name]`, `{{name}}`, `{name}`, `<name>`,
/// `%NAME%`, `$NAME`, `XXX` or a blank to fill in.
pub fn placeholder(text: &str) -> Option<String> {
    // Up to where it ends, if that is soon.
    let shown = |at: usize| {
        let some: Vec<char> = text[at..].chars().take(24).collect();
        let end = some.iter().skip(1).position(|end| matches!(end, ']' | '}' | '>' | '%'));
        some.iter().take(end.map_or(some.len(), |end| end + 2)).collect::<String>()
    };
    if let Some(at) = text.find(['[', ']', '{', '}']) {
        return Some(shown(at));
    }
    for blank in ["__", "XXX", "*|", "<%", "%%"] {
        if let Some(at) = text.find(blank) {
            return Some(shown(at));
        }
    }
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let rest = &bytes[at + 1..];
        let closed_by = |close: u8| {
            let name = rest
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'.'));
            let length = name.count();
            (1..=40).contains(&length) && rest.get(length) == Some(&close)
        };
        let is_variable = match byte {
            b'<' => is_letter(rest.first()) && closed_by(b'>'),
            // In a link, `%C3%BC` is a letter.
            b'%' => is_letter(rest.first()) && closed_by(b'%') && rest.get(2) != Some(&b'%'),
            b'$' => is_letter(rest.first()),
            _ => false,
        };
        if is_variable {
            return Some(shown(at));
        }
    }
    None
}
