//! A host in a process of its own: started, killed, waited for.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tollgate_tests::database::Database;
use tollgate_tests::world::World;

/// A host process; killed when dropped.
pub(crate) struct Node(Child);

impl Node {
    pub(crate) fn start(file: &Path) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_node")).arg(file))
    }

    /// A host that logs everything that it and its libraries have to say into a file.
    pub(crate) fn start_talkative(file: &Path, log: &Path) -> Self {
        let log = File::create(log).expect("the log can be made");
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_node")).arg(file).env("TOLLGATE_LOG", "trace").stderr(log))
    }

    fn spawn(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the host starts"))
    }

    /// SIGKILL: the process gets no chance to do anything.
    pub(crate) fn kill(mut self) {
        self.0.kill().expect("the host can be killed");
        self.0.wait().expect("the host is gone");
    }

    /// Waits until the host says that nothing moves any more.
    pub(crate) fn wait_for_rest(&mut self) {
        let output = self.0.stdout.take().expect("standard output is piped");
        let rest = BufReader::new(output).lines().map_while(Result::ok).any(|line| line == "rest");
        assert!(rest, "the host ended before it came to rest");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes down what such a host is to open.
pub(crate) fn write_host(world: &World, database: &Database, folder: &Path) -> PathBuf {
    let host = world.host(&folder.join("host"), Some(database.url.clone())).expect("the host's description");
    let file = folder.join("host.json");
    std::fs::write(&file, serde_json::to_vec(&host).expect("JSON")).expect("the folder is writable");
    file
}
