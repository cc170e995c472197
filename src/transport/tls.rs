//! Whom to trust: the system's root certificates, and those of a CA file beside them.

use once_cell::race::OnceBox;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::env;
use std::path::PathBuf;
use std::sync::Arc;

/// Where certificates stand, as the environment said when the configuration was made. Compared to find the pool that
/// serves two clients with the same settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertPaths {
    file: Option<PathBuf>,
    directories: Vec<PathBuf>,
}

impl CertPaths {
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set, else where this system keeps its certificates. Reads no
    /// certificate.
    pub fn from_environment() -> CertPaths {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let file = set("SSL_CERT_FILE").map(PathBuf::from);
        let directories: Vec<_> = set("SSL_CERT_DIR").iter().flat_map(env::split_paths).collect();
        if file.is_some() || !directories.is_empty() {
            return CertPaths { file, directories };
        }
        let found = openssl_probe::probe();
        // The bundle holds what the directory holds, one file instead of hundreds.
        let directories = if found.cert_file.is_some() { Vec::new() } else { found.cert_dir };
        CertPaths { file: found.cert_file, directories }
    }
}

#[derive(Debug, Default)]
pub struct TrustStore {
    pub cert_paths: CertPaths,
    /// Of the CA file.
    pub extra: Vec<CertificateDer<'static>>,
    /// Made once, at the first HTTPS connection, without a lock: a fork may come at any moment.
    roots: OnceBox<Arc<RootCertStore>>,
}

impl PartialEq for TrustStore {
    fn eq(&self, other: &TrustStore) -> bool {
        self.cert_paths == other.cert_paths && self.extra == other.extra
    }
}

impl TrustStore {
    pub fn new(cert_paths: CertPaths, extra: Vec<CertificateDer<'static>>) -> TrustStore {
        TrustStore { cert_paths, extra, roots: OnceBox::new() }
    }

    /// What TLS connections are made with; all that are made with one result resume each other's sessions.
    pub fn client_config(&self) -> Result<ClientConfig, String> {
        Ok(config_with(self.roots()?))
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, String> {
        self.roots.get_or_try_init(|| self.load().map(|roots| Box::new(Arc::new(roots)))).cloned()
    }

    fn load(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let mut problems = Vec::new();
        let mut add = |file, directory| {
            let found = rustls_native_certs::load_certs_from_paths(file, directory);
            roots.add_parsable_certificates(found.certs);
            problems.extend(found.errors.into_iter().map(|error| error.to_string()));
        };
        if let Some(file) = &self.cert_paths.file {
            add(Some(file.as_path()), None);
        }
        for directory in &self.cert_paths.directories {
            add(None, Some(directory.as_path()));
        }
        roots.add_parsable_certificates(self.extra.iter().cloned());
        if roots.is_empty() {
            let why = problems.first().map_or(String::new(), |problem| format!(" ({problem})"));
            return Err(format!(
                "this system has no root certificates to check the server's with{why}: install the package \
                 ca-certificates, or name a PEM file with mmx_config_set_ca_file()"
            ));
        }
        Ok(roots)
    }
}

fn config_with(roots: Arc<RootCertStore>) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The certificates of a PEM file; at least one. As OpenSSL has it, X509 CERTIFICATE and TRUSTED CERTIFICATE are read,
/// too; bytes before the first section, such as a byte-order mark, and between sections don't matter.
pub fn read_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = with_plain_labels(pem);
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .map(|certificate| certificate.map(without_trust_settings))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let mut check = RootCertStore::empty();
    match check.add_parsable_certificates(certificates.iter().cloned()) {
        (0, 0) => Err("no CERTIFICATE section in it".into()),
        (_, 0) => Ok(certificates),
        (_, bad) => Err(format!("{bad} of its certificates can't be parsed")),
    }
}

/// The same file with every certificate under the label CERTIFICATE, each line begun anew.
fn with_plain_labels(pem: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(pem.len());
    for line in pem.split(|byte| *byte == b'\n') {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        let label = |edge: &[u8]| {
            let label = line.strip_prefix(edge)?.strip_suffix(b"-----")?;
            matches!(label, b"X509 CERTIFICATE" | b"TRUSTED CERTIFICATE").then(|| [edge, b"CERTIFICATE-----"].concat())
        };
        match label(b"-----BEGIN ").or_else(|| label(b"-----END ")) {
            Some(line) => plain.extend(line),
            None => plain.extend_from_slice(line),
        }
        plain.push(b'\n');
    }
    plain
}

/// A TRUSTED CERTIFICATE has settings of OpenSSL's behind the certificate itself, which says how long it is.
fn without_trust_settings(certificate: CertificateDer<'static>) -> CertificateDer<'static> {
    let length = match certificate[..] {
        [0x30, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([high, low]))),
        [0x30, 0x81, length, ..] => Some(3 + usize::from(length)),
        _ => None,
    };
    match length.and_then(|length| certificate.get(..length)) {
        Some(whole) if whole.len() < certificate.len() => whole.to_vec().into(),
        _ => certificate,
    }
}
