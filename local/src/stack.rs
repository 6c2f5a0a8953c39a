//! Everything that `cargo local` runs, started together and stopped together.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use dynoxide::Database;
use serde::{Deserialize, Serialize};
use shared::api::lambda::Function;
use shared::base::clock::{Clock, Random};
use shared::base::context::Context;
use shared::base::environment::{ConfigError, Environment};
use shared::base::observe::metrics::Metrics;
use shared::base::store::StoreError;
use shared::crm::prospects::{OwnProspects, Prospect};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::gateway::Gateway;
use crate::providers::{Providers, TWILIO_AUTH_TOKEN, WHATSAPP_TOKEN};
use crate::queues::Poller;
use crate::secrets::Secrets;
use crate::template::{DeclaredFunction, Event, REGION, Template, TemplateError};
use crate::{composer, dynamodb, schedule, sqs};

/// The app secret that signs webhooks of Meta here.
pub const META_APP_SECRET: &str = "local-app-secret";

/// The verify token of the webhooks of Meta here.
pub const META_VERIFY_TOKEN: &str = "local-verify-token";

/// The secrets that the template's parameters name here, with what they hold. Those of the providers are public:
/// nothing but the stand-ins knows them.
const SECRETS: [(&str, &str, &str); 4] = [
    ("MetaAppSecretSecret", "meta-app-secret", META_APP_SECRET),
    ("MetaVerifyTokenSecret", "meta-verify-token", META_VERIFY_TOKEN),
    ("WhatsappTokenSecret", "whatsapp-token", WHATSAPP_TOKEN),
    ("TwilioAuthTokenSecret", "twilio-auth-token", TWILIO_AUTH_TOKEN),
];

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";

/// The variable that says where they are.
const SECRETS_URL: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";

/// The name of the secret that is the model's key.
const LLM_API_KEY: &str = "llm-api-key";

/// What to run, and where.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The template's text.
    pub template: String,
    /// Port of the gateway; 0 = any free one.
    pub port: u16,
    /// Port of DynamoDB; 0 = any free one.
    pub dynamodb_port: u16,
    /// Port of SQS; 0 = any free one.
    pub sqs_port: u16,
    /// Where data is kept; in memory if nowhere.
    pub data: Option<PathBuf>,
    /// Whether the demo data is loaded if it is not there.
    pub demo: bool,
    /// Whether functions run here too, or only what stands behind their endpoints.
    pub emulators_only: bool,
    /// The model to ask instead of the composer.
    pub model: Option<RealModel>,
    /// Variables that every function gets in place of the template's.
    pub environment: HashMap<String, String>,
    /// The time that functions see.
    pub clock: Clock,
    /// Where the functions' metrics go: nowhere, unless somebody looks at them.
    pub metrics: Metrics,
}

/// A model behind an OpenAI-compatible endpoint.
#[derive(Clone, Debug)]
pub struct RealModel {
    /// `LLM_BASE_URL`.
    pub base_url: String,
    /// The key that the endpoint wants.
    pub key: String,
    /// `LLM_MODEL`.
    pub name: String,
}

/// Why the stack does not run.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A port is taken.
    #[error("port {port} is in use; choose another with {option}")]
    PortInUse {
        /// The port.
        port: u16,
        /// The option that sets it.
        option: &'static str,
    },
    /// The template cannot be run.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A function's configuration cannot work.
    #[error("function {function}: {source}")]
    Function {
        /// Its name.
        function: String,
        /// Why.
        source: ConfigError,
    },
    /// The template declares a function that this project does not have.
    #[error("the template's {id} runs {name}, and no crate under functions/ has that name")]
    NoSuchFunction {
        /// Logical id.
        id: String,
        /// Name of the binary.
        name: String,
    },
    /// Another process runs in the data folder.
    #[error("another cargo local is using {0}; stop it, or give this one a folder of its own with --data DIR")]
    FolderInUse(String),
    /// The data folder's tables are those of another version.
    #[error(
        "the table {table} in {folder} is from another version and lacks keys or indexes of this one; delete the \
         folder, or choose another with --data DIR"
    )]
    OtherTables {
        /// The data folder.
        folder: String,
        /// The first table that differs.
        table: String,
    },
    /// A variable for the model is missing.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// Something embedded does not start.
    #[error("{0}")]
    Emulator(String),
    /// A file cannot be written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The demo data cannot be loaded.
    #[error("the demo data cannot be loaded: {0}")]
    Demo(StoreError),
}

