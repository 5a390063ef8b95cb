//! A server behind TLS whose certificate comes from an authority of a company: trusted where the machine's owner says so,
//! and otherwise the fault is named.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tests::TestServer;
use tests::client::{Client, Home};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate authority of a company.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.distinguished_name.push(DnType::CommonName, name);
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap())
    }

    /// Ends TLS before a server, under this name. Returns the address.
    async fn before(&self, server: &TestServer, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &self.0).unwrap();
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = server.address();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust it ends here.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
                    copy_bidirectional(&mut client, &mut upstream).await.ok();
                });
            }
        });
        format!("https://localhost:{}", address.port())
    }

    /// Writes its certificate beside the settings. Returns the path.
    fn kept_in(&self, home: &Home) -> String {
        home.write("company.pem", &self.0.pem());
        home.file("company.pem").display().to_string()
    }
}

const FLAGS: [&str; 4] = ["--name", "Ada", "--practice", "keen"];

#[tokio::test]
async fn a_company_s_authority_is_trusted_over_http_and_websockets_where_the_environment_names_it()
{
    let server = TestServer::start().await;
    let (authority, home) = (Authority::new("Company"), Home::new());
    let url = authority.before(&server, "localhost").await;

    let file = authority.kept_in(&home);
    let flags = [&["--server", &url][..], &FLAGS].concat();
    let mut client = Client::headless_at(&home, &flags, &[("SSL_CERT_FILE", &file)]);

    let plays = |status: &Value| status["screen"] == "playing" && status["link"] == "open";
    client.status_where("a round", plays).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_named_with_its_fault() {
    let server = TestServer::start().await;
    let (authority, other) = (Authority::new("Company"), Authority::new("Another company"));
    let home = Home::new();
    let known = authority.before(&server, "localhost").await;
    let misnamed = authority.before(&server, "pushback.example").await;

    for (authority, url, fault) in [
        (&other, &known, "an authority that this system does not trust"),
        (&authority, &misnamed, "is for another name"),
    ] {
        let file = authority.kept_in(&home);
        let flags = [&["--server", url][..], &FLAGS].concat();
        let mut client = Client::headless_at(&home, &flags, &[("SSL_CERT_FILE", &file)]);
        let names_it =
            |status: &Value| status["trouble"].as_str().is_some_and(|t| t.contains(fault));
        client.status_where(fault, names_it).await;
        client.interrupt().await;
    }
}
