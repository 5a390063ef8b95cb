//! A thread in a network namespace of its own (network_namespaces(7)).
//!
//! The sockets that the thread opens, and those of the programs that it starts, see the loopback of the namespace and one
//! TUN device, whose other end is here. There is nothing to clean up: when the thread and its programs have ended, the
//! kernel removes the namespace.

use std::process::Command;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::sched::{CloneFlags, unshare};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tun_rs::{DeviceBuilder, SyncDevice};

/// The name of the device.
const DEVICE: &str = "far";

type Task = Box<dyn FnOnce(&Runtime) + Send>;

/// A thread that runs tasks in its namespace.
pub(super) struct Namespace {
    /// Dropped first, which ends the thread.
    tasks: Option<mpsc::SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Namespace {
    /// Opens a namespace with this address, in CIDR notation. Returns the far end of its only device, too.
    ///
    /// # Errors
    /// When the system does not permit namespaces or devices.
    pub(super) fn open(address: &'static str) -> Result<(Self, SyncDevice)> {
        let (tasks, todo) = mpsc::sync_channel::<Task>(1);
        let (opened, is_open) = mpsc::sync_channel(1);
        let thread = thread::spawn(move || {
            let runtime = match settle(address) {
                Ok((runtime, device)) => {
                    // The opening thread waits for the device.
                    opened.send(Ok(device)).ok();
                    runtime
                }
                Err(why) => {
                    opened.send(Err(why)).ok();
                    return;
                }
            };
            todo.into_iter().for_each(|task| task(&runtime));
        });
        let device = is_open.recv().map_err(|_gone| anyhow!("the namespace's thread ended"))??;
        Ok((Self { tasks: Some(tasks), thread: Some(thread) }, device))
    }

    /// Runs `work` in the namespace and waits for its result.
    ///
    /// # Errors
    /// When `work` panicked.
    pub(super) async fn run<T, F>(&self, work: impl FnOnce() -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T>,
    {
        let (done, outcome) = oneshot::channel();
        let task: Task = Box::new(move |runtime| drop(done.send(runtime.block_on(work()))));
        let tasks = self.tasks.as_ref().context("the namespace is open")?;
        tasks.send(task).map_err(|_gone| anyhow!("the namespace's thread ended"))?;
        outcome.await.context("the task in the namespace failed")
    }

    /// Chooses the congestion control of the connections to and from this network, in CIDR notation, that are opened from
    /// now on. It is set on the route (`congctl` in ip-route(8)), because as the default of a namespace the kernel accepts only
    /// algorithms that are allowed for all users, and cubic often is not.
    ///
    /// # Errors
    /// When the kernel does not have it.
    pub(super) async fn control_congestion(
        &self,
        network: &'static str,
        algorithm: &str,
    ) -> Result<()> {
        let wanted = algorithm.to_owned();
        let route = ["route", "replace", network, "dev", DEVICE, "congctl"];
        self.run(async move || ip(&[&route[..], &[&wanted]].concat())).await?
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            // A failure of a task was returned to its caller.
            thread.join().ok();
        }
    }
}

/// Moves the calling thread into a namespace of its own.
fn settle(address: &str) -> Result<(Runtime, SyncDevice)> {
    unshare(CloneFlags::CLONE_NEWNET).context("making a network namespace (it takes root)")?;
    let device = DeviceBuilder::new().name(DEVICE).build_sync().context("making a TUN device")?;
    device.set_nonblocking(true)?;
    ip(&["link", "set", "lo", "up"])?;
    ip(&["address", "add", address, "dev", DEVICE])?;
    ip(&["link", "set", DEVICE, "up"])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok((runtime, device))
}

/// Runs `ip` in the namespace of this thread.
fn ip(arguments: &[&str]) -> Result<()> {
    let status = Command::new("ip").args(arguments).status();
    let status = status.context("starting ip (package iproute2)")?;
    ensure!(status.success(), "ip {} failed", arguments.join(" "));
    Ok(())
}
