//! The key of a client, given once or kept in a file that may change, and the headers that go with it.

use super::error::plain;
use super::process::{PerProcess, Process};
use super::secrets::Secrets;
use super::setting::{Key, check_key};
use crate::error::{Error, Status};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::ffi::OsStr;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// No key is longer.
const LONGEST: u64 = 64 << 10;

/// The headers and secrets that a key brings to every request to the API.
#[derive(Debug)]
pub struct Credentials {
    pub key: Key,
    pub secrets: Secrets,
    pub headers: HeaderMap,
    pub headers_with_json: HeaderMap,
}

/// When and how a file was last changed. A new one of the same name has another inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: (i64, i64),
    size: u64,
    inode: (u64, u64),
}

impl Stamp {
    fn of(meta: &Metadata) -> Stamp {
        Stamp { modified: (meta.mtime(), meta.mtime_nsec()), size: meta.size(), inode: (meta.dev(), meta.ino()) }
    }
}

#[derive(Clone)]
struct State {
    stamp: Stamp,
    credentials: Arc<Credentials>,
}

struct KeyFile {
    path: PathBuf,
    first: State,
    /// One for each process, for a child may inherit a lock that is held.
    states: PerProcess<Mutex<State>>,
}

/// The key of a client.
pub struct ApiKey {
    /// The headers of every request, wherever it goes.
    common: HeaderMap,
    /// The caller's, for the API alone.
    own: Vec<(HeaderName, HeaderValue)>,
    /// The first ones of a file.
    fixed: Arc<Credentials>,
    file: Option<KeyFile>,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKey({:?})", self.file.as_ref().map(|file| &file.path))
    }
}

impl ApiKey {
    pub fn new(
        key: Key,
        file: Option<(PathBuf, Stamp)>,
        common: HeaderMap,
        own: Vec<(HeaderName, HeaderValue)>,
    ) -> ApiKey {
        let fixed = Arc::new(credentials(key, &common, &own));
        let file = file.map(|(path, stamp)| {
            let first = State { stamp, credentials: fixed.clone() };
            KeyFile { path, first, states: PerProcess::new() }
        });
        ApiKey { common, own, fixed, file }
    }

    /// As it was read last.
    pub fn credentials(&self) -> Arc<Credentials> {
        match &self.file {
            Some(file) => file.state().credentials.clone(),
            None => self.fixed.clone(),
        }
    }

    /// The headers of a request to another place than the API.
    pub fn headers_elsewhere(&self) -> HeaderMap {
        self.common.clone()
    }

    /// Reads the file again if it has changed since.
    pub fn refresh(&self, call: &'static str) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let meta = fs::metadata(&file.path).map_err(|error| unreadable(call, &file.path, &error))?;
        if file.state().stamp == Stamp::of(&meta) {
            return Ok(());
        }
        let (key, stamp) = read(call, "api_key_file", &file.path)?;
        let credentials = Arc::new(credentials(key, &self.common, &self.own));
        *file.state() = State { stamp, credentials };
        Ok(())
    }
}

impl KeyFile {
    fn state(&self) -> MutexGuard<'_, State> {
        let of_parent = |parent: Option<&Mutex<State>>| Some(parent?.try_lock().ok()?.clone());
        let state = self
            .states
            .get_or_init(Process::current(), |parent| Mutex::new(of_parent(parent).unwrap_or(self.first.clone())));
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the key of a file, without the line break at its end. `parameter` is at fault if it holds no key.
pub fn read(call: &'static str, parameter: &'static str, path: &Path) -> Result<(Key, Stamp), Error> {
    let failed = |error: io::Error| unreadable(call, path, &error);
    // One that is no regular file could have nothing to give for a while.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let mut file = opened.map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        let errno = if meta.is_dir() { libc::EISDIR } else { libc::EINVAL };
        return Err(failed(io::Error::from_raw_os_error(errno)));
    }
    // Not to be moved, for what it leaves behind is not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(meta.size().min(LONGEST) as usize + 64));
    file.by_ref().take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
    let invalid = |why: &str| Error::invalid_argument(call, parameter, format!("({}) {why}", path.display()));
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("holds characters that are not ASCII"))?;
    let key = Key(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()));
    check_key(&key).map_err(invalid)?;
    Ok((key, Stamp::of(&meta)))
}

fn unreadable(call: &'static str, path: &Path, error: &io::Error) -> Error {
    // Keys of the service begin so: one in the file's place goes into no message.
    let is_key = |name: &OsStr| ["sk-", "eyJ"].iter().any(|key| name.as_bytes().starts_with(key.as_bytes()));
    let hidden = path.file_name().filter(|name| is_key(name)).map(|_| path.with_file_name("(a name like a key)"));
    let text = format!("the key file {} can't be read: {}", hidden.as_deref().unwrap_or(path).display(), plain(error));
    Error::new(Status::File, call, text).caused_by(error)
}

fn credentials(key: Key, common: &HeaderMap, own: &[(HeaderName, HeaderValue)]) -> Credentials {
    let mut headers = common.clone();
    headers.insert(AUTHORIZATION, authorization(&key));
    for (name, value) in own {
        headers.append(name, value.clone());
    }
    let mut headers_with_json = headers.clone();
    headers_with_json.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Credentials { secrets: Secrets::new(&key.0, own), key, headers, headers_with_json }
}

/// Marked sensitive, and wiped when the last request that carries it is gone.
fn authorization(key: &Key) -> HeaderValue {
    let text = Zeroizing::new(format!("Bearer {}", key.0.as_str()).into_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).expect("a checked key fits a header");
    value.set_sensitive(true);
    value
}
