//! The documents: short where they have to be, and every link and recipe leads to something.

use std::path::{Path, PathBuf};

use tests::project;

fn text(path: impl AsRef<Path>) -> String {
    let path = project().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Markdown file of the project, from its folder.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/decisions"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(project().join(folder)).unwrap());
    let mut documents: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    documents.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    assert!(documents.len() > 20);
    documents
}

/// The name that a heading has in a link (GitHub, "Section links").
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|one| one.is_alphanumeric() || [' ', '-', '_'].contains(one));
    kept.collect::<String>().replace(' ', "-")
}

#[test]
fn the_readme_and_the_map_of_the_code_are_read_in_one_sitting() {
    for document in ["README.md", "ARCHITECTURE.md"] {
        let lines = text(document).lines().count();
        assert!(lines <= 150, "{document} has {lines} lines");
    }
}

#[test]
fn every_link_between_documents_leads_to_a_file_and_a_heading() {
    for document in documents() {
        let content = text(&document);
        for link in content.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", document.display());
            let headings = || text(&target).lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(heading.is_empty() || headings(), "{}: {link}", document.display());
        }
    }
}

#[test]
fn every_command_of_contributing_is_a_recipe() {
    let recipes = text("justfile");
    let contributing = text("CONTRIBUTING.md");
    let blocks = contributing.split("\n```").collect::<Vec<_>>();
    let commands = blocks.chunks(2).filter_map(|chunk| chunk.get(1)?.strip_prefix("sh\n")).flat_map(str::lines);
    let mut count = 0;
    for command in commands {
        // Without its remark, and without what a reader replaces.
        let command = command.split(" #").next().unwrap().trim();
        let fixed = command.split(" -- ").next().unwrap().split(" suggest-meetings").next().unwrap();
        assert!(recipes.contains(fixed), "no recipe runs {fixed}");
        count += 1;
    }
    assert!(count > 3);
}
