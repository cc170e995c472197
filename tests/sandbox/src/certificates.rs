//! A throw-away CA and the certificates the HTTPS listeners show, made anew at every start.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, Error, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion, version};

const GOOD_NAMES: [&str; 4] = ["localhost", "127.0.0.1", "::1", "127.0.0.2"];

pub(crate) struct Certificates {
    pub(crate) ca_pem: String,
    pub(crate) good: Arc<ServerConfig>,
    pub(crate) tls12: Arc<ServerConfig>,
    pub(crate) expired: Arc<ServerConfig>,
    pub(crate) wrong_host: Arc<ServerConfig>,
    pub(crate) unknown_ca: Arc<ServerConfig>,
}

type Ca = CertifiedIssuer<'static, KeyPair>;

impl Certificates {
    pub(crate) fn make() -> Result<Certificates, Error> {
        let ca = authority("mmx sandbox CA")?;
        let stranger = authority("mmx sandbox CA that nobody trusts")?;
        Ok(Certificates {
            ca_pem: ca.pem(),
            good: server(&ca, &GOOD_NAMES, 2050, DEFAULT_VERSIONS)?,
            tls12: server(&ca, &GOOD_NAMES, 2050, TLS12_ALONE)?,
            expired: server(&ca, &GOOD_NAMES, 2021, DEFAULT_VERSIONS)?,
            wrong_host: server(&ca, &["other.example"], 2050, DEFAULT_VERSIONS)?,
            unknown_ca: server(&stranger, &GOOD_NAMES, 2050, DEFAULT_VERSIONS)?,
        })
    }
}

fn authority(name: &str) -> Result<Ca, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

type Versions = &'static [&'static SupportedProtocolVersion];
const TLS12_ALONE: Versions = &[&version::TLS12];

fn server(ca: &Ca, names: &[&str], until_year: i32, versions: Versions) -> Result<Arc<ServerConfig>, Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.iter().map(|name| name.to_string()).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, "mmx sandbox");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict checkers (OpenSSL's X509_STRICT, the default of newer Pythons) refuse a leaf without it.
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until_year, 1, 1);
    let leaf = params.signed_by(&key, ca)?;
    Ok(Arc::new(config(leaf.der().clone(), key.serialize_der(), versions)))
}

fn config(leaf: CertificateDer<'static>, key: Vec<u8>, versions: Versions) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(key.into());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("ring has these versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .expect("key and certificate were made for each other");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
