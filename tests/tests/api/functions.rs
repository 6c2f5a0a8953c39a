//! The list of functions has them all, and each is finished.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use local::{DeclaredFunction, Event};
use new_function::MARK;
use serde_json::Value;
use tests::description::{complaint, operation};
use tests::{parsed, project, template};

fn declared() -> Vec<DeclaredFunction> {
    parsed(&template()).functions().unwrap()
}

#[test]
fn the_list_has_every_function_of_the_template_and_no_other() {
    let listed: Vec<_> = functions::ALL.iter().map(|entry| entry.name.to_owned()).collect();
    let names: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), names.len(), "a function is listed twice");
    let declared = declared().into_iter().map(|function| function.name);
    assert_eq!(names, declared.collect());
    let folders = std::fs::read_dir(project().join("functions")).unwrap();
    let folders = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    assert_eq!(names, folders.filter(|name| name != "all" && name != "new").collect());
}

/// `cargo new-function` leaves a mark wherever something is to be written.
#[test]
fn nothing_is_left_of_a_skeleton() {
    let mut files = Vec::new();
    for entry in functions::ALL {
        collect(&project().join("functions").join(entry.name), &mut files);
    }
    files.push(project().join("functions/all/examples.json"));
    collect(&project().join("events"), &mut files);
    collect(&project().join("tests/tests/api"), &mut files);
    assert!(files.len() > 150, "{}", files.len());
    let mut left = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let marked = text.lines().enumerate().filter(|(_, line)| line.to_uppercase().contains(MARK));
        let name = file.strip_prefix(project()).unwrap().display();
        left.extend(marked.map(|(number, line)| format!("{name}:{}: {}", number + 1, line.trim())));
    }
    assert!(left.is_empty(), "write what is marked {MARK}:\n{}", left.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

#[test]
fn a_sample_event_is_a_request_that_is_described() {
    let mut bodies = 0;
    for function in declared() {
        let routes: BTreeSet<_> = function
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Route { method, path } if path != "$default" => Some(format!("{method} {path}")),
                _ => None,
            })
            .collect();
        let file = format!("events/{}.json", function.name);
        let event = std::fs::read_to_string(project().join(&file)).unwrap();
        let event: Value = serde_json::from_str(&event).unwrap();
        let Some(key) = event["routeKey"].as_str().filter(|key| *key != "$default") else { continue };
        assert!(routes.contains(key), "{file}: {key} is not a route of the function");
        let http = &event["requestContext"]["http"];
        let (method, path) = (http["method"].as_str().unwrap(), http["path"].as_str().unwrap());
        let path = path.strip_prefix("/functions/v1/api-gateway").unwrap_or(path);
        let (template, operation) = operation(method, path).unwrap_or_else(|| panic!("{file}: {method} {path}"));
        assert!(key.ends_with(template), "{file}: {path} is not of the route {key}");
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_object() {
            let body = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
            assert_eq!(complaint(schema, &body, &format!("{file} {key}")), None, "{file}");
            bodies += 1;
        }
    }
    assert!(bodies > 4, "{bodies}");
}

/// As the template and cargo-lambda's routes are read elsewhere.
#[test]
fn what_a_new_function_is_entered_as_is_read_like_the_rest() {
    let new = new_function::NewFunction {
        name: "propose-meetings".parse().unwrap(),
        route: "POST /v1/contacts/{id}/meetings".parse().unwrap(),
        permission: "write:ai".parse().unwrap(),
        group: "Follow-ups".to_owned(),
    };
    let files = new.plan(&project()).unwrap();
    let text = |path: &str| &files.iter().find(|file| file.path == path).unwrap().text;
    let declared = parsed(text("template.yaml")).functions().unwrap();
    assert_eq!(declared.len(), functions::ALL.len() + 1);
    let function = declared.iter().find(|function| function.name == "propose-meetings").unwrap();
    let routes = ["/v1/contacts/{id}/meetings", "/functions/v1/api-gateway/v1/contacts/{id}/meetings"];
    let routes = routes.map(|path| Event::Route { method: "POST".to_owned(), path: path.to_owned() });
    assert_eq!(function.events, routes);
    assert!(function.permissions.iter().any(|permission| permission.actions == ["dynamodb:UpdateItem"]));
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].as_table().unwrap();
    for route in &function.events {
        let Event::Route { path, .. } = route else { continue };
        assert_eq!(router[path][0]["function"].as_str(), Some("propose-meetings"), "{path}");
    }
    let listed: toml::Table = text("functions/all/Cargo.toml").parse().unwrap();
    assert!(listed["dependencies"].as_table().unwrap().contains_key("propose-meetings"));
}
