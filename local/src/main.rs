//! The command `cargo local`.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use cli::demo;
use local::{LocalError, Options, RealModel, Stack, TemplateError};
use shared::base::clock::Clock;
use shared::base::environment::Environment;
use shared::base::log;
use shared::base::observe::metrics::Metrics;
use tracing::Level;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// Runs the whole API on this machine: no account, no network, nothing to install.
///
/// A language model is asked if LLM_BASE_URL, LLM_API_KEY and LLM_MODEL name one (any
/// OpenAI-compatible endpoint); otherwise a built-in composer writes from the lead's facts.
/// Prospects are also looked for at the provider that PROSPECTS_URL and PROSPECTS_KEY name, if they do.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", version, after_help = EXAMPLES)]
struct Arguments {
    /// Port of the API; 0 = any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the embedded DynamoDB; 0 = any free one
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Port of the embedded SQS; 0 = any free one
    #[arg(long, default_value_t = 9324)]
    sqs_port: u16,
    /// Folder that keeps the data between runs
    #[arg(long, value_name = "DIR", default_value = ".local")]
    data: PathBuf,
    /// Keep nothing: all data is in memory
    #[arg(long)]
    ephemeral: bool,
    /// Start without the demo data
    #[arg(long)]
    no_demo: bool,
    /// Write every address to this file, as JSON, once all is up [default: ready.json in the data folder]
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Run everything but the API, for `cargo lambda watch`
    #[arg(long)]
    emulators_only: bool,
    /// Write the log to this terminal instead of local.log in the data folder; LOG_LEVEL sets how much of it
    #[arg(long)]
    log: bool,
    /// The template to run
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template: PathBuf,
}

impl Arguments {
    /// The folder for the files of this run. An ephemeral run has one of its own, so that it can run beside another.
    fn folder(&self) -> PathBuf {
        if !self.ephemeral {
            return self.data.clone();
        }
        self.data.join(format!("ephemeral-{}", std::process::id()))
    }

    /// The file for the log; `None` if it goes to the terminal.
    fn log_file(&self) -> Option<PathBuf> {
        (!self.log).then(|| self.folder().join("local.log"))
    }

    /// The ready files to write. An ephemeral run also writes the usual one, where `cargo cli` looks, unless another
    /// stack is using that folder.
    fn ready_files(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.ready_file {
            return vec![file.clone()];
        }
        let mut files = vec![self.folder().join("ready.json")];
        if self.ephemeral && lock(&self.data).is_ok() {
            files.push(self.data.join("ready.json"));
        }
        files
    }
}

const EXAMPLES: &str = "Examples:
  cargo local                          the API on http://127.0.0.1:3000 with demo data
  cargo local --data other --port 0 --dynamodb-port 0 --sqs-port 0
                                       another one beside it
  cargo local --emulators-only         then: cargo lambda watch --env-file .local/functions.env";

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&mut std::io::stderr(), &format!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// The name of the secret for the provider of prospects.
const PROSPECTS_KEY: &str = "prospects-key";

async fn run(arguments: Arguments) -> Result<(), LocalError> {
    let environment = Environment::of_process();
    let path = arguments.template.display().to_string();
    let template = std::fs::read_to_string(&arguments.template);
    let template = template.map_err(|source| TemplateError::Unreadable { path, source })?;
    let folder = arguments.folder();
    for folder in [&arguments.data, &folder] {
        std::fs::create_dir_all(folder).map_err(LocalError::file(folder))?;
    }
    let _lock = (!arguments.ephemeral).then(|| lock(&arguments.data)).transpose()?;
    start_logs(&environment, arguments.log_file().as_deref())?;
    let ready_files = arguments.ready_files();
    // A killed process leaves its ready file behind, with old addresses.
    for file in &ready_files {
        remove_if_there(file)?;
    }
    let model = real_model(&environment)?;
    let composed = model.is_none();
    let prospects = prospect_provider(&environment)?;
    let variables = prospects.map(|(url, _)| [("PROSPECTS_URL", url), ("PROSPECTS_KEY_SECRET", PROSPECTS_KEY)]);
    let variables = variables.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let stack = Stack::start(Options {
        template,
        port: arguments.port,
        dynamodb_port: arguments.dynamodb_port,
        sqs_port: arguments.sqs_port,
        data: (!arguments.ephemeral).then(|| arguments.data.clone()),
        demo: !arguments.no_demo,
        emulators_only: arguments.emulators_only,
        model,
        environment: variables.collect(),
        clock: Clock::default(),
        metrics: Metrics::default(),
    })
    .await?;
    if let Some((_, key)) = prospects {
        stack.secrets.put(PROSPECTS_KEY, key);
    }

    let variables_file = ready_files[0].with_file_name("functions.env");
    let variables: String = stack.variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write_file(&variables_file, &variables)?;
    let ready = serde_json::to_string_pretty(&stack.ready).map_err(|error| LocalError::Emulator(error.to_string()))?;
    for file in &ready_files {
        write_file(file, &ready)?;
    }
    print(&mut std::io::stdout(), &greeting(&stack, &arguments, composed, &variables_file));

    wait_for_end().await;
    print(&mut std::io::stdout(), "stopping\n");
    stack.stop().await;
    remove_if_there(&variables_file)?;
    // Another stack that started meanwhile may have replaced the file.
    for file in ready_files.iter().filter(|file| std::fs::read_to_string(file).is_ok_and(|text| text == ready)) {
        remove_if_there(file)?;
    }
    match arguments.ephemeral {
        true => std::fs::remove_dir_all(&folder).map_err(LocalError::file(&folder)),
        false => Ok(()),
    }
}

