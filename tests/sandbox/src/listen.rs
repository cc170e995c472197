//! The listeners: accepting, the TLS handshake, and faults before the first request.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::certificates::Certificates;
use crate::connection;
use crate::proxy::Settings;
use crate::records::{Connection, End};
use crate::sandbox::Options;
use crate::server::{Bases, Server};
use crate::stream::{Close, Io, Tcp, Transport};

pub(crate) const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Another host, as far as any client can tell.
const STORE_HOST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A handshake record of TLS 1.2 or 1.3 that announces more than comes.
const HALF_A_SERVER_HELLO: &[u8] = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";

/// Base addresses.
pub(crate) struct Addresses {
    pub(crate) bases: Bases,
    pub(crate) proxy: String,
    pub(crate) https_tls12: String,
    pub(crate) https_expired: String,
    pub(crate) https_wrong_host: String,
    pub(crate) https_unknown_ca: String,
    pub(crate) https_self_signed: String,
    pub(crate) https_no_intermediate: String,
}

pub(crate) async fn start(server: Arc<Server>, certificates: Certificates, ports: Options) -> io::Result<Addresses> {
    let tls = |name, port, config| listen(&server, name, HOST, port, Some(config));
    let bases = Bases {
        http: listen(&server, "http", HOST, ports.http_port, None).await?,
        https: tls("https", ports.https_port, certificates.good.clone()).await?,
        store: listen(&server, "store", STORE_HOST, 0, None).await?,
        https_store: listen(&server, "https_store", STORE_HOST, 0, Some(certificates.good.clone())).await?,
    };
    let _ = server.bases.set(bases.clone());
    server.proxies.speak_tls_with(certificates.good);
    Ok(Addresses {
        bases,
        proxy: server.proxies.make("default", Settings::default()).await?,
        https_tls12: tls("https_tls12", 0, certificates.tls12).await?,
        https_expired: tls("https_expired", 0, certificates.expired).await?,
        https_wrong_host: tls("https_wrong_host", 0, certificates.wrong_host).await?,
        https_unknown_ca: tls("https_unknown_ca", 0, certificates.unknown_ca).await?,
        https_self_signed: tls("https_self_signed", 0, certificates.self_signed).await?,
        https_no_intermediate: tls("https_no_intermediate", 0, certificates.no_intermediate).await?,
    })
}

async fn listen(
    server: &Arc<Server>,
    name: &'static str,
    host: Ipv4Addr,
    port: u16,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<String> {
    Ok(start_one(server, name, host, port, tls).await?.0)
}

async fn start_one(
    server: &Arc<Server>,
    name: &'static str,
    host: Ipv4Addr,
    port: u16,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<(String, AbortHandle)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((host, port).into())?;
    // A test's thousand clients may come at once; a shorter queue would reset some.
    let listener = socket.listen(4096)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr()?);
    let task = tokio::spawn(accept(server.clone(), listener, name, tls.map(TlsAcceptor::from)));
    Ok((url, task.abort_handle()))
}

/// Listeners with a certificate of a test's own.
#[derive(Default)]
pub(crate) struct Given(Mutex<HashMap<String, AbortHandle>>);

impl Given {
    /// Starts one, and ends the one of that name before it.
    pub(crate) async fn make(&self, server: &Arc<Server>, name: &str, tls: Arc<ServerConfig>) -> io::Result<String> {
        let (url, task) = start_one(server, "https_given", HOST, 0, Some(tls)).await?;
        if let Some(before) = self.0.lock().unwrap().insert(name.to_owned(), task) {
            before.abort();
        }
        Ok(url)
    }
}

async fn accept(server: Arc<Server>, listener: TcpListener, name: &'static str, tls: Option<TlsAcceptor>) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, as a rule: let some be freed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let record = server.connections.accepted(&server, name, peer.port());
        let fault = server.listener_faults.take(name);
        tokio::spawn(open(server.clone(), stream, record, tls.clone(), fault));
    }
}

async fn open(
    server: Arc<Server>,
    stream: TcpStream,
    record: Arc<Connection>,
    tls: Option<TlsAcceptor>,
    fault: Option<Accept>,
) {
    let tcp = Tcp::new(stream, record.clone());
    let head = connection::head();
    if let Some(fault) = fault {
        let mut io = Io::new(Box::new(tcp), record, head);
        return match fault {
            Accept::StallTls => {
                io.hang().await;
            }
            Accept::CutTls | Accept::CutTlsReset => {
                let close = if fault == Accept::CutTls { Close::Fin } else { Close::Rst };
                if io.read_some().await && io.send(HALF_A_SERVER_HELLO).await {
                    io.close(close).await;
                }
            }
            Accept::Close => io.close(Close::Fin).await,
            Accept::Reset => io.close(Close::Rst).await,
            Accept::Normal => {}
        };
    }
    let transport: Box<dyn Transport> = match tls {
        None => Box::new(tcp),
        Some(tls) => match tls.accept(tcp).await {
            Ok(stream) => {
                record.handshake("done".into());
                Box::new(stream)
            }
            Err(error) => {
                record.handshake(format!("failed: {error}"));
                return record.ended(End::Server);
            }
        },
    };
    connection::serve(server, transport, record, head).await;
}

/// What happens to a connection that is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Accept {
    Normal,
    StallTls,
    CutTls,
    CutTlsReset,
    Close,
    Reset,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerFault {
    accept: Accept,
    #[serde(default = "one")]
    times: i64,
    #[serde(default = "https")]
    listener: String,
}

fn one() -> i64 {
    1
}

fn https() -> String {
    "https".into()
}

/// Faults of the listeners, for the next connections whoever makes them.
#[derive(Default)]
pub(crate) struct ListenerFaults(Mutex<Vec<ListenerFault>>);

impl ListenerFaults {
    /// `normal` takes back what was set for that listener.
    pub(crate) fn add(&self, fault: ListenerFault) {
        let mut faults = self.0.lock().unwrap();
        if fault.accept == Accept::Normal {
            faults.retain(|other| other.listener != fault.listener);
        } else {
            faults.push(fault);
        }
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(crate) fn left(&self) -> Vec<ListenerFault> {
        self.0.lock().unwrap().clone()
    }

    fn take(&self, listener: &str) -> Option<Accept> {
        let mut faults = self.0.lock().unwrap();
        let at = faults.iter().position(|fault| fault.listener == listener)?;
        let accept = faults[at].accept;
        if faults[at].times > 0 {
            faults[at].times -= 1;
        }
        if faults[at].times == 0 {
            faults.remove(at);
        }
        Some(accept)
    }
}
