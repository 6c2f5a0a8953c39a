//! What has to agree with `template.yaml` does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use local::{Event, Template};
use shared::api::lambda::Function;
use shared::base::queue::DELIVERIES;
use tests::{parsed, project, template};

fn functions() -> Vec<local::DeclaredFunction> {
    parsed(&template()).functions().unwrap()
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
    let environment = shared::base::environment::Environment::from_iter(stack.variables.clone());
    let context =
        shared::base::context::Context::new(environment, Default::default(), stack.context.random.clone()).unwrap();
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
        let Some(Function::Http(http)) = functions::build(function, &context).unwrap() else { panic!("{function}") };
        assert_eq!(http.answer(request).await.status().as_u16(), status, "{file}");
    }
}

/// The resources of a type, each with its text.
fn resources<'a>(template: &'a str, kind: &str) -> Vec<(&'a str, String)> {
    let (_, resources) = template.split_once("\nResources:\n").unwrap();
    let (resources, _) = resources.split_once("\nOutputs:\n").unwrap();
    let mut found: Vec<(&str, String)> = Vec::new();
    for line in resources.lines() {
        match line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) {
            Some(name) if !name.starts_with([' ', '#']) => found.push((name, String::new())),
            _ => found.last_mut().into_iter().for_each(|(_, text)| *text += &format!("{line}\n")),
        }
    }
    found.retain(|(_, text)| text.starts_with(&format!("    Type: {kind}\n")));
    assert!(!found.is_empty(), "{kind}");
    found
}

#[test]
fn a_policy_names_every_action_and_every_resource() {
    let logs = "arn:aws:logs:us-east-1:000000000000:log-group:/lead-followup/lead-followup:";
    // Which identity sends an e-mail is a workspace's own; Secrets Manager ends each ARN with six characters of its
    // own ("Determining IAM permissions policies", AWS Secrets Manager User Guide); Lambda names the streams of a log
    // group; and what is sent to X-Ray is on nothing ("Actions, resources, and condition keys for AWS X-Ray", Service
    // Authorization Reference).
    let may_be_open = |actions: &[String], resource: &str| match resource.strip_suffix('*') {
        Some("") => actions == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        Some(named) => named.ends_with(":identity/") || named == logs,
        None => resource.ends_with("-??????"),
    };
    let mut statements = 0;
    for function in functions() {
        for local::Permission { actions, resources } in &function.permissions {
            statements += 1;
            assert!(!actions.is_empty() && !resources.is_empty(), "{}: {actions:?} on {resources:?}", function.name);
            for action in actions {
                assert!(!action.contains(['*', '?']) && action.contains(':'), "{}: {action}", function.name);
            }
            for resource in resources {
                let named = resource.starts_with("arn:aws:") && !resource.contains(['*', '?']);
                assert!(named || may_be_open(actions, resource), "{}: {resource}", function.name);
            }
        }
    }
    assert!(statements > 120, "{statements}");
    let template = template();
    for open in [":iam::aws:policy", "FullAccess", "NotAction", "NotResource"] {
        assert!(!template.contains(open), "{open}");
    }
}

/// Without a role of the template SAM makes one, which may write all logs and work on all queues of the account.
#[test]
fn a_function_has_a_role_of_its_own_that_may_write_the_stacks_logs_and_work_on_its_queue() {
    let template = template();
    let roles: BTreeMap<_, _> = resources(&template, "AWS::IAM::Role").into_iter().collect();
    let declared: BTreeMap<_, _> = resources(&template, "AWS::Serverless::Function").into_iter().collect();
    let functions = functions();
    assert_eq!((roles.len(), declared.len()), (functions.len(), functions.len()));
    for function in functions {
        let (text, role) = (&declared[function.id.as_str()], format!("{}Role", function.id));
        assert!(text.contains(&format!("      Role: !GetAtt {role}.Arn\n")), "{}", function.id);
        assert!(!text.contains("      Policies:\n"), "SAM takes no notice of them: {}", function.id);
        let trusted =
            "Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }]\n";
        assert!(roles[role.as_str()].contains(trusted), "{role}");
        let may = |service: &str| -> BTreeSet<(String, String)> {
            let pairs = function.permissions.iter().flat_map(|permission| {
                permission.actions.iter().flat_map(|action| permission.resources.iter().map(move |on| (action, on)))
            });
            let of_service = pairs.filter(|(action, _)| action.starts_with(service) && *action != "sqs:SendMessage");
            of_service.map(|(action, on)| (action.clone(), on.rsplit(':').next().unwrap().to_owned())).collect()
        };
        assert_eq!(may("logs:").len() + may("xray:").len(), 4, "{}", function.id);
        let queues = function.events.iter().filter_map(|event| match event {
            Event::Queue { queue, .. } => Some(queue),
            _ => None,
        });
        let works = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
        // Its failed messages come again within seconds.
        let delays = (function.id == "CopywriterFunction").then_some("sqs:ChangeMessageVisibility");
        let works = works.into_iter().chain(delays);
        let works = queues.flat_map(|queue| works.clone().map(|action| (action.to_owned(), queue.clone())));
        assert_eq!(may("sqs:"), works.collect(), "{}", function.id);
    }
}