fn real_model(environment: &Environment) -> Result<Option<RealModel>, LocalError> {
    let Some(base_url) = environment.optional("LLM_BASE_URL") else { return Ok(None) };
    let name = environment.required("LLM_MODEL")?;
    let key = environment.optional("LLM_API_KEY").unwrap_or_default();
    Ok(Some(RealModel { base_url: base_url.to_owned(), key: key.to_owned(), name: name.to_owned() }))
}

/// The address and the key of the provider of prospects.
fn prospect_provider(environment: &Environment) -> Result<Option<(&str, &str)>, LocalError> {
    let Some(url) = environment.optional("PROSPECTS_URL") else { return Ok(None) };
    Ok(Some((url, environment.required("PROSPECTS_KEY")?)))
}

fn greeting(stack: &Stack, arguments: &Arguments, composed: bool, variables_file: &Path) -> String {
    let ready = &stack.ready;
    let mut text = String::new();
    if let Some(gateway) = &ready.gateway {
        text += &format!("\nLead Follow-up is ready on {gateway}\n\n");
    } else {
        text += "\nThe emulators are ready. Run the functions with\n\n";
        text += &format!("  cargo lambda watch --env-file {}\n\n", variables_file.display());
    }
    text += &format!("  dynamodb  {}\n  sqs       {}\n", ready.dynamodb, ready.sqs);
    text += &format!("  model     {}{}\n", ready.model, if composed { " (built-in composer)" } else { "" });
    text += &format!("  outbox    {}/outbox (e-mail, WhatsApp and SMS that were sent)\n", ready.providers);
    let data = match arguments.ephemeral {
        true => "in memory, gone at the end".to_owned(),
        false => arguments.data.display().to_string(),
    };
    text += &format!("  data      {data}\n");
    if let Some(file) = arguments.log_file() {
        text += &format!("  log       {} (--log shows it here)\n", file.display());
    }
    if let Some(loaded) = &stack.demo_loaded {
        text += &format!("  demo      loaded {} leads with {} activities\n", loaded.leads, loaded.activities);
        text += &format!("            and {} conversations with {} messages\n", loaded.conversations, loaded.messages);
        text += &format!("            and {} prospects\n", loaded.prospects);
    }
    if arguments.no_demo {
        text += "\nMake a key with: cargo cli workspace create --name NAME, then cargo cli key create\n";
    } else if let Some(gateway) = &ready.gateway {
        text += "\nDemo keys:\n\n";
        for key in demo::keys(Clock::default().now()).into_iter().flatten() {
            text += &format!("  {}  {}\n", demo::key(&key.word), key.purpose);
        }
        let (key, contact, user) = (demo::key("demo"), demo::CONTACT, demo::USER);
        text += &format!(include_str!("try-it.txt"), key = key, contact = contact, user = user, gateway = gateway);
    }
    text + "\nCtrl-C ends it.\n"
}

/// Starts the log, on this terminal, or in a file with warnings on the terminal too.
fn start_logs(environment: &Environment, file: Option<&Path>) -> Result<(), LocalError> {
    let ours: Vec<_> = ["shared".to_owned(), "local".to_owned()].into_iter().chain(functions::log_targets()).collect();
    let filter = match log::filter(environment, &ours) {
        Ok(filter) => filter,
        Err(error) => {
            print(&mut std::io::stderr(), &format!("warning: LOG_LEVEL: {error}; nothing is logged\n"));
            return Ok(());
        }
    };
    let subscriber = tracing_subscriber::fmt().compact().with_target(false).with_env_filter(filter);
    match file {
        Some(path) => {
            let file = Mutex::new(File::create(path).map_err(LocalError::file(path))?);
            // The terminal gets what a person has to know.
            let terminal = std::io::stderr.with_max_level(Level::WARN);
            subscriber.with_ansi(false).with_writer(file.and(terminal)).init();
        }
        None => subscriber.with_writer(std::io::stderr).init(),
    }
    log::quiet_panics();
    Ok(())
}

async fn wait_for_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => drop(interrupted.await),
    }
}

/// Locks a folder until the process ends: two would write one database and remove each other's ready file.
fn lock(folder: &Path) -> Result<File, LocalError> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(LocalError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LocalError::FolderInUse(folder.display().to_string())),
        Err(TryLockError::Error(source)) => Err(LocalError::file(&path)(source)),
    }
}

fn remove_if_there(file: &Path) -> Result<(), LocalError> {
    match std::fs::remove_file(file) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(LocalError::file(file)(source)),
        _ => Ok(()),
    }
}

/// Writes a file that only its owner can read, because a model's key may be in it, under another name first, so that
/// no reader gets half of it.
fn write_file(file: &Path, content: &str) -> Result<(), LocalError> {
    let partial = file.with_extension("partial");
    remove_if_there(&partial)?;
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&partial);
    let written = opened.and_then(|mut opened| opened.write_all(content.as_bytes()));
    written.and_then(|()| std::fs::rename(&partial, file)).map_err(LocalError::file(file))
}

/// Prints a text; a closed output is no reason to stop.
fn print(to: &mut dyn Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}
