//! The description of the API is what the code says, and true: every route, every example, every answer. Each answer
//! of every other test is held against it too (`tests::description`).

use std::collections::{BTreeSet, HashMap};

use local::Event;
use serde_json::{Map, Value};
use tests::description::{DESCRIPTION, complaint, resolved};
use tests::{Api, parsed, project, send, template};

#[test]
fn the_description_that_is_checked_in_is_what_the_code_says() {
    let checked_in = std::fs::read_to_string(project().join("docs/openapi.json")).unwrap();
    assert!(
        checked_in == functions::openapi::text().unwrap(),
        "renew it: cargo openapi > openapi.new && mv openapi.new docs/openapi.json"
    );
}

#[test]
fn every_route_of_the_template_is_described_and_no_other() {
    let functions = parsed(&template()).functions().unwrap();
    let mut declared = BTreeSet::new();
    for event in functions.iter().flat_map(|function| &function.events) {
        if let Event::Route { method, path } = event
            && path != "$default"
            && !path.starts_with("/functions/")
        {
            declared.insert((method.clone(), path.clone()));
        }
    }
    let groups = functions::groups();
    let routes = groups.iter().flat_map(|group| &group.operations).map(|operation| operation.route());
    let described: Vec<_> = routes.map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(described.iter().cloned().collect::<BTreeSet<_>>(), declared);
    assert_eq!(described.len(), declared.len(), "a route is described twice");
}

/// Each operation by its method and path.
fn operations() -> impl Iterator<Item = (String, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    })
}

#[test]
fn every_example_fits_its_schema() {
    let mut held = 0;
    for (route, operation) in operations() {
        let mut bodies = vec![("request".to_owned(), &operation["requestBody"])];
        let responses = operation["responses"].as_object().unwrap();
        bodies.extend(responses.iter().map(|(status, response)| (status.clone(), resolved(response))));
        for (which, body) in bodies {
            for (media_type, content) in body["content"].as_object().into_iter().flatten() {
                for (name, example) in content["examples"].as_object().into_iter().flatten() {
                    let key = format!("{route} {which} {media_type}");
                    let complaint = complaint(&content["schema"], &example["value"], &key);
                    assert_eq!(complaint, None, "{key} {name}");
                    held += 1;
                }
            }
        }
    }
    assert!(held > 400, "{held}");
}

/// Only a text and the description itself have no example.
#[test]
fn each_example_of_the_file_is_in_the_description_and_each_json_answer_has_one() {
    let file = std::fs::read_to_string(project().join("functions/all/examples.json")).unwrap();
    let mut file: Map<String, Value> = serde_json::from_str(&file).unwrap();
    for (_, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        let examples = file.shift_remove(id).unwrap_or_default();
        for (field, body) in [("requests", &operation["requestBody"]), ("answers", &operation["responses"]["200"])] {
            let described =
                body["content"]["application/json"]["examples"].as_object().into_iter().flat_map(Map::values);
            let described: Vec<_> = described.map(|example| &example["summary"]).collect();
            let written = examples[field].as_array().into_iter().flatten();
            let written: Vec<_> = written.map(|example| &example["summary"]).collect();
            assert_eq!(described, written, "{id}: {field}");
        }
        let is_json = operation["responses"]["200"]["content"]["application/json"].is_object();
        assert_eq!(examples["answers"].is_array(), is_json && id != "getOpenapi", "{id}: examples.json");
    }
    assert!(file.is_empty(), "examples.json: no operations have these ids: {:?}", file.keys());
}

/// A client that follows links, as the fuzzing in CI does, is led where they say by what the examples show.
#[test]
fn every_link_is_to_an_operation_with_a_parameter_that_the_answer_has() {
    let described: HashMap<_, _> =
        operations().map(|(_, operation)| (operation["operationId"].as_str().unwrap(), operation)).collect();
    let mut links = 0;
    for (route, operation) in operations() {
        let success = &operation["responses"]["200"];
        for link in success["links"].as_object().into_iter().flat_map(|links| links.values()) {
            let parameters = &described[link["operationId"].as_str().unwrap()]["parameters"];
            for (name, at) in link["parameters"].as_object().unwrap() {
                let has_it =
                    parameters.as_array().unwrap().iter().any(|one| one["in"] == "path" && one["name"] == *name);
                assert!(has_it, "{route}: {link}");
                let at = at.as_str().unwrap().strip_prefix("$response.body#").unwrap();
                let example = &success["content"]["application/json"]["examples"]["example1"]["value"];
                assert!(example.pointer(at).is_some_and(Value::is_string), "{route}: {at}");
                links += 1;
            }
        }
    }
    assert!(links > 15, "{links}");
}

#[test]
fn everything_has_a_description_and_an_identifier_of_its_own() {
    let mut identifiers = BTreeSet::new();
    for (route, operation) in operations() {
        assert!(identifiers.insert(operation["operationId"].as_str().unwrap()), "{route}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{route}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{route}: {parameter}");
        }
        let is_read = operation.get("requestBody").is_none();
        let has_example = operation["requestBody"]["content"]["application/json"]["examples"].is_object();
        let is_form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"].is_object();
        assert!(
            is_read
                || has_example
                || is_form
                || !operation["requestBody"]["required"].as_bool().unwrap()
                || route.contains("webhooks"),
            "{route}"
        );
    }
    for (name, schema) in DESCRIPTION["components"]["schemas"].as_object().unwrap() {
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_described =
                schema["description"].is_string() || schema.get("$ref").is_some() || schema.get("const").is_some();
            assert!(is_described || name.ends_with("Error"), "{name}.{field}");
        }
    }
}

/// `send` holds each answer against the description, so it also fails where the 400 is not described.
#[tokio::test]
async fn every_operation_with_a_key_refuses_a_parameter_that_it_does_not_know() {
    let api = Api::start().await;
    let id = "5eed0000-0000-4000-8000-000000000009";
    let mut asked = 0;
    for (route, operation) in operations().filter(|(_, operation)| operation.get("security").is_none()) {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace("{customer_phone}", "16505551234");
        let filled = path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>();
        let request = api.authorized(method, &format!("{}?unheard_of=1", filled.join("/")));
        let is_read = method == "GET" || method == "DELETE";
        let answer = send(if is_read { request } else { request.json(&serde_json::json!({})) }).await;
        assert_eq!(answer.status, 400, "{route} {}: {}", operation["operationId"], answer.text);
        assert!(!is_read || answer.text.contains("unheard_of is not a parameter"), "{route}: {}", answer.text);
        asked += 1;
    }
    assert!(asked > 35, "{asked}");
}

#[tokio::test]
async fn the_description_and_the_reference_are_served_without_a_key() {
    let api = Api::start().await;
    let document = send(api.request("GET", "/openapi.json")).await;
    assert_eq!((document.status, document.header("cache-control")), (200, "public, max-age=300"));
    assert_eq!(document.json(), *DESCRIPTION);
    let again = api.request("GET", "/openapi.json").header("If-None-Match", document.header("etag"));
    let again = send(again).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    let reference = send(api.request("GET", "/docs")).await;
    assert_eq!((reference.status, reference.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(reference.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(reference.text.contains("openapi.json"));
}
