//! Name lookups: on short-lived threads of their own, so that a stalled one never holds a caller, asked once for
//! everybody who waits for the same name, and remembered briefly. Addresses that failed go last for a while.

#[cfg(all(test, shuttle))]
mod schedules;

use super::connect_error::advice_for;
use super::error::plain;
use super::reactor::Reactor;
use super::sync::{Mutex, MutexGuard, now, thread};
use super::sys;
use futures_channel::oneshot;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

const REMEMBERED: Duration = Duration::from_secs(5);
/// How long an address that failed goes last.
const AVOIDED: Duration = Duration::from_secs(60);
/// getaddrinfo loads modules that want more than a page or two; the memory is only mapped.
const STACK: usize = 512 * 1024;

type Found = Result<Vec<IpAddr>, DnsError>;

enum Entry {
    Known(Vec<IpAddr>, Instant),
    Asking(Vec<oneshot::Sender<Found>>),
}

/// The names of one process: a child begins with none, and with no lock that its parent held.
#[derive(Clone, Default)]
pub struct DnsResolver(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: HashMap<String, Entry>,
    failed: HashMap<SocketAddr, Instant>,
}

/// Why a name has no address.
#[derive(Clone, Debug)]
pub struct DnsError {
    text: String,
    /// Where this machine refused something: what to do, and the errno.
    pub advice: &'static str,
    pub errno: i32,
}

impl DnsError {
    fn not_found(host: &str, reason: &str) -> DnsError {
        DnsError { text: format!("no address found for {host}: {reason}"), advice: "", errno: 0 }
    }

    fn of_lookup(host: &str, error: &io::Error) -> DnsError {
        match error.raw_os_error() {
            Some(errno) => DnsError { advice: advice_for(error), errno, ..DnsError::not_found(host, &plain(error)) },
            None => {
                let reason = error.to_string().replace("failed to lookup address information: ", "");
                DnsError::not_found(host, &reason)
            }
        }
    }

