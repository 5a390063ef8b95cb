//! Many nodes of one lobby, for stories: what they share, a proxy between each node and its database, its bucket and, where there
//! is one server, its NATS, and the balancer as it is shipped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use futures_util::future::join_all;
use test_haproxy::Haproxy;
use test_nats::Nats;
use test_postgres::Postgres;

use crate::bucket::TestBucket;
use crate::proxy::Proxy;
use crate::server::{ServerProcess, unset};
use crate::site::Site;
use crate::wait::{DEADLINE, eventually};

/// The names of nodes, in the order of their start.
const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

/// So many that one may die.
const NATS_SERVERS: usize = 3;

/// Flags of every node beside those that name what it shares. The balancer is the proxy in front of it.
const FLAGS: [&str; 6] = [
    "--trusted-proxies=127.0.0.1",
    "--connections-per-address-max=2000",
    "--rooms-per-minute=100000",
    "--round-seconds=6",
    "--bots=false",
    "--log=warn",
];

/// Some nodes behind HAProxy, with one NATS server or three, a database and a bucket of their own. All of it ends when it is
/// dropped.
#[derive(Debug)]
pub struct TestCluster {
    // Dropped in this order: what nodes need outlives them.
    balancer: Haproxy,
    lobby: Site,
    nodes: Vec<Node>,
    bucket: TestBucket,
    database: String,
    /// `None`: that of the test program, which other tests use at the same time.
    postgres: Option<Postgres>,
    /// One, or several that are one cluster.
    nats: Vec<Nats>,
}

#[derive(Debug)]
struct Node {
    name: &'static str,
    server: ServerProcess,
    /// `None` where there are several NATS servers, or nothing stands between.
    nats: Option<Proxy>,
    database: Proxy,
    bucket: Proxy,
}

impl TestCluster {
    /// Starts so many nodes, `a`, `b` and so on.
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start(nodes: usize) -> Self {
        Self::start_with(nodes, &[]).await
    }

    /// The same with more flags for each node.
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start_with(nodes: usize, flags: &[&str]) -> Self {
        Self::start_on(vec![Nats::start()], None, nodes, flags, Between::Proxies).await
    }

    /// The same with nothing between the nodes and what they share: for a measurement, in whose program the proxies would run.
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start_straight(nodes: usize, flags: &[&str]) -> Self {
        Self::start_on(vec![Nats::start()], None, nodes, flags, Between::Nothing).await
    }

    /// The same on a database server of their own, which can be killed: see [`TestCluster::postgres`].
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start_with_own_database(nodes: usize, flags: &[&str]) -> Self {
        let (nats, own) = (vec![Nats::start()], Some(Postgres::start()));
        Self::start_on(nats, own, nodes, flags, Between::Proxies).await
    }

    /// Starts so many nodes on three NATS servers. A test that does so has `three_nats_servers` in its name: `cargo xtask test`
    /// leaves it out where the newer NATS cannot be had.
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start_replicated(nodes: usize) -> Self {
        let nats = Nats::start_cluster(NATS_SERVERS);
        Self::start_on(nats, None, nodes, &[], Between::Proxies).await
    }

    async fn start_on(
        nats: Vec<Nats>,
        postgres: Option<Postgres>,
        nodes: usize,
        flags: &[&str],
        between: Between,
    ) -> Self {
        let bucket = TestBucket::start().await;
        let shared = Shared {
            nats: &nats,
            database: postgres
                .as_ref()
                .map_or_else(test_postgres::empty_database, Postgres::empty_database),
            postgres: postgres.as_ref().map_or_else(test_postgres::address, Postgres::address),
            bucket: &bucket,
            between,
        };
        let nodes = join_all(NAMES[..nodes].iter().map(|&name| shared.start(name, flags))).await;
        let database = shared.database;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addresses: Vec<_> =
            nodes.iter().map(|node| (node.name, node.server.address())).collect();
        let balancer = Haproxy::start(listener, &addresses);
        let lobby = Site::at(balancer.address());
        let cluster = Self { balancer, lobby, nodes, bucket, database, postgres, nats };
        eventually(DEADLINE, "the balancer", async || {
            let answer = cluster.lobby.request(reqwest::Method::GET, "/readyz").send().await;
            let balancer = || cluster.balancer.log();
            let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", balancer()));
            answer.status().is_success().then_some(())
        })
        .await;
        cluster
    }

    /// The node of this name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn node(&self, name: &str) -> &ServerProcess {
        &self.find(name).server
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &ServerProcess> {
        self.nodes.iter().map(|node| &node.server)
    }

    /// The lobby: all nodes through the balancer.
    #[must_use]
    pub fn balancer(&self) -> &Site {
        &self.lobby
    }

