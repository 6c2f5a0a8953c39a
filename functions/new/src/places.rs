//! Where functions are listed, and how one is entered there.

use crate::{NewFunction, NewFunctionError};

type Enter = fn(&NewFunction, String) -> Result<String, NewFunctionError>;

/// Every file that lists functions.
pub const ALL: [(&str, Enter); 6] = [
    (TEMPLATE, template),
    (WATCH_ROUTES, watch_routes),
    (LIST, list),
    (LIST_MANIFEST, list_manifest),
    (EXAMPLES, examples),
    (TESTS, tests),
];

const TEMPLATE: &str = "template.yaml";
const WATCH_ROUTES: &str = "Cargo.toml";
const LIST: &str = "functions/all/src/lib.rs";
const LIST_MANIFEST: &str = "functions/all/Cargo.toml";
const EXAMPLES: &str = "functions/all/examples.json";
const TESTS: &str = "tests/tests/api/main.rs";

const BASE: &str = "/functions/v1/api-gateway";

/// Before the function that takes what no other does.
fn template(new: &NewFunction, text: String) -> Result<String, NewFunctionError> {
    let mut entry = new.filled(include_str!("../skeleton/template.yaml"));
    if new.route.is_under_base() {
        let event = entry.split_once("      Events:\n").and_then(|(_, events)| events.split_once("\n\n"));
        if let Some((event, _)) = event.map(|(event, rest)| (event.to_owned(), rest)) {
            let (name, path) = (new.route.event(), new.route.path());
            let under_base = event
                .replace(&format!("{name}:"), &format!("{name}UnderBase:"))
                .replace(path, &format!("{BASE}{path}"));
            entry = entry.replace(&event, &format!("{event}\n{under_base}"));
        }
    }
    before(TEMPLATE, &text, "  FallbackFunction:\n", &entry)
}

/// With the other methods of its path, or before the routes of `fallback`.
fn watch_routes(new: &NewFunction, mut text: String) -> Result<String, NewFunctionError> {
    let target = format!("{{ method = \"{}\", function = \"{}\" }}", new.route.method(), new.name.as_str());
    let bases: &[&str] = if new.route.is_under_base() { &["", BASE] } else { &[""] };
    for base in bases {
        let path = format!("\"{base}{}\" = [", new.route.path());
        let known = text.lines().find(|line| line.starts_with(&path)).map(str::to_owned);
        text = match known {
            None => before(WATCH_ROUTES, &text, "\"/health\" = ", &format!("{path}{target}]\n"))?,
            Some(line) => match line.strip_suffix(']') {
                Some(others) => text.replace(&line, &format!("{others}, {target}]")),
                None => text.replace(&format!("{line}\n"), &format!("{line}\n    {target},\n")),
            },
        };
    }
    Ok(text)
}

/// At the end of its group.
fn list(new: &NewFunction, text: String) -> Result<String, NewFunctionError> {
    let Some((until, groups)) = text.split_once("\nfunctions! {\n") else {
        return Err(NewFunctionError::Anchor { path: LIST, anchor: "functions! {".to_owned() });
    };
    let heading = format!("    \"{}\", ", new.group);
    let Some(at) = groups.find(&heading) else {
        let known: Vec<_> = groups.lines().filter_map(|line| line.strip_prefix("    \"")?.split('"').next()).collect();
        return Err(NewFunctionError::Group { group: new.group.clone(), known: known.join(", ") });
    };
    let (others, group) = groups.split_at(at);
    let group = before(LIST, group, "    }\n", &format!("        {}\n", new.name.snake()))?;
    Ok(format!("{until}\nfunctions! {{\n{others}{group}"))
}

/// In the order of names.
fn list_manifest(new: &NewFunction, text: String) -> Result<String, NewFunctionError> {
    let name = new.name.as_str();
    in_order(
        LIST_MANIFEST,
        &text,
        |line| line.contains("{ path = \"../"),
        format!("{name} = {{ path = \"../{name}\" }}"),
    )
}

/// Before the examples of `fallback`.
fn examples(new: &NewFunction, text: String) -> Result<String, NewFunctionError> {
    let entry = new.filled(include_str!("../skeleton/examples.json"));
    before(EXAMPLES, &text, "  \"getHealth\": {\n", &entry)
}

/// In the order of names.
fn tests(new: &NewFunction, text: String) -> Result<String, NewFunctionError> {
    in_order(TESTS, &text, |line| line.starts_with("mod "), format!("mod {};", new.name.snake()))
}

fn before(path: &'static str, text: &str, anchor: &str, entry: &str) -> Result<String, NewFunctionError> {
    let line = if text.starts_with(anchor) { Some(0) } else { text.find(&format!("\n{anchor}")).map(|at| at + 1) };
    let at = line.ok_or_else(|| NewFunctionError::Anchor { path, anchor: anchor.trim().to_owned() })?;
    Ok(format!("{}{entry}{}", &text[..at], &text[at..]))
}

/// Puts a line among those of its kind, before the first that comes after it, or behind the last.
fn in_order(
    path: &'static str,
    text: &str,
    is_kind: impl Fn(&str) -> bool,
    entry: String,
) -> Result<String, NewFunctionError> {
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|line| is_kind(line));
    let last = last.ok_or_else(|| NewFunctionError::Anchor { path, anchor: entry.clone() })?;
    let at = lines.iter().position(|line| is_kind(line) && *line > entry.as_str()).unwrap_or(last + 1);
    lines.insert(at, &entry);
    Ok(lines.join("\n") + "\n")
}