/// Where everything is: the content of the ready file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Address of the gateway, unless only the emulators run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Address of DynamoDB.
    pub dynamodb: String,
    /// Address of SQS.
    pub sqs: String,
    /// Base address of the model.
    pub model: String,
    /// Address of what stands in for the providers of e-mail, WhatsApp and SMS.
    pub providers: String,
    /// The variables of all functions together, but for the one that leads to secrets.
    pub environment: BTreeMap<String, String>,
}

/// A running stack; stops when dropped.
#[derive(Debug)]
pub struct Stack {
    /// Where everything is.
    pub ready: Ready,
    /// The variables of all functions together.
    pub variables: BTreeMap<String, String>,
    /// The deployment's secrets.
    pub secrets: Secrets,
    /// Whether this start loaded the demo data.
    pub demo_loaded: Option<demo::Loaded>,
    /// What a function of this stack is built from, for whoever needs the tables directly.
    pub context: Context,
    tasks: JoinSet<()>,
}

impl Stack {
    /// Starts everything, and returns once it answers.
    pub async fn start(options: Options) -> Result<Self, LocalError> {
        let mut tasks = JoinSet::new();
        let gateway_listener = if options.emulators_only { None } else { Some(bind(options.port, "--port").await?) };
        let dynamodb_listener = bind(options.dynamodb_port, "--dynamodb-port").await?;
        let sqs_listener = bind(options.sqs_port, "--sqs-port").await?;
        let (dynamodb_url, sqs_url) = (url(&dynamodb_listener)?, url(&sqs_listener)?);

        let model = match &options.model {
            Some(model) => model.clone(),
            None => {
                let listener = bind(0, "").await?;
                let base_url = format!("{}/v1", url(&listener)?);
                tasks.spawn(composer::serve(listener));
                RealModel { base_url, key: "local".to_owned(), name: composer::NAME.to_owned() }
            }
        };
        let mut parameters = HashMap::from([
            ("LlmBaseUrl".to_owned(), model.base_url.clone()),
            ("LlmModel".to_owned(), model.name.clone()),
            ("LlmApiKeySecret".to_owned(), LLM_API_KEY.to_owned()),
        ]);
        let secrets = Secrets::default();
        secrets.put(LLM_API_KEY, &model.key);
        for (parameter, name, value) in SECRETS {
            parameters.insert(parameter.to_owned(), name.to_owned());
            secrets.put(name, value);
        }
        let secrets_listener = bind(0, "").await?;
        let random = Random::from_os();
        let secrets_path = format!("/{}", random.uuid());
        let secrets_url = url(&secrets_listener)? + &secrets_path;
        tasks.spawn({
            let secrets = secrets.clone();
            async move { secrets.serve(secrets_listener, &secrets_path).await }
        });
        let template = Template::parse(&options.template, &parameters)?;

        let file = options.data.as_ref().map(|folder| folder.join("dynamodb.sqlite"));
        let database = dynamodb::open(file.as_deref(), &template.tables()?)?;
        tasks.spawn(dynamodb::serve(dynamodb_listener, database.clone()));
        let sqs_address = local_address(&sqs_listener)?;
        tasks.spawn(sqs::serve(sqs_listener, sqs_address));
        let sqs_client = sqs::client(&sqs_url);
        let queue_urls = sqs::create(&sqs_client, &template.queues()?).await?;

        let providers_listener = bind(0, "").await?;
        let providers_url = url(&providers_listener)?;
        let gateway_url = gateway_listener.as_ref().map(url).transpose()?;
        let providers =
            Providers::new(providers_url.clone(), gateway_url.clone(), options.clock.clone(), random.clone())
                .map_err(|source| LocalError::Function { function: "providers".to_owned(), source })?;

        let mut base = HashMap::from([
            ("AWS_REGION", REGION.to_owned()),
            (ACCESS_KEY_ID, "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url.clone()),
            ("AWS_ENDPOINT_URL_SQS", sqs_url.clone()),
            (SECRETS_URL, secrets_url),
        ]);
        base.extend(providers.endpoints());
        let settings = HashMap::from(providers.settings());
        tasks.spawn(providers.serve(providers_listener));
        let mut declared = template.functions()?;
        for function in &mut declared {
            for (name, value) in &mut function.environment {
                if let Some(setting) = settings.get(name.as_str()) {
                    setting.clone_into(value);
                } else if let Some(queue) = value.strip_prefix("queue:") {
                    *value = queue_urls.get(queue).cloned().unwrap_or_default();
                }
            }
            let own = base.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            function.environment.extend(own.chain(options.environment.clone()));
            // As its role would: so that whoever stands behind an endpoint can tell who asks.
            function.environment.insert(ACCESS_KEY_ID.to_owned(), function.name.clone());
        }
        let mut union: HashMap<String, String> =
            declared.iter().flat_map(|function| function.environment.clone()).collect();
        union.insert(ACCESS_KEY_ID.to_owned(), "local".to_owned());

        let context = |variables: HashMap<String, String>, function: &str| {
            Context::new(Environment::from_iter(variables), options.clock.clone(), random.clone())
                .map(|context| Context { metrics: options.metrics.clone(), ..context })
                .map_err(|source| LocalError::Function { function: function.to_owned(), source })
        };
        // Whoever sets a stack up reaches the tables directly, not through a test's proxy.
        let mut direct = union.clone();
        direct.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), dynamodb_url.clone());
        let direct = context(direct, "stack")?;
        let demo_loaded = if options.demo { load_demo(&direct, database).await? } else { None };

