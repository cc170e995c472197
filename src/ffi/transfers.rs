//! ---- Uploads and downloads ------------------------------------------------------------------------------------------
//!
//! A file's bytes, from and to a path or functions of the caller's. Callbacks run on the thread that made the call, while
//! it waits in the call, and none is kept after it; they may call the library, but not free what the call uses. Memory
//! use does not grow with the file. There is no time limit unless one is set, but a service that moves no byte for 60 s
//! ends a transfer (mmx_config_set_idle_timeout_ms()). A path may lead to a FIFO, whose other end may come later.
//!
//! A callback that forks: the call goes on in the parent; the child's copy of it ends as MMX_ERROR_CANCELLED when the
//! callback returns there, and touches no file.

use super::boundary::{self, Sized_, reference, sized, text};
use super::client::mmx_client;
use super::error::mmx_error;
use super::files::{MMX_CALL_RECONCILE, MMX_CALL_VIA_DOWNLOAD_URL, mmx_call_options, options};
use super::status::mmx_status;
use crate::api;
use crate::api::target::Sink;
use crate::error::Error;
use crate::transport::attempt::Failure;
use crate::transport::upload::{Source, unreadable};
use std::ffi::{c_char, c_void};

/// Where an upload reads from. Begin with MMX_SOURCE_INIT, which sets size to -1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_source {
    /// sizeof(mmx_source) of the header that the caller was built with.
    pub struct_size: usize,
    /// Bytes to come; -1 = not known. Where it is known, fewer or more are MMX_ERROR_FILE, and nothing is stored.
    pub size: i64,
    /// Puts up to capacity bytes into buffer and returns how many; 0 = the end; negative = give up.
    pub read: Option<unsafe extern "C" fn(user_data: *mut c_void, buffer: *mut u8, capacity: usize) -> i64>,
    /// Goes back to the start, where read begins anew; 0 = done, anything else ends the call as MMX_ERROR_FILE. May be
    /// NULL: then nothing that was read is sent again.
    pub rewind: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    /// Handed to both.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl Sized_ for mmx_source {
    const FIRST_SIZE: usize = size_of::<mmx_source>();
    const SIZE: &str = "source.struct_size";
    const INIT: &str = "MMX_SOURCE_INIT";
}

struct CallerSource {
    size: Option<u64>,
    read: unsafe extern "C" fn(user_data: *mut c_void, buffer: *mut u8, capacity: usize) -> i64,
    rewind: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    user_data: *mut c_void,
}

impl CallerSource {
    fn new(given: *const mmx_source, call: &'static str) -> Result<CallerSource, Error> {
        let given = sized(given, call, "source")?;
        let given = given.ok_or_else(|| Error::invalid_argument(call, "source", "is NULL"))?;
        let read = given.read.ok_or_else(|| Error::invalid_argument(call, "source.read", "is NULL"))?;
        let size = match given.size {
            -1 => None,
            size => {
                let why = || format!("must be 0 or more bytes, or -1 where it is not known, not {size}");
                Some(u64::try_from(size).map_err(|_| Error::invalid_argument(call, "source.size", why()))?)
            }
        };
        Ok(CallerSource { size, read, rewind: given.rewind, user_data: given.user_data })
    }
}

impl Source for CallerSource {
    fn size(&self) -> Option<u64> {
        self.size
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        // SAFETY: the caller's function with the caller's data and a buffer of that many bytes, within the call.
        let count = unsafe { (self.read)(self.user_data, buffer.as_mut_ptr(), buffer.len()) };
        usize::try_from(count)
            .map_err(|_| unreadable("what is uploaded", format!("the source gave up (its read returned {count})")))
    }

    fn can_rewind(&self) -> bool {
        self.rewind.is_some()
    }

    fn rewind(&mut self) -> Result<(), String> {
        let rewind = self.rewind.ok_or("the source can't go back to its start")?;
        // SAFETY: the caller's function with the caller's data, within the call.
        match unsafe { rewind(self.user_data) } {
            0 => Ok(()),
            code => Err(format!("the source can't go back to its start (its rewind returned {code})")),
        }
    }
}

