//! A sandbox, a plain client of it, and raw sockets where a client would be too kind.
#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use mmx_sandbox::{API_KEY, Sandbox};
use reqwest::Certificate;
use reqwest::blocking::{Client, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

pub(crate) const VOICE: i64 = 176_844_028_768_320;
pub(crate) const PROMPT: i64 = 176_844_028_768_321;
pub(crate) const TIME: Duration = Duration::from_secs(5);

/// One account of a sandbox.
pub(crate) struct Account {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) name: &'static str,
    pub(crate) tls: bool,
}

pub(crate) fn account() -> Account {
    account_over(false)
}

pub(crate) fn account_over(tls: bool) -> Account {
    of(Sandbox::start().unwrap(), tls)
}

/// The same on a server that takes only what our own library sends.
pub(crate) fn strict_account() -> Account {
    of(Sandbox::start_strict().unwrap(), false)
}

fn of(sandbox: Sandbox, tls: bool) -> Account {
    let client = client(&sandbox);
    Account { sandbox, client, name: "one", tls }
}

pub(crate) fn client(sandbox: &Sandbox) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap();
    Client::builder().no_proxy().timeout(TIME).tls_certs_only([ca]).build().unwrap()
}

impl Account {
    pub(crate) fn url(&self) -> String {
        if self.tls { self.sandbox.https_account_url(self.name) } else { self.sandbox.account_url(self.name) }
    }

    pub(crate) fn send(&self, file_id: i64, purpose: &str) -> reqwest::Result<Response> {
        let url = self.url() + "/v1/files/delete";
        self.client.post(url).bearer_auth(API_KEY).json(&json!({"file_id": file_id, "purpose": purpose})).send()
    }

    pub(crate) fn delete(&self, file_id: i64, purpose: &str) -> reqwest::Result<Value> {
        self.send(file_id, purpose)?.json()
    }

    /// A call that is a GET.
    pub(crate) fn get(&self, call: &str) -> Response {
        self.client.get(format!("{}/v1/files/{call}", self.url())).bearer_auth(API_KEY).send().unwrap()
    }

    pub(crate) fn get_json(&self, call: &str) -> Value {
        self.get(call).json().unwrap()
    }

    /// A control call, on a connection of its own.
    pub(crate) fn control(&self, call: &str) -> String {
        let url = format!("{}/{call}", self.sandbox.control_url(self.name));
        let response = client(&self.sandbox).get(url).send().unwrap();
        assert_eq!(response.status(), 200, "{call}");
        response.text().unwrap()
    }

    pub(crate) fn number(&self, call: &str) -> u64 {
        self.control(call).parse().unwrap()
    }

    pub(crate) fn list(&self, call: &str) -> Vec<Value> {
        serde_json::from_str(&self.control(call)).unwrap()
    }

    pub(crate) fn post(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/{call}", self.sandbox.control_url(self.name));
        let response = client(&self.sandbox).post(url).json(&body).send().unwrap();
        let status = response.status();
        let text = response.text().unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn fault(&self, fault: Value) {
        self.post("faults", fault);
    }

    /// Of the only request so far.
    pub(crate) fn entry(&self) -> Value {
        let journal = self.list("journal");
        assert_eq!(journal.len(), 1);
        journal[0].clone()
    }

    /// How the only connection of the account ended.
    pub(crate) fn closed(&self) -> Value {
        self.number("wait?open=0");
        let connections = self.list("connections");
        assert_eq!(connections.len(), 1);
        connections[0]["closed"].clone()
    }

    pub(crate) fn connect(&self) -> Box<dyn Wire> {
        if self.tls { Box::new(tls(&self.sandbox)) } else { Box::new(tcp(self.sandbox.http_url())) }
    }

    /// A delete that asks for nothing special, as bytes.
    pub(crate) fn request(&self, file_id: i64, purpose: &str) -> Vec<u8> {
        let body = format!(r#"{{"file_id":{file_id},"purpose":"{purpose}"}}"#);
        let head = format!(
            "POST /t/{}/v1/files/delete HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {API_KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.name,
            body.len()
        );
        (head + &body).into_bytes()
    }
}

pub(crate) trait Wire: Read + Write {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Wire for Tls {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

pub(crate) fn tcp(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.split_once("://").unwrap().1).unwrap();
    stream.set_read_timeout(Some(TIME)).unwrap();
    stream
}

fn tls(sandbox: &Sandbox) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(sandbox.ca_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, tcp(sandbox.https_url()))
}

/// Everything up to the end of the connection, and how that came.
pub(crate) fn read_all(wire: &mut dyn Wire) -> (Vec<u8>, std::io::Result<()>) {
    let mut bytes = Vec::new();
    let end = wire.read_to_end(&mut bytes).map(drop);
    (bytes, end)
}

/// One answer with a Content-Length, leaving the connection open.
pub(crate) fn read_answer(wire: &mut dyn Wire) -> String {
    let mut text = String::new();
    let mut byte = [0];
    loop {
        wire.read_exact(&mut byte).unwrap();
        text.push(byte[0].into());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return text;
            }
        }
    }
}
