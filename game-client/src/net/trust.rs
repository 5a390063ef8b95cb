//! Which certificate authorities the client trusts, and what is wrong with a certificate that it does not trust.

use std::error::Error;
use std::io;
use std::sync::{Arc, LazyLock};

use bevy::prelude::warn;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// One for all connections: reading the system's store takes a while.
static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| Arc::new(config(roots())));

/// TLS with the authorities of the system.
pub(super) fn tls() -> Arc<ClientConfig> {
    Arc::clone(&TLS)
}

/// The authorities of the system, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Where a system has none, Mozilla's.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        warn!("a store of certificate authorities cannot be read: {error}");
    }
    let (_, refused) = roots.add_parsable_certificates(system.certs);
    if refused > 0 {
        warn!("{refused} certificate authorities of the system cannot be read");
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn config(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// What is wrong with the server's certificate, if that is what an error is about.
pub(super) fn certificate_fault(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(in_words(fault));
        }
        // The error inside an I/O error is no source of it.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(fault) = inner.and_then(|inner| certificate_fault(inner)) {
            return Some(fault);
        }
        next = error.source();
    }
    None
}

fn in_words(fault: &CertificateError) -> String {
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name: the address may be mistyped".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "comes from an authority that this system does not trust. One of a company belongs into \
             the system's store or into a file that SSL_CERT_FILE names"
                .to_owned()
        }
        CertificateError::Revoked => "was revoked".to_owned(),
        other => format!("is not valid ({other:?})"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::{CertificateError, Error};

    use super::{certificate_fault, tls};

    #[test]
    fn the_fault_of_a_certificate_is_named_however_deep_it_lies() {
        let fault = |fault| {
            let tls = Error::InvalidCertificate(fault);
            let inner = io::Error::new(io::ErrorKind::InvalidData, tls);
            certificate_fault(&io::Error::other(inner))
        };

        assert_eq!(fault(CertificateError::Expired).as_deref(), Some("has expired"));
        let unknown = fault(CertificateError::UnknownIssuer).unwrap_or_default();
        assert!(unknown.contains("SSL_CERT_FILE"), "{unknown}");
        assert_eq!(certificate_fault(&io::Error::other("another")), None);
    }

    #[test]
    fn there_are_authorities_on_every_system() {
        assert!(std::ptr::eq(&*tls(), &*tls()));
    }
}