/// Uploads a local file under its own name.
///
/// Sends POST /v1/files/upload ("File Upload" in the API's documents) and waits for the answer. The media type follows
/// the name's ending. A FIFO or a device is sent up to its end, in chunks; the request begins once a FIFO has something
/// to read. It is sent again where nothing can have been stored: the connection broke before the last byte was taken, or
/// the service refused it for its rate. Safe from any number of threads.
///
/// With MMX_CALL_RECONCILE in options.flags, an upload that may or may not be stored, for its answer was lost, is looked
/// for in the list: a file of the same name, size and purpose, made since the call began by the service's clock. One that
/// fits is returned, as {"file":...,"evidence":"list"}. Where there is none, it is sent again; where several fit or the
/// list can't tell, the error stays ambiguous and says why.
///
/// @param client    From mmx_client_new().
/// @param path      The file to read. UTF-8.
/// @param purpose   What it is for: one of MMX_PURPOSE_..., or a newer one: 1 to 64 of a-z, 0-9 and _.
/// @param options   For this call only, its progress among it; NULL = the client's settings.
/// @param out_json  Gets the service's answer, with the file's id, for mmx_files_parse() or a JSON parser; free with
///   mmx_string_free(). NULL = not wanted.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: the service has stored it.
///   MMX_ERROR_FILE: it can't be read, or shrank or grew while it was read; nothing was stored.
///   MMX_ERROR_CANCELLED: by the token or the progress function.
///   MMX_ERROR_TIMEOUT, MMX_ERROR_NETWORK: it may be stored all the same if mmx_error_is_ambiguous() says so.
///   Others as for mmx_delete_file(). A refusal in the middle is told as the service says it, and nothing more is sent.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_upload_file(
    client: *const mmx_client,
    path: *const c_char,
    purpose: *const c_char,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = api::upload::FILE;
    boundary::call(out_json, out_error, || {
        let client = reference(client, CALL, "client")?.0.clone();
        let (path, purpose) = (text(path, CALL, "path")?, text(purpose, CALL, "purpose")?);
        let options = self::options(options, CALL, MMX_CALL_RECONCILE)?;
        let reconcile = options.flags & MMX_CALL_RECONCILE != 0;
        api::upload::upload_file(&client, path, purpose, reconcile, &options.get())
    })
}

/// Uploads what a source gives.
///
/// As mmx_upload_file(), with a Content-Length where the source's size is known, in chunks where it isn't.
///
/// @param client    From mmx_client_new().
/// @param source    Where the bytes come from. Used until the call returns.
/// @param filename  The name that the service gets, with an ending that fits. UTF-8, 1 to 1,024 bytes.
/// @param purpose   What it is for: one of MMX_PURPOSE_..., or a newer one: 1 to 64 of a-z, 0-9 and _.
/// @param options   For this call only, its progress among it; NULL = the client's settings.
/// @param out_json  Gets the service's answer; free with mmx_string_free(). NULL = not wanted.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: the service has stored it.
///   MMX_ERROR_FILE: the source gave up, gave fewer or more bytes than its size, or could not go back to its start.
///   Others as for mmx_upload_file().
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_upload_stream(
    client: *const mmx_client,
    source: *const mmx_source,
    filename: *const c_char,
    purpose: *const c_char,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = api::upload::STREAM;
    boundary::call(out_json, out_error, || {
        let client = reference(client, CALL, "client")?.0.clone();
        let mut source = CallerSource::new(source, CALL)?;
        let (filename, purpose) = (text(filename, CALL, "filename")?, text(purpose, CALL, "purpose")?);
        let options = self::options(options, CALL, MMX_CALL_RECONCILE)?;
        let reconcile = options.flags & MMX_CALL_RECONCILE != 0;
        api::upload::upload_stream(&client, &mut source, filename, purpose, reconcile, &options.get())
    })
}

/// Where a download writes to. Begin with MMX_SINK_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_sink {
    /// sizeof(mmx_sink) of the header that the caller was built with.
    pub struct_size: usize,
    /// Takes all of data; 0 = done; anything else gives up.
    pub write: Option<unsafe extern "C" fn(user_data: *mut c_void, data: *const u8, length: usize) -> i32>,
    /// Forgets what was written: the file begins anew; 0 = done. May be NULL: then a download that was cut goes on only
    /// where the service can send the rest of the same file.
    pub restart: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    /// Handed to both.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl Sized_ for mmx_sink {
    const FIRST_SIZE: usize = size_of::<mmx_sink>();
    const SIZE: &str = "sink.struct_size";
    const INIT: &str = "MMX_SINK_INIT";
}

struct CallerSink {
    write: unsafe extern "C" fn(user_data: *mut c_void, data: *const u8, length: usize) -> i32,
    restart: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    user_data: *mut c_void,
}

