//! Name look-ups: on short-lived threads of their own, so that a stalled one never holds a caller, asked once for
//! everybody who waits for the same name, and remembered briefly.

use super::sys;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::HashMap;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const REMEMBERED: Duration = Duration::from_secs(5);
/// getaddrinfo loads modules that want more than a page or two; the memory is only mapped.
const STACK: usize = 512 * 1024;

type Found = Result<Vec<SocketAddr>, NoAddress>;

enum Entry {
    Known(Vec<SocketAddr>, Instant),
    Asking(Vec<oneshot::Sender<Found>>),
}

/// The names of one generation: a child process begins with none, and with no lock that its parent held.
#[derive(Clone, Default)]
pub struct Names(Arc<Mutex<HashMap<String, Entry>>>);

/// Why a name has no address. Kept apart so that an error can tell a look-up from a connect.
#[derive(Clone, Debug)]
pub struct NoAddress {
    pub host: String,
    pub reason: String,
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no address found for {}: {}", self.host, self.reason)
    }
}

impl std::error::Error for NoAddress {}

impl Names {
    fn look_up(&self, host: String) -> Result<oneshot::Receiver<Found>, NoAddress> {
        let (sender, receiver) = oneshot::channel();
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| !matches!(entry, Entry::Known(_, until) if *until <= Instant::now()));
        match entries.get_mut(&host) {
            Some(Entry::Known(addresses, _)) => {
                // Nobody to tell is nobody who waits.
                let _ = sender.send(Ok(addresses.clone()));
            }
            Some(Entry::Asking(waiting)) => waiting.push(sender),
            None => {
                entries.insert(host.clone(), Entry::Asking(vec![sender]));
                drop(entries);
                if let Err(reason) = self.ask(host.clone()) {
                    let failed =
                        NoAddress { host, reason: format!("no thread for the look-up could start ({reason})") };
                    self.answer(&failed.host, Err(failed.clone()));
                    return Err(failed);
                }
            }
        }
        Ok(receiver)
    }

    fn ask(&self, host: String) -> std::io::Result<()> {
        let names = self.clone();
        let look_up = move || {
            let found = (host.as_str(), 0).to_socket_addrs().map(Iterator::collect).map_err(|error| NoAddress {
                host: host.clone(),
                reason: error.to_string().replace("failed to lookup address information: ", ""),
            });
            names.answer(&host, found);
        };
        sys::starting_a_thread(|| thread::Builder::new().name("mmx-name".into()).stack_size(STACK).spawn(look_up))?;
        Ok(())
    }

    fn answer(&self, host: &str, found: Found) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Entry::Asking(waiting)) = entries.remove(host) else { return };
        if let Ok(addresses) = &found {
            entries.insert(host.into(), Entry::Known(addresses.clone(), Instant::now() + REMEMBERED));
        }
        drop(entries);
        for sender in waiting {
            let _ = sender.send(found.clone());
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found = match names.look_up(host.clone())?.await {
                Ok(found) => found?,
                Err(_) => return Err(NoAddress { host, reason: "the look-up ended without an answer".into() }.into()),
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(receiver: oneshot::Receiver<Found>) -> Found {
        receiver.blocking_recv().expect("an answer")
    }

    #[test]
    fn one_look_up_serves_all_who_wait_and_is_remembered() {
        let names = Names::default();
        let first = names.look_up("localhost".into()).unwrap();
        let second = names.look_up("localhost".into()).unwrap();
        let addresses = wait(first).expect("localhost has an address");
        assert!(addresses.iter().all(|a| a.ip().is_loopback()));
        assert_eq!(wait(second).unwrap(), addresses);
        assert!(matches!(names.0.lock().unwrap().get("localhost"), Some(Entry::Known(..))));
    }

    #[test]
    fn a_name_without_an_address_is_asked_anew_each_time() {
        let names = Names::default();
        let error = wait(names.look_up("no-such-host.invalid".into()).unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("no address found for no-such-host.invalid: "), "{error}");
        assert!(names.0.lock().unwrap().is_empty());
    }
}
