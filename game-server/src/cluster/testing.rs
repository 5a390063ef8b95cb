//! Nodes of one NATS server, or of several that are one cluster, for unit tests.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use test_nats::Nats as Server;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::kv_table::{KvTable, TableName};
use super::nats::Nats;
use super::table::Table;
use crate::metrics::Engines;
use crate::tasks::Tasks;

/// The longest time that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn tasks() -> Tasks {
    Tasks::new(CancellationToken::new(), Duration::from_secs(5))
}

pub(crate) async fn connect(server: &Server, name: &str) -> Nats {
    connect_to(&server.url(), name).await
}

/// Connects to one of these servers, and to another one when it dies.
pub(crate) async fn connect_to_all(servers: &[Server], name: &str) -> Nats {
    let urls: Vec<_> = servers.iter().map(Server::url).collect();
    connect_to(&urls.join(","), name).await
}

async fn connect_to(url: &str, name: &str) -> Nats {
    let (url, engine) = (url.parse().unwrap(), Engines::default().nats);
    Nats::connect(&url, None, name.parse().unwrap(), engine, PATIENCE).await.unwrap()
}

pub(crate) async fn open<V>(tasks: &Tasks, nats: &Nats) -> Arc<KvTable<V>>
where
    V: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let name = TableName { table: "test", task: "table test" };
    KvTable::open(tasks, nats, name, PATIENCE).await.unwrap()
}

/// Waits until the table is as wanted, as its node knows it.
pub(crate) async fn until<V>(table: &dyn Table<V>, is_so: impl Fn(&dyn Table<V>) -> bool) {
    let mut changes = table.changes();
    let wait = async {
        while !is_so(table) {
            changes.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, wait).await.expect("the table does not become as it should");
}
