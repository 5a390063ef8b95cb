//! What the nodes share: NATS servers, PostgreSQL, and a store of the S3 kind. Each ends with xtask.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use test_nats::Nats;
use test_postgres::Postgres;

use crate::nats;
use crate::process::Output;

/// So many that one may end.
const NATS_SERVERS: usize = 3;

/// The engines. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Engines {
    bucket: Bucket,
    nats: Vec<Nats>,
    database: String,
    _postgres: Postgres,
}

impl Engines {
    /// Starts them, the store by its program.
    pub(super) fn start(store: &Path) -> Result<Self> {
        let bucket = Bucket::start(store)?;
        let (nats, postgres) = (start_nats(), Postgres::start());
        Ok(Self { bucket, nats, database: postgres.empty_database(), _postgres: postgres })
    }

    /// The flags with which a node uses them.
    pub(super) fn flags(&self) -> Vec<String> {
        vec![
            format!("--nats={}", self.nats_servers()),
            format!("--database-url={}", self.database),
            format!("--blobs={}", self.bucket.url),
            format!("--blobs-credentials={}", self.bucket.credentials),
        ]
    }

    /// A line for each, with how to look into it.
    pub(super) fn description(&self) -> String {
        let mut text = format!("NATS         {}\n", self.nats_servers());
        // A string takes everything.
        writeln!(text, "PostgreSQL   psql '{}'", self.database).ok();
        writeln!(text, "bucket       {}    {}", self.bucket.url, self.bucket.credentials).ok();
        text
    }

    fn nats_servers(&self) -> String {
        self.nats.iter().map(Nats::url).collect::<Vec<_>>().join(",")
    }
}

/// Three servers where the newer NATS can be had, and otherwise the one that is installed. Says which.
fn start_nats() -> Vec<Nats> {
    match nats::ensure_newer(&Output::Terminal) {
        Ok(program) => {
            println!("three servers of NATS: {}", program.display());
            Nats::start_cluster(NATS_SERVERS)
        }
        Err(error) => {
            println!("one server of NATS, the installed one, because {error:#}");
            vec![Nats::start()]
        }
    }
}

/// A store of the S3 kind: a program that runs until its input ends.
#[derive(Debug)]
struct Bucket {
    program: Child,
    url: String,
    credentials: String,
}

impl Bucket {
    fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        // Where this program makes its own.
        command.env("TMPDIR", tempfile::env::temp_dir());
        let mut program = command.spawn().context("starting the store")?;
        let output = program.stdout.take().context("the store has an output")?;
        let mut lines = BufReader::new(output).lines();
        let mut line = || lines.next().context("the store ended at once")?.context("reading");
        let (url, credentials) = (line()?, line()?);
        Ok(Self { program, url, credentials })
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.program.stdin.take());
        self.program.wait().ok();
    }
}
