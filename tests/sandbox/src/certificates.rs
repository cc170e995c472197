//! A throw-away CA and the certificates the HTTPS listeners show, made anew at every start.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, Error, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WantsServerCert;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ConfigBuilder, DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion, version};

const GOOD_NAMES: [&str; 4] = ["localhost", "127.0.0.1", "::1", "127.0.0.2"];

pub(crate) struct Certificates {
    pub(crate) ca_pem: String,
    pub(crate) good: Arc<ServerConfig>,
    pub(crate) tls12: Arc<ServerConfig>,
    pub(crate) expired: Arc<ServerConfig>,
    pub(crate) wrong_host: Arc<ServerConfig>,
    pub(crate) unknown_ca: Arc<ServerConfig>,
    /// Its certificate is its own authority.
    pub(crate) self_signed: Arc<ServerConfig>,
    pub(crate) self_signed_pem: String,
    /// Signed by an authority that the good one has signed, which the server does not send.
    pub(crate) no_intermediate: Arc<ServerConfig>,
}

type Ca = CertifiedIssuer<'static, KeyPair>;

impl Certificates {
    pub(crate) fn make() -> Result<Certificates, Error> {
        let ca = authority("mmx sandbox CA")?;
        let stranger = authority("mmx sandbox CA that nobody trusts")?;
        let intermediate =
            CertifiedIssuer::signed_by(authority_params("mmx sandbox intermediate CA", 0)?, KeyPair::generate()?, &ca)?;
        let (self_signed, self_signed_pem) = own_authority()?;
        Ok(Certificates {
            ca_pem: ca.pem(),
            good: server(&ca, &GOOD_NAMES, 2050, DEFAULT_VERSIONS)?,
            tls12: server(&ca, &GOOD_NAMES, 2050, TLS12_ALONE)?,
            expired: server(&ca, &GOOD_NAMES, 2021, DEFAULT_VERSIONS)?,
            wrong_host: server(&ca, &["other.example"], 2050, DEFAULT_VERSIONS)?,
            unknown_ca: server(&stranger, &GOOD_NAMES, 2050, DEFAULT_VERSIONS)?,
            self_signed,
            self_signed_pem,
            no_intermediate: server(&intermediate, &GOOD_NAMES, 2050, DEFAULT_VERSIONS)?,
        })
    }
}

fn authority(name: &str) -> Result<Ca, Error> {
    CertifiedIssuer::self_signed(authority_params(name, 1)?, KeyPair::generate()?)
}

/// The parameters of an authority that may have so many others below it.
fn authority_params(name: &str, below: u8) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    Ok(params)
}

/// A server's certificate that says it is an authority, and is its own.
fn own_authority() -> Result<(Arc<ServerConfig>, String), Error> {
    let mut params = authority_params("mmx sandbox, self-signed", 0)?;
    params.subject_alt_names = CertificateParams::new(GOOD_NAMES.map(str::to_owned))?.subject_alt_names;
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((Arc::new(config(certificate.der().clone(), key.serialize_der(), DEFAULT_VERSIONS)), certificate.pem()))
}

/// Sends the certificates that a test gives as PEM. They are not checked: a test may want odd ones.
pub(crate) fn given(certificates: &str, key: &str) -> Result<Arc<ServerConfig>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates.as_bytes()).collect();
    let chain = chain.map_err(|error| format!("certificates: {error}"))?;
    if chain.is_empty() {
        return Err("certificates: there is none".into());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| format!("key: {error}"))?;
    let key = ring::sign::any_supported_type(&key).map_err(|error| format!("key: {error}"))?;
    let resolver = Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)));
    Ok(Arc::new(with_http(builder(DEFAULT_VERSIONS).with_cert_resolver(resolver))))
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
    let config = builder(versions).with_single_cert(vec![leaf], key);
    with_http(config.expect("key and certificate were made for each other"))
}

fn builder(versions: Versions) -> ConfigBuilder<ServerConfig, WantsServerCert> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("ring has these versions")
        .with_no_client_auth()
}

fn with_http(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
