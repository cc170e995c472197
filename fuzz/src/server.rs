//! A server on loopback that answers every request with the same bytes, and is the proxy of what may lead elsewhere.

use std::cell::OnceCell;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[derive(Default)]
struct State {
    reply: Vec<u8>,
    /// The last request, whole.
    request: Vec<u8>,
}

pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

thread_local!(static SERVER: OnceCell<Server> = const { OnceCell::new() });

/// Runs with this thread's server, which answers with `reply`.
pub(crate) fn with<T>(reply: &[u8], run: impl FnOnce(&Server) -> T) -> T {
    SERVER.with(|server| {
        let server = server.get_or_init(Server::start);
        reply.clone_into(&mut server.state.lock().expect("the state").reply);
        run(server)
    })
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that is gone has its reasons.
                let _ = answer(stream, &shared);
            }
        });
        Server { url, state }
    }

    pub(crate) fn request(&self) -> Vec<u8> {
        self.state.lock().expect("the state").request.clone()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let (mut request, mut piece) = (Vec::new(), [0; 16 << 10]);
    while !is_whole(&request) {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&piece[..count]),
        }
    }
    let reply = {
        let mut state = state.lock().expect("the state");
        state.request = request;
        state.reply.clone()
    };
    stream.write_all(&reply)
}

/// Whether a request is there with its body. The library sends a length or chunks.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|part| part == b"\r\n\r\n") else { return false };
    let (head, body) = (String::from_utf8_lossy(&request[..end]).to_lowercase(), &request[end + 4..]);
    match head.split("\r\n").find_map(|line| line.strip_prefix("content-length:")) {
        Some(length) => body.len() >= length.trim().parse().unwrap_or(0),
        None => !head.contains("\r\ntransfer-encoding:") || body.ends_with(b"0\r\n\r\n"),
    }
}
