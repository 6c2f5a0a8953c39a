//! What has to agree with `template.yaml` does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use local::{Event, Template};
use tests::{project, template};

fn functions() -> Vec<local::DeclaredFunction> {
    let parameters = ["LlmBaseUrl", "LlmModel", "LlmApiKeySecret"].map(|name| (name.to_owned(), "x".to_owned()));
    Template::parse(&template(), &HashMap::from(parameters)).unwrap().functions().unwrap()
}

#[test]
fn cargo_lambdas_watch_routes_are_the_templates() {
    let mut declared: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    let mut default = None;
    for function in functions() {
        for event in &function.events {
            if let Event::Route { method, path } = event {
                if path == "$default" {
                    default = Some(function.name.clone());
                } else {
                    declared.entry(path.clone()).or_default().insert((method.clone(), function.name.clone()));
                }
            }
        }
    }
    let manifest = std::fs::read_to_string(project().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].as_table().unwrap();
    let mut watched: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for (path, targets) in router {
        match targets {
            toml::Value::String(function) => assert_eq!(Some(function), default.as_ref(), "{path}"),
            targets => {
                for target in targets.as_array().unwrap() {
                    let text = |name: &str| target[name].as_str().unwrap().to_owned();
                    watched.entry(path.clone()).or_default().insert((text("method"), text("function")));
                }
            }
        }
    }
    assert_eq!(watched, declared);
    assert!(router.contains_key("/") && router.contains_key("/{*path}"));
}

#[test]
fn every_leadlex_route_is_also_there_under_the_documented_base_path() {
    let routes: BTreeSet<(String, String, String)> = functions()
        .iter()
        .flat_map(|function| {
            function.events.iter().filter_map(|event| match event {
                Event::Route { method, path } => Some((function.name.clone(), method.clone(), path.clone())),
                _ => None,
            })
        })
        .collect();
    for (function, method, path) in routes.iter().filter(|(_, _, path)| path.starts_with("/v1/")) {
        let under_base = (function.clone(), method.clone(), format!("/functions/v1/api-gateway{path}"));
        assert!(routes.contains(&under_base), "{under_base:?} is missing");
    }
}

#[test]
fn every_function_has_a_sample_event() {
    for function in functions() {
        let file = project().join("events").join(format!("{}.json", function.name));
        let event = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let event: serde_json::Value = serde_json::from_str(&event).unwrap();
        let is_http = function.events.iter().any(|event| matches!(event, Event::Route { .. }));
        assert_eq!(event["version"] == "2.0", is_http, "{}", function.name);
    }
}

#[tokio::test]
async fn the_sample_events_get_the_answers_that_they_show() {
    let options = local::Options { template: template(), demo: true, emulators_only: true, ..Default::default() };
    let stack = local::Stack::start(options).await.unwrap();
    let environment = shared::environment::Environment::from_iter(stack.variables.clone());
    let context = shared::context::Context::new(environment, Default::default(), stack.context.random.clone()).unwrap();
    for (function, file, status) in [
        ("suggest-followups", "suggest-followups", 200),
        ("credits", "credits", 200),
        ("lists", "lists", 200),
        ("lexi-tasks", "lexi-tasks", 200),
        ("meta-webhook", "meta-webhook", 200),
        ("fallback", "fallback", 404),
        ("fallback", "fallback-health", 200),
    ] {
        let event = std::fs::read_to_string(project().join(format!("events/{file}.json"))).unwrap();
        let request = lambda_http::request::from_str(&event).unwrap();
        let Some(local::Function::Http(answer)) = local::build(function, &context).unwrap() else {
            panic!("{function}")
        };
        assert_eq!(answer(request).await.status().as_u16(), status, "{file}");
    }
}
