//! Everything that `cargo local` runs, started together and stopped together.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use cli::demo;
use dynoxide::Database;
use serde::{Deserialize, Serialize};
use shared::api::lambda::Function;
use shared::base::clock::{Clock, Random};
use shared::base::context::Context;
use shared::base::environment::Environment;
use shared::base::observe::metrics::Metrics;
use shared::base::store::StoreError;
use shared::crm::prospects::{OwnProspects, Prospect};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::error::LocalError;
use crate::gateway::Gateway;
use crate::providers::{EmailEvents, Providers, TWILIO_AUTH_TOKEN, WHATSAPP_TOKEN};
use crate::queues::Poller;
use crate::secrets::Secrets;
use crate::template::{DeclaredFunction, Event, REGION, Template};
use crate::{composer, dynamodb, schedule, sqs};

/// Signs the webhooks of Meta.
pub const META_APP_SECRET: &str = "local-app-secret";

/// Confirms the webhook's address to Meta.
pub const META_VERIFY_TOKEN: &str = "local-verify-token";

/// Parameters of the template that name a secret, with that name and the secret. They are public: only the stand-ins
/// for the providers know them.
const SECRETS: [(&str, &str, &str); 4] = [
    ("MetaAppSecretSecret", "meta-app-secret", META_APP_SECRET),
    ("MetaVerifyTokenSecret", "meta-verify-token", META_VERIFY_TOKEN),
    ("WhatsappTokenSecret", "whatsapp-token", WHATSAPP_TOKEN),
    ("TwilioAuthTokenSecret", "twilio-auth-token", TWILIO_AUTH_TOKEN),
];

/// The name of the secret that is the model's key.
const LLM_API_KEY: &str = "llm-api-key";

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const DYNAMODB_URL: &str = "AWS_ENDPOINT_URL_DYNAMODB";
const SECRETS_URL: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";

/// What to run. A port of 0 stands for any free one.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The template's text.
    pub template: String,
    pub port: u16,
    pub dynamodb_port: u16,
    pub sqs_port: u16,
    /// The folder for the data; `None` keeps it in memory.
    pub data: Option<PathBuf>,
    /// Loads the demo data if it is missing.
    pub demo: bool,
    /// Runs everything but the functions.
    pub emulators_only: bool,
    /// The model; the composer if `None`.
    pub model: Option<RealModel>,
    /// Variables of every function, in place of the template's.
    pub environment: HashMap<String, String>,
    pub clock: Clock,
    /// The destination of the functions' metrics.
    pub metrics: Metrics,
}

/// A model behind an OpenAI-compatible endpoint.
#[derive(Clone, Debug)]
pub struct RealModel {
    pub base_url: String,
    pub key: String,
    pub name: String,
}

/// The content of the ready file: the address of each server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// `None` if only the emulators run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    pub dynamodb: String,
    pub sqs: String,
    pub model: String,
    /// The stand-in for the providers of e-mail, WhatsApp and SMS.
    pub providers: String,
    /// The variables of all functions, except the secrets' address.
    pub environment: BTreeMap<String, String>,
}

/// A running stack; stops when dropped.
#[derive(Debug)]
pub struct Stack {
    pub ready: Ready,
    /// The variables of all functions.
    pub variables: BTreeMap<String, String>,
    pub secrets: Secrets,
    /// The demo data that this start loaded.
    pub demo_loaded: Option<demo::Loaded>,
    /// Direct access to the tables, past a test's proxy.
    pub context: Context,
    tasks: JoinSet<()>,
}