impl CallerSink {
    fn new(given: *const mmx_sink, call: &'static str) -> Result<CallerSink, Error> {
        let given = sized(given, call, "sink")?;
        let given = given.ok_or_else(|| Error::invalid_argument(call, "sink", "is NULL"))?;
        let write = given.write.ok_or_else(|| Error::invalid_argument(call, "sink.write", "is NULL"))?;
        Ok(CallerSink { write, restart: given.restart, user_data: given.user_data })
    }
}

impl Sink for CallerSink {
    fn write(&mut self, data: &[u8]) -> Result<(), Failure> {
        // SAFETY: the caller's function with the caller's data and so many bytes to read, within the call.
        match unsafe { (self.write)(self.user_data, data.as_ptr(), data.len()) } {
            0 => Ok(()),
            code => Err(Failure::of_file(format!("the sink gave up (its write returned {code})"))),
        }
    }

    fn restart(&mut self) -> Result<(), String> {
        let restart = self.restart.ok_or("the sink can't begin anew")?;
        // SAFETY: the caller's function with the caller's data, within the call.
        match unsafe { restart(self.user_data) } {
            0 => Ok(()),
            code => Err(format!("the sink can't begin anew (its restart returned {code})")),
        }
    }
}

/// Downloads a file to a path.
///
/// Sends GET /v1/files/retrieve_content ("File Retrieve Content" in the API's documents), or fetches the link of
/// mmx_retrieve_file() if the options' flags have MMX_CALL_VIA_DOWNLOAD_URL; the key is never sent to another host. A
/// download that is cut goes on where it was cut, or begins anew, up to max_attempts requests. What is written stands
/// beside the target under a temporary name until it is whole: the target is whole or untouched. An existing target
/// keeps its mode; what a symlink leads to is written; a device or a FIFO is written straight; the request begins once a
/// FIFO has a reader. Safe from any number of threads.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param path      The target. UTF-8. The name that the service has for the file plays no part.
/// @param options   For this call only, its progress among it; NULL = the client's settings.
/// @param out_json  Gets file_id, bytes, content_type, resumed, via and trace_id; free with mmx_string_free(). NULL =
///   not wanted.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: the target holds the whole file.
///   MMX_ERROR_FILE: the target can't be written, or the disk is full.
///   MMX_ERROR_CANCELLED: by the token or the progress function.
///   MMX_ERROR_PROTOCOL: the answer holds no file, or leads astray.
///   Others as for mmx_delete_file(); none is ambiguous.
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_download_file(
    client: *const mmx_client,
    file_id: i64,
    path: *const c_char,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = api::download::FILE;
    boundary::call(out_json, out_error, || {
        let client = reference(client, CALL, "client")?.0.clone();
        let options = self::options(options, CALL, MMX_CALL_VIA_DOWNLOAD_URL)?;
        let by_link = options.flags & MMX_CALL_VIA_DOWNLOAD_URL != 0;
        api::download::download_file(&client, file_id, text(path, CALL, "path")?, by_link, &options.get())
    })
}

/// Downloads a file to a sink.
///
/// As mmx_download_file(), but the bytes go to the sink's functions as they come.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param sink      Where the bytes go. Used until the call returns.
/// @param options   For this call only, its progress among it; NULL = the client's settings.
/// @param out_json  Gets file_id, bytes, content_type, resumed, via and trace_id; free with mmx_string_free(). NULL =
///   not wanted.
/// @param out_error Gets the reason of a failure, else NULL; free with mmx_error_free(). NULL = not wanted.
/// @return MMX_OK: the sink has got the whole file.
///   MMX_ERROR_FILE: the sink gave up.
///   MMX_ERROR_NETWORK: cut, and neither to be mended nor to be begun anew.
///   Others as for mmx_download_file().
/// @since 1.0.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmx_download_stream(
    client: *const mmx_client,
    file_id: i64,
    sink: *const mmx_sink,
    options: *const mmx_call_options,
    out_json: *mut *mut c_char,
    out_error: *mut *mut mmx_error,
) -> mmx_status {
    const CALL: &str = api::download::STREAM;
    boundary::call(out_json, out_error, || {
        let client = reference(client, CALL, "client")?.0.clone();
        let mut sink = CallerSink::new(sink, CALL)?;
        let options = self::options(options, CALL, MMX_CALL_VIA_DOWNLOAD_URL)?;
        let by_link = options.flags & MMX_CALL_VIA_DOWNLOAD_URL != 0;
        api::download::download_stream(&client, file_id, &mut sink, by_link, &options.get())
    })
}