#[test]
fn a_function_may_read_the_secrets_that_it_is_told_of_and_no_others() {
    let names = ["Meta-App", "Meta-Verify", "Whatsapp", "Twilio", "Prospects"];
    let parameters = ["MetaAppSecret", "MetaVerifyToken", "WhatsappToken", "TwilioAuthToken", "ProspectsKey"];
    let given = parameters.iter().map(|name| format!("{name}Secret")).zip(names.map(str::to_owned));
    let model = ["LlmBaseUrl", "LlmModel", "LlmApiKeySecret"].map(|name| (name.to_owned(), "Model-Key".to_owned()));
    let parameters: HashMap<_, _> = given.chain(model).collect();
    let mut told = BTreeSet::new();
    for function in Template::parse(&template(), &parameters).unwrap().functions().unwrap() {
        let of = function.environment.iter().filter(|(name, _)| name.ends_with("_SECRET"));
        let of: BTreeSet<_> = of.map(|(_, secret)| format!("{secret}-??????")).collect();
        let may =
            function.permissions.iter().filter(|permission| permission.actions == ["secretsmanager:GetSecretValue"]);
        let may =
            may.flat_map(|permission| &permission.resources).map(|arn| arn.rsplit(':').next().unwrap().to_owned());
        assert_eq!(may.collect::<BTreeSet<_>>(), of, "{}", function.name);
        told.extend(of);
    }
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(!template().contains("{{resolve:"), "a secret in a function's configuration can be read there");
}

#[test]
fn a_queue_waits_for_its_function_and_keeps_what_fails() {
    let template = template();
    let queues = parsed(&template).queues().unwrap();
    let queue = |name: &str| queues.iter().find(|queue| queue.name == name).unwrap();
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let mut worked = 0;
    for function in functions() {
        for event in &function.events {
            let Event::Queue { queue: name, .. } = event else { continue };
            worked += 1;
            let visible: u64 = queue(name).attributes["VisibilityTimeout"].parse().unwrap();
            // "Using Lambda with Amazon SQS", AWS Lambda Developer Guide.
            assert!(visible >= 6 * function.timeout, "{name}: {visible} s for {} s", function.timeout);
            let (dead, times) = queue(name).redrive.clone().unwrap();
            // A worker gives up at its last delivery: `shared` counts attempts by the same number.
            assert_eq!(times, DELIVERIES, "{name}");
            assert_eq!(queue(&dead).attributes["MessageRetentionPeriod"], "1209600", "{dead}");
            let declared = resources(&template, "AWS::Serverless::Function");
            let (_, text) = declared.iter().find(|(id, _)| *id == function.id).unwrap();
            assert!(text.contains("FunctionResponseTypes: [ReportBatchItemFailures]"), "{}", function.name);
            for (queue, metric) in
                [(&dead, "ApproximateNumberOfMessagesVisible"), (name, "ApproximateAgeOfOldestMessage")]
            {
                let id = queue.strip_prefix("lead-followup-").unwrap();
                let watches =
                    |text: &String| text.contains(&format!("!GetAtt {id}.QueueName")) && text.contains(metric);
                assert!(alarms.iter().any(|(_, text)| watches(text)), "nobody is told of {id}");
            }
        }
    }
    assert_eq!(worked, 8);
    for (id, text) in resources(&template, "AWS::SQS::Queue") {
        assert!(text.contains("SqsManagedSseEnabled: true"), "{id}");
    }
}

/// No signature is verified, so the policies alone say who may report a bounce.
#[test]
fn only_ses_publishes_its_events_and_only_their_topic_sends_them_to_the_queue() {
    let template = template();
    let (_, topic) = resources(&template, "AWS::SNS::TopicPolicy").remove(0);
    let (_, queue) = resources(&template, "AWS::SQS::QueuePolicy").remove(0);
    for (policy, rules) in [
        (
            topic,
            [
                "Principal: { Service: ses.amazonaws.com }\n",
                "Action: sns:Publish\n",
                "AWS:SourceAccount: !Ref AWS::AccountId\n",
                ":configuration-set/${SesConfigurationSet}\n",
            ],
        ),
        (
            queue,
            [
                "Principal: { Service: sns.amazonaws.com }\n",
                "Action: sqs:SendMessage\n",
                "Resource: !GetAtt EmailEventsQueue.Arn\n",
                "Condition: { ArnEquals: { aws:SourceArn: !Ref EmailEventsTopic } }\n",
            ],
        ),
    ] {
        assert_eq!(policy.matches("Effect: Allow").count(), 1, "{policy}");
        for rule in rules {
            assert!(policy.contains(rule), "{rule} is not in {policy}");
        }
    }
    let (topic, queue) = parsed(&template).email_events().unwrap().unwrap();
    assert_eq!(topic, "arn:aws:sns:us-east-1:000000000000:lead-followup-EmailEventsTopic");
    let function = functions().into_iter().find(|function| function.name == "email-events").unwrap();
    assert_eq!(function.events, [Event::Queue { queue, batch_size: 10 }]);
}