impl Stack {
    /// Starts everything, and returns once it answers.
    pub async fn start(options: Options) -> Result<Self, LocalError> {
        let (mut tasks, random) = (JoinSet::new(), Random::from_os());
        let gateway = if options.emulators_only { None } else { Some(Server::bind(options.port, "--port").await?) };
        let gateway_url = gateway.as_ref().map(|gateway| gateway.url.clone());
        let model = match &options.model {
            Some(model) => model.clone(),
            None => start_composer(&mut tasks).await?,
        };
        let (secrets, secrets_url) = start_secrets(&model, random.uuid(), &mut tasks).await?;
        let template = Template::parse(&options.template, &parameters(&model))?;
        let emulators = Emulators::start(&options, &template, &mut tasks).await?;

        let server = Server::bind(0, "").await?;
        let (clock, providers_url) = (options.clock.clone(), server.url);
        let email_events = template.email_events()?.map(|(topic_arn, queue)| EmailEvents {
            topic_arn,
            queue_url: emulators.queue_urls.get(&queue).cloned().unwrap_or_default(),
            sqs: emulators.sqs_client.clone(),
        });
        let providers = Providers::new(providers_url.clone(), gateway_url.clone(), email_events, clock, random.clone());
        let providers = providers.map_err(LocalError::function("providers"))?;
        let mut own = emulators.variables();
        own.insert(SECRETS_URL.to_owned(), secrets_url);
        own.extend(providers.endpoints().map(|(name, value)| (name.to_owned(), value)));
        own.extend(options.environment.clone());
        let functions = functions_of(&template, &providers, &emulators.queue_urls, &own)?;
        tasks.spawn(providers.serve(server.listener));

        let mut variables: HashMap<String, String> =
            functions.iter().flat_map(|function| function.environment.clone()).collect();
        variables.insert(ACCESS_KEY_ID.to_owned(), "local".to_owned());
        let mut direct = variables.clone();
        direct.insert(DYNAMODB_URL.to_owned(), emulators.dynamodb.clone());
        let direct = options.context(&random, "stack", direct)?;
        let demo_loaded = if options.demo { load_demo(&direct, emulators.database.clone()).await? } else { None };
        if let Some(gateway) = gateway {
            let built = build(functions, &options, &random)?;
            run(&mut tasks, &built, &emulators.sqs_client, &emulators.queue_urls);
            let routes = built.iter().flat_map(|(declared, function)| {
                declared.events.iter().map(move |event| (event, function, Duration::from_secs(declared.timeout)))
            });
            tasks.spawn(Gateway::new(routes, options.clock.clone(), random)?.serve(gateway.listener));
        }

        let variables = BTreeMap::from_iter(variables);
        let mut environment = variables.clone();
        environment.remove(SECRETS_URL);
        let ready = Ready {
            gateway: gateway_url,
            dynamodb: emulators.dynamodb,
            sqs: emulators.sqs,
            model: model.base_url,
            providers: providers_url,
            environment,
        };
        Ok(Self { ready, variables, secrets, demo_loaded, context: direct, tasks })
    }

    /// The gateway's address.
    pub fn url(&self) -> &str {
        self.ready.gateway.as_deref().unwrap_or_default()
    }

    /// Stops everything, and returns once it has stopped.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Options {
    /// The context of a function with these variables.
    fn context(
        &self,
        random: &Random,
        function: &str,
        variables: HashMap<String, String>,
    ) -> Result<Context, LocalError> {
        let context = Context::new(Environment::from_iter(variables), self.clock.clone(), random.clone());
        let context = context.map_err(LocalError::function(function))?;
        Ok(Context { metrics: self.metrics.clone(), ..context })
    }
}

/// The embedded DynamoDB and SQS.
struct Emulators {
    dynamodb: String,
    database: Database,
    sqs: String,
    sqs_client: aws_sdk_sqs::Client,
    queue_urls: HashMap<String, String>,
}

impl Emulators {
    async fn start(options: &Options, template: &Template, tasks: &mut JoinSet<()>) -> Result<Self, LocalError> {
        let dynamodb = Server::bind(options.dynamodb_port, "--dynamodb-port").await?;
        let sqs = Server::bind(options.sqs_port, "--sqs-port").await?;
        let file = options.data.as_ref().map(|folder| folder.join("dynamodb.sqlite"));
        let database = dynamodb::open(file.as_deref(), &template.tables()?)?;
        tasks.spawn(dynamodb::serve(dynamodb.listener, database.clone()));
        tasks.spawn(sqs::serve(sqs.listener, sqs.address));
        let sqs_client = sqs::client(&sqs.url);
        let queue_urls = sqs::create(&sqs_client, &template.queues()?).await?;
        Ok(Self { dynamodb: dynamodb.url, database, sqs: sqs.url, sqs_client, queue_urls })
    }

