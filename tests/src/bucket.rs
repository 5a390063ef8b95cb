//! A store of the S3 kind for stories, inside the test: its one bucket is a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::site::Site;

/// The bucket, and what the keys of its objects begin with.
const BUCKET: &str = "replays";
const PREFIX: &str = "pushback";
const KEY: &str = "STORYKEY";
const SECRET: &str = "a-secret-that-no-log-shows";

/// A running store. It ends when it is dropped.
#[derive(Debug)]
pub struct TestBucket {
    site: Site,
    folder: TempDir,
    is_read_only: Arc<AtomicBool>,
    runs: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl TestBucket {
    /// Starts a store with an empty bucket.
    ///
    /// # Panics
    /// When there is no free port, or no folder can be made.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = folder.path().join("store");
        fs::create_dir_all(store.join(BUCKET)).expect("a folder for the bucket");
        let credentials =
            format!("# Of a story.\nAWS_ACCESS_KEY_ID={KEY}\nAWS_SECRET_ACCESS_KEY=\"{SECRET}\"\n");
        fs::write(folder.path().join("credentials"), credentials).expect("a file can be written");

        let mut service = S3ServiceBuilder::new(FileSystem::new(&store).expect("a folder"));
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let is_read_only = Arc::new(AtomicBool::new(false));
        service.set_access(Access { is_read_only: is_read_only.clone() });
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let site = Site::at(listener.local_addr().expect("a bound port"));
        let (runs, is_running) = watch::channel(true);
        let accepting = tokio::spawn(accept(listener, service, is_running));
        Self { site, folder, is_read_only, runs, accepting }
    }

    /// Ends it: every request that is not answered breaks off, and so does each later one. It keeps its port meanwhile, so that
    /// no other program takes it.
    pub fn kill(&self) {
        self.runs.send_replace(false);
    }

    /// Starts it again with its objects.
    pub fn restart(&self) {
        self.runs.send_replace(true);
    }

    /// The store's address.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The bucket as a server names it, in this store or one before it.
    #[must_use]
    pub fn url(&self, store: &Site) -> String {
        format!("s3://{BUCKET}/{PREFIX}?endpoint=http://{}", store.address())
    }

    /// A file with the credentials.
    #[must_use]
    pub fn credentials(&self) -> PathBuf {
        self.folder.path().join("credentials")
    }

    /// Refuses from now on to write, as for credentials that may only read, or does not any more.
    pub fn refuse_writing(&self, refuse: bool) {
        self.is_read_only.store(refuse, Ordering::Relaxed);
    }

    /// The secret that stands in it.
    #[must_use]
    pub fn secret(&self) -> &'static str {
        SECRET
    }

    /// The keys of all objects, without the prefix, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let root = self.folder.path().join("store").join(BUCKET).join(PREFIX);
        let mut keys = Vec::new();
        collect_keys(&root, &root, &mut keys);
        keys.sort();
        keys
    }
}

/// Serves every connection that comes while the store runs.
async fn accept(listener: TcpListener, service: S3Service, is_running: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (service, mut is_running) = (service.clone(), is_running.clone());
        connections.spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            tokio::select! {
                biased;
                _ = is_running.wait_for(|is_running| !is_running) => {}
                // A client that goes away is no fault of the store.
                _ = http.serve_connection(TokioIo::new(socket), service) => {}
            }
        });
    }
}

/// What the credentials allow.
#[derive(Debug)]
struct Access {
    is_read_only: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied));
        }
        let writes = request.s3_op().name().starts_with("Put");
        if writes && self.is_read_only.load(Ordering::Relaxed) {
            return Err(s3_error!(AccessDenied));
        }
        Ok(())
    }
}

impl Drop for TestBucket {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn collect_keys(root: &Path, folder: &Path, keys: &mut Vec<String>) {
    // A folder that is not there holds nothing.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // The store's own notes begin with a dot.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect_keys(root, &path, keys);
        } else if let Ok(key) = path.strip_prefix(root) {
            keys.push(key.display().to_string());
        }
    }
}
