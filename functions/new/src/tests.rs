use shared::base::clock::{Clock, Random};
use shared::base::context::Context;
use shared::base::environment::Environment;

use super::*;

fn project() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn new(name: &str, route: &str, group: &str) -> Result<NewFunction, NewFunctionError> {
    let (name, route, permission) = (name.parse()?, route.parse()?, "write:ai".parse()?);
    Ok(NewFunction { name, route, permission, group: group.to_owned() })
}

fn planned(name: &str, route: &str) -> impl Fn(&str) -> String {
    let files = new(name, route, "Follow-ups").unwrap().plan(&project()).unwrap();
    move |path| files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path}")).text.clone()
}

/// The lines that a file gets.
fn added(path: &str, text: &str) -> Vec<String> {
    let before = std::fs::read_to_string(project().join(path)).unwrap();
    let (before, mut after): (Vec<_>, Vec<_>) = (before.lines().collect(), text.lines().collect());
    let same = before.iter().zip(&after).take_while(|(before, after)| before == after).count();
    after.drain(..same);
    let rest = before.len() - same;
    assert!(after.ends_with(&before[same..]), "{path} loses something");
    after[..after.len() - rest].iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn an_endpoint_costs_six_files_and_six_entries() {
    let files = new("suggest-meetings", "POST /v1/ai/suggest-meetings", "Follow-ups").unwrap();
    let files = files.plan(&project()).unwrap();
    let paths = |is_new: bool| files.iter().filter(move |file| file.is_new == is_new).map(|file| file.path.as_str());
    assert_eq!(
        paths(true).collect::<Vec<_>>(),
        [
            "functions/suggest-meetings/Cargo.toml",
            "functions/suggest-meetings/src/main.rs",
            "functions/suggest-meetings/src/lib.rs",
            "functions/suggest-meetings/src/operations.rs",
            "events/suggest-meetings.json",
            "tests/tests/api/suggest_meetings.rs",
        ]
    );
    assert_eq!(
        paths(false).collect::<Vec<_>>(),
        [
            "template.yaml",
            "Cargo.toml",
            "functions/all/src/lib.rs",
            "functions/all/Cargo.toml",
            "functions/all/examples.json",
            "tests/tests/api/main.rs"
        ]
    );
    for file in &files {
        let text = file.text.to_lowercase();
        assert!(!text.contains("skeleton"), "{} still has a skeleton's name", file.path);
        assert!(file.text.ends_with('\n') && !file.text.ends_with("\n\n"), "{}", file.path);
    }
}

#[test]
fn it_is_entered_beside_the_others() {
    let text = planned("suggest-meetings", "POST /v1/ai/suggest-meetings");
    for (path, expected) in [
        ("functions/all/src/lib.rs", &["        suggest_meetings"][..]),
        ("functions/all/Cargo.toml", &["suggest-meetings = { path = \"../suggest-meetings\" }"]),
        (
            "functions/all/examples.json",
            &[
                "  \"suggestMeetings\": {",
                "    \"requests\": [{\"summary\": \"TODO what it shows\", \"value\": {\"todo\": 3}}],",
                "    \"answers\": [{\"summary\": \"TODO what it shows\", \"data\": {\"todo\": 3}}]",
                "  },",
            ],
        ),
        ("tests/tests/api/main.rs", &["mod suggest_meetings;"]),
        (
            "Cargo.toml",
            &[
                "\"/v1/ai/suggest-meetings\" = [{ method = \"POST\", function = \"suggest-meetings\" }]",
                "\"/functions/v1/api-gateway/v1/ai/suggest-meetings\" = [{ method = \"POST\", function = \"suggest-meetings\" }]",
            ],
        ),
    ] {
        assert_eq!(added(path, &text(path)), expected, "{path}");
    }
    let entry = added("template.yaml", &text("template.yaml")).join("\n");
    assert!(entry.starts_with("  SuggestMeetingsFunction:\n    Type: AWS::Serverless::Function\n"), "{entry}");
    for (expected, times) in [
        ("\n  SuggestMeetingsFunctionRole:\n    Type: AWS::IAM::Role\n", 1),
        ("Role: !GetAtt SuggestMeetingsFunctionRole.Arn\n", 1),
        ("\n        Post:\n", 1),
        ("\n        PostUnderBase:\n", 1),
        ("Method: POST, Path: \"/v1/ai/suggest-meetings\" }", 1),
        ("Method: POST, Path: \"/functions/v1/api-gateway/v1/ai/suggest-meetings\" }", 1),
        ("Type: HttpApi", 2),
    ] {
        assert_eq!(entry.matches(expected).count(), times, "{expected}: {entry}");
    }
}

#[test]
fn its_names_and_its_permission_are_those_that_were_given() {
    let text = planned("suggest-meetings", "POST /api/agents/sales/meetings");
    let library = text("functions/suggest-meetings/src/lib.rs");
    for expected in
        ["`POST /api/agents/sales/meetings`", "Dialect::Agents", "Permission::WriteAi", "struct SuggestMeetings {"]
    {
        assert!(library.contains(expected), "{expected}: {library}");
    }
    assert!(text("functions/suggest-meetings/src/operations.rs").contains("(route, \"suggestMeetings\", "));
    assert!(text("functions/suggest-meetings/src/main.rs").contains("suggest_meetings::FUNCTION"));
    assert!(!text("template.yaml").contains("/functions/v1/api-gateway/api/"), "only /v1 has a base path");
}

#[test]
fn an_endpoint_without_a_body_reads_its_query_and_its_path() {
    let text = planned("show-meeting", "GET /v1/contacts/{id}/meetings");
    let library = text("functions/show-meeting/src/lib.rs");
    assert!(
        library.contains("(Path<ShowMeetingPath>, Query<ShowMeetingRequest>)") && !library.contains("Json<"),
        "{library}"
    );
    assert!(!library.contains("deny_unknown_fields"), "{library}");
    assert!(library.contains("    /// TODO what it identifies.\n    pub id: Uuid,\n"), "{library}");
    assert!(text("functions/show-meeting/Cargo.toml").contains("uuid.workspace = true\n"));
    let examples: serde_json::Value = serde_json::from_str(&text("functions/all/examples.json")).unwrap();
    let answer = serde_json::json!({"summary": "TODO what it shows", "data": {"todo": 3}});
    assert_eq!(examples["showMeeting"], serde_json::json!({"answers": [answer]}));
    let event: serde_json::Value = serde_json::from_str(&text("events/show-meeting.json")).unwrap();
    assert_eq!((&event["rawPath"], &event["body"]), (&format!("/v1/contacts/{SAMPLE}/meetings").into(), &().into()));
    assert_eq!(
        (&event["routeKey"], &event["pathParameters"]["id"]),
        (&"GET /v1/contacts/{id}/meetings".into(), &SAMPLE.into())
    );
    let test = text("tests/tests/api/show_meeting.rs");
    assert!(test.contains(&format!("(\"GET\", \"/v1/contacts/{SAMPLE}/meetings?todo=3\"))")), "{test}");
}

#[test]
fn another_method_of_a_path_is_watched_with_the_first() {
    for (route, function, others) in [
        ("DELETE /v1/contacts", "delete-contacts", "    { method = \"GET\", function = \"lists\" },\n"),
        ("GET /v1/activities", "get-activities", "[{ method = \"POST\", function = \"ingest\" }, "),
    ] {
        let text = planned(function, route)("Cargo.toml");
        let (method, path) = route.split_once(' ').unwrap();
        let target = format!("{{ method = \"{method}\", function = \"{function}\" }}");
        for base in ["", "/functions/v1/api-gateway"] {
            let (_, entry) = text.split_once(&format!("\n\"{base}{path}\" = ")).unwrap();
            let (entry, _) = entry.split_once("]\n").unwrap();
            assert!(entry.contains(&target) && entry.contains(others), "{entry}");
        }
    }
}

#[test]
fn what_is_written_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let files =
        new("suggest-meetings", "POST /v1/ai/suggest-meetings", "Follow-ups").unwrap().plan(&project()).unwrap();
    write(folder.path(), &files).unwrap();
    for file in files {
        assert_eq!(std::fs::read_to_string(folder.path().join(&file.path)).unwrap(), file.text);
    }
}