    /// What the balancer has written: a line for each node that went away or came back.
    #[must_use]
    pub fn balancer_log(&self) -> String {
        self.balancer.log()
    }

    /// The NATS server of all nodes, the first if there are several.
    pub fn nats(&mut self) -> &mut Nats {
        &mut self.nats[0]
    }

    /// The NATS servers of all nodes.
    pub fn nats_servers(&mut self) -> &mut [Nats] {
        &mut self.nats
    }

    /// What stands between a node and NATS. A node that is started later goes through it, too.
    ///
    /// # Panics
    /// When there are several NATS servers, or the nodes were started straight at it: then nothing stands there.
    #[must_use]
    pub fn nats_of(&self, name: &str) -> &Proxy {
        self.find(name).nats.as_ref().expect("one NATS server, behind a proxy")
    }

    /// What stands between a node and its database.
    #[must_use]
    pub fn database_of(&self, name: &str) -> &Proxy {
        &self.find(name).database
    }

    /// What stands between a node and its bucket.
    #[must_use]
    pub fn bucket_of(&self, name: &str) -> &Proxy {
        &self.find(name).bucket
    }

    /// The database server of these nodes alone.
    ///
    /// # Panics
    /// When they use that of the test program: see [`TestCluster::start_with_own_database`].
    pub fn postgres(&mut self) -> &mut Postgres {
        self.postgres.as_mut().expect("a database server of their own")
    }

    /// The bucket of all nodes.
    #[must_use]
    pub fn bucket(&self) -> &TestBucket {
        &self.bucket
    }

    /// The address of the database of all nodes.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Kills a node, which then cannot clean up.
    pub fn kill(&mut self, name: &str) {
        self.find_mut(name).server.kill();
    }

    /// Stops a node gracefully.
    ///
    /// # Panics
    /// When it ends with an error.
    pub async fn stop(&mut self, name: &str) {
        self.find_mut(name).server.stop().await;
    }

    /// Starts a node again at its address, with its data folder.
    pub async fn restart(&mut self, name: &str) {
        self.find_mut(name).server.restart().await;
    }

    /// Waits until the balancer sends requests to this node, or sends it none, as it is wanted.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn balancer_reaches(&self, name: &str, wanted: bool) {
        let path = format!("/@{name}/healthz");
        let what = format!("a balancer that sends to {name}: {wanted}");
        eventually(DEADLINE, &what, async || {
            let answer = self.lobby.get(&path).await;
            ((answer.status.as_u16() != 503) == wanted).then_some(())
        })
        .await;
    }

    fn find(&self, name: &str) -> &Node {
        let found = self.nodes.iter().find(|node| node.name == name);
        found.unwrap_or_else(|| panic!("there is no node {name}"))
    }

    fn find_mut(&mut self, name: &str) -> &mut Node {
        let found = self.nodes.iter_mut().find(|node| node.name == name);
        found.unwrap_or_else(|| panic!("there is no node {name}"))
    }
}

/// What stands between a node and what it shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    Proxies,
    Nothing,
}

/// What all nodes share.
struct Shared<'a> {
    nats: &'a [Nats],
    database: String,
    /// Where the database's server listens.
    postgres: SocketAddr,
    bucket: &'a TestBucket,
    between: Between,
}

impl Shared<'_> {
    async fn start(&self, name: &'static str, flags: &[&str]) -> Node {
        let to_nats = match self.nats {
            [nats] if self.between == Between::Proxies => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, nats.port()));
                Some(Proxy::to(&Site::at(address)).await)
            }
            _ => None,
        };
        let nats = match &to_nats {
            Some(proxy) => format!("nats://{}", proxy.site().address()),
            None => self.nats.iter().map(Nats::url).collect::<Vec<_>>().join(","),
        };
        let to_database = Proxy::to(&Site::at(self.postgres)).await;
        let database = test_postgres::database_at(&self.database, to_database.site().address());
        let to_bucket = Proxy::to(self.bucket.site()).await;
        let (database, store) = match self.between {
            Between::Proxies => (database, to_bucket.site()),
            Between::Nothing => (self.database.clone(), self.bucket.site()),
        };
        let shared = [
            format!("--node={name}"),
            format!("--nats={nats}"),
            format!("--database-url={database}"),
            format!("--blobs={}", self.bucket.url(store)),
            format!("--blobs-credentials={}", self.bucket.credentials().display()),
        ];
        let shared: Vec<_> = shared.iter().map(String::as_str).collect();
        let own = unset(&FLAGS, flags);
        let server = ServerProcess::start_with(&[&shared, &own, flags].concat()).await;
        Node { name, server, nats: to_nats, database: to_database, bucket: to_bucket }
    }
}