        let ready = Ready {
            gateway: gateway_url,
            dynamodb: dynamodb_url,
            sqs: sqs_url,
            model: model.base_url,
            providers: providers_url,
            environment: union.clone().into_iter().filter(|(name, _)| name != SECRETS_URL).collect(),
        };
        if let Some(listener) = gateway_listener {
            let mut built = Vec::new();
            for function in declared {
                let context = context(function.environment.clone(), &function.name)?;
                let handler = functions::build(&function.name, &context)
                    .map_err(|source| LocalError::Function { function: function.name.clone(), source })?;
                let missing = || LocalError::NoSuchFunction { id: function.id.clone(), name: function.name.clone() };
                let handler = handler.ok_or_else(missing)?;
                built.push((function, handler));
            }
            run(&mut tasks, &built, &sqs_client, &queue_urls);
            let routes = built.iter().flat_map(|(declared, function)| {
                declared.events.iter().map(move |event| (event, function, Duration::from_secs(declared.timeout)))
            });
            tasks.spawn(Gateway::new(routes, options.clock.clone(), random.clone())?.serve(listener));
        }
        Ok(Self { ready, variables: union.into_iter().collect(), secrets, demo_loaded, context: direct, tasks })
    }

    /// The gateway's address.
    pub fn url(&self) -> &str {
        self.ready.gateway.as_deref().unwrap_or_default()
    }

    /// Stops everything and waits until it has stopped.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
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
                    tasks.spawn(schedule::every(
                        Duration::from_secs(*seconds),
                        declared.name.clone(),
                        function.clone(),
                    ));
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
    // Some 15,000 items, which would take most of the start through the protocol.
    let write = async |workspace: Uuid, prospects: &[Prospect]| {
        let items = OwnProspects::items(workspace, prospects)?;
        let written = tokio::task::spawn_blocking(move || dynamodb::import(&database, &table, items)).await;
        written.map_err(|error| StoreError::Broken(error.to_string()))?
    };
    let loaded = demo::load(context, write).await.map_err(LocalError::Demo)?;
    Ok((loaded.leads > 0).then_some(loaded))
}

async fn bind(port: u16, option: &'static str) -> Result<TcpListener, LocalError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => LocalError::PortInUse { port, option },
        _ => LocalError::Emulator(format!("port {port}: {error}; choose another with {option}")),
    })
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, LocalError> {
    listener.local_addr().map_err(|error| LocalError::Emulator(error.to_string()))
}

fn url(listener: &TcpListener) -> Result<String, LocalError> {
    Ok(format!("http://{}", local_address(listener)?))
}
