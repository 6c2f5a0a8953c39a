//! Turns the routes of `template.yaml` into a table, so that they are written down once, and takes the line breaks
//! out of the description of the API.

use std::path::Path;
use std::{env, fs};

use saphyr::{LoadableYamlNode, Yaml};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let template = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../template.yaml");
    println!("cargo::rerun-if-changed={}", template.display());
    println!("cargo::rerun-if-changed=build.rs");
    let text = fs::read_to_string(&template)?;
    let documents = Yaml::load_from_str(&text)?;
    let mut routes = Vec::new();
    for resource in values(documents[0].as_mapping_get("Resources")) {
        let events = resource.as_mapping_get("Properties").and_then(|properties| properties.as_mapping_get("Events"));
        for event in values(events).filter(|event| text_of(event, "Type") == Some("HttpApi")) {
            let properties = event.as_mapping_get("Properties").ok_or("an HttpApi event without properties")?;
            if let (Some(method), Some(path)) = (text_of(properties, "Method"), text_of(properties, "Path"))
                && path != "$default"
            {
                routes.push((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    routes.sort();
    let table = format!("const ROUTES: [(&str, &str); {}] = {routes:?};\n", routes.len());
    fs::write(Path::new(&env::var("OUT_DIR")?).join("routes.rs"), table)?;

    let description = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../docs/openapi.json");
    println!("cargo::rerun-if-changed={}", description.display());
    let description: serde_json::Value = serde_json::from_str(&fs::read_to_string(&description)?)?;
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join("openapi.json"), description.to_string())?)
}

fn values<'a>(mapping: Option<&'a Yaml<'a>>) -> impl Iterator<Item = &'a Yaml<'a>> {
    mapping.and_then(Yaml::as_mapping).into_iter().flat_map(|mapping| mapping.values())
}

fn text_of<'a>(mapping: &'a Yaml<'a>, key: &str) -> Option<&'a str> {
    mapping.as_mapping_get(key).and_then(Yaml::as_str)
}