#[test]
fn what_cannot_be_is_refused_in_a_sentence() {
    let route = "POST /v1/ai/suggest-meetings";
    for (name, route, group, expected) in [
        ("SuggestMeetings", route, "Lexi", "name SuggestMeetings: use small letters"),
        ("suggest_meetings", route, "Lexi", "name suggest_meetings: use small letters"),
        ("suggest--meetings", route, "Lexi", "use small letters"),
        ("2nd", route, "Lexi", "use small letters"),
        ("", route, "Lexi", "use small letters"),
        (&"a".repeat(41), route, "Lexi", "it has more than 40 characters"),
        ("match", route, "Lexi", "name match: the word is reserved"),
        ("credits", route, "Lexi", "functions/credits is there already"),
        ("serde", route, "Lexi", "a dependency has it"),
        ("local", route, "Lexi", "another crate of the workspace"),
        ("streams", route, "Lexi", "tests/tests/api/streams.rs is there already"),
        ("meetings", "/v1/meetings", "Lexi", "give a method and a path"),
        ("meetings", "PATCH /v1/meetings", "Lexi", "the method must be"),
        ("meetings", "GET /v2/meetings", "Lexi", "a documented API: /v1,"),
        ("meetings", "GET /v1/", "Lexi", "a documented API: /v1,"),
        ("meetings", "GET /v1/meetings/", "Lexi", "each part of the path"),
        ("meetings", "GET /v1/meetings/{Id}", "Lexi", "each part of the path"),
        ("meetings", "GET /v1/credits", "Lexi", "route GET /v1/credits: template.yaml has it already"),
        ("meetings", "GET /users/{user_id}/leads", "Lexi", "template.yaml has it already"),
        (
            "meetings",
            route,
            "Meetings",
            "group Meetings: there is none of this name in functions/all/src/lib.rs; known are Follow-ups, Recommendations",
        ),
    ] {
        let refused = new(name, route, group).and_then(|new| new.plan(&project())).unwrap_err().to_string();
        assert!(refused.contains(expected) && !refused.contains('\n'), "{refused}");
    }
    let refused = "admin".parse::<Permission>().unwrap_err().to_string();
    assert_eq!(
        refused,
        "permission admin: there is none of this name; known are write:ai, read:ai, lexi, read:leads, write:leads"
    );
}

