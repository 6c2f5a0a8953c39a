//! The floor plan of `shared`: a wing uses only the wings above it, and no two rooms use each other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The wings, from the one that uses nothing of ours to the one that uses all.
const WINGS: [&str; 7] = ["base", "clients", "workspace", "api", "crm", "outreach", "workflow"];

/// Every source file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// Each room (`wing::room`) with the rooms that its code names; tests beside the code do not count.
fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources(&root) {
        let place = path.strip_prefix(&root).unwrap().with_extension("").to_string_lossy().replace('/', "::");
        if path.extension().is_none_or(|extension| extension != "rs") || place.ends_with("tests") {
            continue;
        }
        let mut parts = place.split("::");
        let (wing, room) = (parts.next().unwrap(), parts.next().unwrap_or("mod"));
        assert!(wing == "lib" || WINGS.contains(&wing), "{place} stands in no wing");
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let used = lines.flat_map(|line| line.split("crate::").skip(1)).filter_map(|path| {
            let mut parts = path.split(|character: char| !character.is_alphanumeric() && character != '_');
            let (wing, room) = (parts.next()?, parts.nth(1)?);
            WINGS.contains(&wing).then(|| format!("{wing}::{room}"))
        });
        let own = format!("{wing}::{room}");
        let used: Vec<_> = used.filter(|used| *used != own).collect();
        rooms.entry(own).or_default().extend(used);
    }
    rooms
}

fn floor(room: &str) -> usize {
    let wing = room.split("::").next().unwrap();
    WINGS.iter().position(|known| *known == wing).unwrap_or(WINGS.len())
}

#[test]
fn a_wing_uses_only_the_wings_above_it() {
    let rooms = rooms();
    assert!(rooms.len() > 40, "the rooms were not found");
    for (room, used) in &rooms {
        for used in used {
            assert!(floor(used) <= floor(room), "{room} uses {used}, which stands below it");
        }
    }
}

#[test]
fn no_two_rooms_use_each_other() {
    let mut rooms = rooms();
    // A room that uses none of those left is in no circle.
    loop {
        let left: BTreeSet<String> = rooms.keys().cloned().collect();
        let free = rooms.iter().find(|(_, used)| used.is_disjoint(&left)).map(|(room, _)| room.clone());
        match free {
            Some(free) => rooms.remove(&free),
            None => break,
        };
    }
    assert!(rooms.is_empty(), "these rooms use each other: {:?}", rooms.keys());
}