    fn of_thread(host: &str, error: &io::Error) -> DnsError {
        let text = format!("no thread for the lookup of {host} could start: {}", plain(error));
        let advice = match advice_for(error) {
            "" => "; is the limit of threads (ulimit -u) reached?",
            advice => advice,
        };
        DnsError { text, advice, errno: error.raw_os_error().unwrap_or_default() }
    }
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl DnsResolver {
    /// The addresses of a host, in the order in which they are to be tried.
    pub async fn addresses(&self, host: &str, port: u16, reactor: &Rc<Reactor>) -> Result<Vec<SocketAddr>, DnsError> {
        let addresses = match host.trim_matches(['[', ']']).parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let receiver = self.look_up(host.to_owned())?;
                let _wake = reactor.expect_wake();
                let ended = || DnsError::not_found(host, "the lookup ended without an answer");
                receiver.await.unwrap_or_else(|_| Err(ended()))?
            }
        };
        let addresses: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        Ok(self.in_order(addresses))
    }

    /// Families take turns, beginning with the first address's; those that failed lately come last.
    fn in_order(&self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let mut state = self.state();
        state.failed.retain(|_, since| now().duration_since(*since) < AVOIDED);
        let (failed, good): (Vec<_>, _) = addresses.into_iter().partition(|at| state.failed.contains_key(at));
        let mut order = in_turns(good);
        order.extend(in_turns(failed));
        order
    }

    /// No connection came of the addresses of a host: it is looked up again next time, and they go last.
    pub fn failed(&self, host: &str, addresses: &[SocketAddr]) {
        let mut state = self.state();
        if let Some(Entry::Known(..)) = state.names.get(host) {
            state.names.remove(host);
        }
        state.failed.extend(addresses.iter().map(|address| (*address, now())));
    }

    /// A connection was made to one of them.
    pub fn connected(&self, address: &SocketAddr, slower: &[SocketAddr]) {
        let mut state = self.state();
        state.failed.remove(address);
        state.failed.extend(slower.iter().map(|address| (*address, now())));
    }

    fn look_up(&self, host: String) -> Result<oneshot::Receiver<Found>, DnsError> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.names.retain(|_, entry| !matches!(entry, Entry::Known(_, until) if *until <= now()));
        match state.names.get_mut(&host) {
            Some(Entry::Known(addresses, _)) => {
                // Nobody to tell is nobody who waits.
                let _ = sender.send(Ok(addresses.clone()));
            }
            Some(Entry::Asking(waiting)) => waiting.push(sender),
            None => {
                state.names.insert(host.clone(), Entry::Asking(vec![sender]));
                drop(state);
                if let Err(error) = self.ask(host.clone()) {
                    let failed = DnsError::of_thread(&host, &error);
                    self.publish(&host, Err(failed.clone()));
                    return Err(failed);
                }
            }
        }
        Ok(receiver)
    }

    fn ask(&self, host: String) -> io::Result<()> {
        let resolver = self.clone();
        let look_up = move || {
            let found = (host.as_str(), 0).to_socket_addrs();
            let found = found.map(|addresses| addresses.map(|address| address.ip()).collect());
            let found = found.map_err(|error| DnsError::of_lookup(&host, &error));
            resolver.publish(&host, found);
        };
        sys::starting_a_thread(|| thread::Builder::new().name("mmx-name".into()).stack_size(STACK).spawn(look_up))?;
        Ok(())
    }

    fn publish(&self, host: &str, found: Found) {
        let mut state = self.state();
        let Some(Entry::Asking(waiting)) = state.names.remove(host) else { return };
        if let Ok(addresses) = &found {
            state.names.insert(host.into(), Entry::Known(addresses.clone(), now() + REMEMBERED));
        }
        drop(state);
        for sender in waiting {
            let _ = sender.send(found.clone());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Addresses of two families, one of each in turn, as RFC 8305 has it.
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|at| at.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(receiver: oneshot::Receiver<Found>) -> Found {
        let mut receiver = receiver;
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(found) = receiver.try_recv().expect("an answer") {
                return found;
            }
            assert!(Instant::now() < until, "no answer");
            thread::yield_now();
        }
    }

    #[test]
    fn one_lookup_serves_all_who_wait_and_is_remembered() {
        let resolver = DnsResolver::default();
        let first = resolver.look_up("localhost".into()).unwrap();
        let second = resolver.look_up("localhost".into()).unwrap();
        let addresses = wait(first).expect("localhost has an address");
        assert!(addresses.iter().all(IpAddr::is_loopback));
        assert_eq!(wait(second).unwrap(), addresses);
        assert!(matches!(resolver.state().names.get("localhost"), Some(Entry::Known(..))));
        resolver.failed("localhost", &[]);
        assert!(resolver.state().names.is_empty(), "a name whose addresses failed is asked for again");
    }

    #[test]
    fn a_name_without_an_address_is_asked_anew_each_time() {
        let resolver = DnsResolver::default();
        let error = wait(resolver.look_up("no-such-host.invalid".into()).unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("no address found for no-such-host.invalid: "), "{error}");
        assert!(resolver.state().names.is_empty());
    }

    #[test]
    fn families_take_turns_and_what_failed_comes_last() {
        let all: Vec<SocketAddr> =
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].iter().map(|at| at.parse().unwrap()).collect();
        let resolver = DnsResolver::default();
        let order = |resolver: &DnsResolver| {
            let order = resolver.in_order(all.clone()).iter().map(ToString::to_string).collect::<Vec<_>>();
            order.join(" ").replace(":1 ", " ").trim_end_matches(":1").to_owned()
        };
        assert_eq!(order(&resolver), "[::1] 1.1.1.1 [::2] 2.2.2.2 [::3]");
        resolver.failed("host", &all[..1]);
        assert_eq!(order(&resolver), "[::2] 1.1.1.1 [::3] 2.2.2.2 [::1]");
        resolver.connected(&all[0], &all[3..4]);
        assert_eq!(order(&resolver), "[::1] 2.2.2.2 [::2] [::3] 1.1.1.1");
    }
}