    /// The variables with which a function reaches them.
    fn variables(&self) -> HashMap<String, String> {
        let variables = [
            ("AWS_REGION", REGION),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            (DYNAMODB_URL, &self.dynamodb),
            ("AWS_ENDPOINT_URL_SQS", &self.sqs),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

fn build(
    functions: Vec<DeclaredFunction>,
    options: &Options,
    random: &Random,
) -> Result<Vec<(DeclaredFunction, Function)>, LocalError> {
    let build = |declared: DeclaredFunction| {
        let context = options.context(random, &declared.name, declared.environment.clone())?;
        let function = functions::build(&declared.name, &context).map_err(LocalError::function(&declared.name))?;
        let missing = || LocalError::NoSuchFunction { id: declared.id.clone(), name: declared.name.clone() };
        let function = function.ok_or_else(missing)?;
        Ok((declared, function))
    };
    functions.into_iter().map(build).collect()
}

/// Starts the pollers and timers.
fn run(
    tasks: &mut JoinSet<()>,
    built: &[(DeclaredFunction, Function)],
    client: &aws_sdk_sqs::Client,
    queue_urls: &HashMap<String, String>,
) {
    for (declared, function) in built {
        for event in &declared.events {
            match event {
                Event::Route { .. } => {}
                Event::Every(seconds) => {
                    let period = Duration::from_secs(*seconds);
                    tasks.spawn(schedule::every(period, declared.name.clone(), function.clone()));
                }
                Event::Queue { queue, batch_size } => {
                    let poller = Poller {
                        client: client.clone(),
                        queue: queue.clone(),
                        url: queue_urls.get(queue).cloned().unwrap_or_default(),
                        batch_size: *batch_size,
                        function: function.clone(),
                    };
                    tasks.spawn(poller.run());
                }
            }
        }
    }
}

async fn load_demo(context: &Context, database: Database) -> Result<Option<demo::Loaded>, LocalError> {
    let table = context.environment.required("LEADS_TABLE")?.to_owned();
    // Written directly: loading some 15,000 items over HTTP would take most of the start.
    let write = async |workspace: Uuid, prospects: &[Prospect]| {
        let items = OwnProspects::items(workspace, prospects)?;
        let written = tokio::task::spawn_blocking(move || dynamodb::import(&database, &table, items)).await;
        written.map_err(|error| StoreError::Broken(error.to_string()))?
    };
    let loaded = demo::load(context, write).await.map_err(LocalError::Demo)?;
    Ok((loaded.leads > 0).then_some(loaded))
}

/// A port on loopback that something is going to serve.
struct Server {
    listener: TcpListener,
    address: SocketAddr,
    url: String,
}

impl Server {
    /// Binds a port; `option` sets it.
    async fn bind(port: u16, option: &'static str) -> Result<Self, LocalError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => LocalError::PortInUse { port, option },
            _ => LocalError::Emulator(format!("port {port}: {error}; choose another with {option}")),
        })?;
        let address = listener.local_addr().map_err(|error| LocalError::Emulator(error.to_string()))?;
        Ok(Self { listener, address, url: format!("http://{address}") })
    }
}

async fn start_composer(tasks: &mut JoinSet<()>) -> Result<RealModel, LocalError> {
    let server = Server::bind(0, "").await?;
    tasks.spawn(composer::serve(server.listener));
    Ok(RealModel { base_url: format!("{}/v1", server.url), key: "local".to_owned(), name: composer::NAME.to_owned() })
}

/// Serves the secrets at a path that cannot be guessed, and returns their address.
async fn start_secrets(
    model: &RealModel,
    path: Uuid,
    tasks: &mut JoinSet<()>,
) -> Result<(Secrets, String), LocalError> {
    let (server, secrets, path) = (Server::bind(0, "").await?, Secrets::default(), format!("/{path}"));
    secrets.put(LLM_API_KEY, &model.key);
    for (_, name, value) in SECRETS {
        secrets.put(name, value);
    }
    let url = server.url + &path;
    let served = secrets.clone();
    tasks.spawn(async move { served.serve(server.listener, &path).await });
    Ok((secrets, url))
}

/// Values for the parameters that a deployment would set.
fn parameters(model: &RealModel) -> HashMap<String, String> {
    let model = [("LlmBaseUrl", model.base_url.as_str()), ("LlmModel", &model.name), ("LlmApiKeySecret", LLM_API_KEY)];
    let secrets = SECRETS.map(|(parameter, name, _)| (parameter, name));
    model.into_iter().chain(secrets).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The template's functions, with the variables that lead to the servers of this stack.
fn functions_of(
    template: &Template,
    providers: &Providers,
    queue_urls: &HashMap<String, String>,
    variables: &HashMap<String, String>,
) -> Result<Vec<DeclaredFunction>, LocalError> {
    let settings = HashMap::from(providers.settings());
    let mut functions = template.functions()?;
    for function in &mut functions {
        for (name, value) in &mut function.environment {
            if let Some(setting) = settings.get(name.as_str()) {
                setting.clone_into(value);
            } else if let Some(queue) = value.strip_prefix("queue:") {
                *value = queue_urls.get(queue).cloned().unwrap_or_default();
            }
        }
        function.environment.extend(variables.clone());
        // Stands for the function's role, so that a test's proxy knows the caller.
        function.environment.insert(ACCESS_KEY_ID.to_owned(), function.name.clone());
    }
    Ok(functions)
}
