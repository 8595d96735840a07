//! A private PostgreSQL for the tests of one process: started at first use, reached by a socket in its own folder, and
//! gone with the process however that ends.

use anyhow::{Context, Result, bail, ensure};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tollgate::store::Store;

/// The user that the tests connect as; the socket's folder keeps others out.
const USER: &str = "tollgate";
/// A database with the schema and nothing in it, which the others are copies of.
const TEMPLATE: &str = "template_store";
/// A socket's path is bounded to about 104 bytes; its name takes some of them.
const FOLDER_BYTES_MAX: usize = 80;

/// Waits until its input ends, which is when the test process does, then stops the server and removes the folder.
const WATCHDOG: &str = r#"
read -r nothing
pid_file="$1/data/postmaster.pid"
[ -f "$pid_file" ] && kill -QUIT "$(head -n 1 "$pid_file")"
tries=0
while [ -f "$pid_file" ] && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$1"
"#;

/// A running server.
pub struct Cluster {
    folder: PathBuf,
    made: AtomicU32,
    /// Never written to: its end is what the watchdog waits for.
    _watchdog: ChildStdin,
}

impl Cluster {
    /// The server of this process; none where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it does not start, or when `CI=true` and it is not installed.
    pub fn shared() -> Option<&'static Cluster> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER.get_or_init(|| {
            let Some(programs) = find_programs() else {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs PostgreSQL: install it");
                let line = "\n!!!! PostgreSQL is not installed: its tests are SKIPPED (install `postgresql`) !!!!\n";
                // Not by `eprintln!`, which the test harness keeps for itself when a test passes.
                std::io::stderr().write_all(line.as_bytes()).ok();
                return None;
            };
            // On a thread of its own, because the caller may be inside a runtime already.
            let started = std::thread::spawn(move || Cluster::start(&programs)).join().expect("no panic at start");
            Some(started.expect("the private PostgreSQL starts"))
        });
        CLUSTER.get().and_then(Option::as_ref)
    }

    /// The address of a database of this server.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.to_str().expect("the folder was made from text");
        format!("postgres://{USER}@localhost/{database}?host={}", folder.replace('/', "%2F"))
    }

    /// Makes a database with an empty schema; gives its address.
    ///
    /// # Errors
    /// What the server says.
    pub async fn fresh_database(&self) -> Result<String> {
        let name = format!("test_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.create(&name, TEMPLATE).await?;
        Ok(self.url(&name))
    }

    /// Makes a database without a schema; gives its address.
    ///
    /// # Errors
    /// What the server says.
    pub async fn empty_database(&self) -> Result<String> {
        let name = format!("empty_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.create(&name, "template1").await?;
        Ok(self.url(&name))
    }

    async fn create(&self, name: &str, template: &str) -> Result<()> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url("postgres")).await?;
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
        connection.close().await?;
        Ok(())
    }

    fn start(programs: &Path) -> Result<Self> {
        let user = unprivileged_user()?;
        let folder = make_folder(user)?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of the terminal's interrupt, which the tests get.
            .process_group(0)
            .spawn()
            .context("start the watchdog")?;
        let cluster = Cluster {
            made: AtomicU32::new(0),
            _watchdog: watchdog.stdin.context("the watchdog has an input")?,
            folder: folder.clone(),
        };
        let data = folder.join("data");
        let run = |program: &str, arguments: &[&str]| run(&programs.join(program), arguments, &folder, user);
        let data_text = data.to_str().context("the folder was made from text")?;
        run("initdb", &["-D", data_text, "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])?;
        let socket = folder.to_str().context("the folder was made from text")?;
        let settings = format!(
            "\nlisten_addresses = ''\nunix_socket_directories = '{socket}'\nfsync = off\nfull_page_writes = off\nmax_connections = 200\n"
        );
        fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?.write_all(settings.as_bytes())?;
        let log = folder.join("log");
        run("pg_ctl", &["-D", data_text, "-w", "-t", "60", "-l", log.to_str().unwrap_or("log"), "start"])?;
        cluster.make_template()?;
        Ok(cluster)
    }

    fn make_template(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            self.create(TEMPLATE, "template1").await?;
            Store::open(&self.url(TEMPLATE)).await?.close().await;
            Ok(())
        })
    }
}

/// The folder with `initdb`, `pg_ctl` and `postgres`: on the path, else the newest that a distribution put aside.
fn find_programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    std::env::split_paths(&path)
        .chain(versions.into_iter().rev().map(|(_, folder)| folder))
        .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file()))
}

/// The user and group to run as: PostgreSQL refuses to run as root. None for our own.
fn unprivileged_user() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("read /etc/passwd")?;
    let find = |name: &str| {
        let fields: Vec<&str> =
            users.lines().map(|line| line.split(':')).find(|f| f.clone().next() == Some(name))?.collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    match find("postgres").or_else(|| find("nobody")) {
        Some(user) => Ok(Some(user)),
        None => bail!("root needs a user `postgres` or `nobody` to run PostgreSQL as"),
    }
}

/// A folder that the server's user can reach and whose path is short enough for a socket.
fn make_folder(user: Option<(u32, u32)>) -> Result<PathBuf> {
    let is_fit = |folder: &PathBuf| {
        let is_open = |above: &Path| fs::metadata(above).is_ok_and(|about| user.is_none() || about.mode() & 0o001 != 0);
        folder.is_absolute()
            && folder.as_os_str().len() + 24 <= FOLDER_BYTES_MAX
            && folder.to_str().is_some_and(|text| !text.contains(['\'', '%', '?', '#', '&']))
            && folder.ancestors().all(is_open)
    };
    let parent = [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()].into_iter().find(is_fit);
    let parent = parent.context("no temporary folder that PostgreSQL's user can reach: set TMPDIR")?;
    let folder = tempfile::Builder::new().prefix("tollgate-pg-").tempdir_in(parent)?.keep();
    if let Some((uid, gid)) = user {
        chown(&folder, Some(uid), Some(gid)).context("hand the folder to PostgreSQL's user")?;
    }
    Ok(folder)
}

fn run(program: &Path, arguments: &[&str], folder: &Path, user: Option<(u32, u32)>) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).process_group(0);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    let output = command.output().with_context(|| format!("start {}", program.display()))?;
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {said}{log}", program.display());
    Ok(())
}