#[test]
fn every_function_becomes_a_version_that_can_be_gone_back_from() {
    // Globals may not hold it, and without it a changed parameter would not reach the alias that is called.
    for (id, text) in resources(&template(), "AWS::Serverless::Function") {
        assert!(text.contains("      AutoPublishCodeSha256: !Ref Release\n"), "{id}");
    }
    let template = template();
    let (globals, _) = template.split_once("\nResources:\n").unwrap();
    for wanted in ["AutoPublishAlias: live", "Type: !If [IsProd, Canary10Percent5Minutes, AllAtOnce]"] {
        assert!(globals.contains(wanted), "{wanted}");
    }
}

#[test]
fn what_is_stored_is_encrypted_can_be_restored_and_stays() {
    for (id, text) in resources(&template(), "AWS::DynamoDB::Table") {
        for wanted in [
            "SSESpecification: { SSEEnabled: true }",
            "PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }",
            "DeletionProtectionEnabled: !If [IsProd, true, false]",
            "BillingMode: PAY_PER_REQUEST",
        ] {
            assert!(text.contains(wanted), "{id}: {wanted}");
        }
        // Idempotency keys are worth nothing after a day.
        assert_eq!(text.contains("DeletionPolicy: RetainExceptOnCreate"), id != "IdempotencyTable", "{id}");
    }
    for (id, text) in resources(&template(), "AWS::Logs::LogGroup") {
        assert!(text.contains("RetentionInDays: !Ref LogRetentionDays"), "{id}");
    }
}

#[test]
fn every_alarm_tells_somebody_and_says_where_the_runbook_is() {
    let runbook = std::fs::read_to_string(project().join("docs/operating.md")).unwrap();
    let template = template();
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    for (id, text) in &alarms {
        assert!(text.contains("AlarmActions: [!Ref Alarms]"), "{id}");
        assert!(
            text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&format!("docs/operating.md, {id}")),
            "{id}"
        );
        assert!(runbook.contains(&format!("`{id}`")), "{id} is not in the runbook");
    }
}

#[test]
fn every_variable_of_a_function_is_documented_and_no_other() {
    let page = std::fs::read_to_string(project().join("docs/configuration.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let documented: BTreeSet<_> = rows.flat_map(|row| row.split(", ")).map(|name| name.trim_matches('`')).collect();
    let template = template();
    // Also those that a condition leaves out here.
    let set = template.lines().filter_map(|line| line.trim().split_once(':')).map(|(name, _)| name);
    let is_variable = |name: &&str| name.contains('_') && !name.contains(|one: char| !matches!(one, 'A'..='Z' | '_'));
    let has_default = ["RETRY_SECONDS"].into_iter(); // which the template leaves at that
    assert_eq!(documented, set.filter(is_variable).chain(has_default).collect());
}

#[test]
fn the_dashboard_and_the_alarms_know_the_metrics_that_there_are_and_show_them_all() {
    let template = template();
    let (_, text) = resources(&template, "AWS::CloudWatch::Dashboard").remove(0);
    let (_, body) = text.split_once("DashboardBody: !Sub |\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body.split("\n\n").next().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    let (mut shown, mut searched) = (BTreeSet::new(), BTreeSet::new());
    for metric in widgets.iter().flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap()) {
        match (metric[0].as_str(), metric[0]["expression"].as_str()) {
            (Some("LeadFollowup"), _) => {
                assert_eq!((&metric[2], &metric[3]), (&"Stack".into(), &"${AWS::StackName}".into()), "{metric}");
                shown.insert(metric[1].as_str().unwrap());
            }
            (_, Some(search)) => {
                searched.insert(search.split("MetricName=\"").nth(1).unwrap().split('"').next().unwrap());
            }
            _ => {}
        }
    }
    let of_stack = |name: &str| {
        shared::base::observe::metrics::ALL
            .iter()
            .any(|metric| metric.name == name && metric.dimensions.contains(&&["Stack"][..]))
    };
    assert!(shown.iter().all(|name| of_stack(name)), "{shown:?}");
    let known: BTreeSet<_> = shared::base::observe::metrics::ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(shown.union(&searched).copied().collect::<BTreeSet<_>>(), known);
    let alarmed = resources(&template, "AWS::CloudWatch::Alarm");
    let own = alarmed.iter().filter(|(_, text)| text.contains("Namespace: LeadFollowup\n"));
    let own: Vec<_> = own.map(|(_, text)| text.split("MetricName: ").nth(1).unwrap().lines().next().unwrap()).collect();
    assert!(!own.is_empty() && own.iter().all(|name| of_stack(name)), "{own:?}");
}
