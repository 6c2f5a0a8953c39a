//! `cargo new-function`: writes a function with one endpoint, and enters it wherever functions are listed. It works
//! from the first minute; each [`MARK`] in what is written is a line to finish, and a test lists those that are left.

mod names;
mod places;

use std::io;
use std::path::{Path, PathBuf};

pub use names::{Name, Permission, Route};

/// Stands in each line of a skeleton that is to be written anew; also in lower case, in names.
pub const MARK: &str = "TODO";

/// What to write.
#[derive(Clone, Debug)]
pub struct NewFunction {
    /// Name of the function and its crate.
    pub name: Name,
    /// Where its endpoint is.
    pub route: Route,
    /// What a key needs for it.
    pub permission: Permission,
    /// The group of the API's description that it stands in.
    pub group: String,
}

/// A file as it is to be.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path in the project.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether it is not there yet.
    pub is_new: bool,
}

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum NewFunctionError {
    /// The name cannot be one.
    #[error("name {name}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The route cannot be one.
    #[error("route {route}: {reason}")]
    Route {
        /// The route.
        route: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// There is no such permission.
    #[error("permission {0}: there is none of this name; known are {known}", known = Permission::ALL.map(|(name, _)| name).join(", "))]
    Permission(String),
    /// There is no such group.
    #[error("group {group}: there is none of this name in functions/all/src/lib.rs; known are {known}")]
    Group {
        /// The group.
        group: String,
        /// Those that there are.
        known: String,
    },
    /// A file has not what an entry is put beside.
    #[error("{path}: no line {anchor:?}, where the entry belongs; adapt functions/new/src/places.rs")]
    Anchor {
        /// The file.
        path: &'static str,
        /// What is looked for.
        anchor: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl NewFunction {
    /// Every file as it is to be, in a project's folder; writes none.
    pub fn plan(&self, project: &Path) -> Result<Vec<Written>, NewFunctionError> {
        let read = |path: &str| {
            std::fs::read_to_string(project.join(path))
                .map_err(|source| NewFunctionError::File { path: path.to_owned(), source })
        };
        self.refuse_what_exists(project, &read("Cargo.toml")?, &read("template.yaml")?)?;
        let (name, module) = (self.name.as_str(), self.name.snake());
        let made = [
            (format!("functions/{name}/Cargo.toml"), include_str!("../skeleton/manifest.toml")),
            (format!("functions/{name}/src/main.rs"), include_str!("../skeleton/main.rs")),
            (format!("functions/{name}/src/lib.rs"), include_str!("../skeleton/lib.rs")),
            (format!("functions/{name}/src/operations.rs"), include_str!("../skeleton/operations.rs")),
            (format!("events/{name}.json"), include_str!("../skeleton/event.json")),
            (format!("tests/tests/api/{module}.rs"), include_str!("../skeleton/test.rs")),
        ];
        let mut written: Vec<_> = made
            .into_iter()
            .map(|(path, skeleton)| Written { path, text: self.filled(skeleton), is_new: true })
            .collect();
        for (path, enter) in places::ALL {
            written.push(Written { path: path.to_owned(), text: enter(self, read(path)?)?, is_new: false });
        }
        Ok(written)
    }

    /// Names that are taken, and routes that are served.
    fn refuse_what_exists(&self, project: &Path, manifest: &str, template: &str) -> Result<(), NewFunctionError> {
        let name = self.name.as_str();
        let refused = |reason: String| Err(NewFunctionError::Name { name: name.to_owned(), reason });
        if project.join("functions").join(name).exists() {
            return refused(format!("functions/{name} is there already; choose another name"));
        }
        if project.join(name).exists() || manifest.lines().any(|line| line.starts_with(&format!("{name} = "))) {
            return refused("another crate of the workspace or a dependency has it; choose another name".to_owned());
        }
        let test = format!("tests/tests/api/{}.rs", self.name.snake());
        if project.join(&test).exists() {
            return refused(format!("{test} is there already; choose another name"));
        }
        let served = |line: &str| {
            line.contains(&format!("Method: {},", self.route.method()))
                && line.replace('"', "").contains(&format!("Path: {} }}", self.route.path()))
        };
        if template.lines().any(served) {
            let reason = "template.yaml has it already; choose another".to_owned();
            return Err(NewFunctionError::Route { route: self.route.to_string(), reason });
        }
        Ok(())
    }

    /// A skeleton with this function's names, route and permission.
    fn filled(&self, skeleton: &str) -> String {
        let (method, path) = (self.route.method(), self.route.path());
        let mut text = skeleton.to_owned();
        let variables = self.route.variables();
        if !variables.is_empty() {
            let field = |name: &&str| format!("    /// {MARK} what it identifies.\n    pub {name}: Uuid,\n");
            for (without_path, with_path) in WITH_PATH {
                text = text.replace(without_path, with_path);
            }
            text = text.replace(PATH_FIELDS, &variables.iter().map(field).collect::<String>());
        }
        if !self.route.has_body() {
            for (with_body, with_query) in WITHOUT_BODY {
                text = text.replace(with_body, with_query);
            }
        }
        let mut sample = path.to_owned();
        for variable in &variables {
            sample = sample.replace(&format!("{{{variable}}}"), SAMPLE);
        }
        let parameters: Vec<_> = variables.iter().map(|variable| format!("\"{variable}\": \"{SAMPLE}\"")).collect();
        text.replace("\"pathParameters\": {}", &format!("\"pathParameters\": {{{}}}", parameters.join(", ")))
            .replace("\"rawPath\": \"/v1/skeleton\"", &format!("\"rawPath\": \"{sample}\""))
            .replace("\"path\": \"/v1/skeleton\"", &format!("\"path\": \"{sample}\""))
            .replace("(\"POST\", \"/v1/skeleton", &format!("(\"{method}\", \"{sample}"))
            .replace("\"method\": \"POST\"", &format!("\"method\": \"{method}\""))
            .replace("POST /v1/skeleton", &format!("{method} {path}"))
            .replace("Method: POST, Path: \"/v1/skeleton\"", &format!("Method: {method}, Path: \"{path}\""))
            .replace("        Post:\n", &format!("        {}:\n", self.route.event()))
            .replace("Dialect::Leadlex", &format!("Dialect::{}", self.route.dialect()))
            .replace("Permission::ReadAi", &format!("Permission::{}", self.permission.variant()))
            .replace("skeleton-name", self.name.as_str())
            .replace("skeleton_name", &self.name.snake())
            .replace("skeletonName", &self.name.camel())
            .replace("SkeletonName", &self.name.pascal())
    }
}

/// Stands for each variable part of a path in samples: the contact that every workspace of the tests has.
const SAMPLE: &str = "123e4567-e89b-12d3-a456-426614174000";

/// Stands for the fields of a path.
const PATH_FIELDS: &str = "    // path\n";

/// What a skeleton says of a route without variable parts, and what in its place of one with them.
const WITH_PATH: [(&str, &str); 6] = [
    ("Endpoint, Json}", "Endpoint, Json, Path}"),
    (
        "/// What is asked for.\n",
        "/// What the path names.\n#[derive(Debug, Deserialize, JsonSchema)]\npub struct SkeletonNamePath {\n    // path\n}\n\n\
         /// What is asked for.\n",
    ),
    (
        "type Request = Json<SkeletonNameRequest>;",
        "type Request = (Path<SkeletonNamePath>, Json<SkeletonNameRequest>);",
    ),
    ("call: &Call, Json(request): ", "call: &Call, (_, Json(request)): "),
    ("auth::Permission;\n", "auth::Permission;\nuse uuid::Uuid;\n"),
    ("serde.workspace = true\n", "serde.workspace = true\nuuid.workspace = true\n"),
];

/// What a skeleton says of a body, and what in its place of a query.
const WITHOUT_BODY: [(&str, &str); 10] = [
    ("Endpoint, Json}", "Endpoint, Query}"),
    ("Endpoint, Json, Path}", "Endpoint, Path, Query}"),
    ("Json<SkeletonNameRequest>", "Query<SkeletonNameRequest>"),
    ("Json(request)", "Query(request)"),
    ("    \"requests\": [{\"summary\": \"TODO what it shows\", \"value\": {\"todo\": 3}}],\n", ""),
    ("#[serde(deny_unknown_fields)]\n", ""),
    ("/v1/skeleton\").json(&json!({\"todo\": 3})))", "/v1/skeleton?todo=3\"))"),
    ("use serde_json::json;\nuse tests::", "use tests::"),
    ("\"rawQueryString\": \"\"", "\"rawQueryString\": \"todo=3\""),
    ("  \"body\": \"{\\\"todo\\\": 3}\",\n", ""),
];

/// Writes the files.
pub fn write(project: &Path, files: &[Written]) -> Result<(), NewFunctionError> {
    for file in files {
        let path: PathBuf = project.join(&file.path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, &file.text))
            .map_err(|source| NewFunctionError::File { path: file.path.clone(), source })?;
    }
    Ok(())
}

/// The skeleton of a crate, compiled with the tests.
#[cfg(test)]
#[path = "../skeleton/lib.rs"]
pub mod skeleton;

#[cfg(test)]
mod tests;