/// It is compiled here, so that it keeps up with what it uses.
#[test]
fn the_skeleton_is_a_function_like_the_others() {
    let tables = [("ACCOUNTS_TABLE", "accounts"), ("AWS_REGION", "us-east-1")];
    let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let variables = tables.into_iter().chain(keys).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let context = Context::new(Environment::from_iter(variables), Clock::default(), Random::seeded(1)).unwrap();
    assert!(matches!((skeleton::FUNCTION.build)(&context), Ok(shared::api::lambda::Function::Http(_))));
    assert_eq!(skeleton::operations()[0].route(), ("POST", "/v1/skeleton"));
    assert_eq!(skeleton::FUNCTION.name, "skeleton-name");
}

#[test]
fn the_permissions_and_dialects_are_those_of_the_code() {
    let known =
        shared::workspace::auth::Permission::ALL.map(|permission| (permission.to_string(), format!("{permission:?}")));
    assert_eq!(Permission::ALL.map(|(name, variant)| (name.to_owned(), variant.to_owned())), known);
    for path in ["/v1/x", "/api/agents/x", "/api/v1/ai/followup/x", "/users/x"] {
        let route: Route = format!("GET {path}").parse().unwrap();
        assert_eq!(route.dialect(), format!("{:?}", fallback::dialect(path)));
    }
}
