//! The real programs, run as a user runs them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use local::Ready;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// The programs that tests run: the two tools, and some functions for all, because each takes seconds to link.
const PROGRAMS: [&str; 8] =
    ["cli", "credits", "lead-scorer", "lexi-chat", "local", "score-due", "suggest-followups", "sweeper"];

/// Builds the programs once, and returns the path of one.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        // As members of the whole workspace, so that their features are the tests' and nothing compiles twice.
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace"])
            .args(PROGRAMS.iter().flat_map(|name| ["--bin", *name]))
            .current_dir(crate::project())
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the programs do not build");
        let test = std::env::current_exe().expect("this test's file");
        test.ancestors().find(|folder| folder.ends_with("debug")).map(Path::to_owned).expect("a debug folder")
    });
    assert!(PROGRAMS.contains(&name), "{name} is not built");
    folder.join(name)
}

/// A running program with its output; killed when dropped.
pub struct Program {
    child: Child,
    lines: Arc<Mutex<String>>,
}

impl Program {
    /// Runs a command in the project's folder.
    pub fn run(command: &mut Command) -> Self {
        let mut child = command
            .current_dir(crate::project())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let lines = Arc::new(Mutex::new(String::new()));
        record(child.stdout.take().expect("its output"), &lines);
        record(child.stderr.take().expect("its errors"), &lines);
        Self { child, lines }
    }

    /// The output and errors so far.
    pub fn output(&self) -> String {
        self.lines.lock().expect("lines").clone()
    }

    /// Waits until a condition holds; panics with the output if the program ends or the time is over.
    pub async fn until(&mut self, what: &str, limit: Duration, mut holds: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !holds().await {
            let ended = self.child.try_wait().expect("its state");
            assert!(ended.is_none(), "{what}: it ended with {ended:?}: {}", self.output());
            assert!(started.elapsed() < limit, "{what}: not within {limit:?}: {}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the program has printed a text.
    pub async fn printed(&mut self, text: &str) {
        let lines = Arc::clone(&self.lines);
        let is_there = async || lines.lock().expect("lines").contains(text);
        self.until(text, Duration::from_secs(60), is_there).await;
    }

    /// Waits for the end, and returns whether the program succeeded.
    pub async fn end(&mut self) -> bool {
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        let good = ended.expect("it ends").expect("its state").success();
        // Time for the tasks that read the output.
        tokio::time::sleep(Duration::from_millis(50)).await;
        good
    }

    /// Ends the program as Ctrl-C does.
    pub async fn interrupt(&mut self) -> bool {
        let id = self.child.id().expect("it runs");
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -INT {id}")]).status();
        assert!(sent.expect("a shell").success());
        self.end().await
    }

    /// Ends the program as a crash does.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }
}

fn record(from: impl AsyncRead + Unpin + Send + 'static, lines: &Arc<Mutex<String>>) {
    let lines = Arc::clone(lines);
    tokio::spawn(async move {
        let mut from = BufReader::new(from).lines();
        while let Ok(Some(line)) = from.next_line().await {
            let mut lines = lines.lock().expect("lines");
            lines.push_str(&line);
            lines.push('\n');
        }
    });
}

/// Starts `cargo local` with a data folder on free ports, and waits until it is ready.
pub async fn local(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Program, Ready) {
    let mut command = Command::new(binary("local"));
    command.arg("--data").arg(data).args(["--port", "0", "--dynamodb-port", "0", "--sqs-port", "0"]);
    let ready_file = data.join("ready.json");
    // The file of a killed process stays until the next one starts.
    let _ = std::fs::remove_file(&ready_file);
    let mut program = Program::run(command.args(arguments).envs(environment.iter().copied()));
    program.until("cargo local is ready", Duration::from_secs(60), async || ready_file.exists()).await;
    let ready = std::fs::read_to_string(&ready_file).expect("the ready file");
    (program, serde_json::from_str(&ready).expect("JSON in the ready file"))
}
