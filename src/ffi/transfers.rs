//! ---- Uploads and downloads -----------------------------------------------------------------------------------------
//!
//! The bytes of a file are read from a path or a callback, and written to a path or a callback. Memory use does not
//! grow with the file. There is no timeout by default, but the idle timeout ends a transfer that makes no progress. A
//! path may be a FIFO, whose other end may be opened later.
//!
//! If a callback forks, the call continues in the parent. In the child it returns MMX_ERROR_CANCELLED as soon as the
//! callback returns, and touches no file.

use super::boundary::{self, SizedStruct, sized, text};
use super::client::mmx_client;
use super::error::mmx_error;
use super::files::{
    MMX_CALL_RECONCILE, MMX_CALL_REUSE, MMX_CALL_TEMPORARY, MMX_CALL_VIA_DOWNLOAD_URL, mmx_call_options, with_options,
};
use super::status::mmx_status;
use crate::api;
use crate::api::upload::UploadFlags;
use crate::error::Error;
use crate::transfer::sink::Sink;
use crate::transfer::upload_body::{Source, unreadable};
use crate::transport::error::TransportError;
use std::ffi::{c_char, c_void};

/// Where an upload reads from. Initialise with MMX_SOURCE_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_source {
    /// Set by MMX_SOURCE_INIT.
    pub struct_size: usize,
    /// Number of bytes; -1 = unknown. If it is known, any other number is MMX_ERROR_FILE, and nothing is stored.
    pub size: i64,
    /// Writes up to capacity bytes to buffer and returns their number; 0 = end of the file, negative = failure.
    pub read: Option<unsafe extern "C" fn(user_data: *mut c_void, buffer: *mut u8, capacity: usize) -> i64>,
    /// Goes back to the start for a retry; 0 = done, otherwise the call ends with MMX_ERROR_FILE. May be NULL: then nothing
    /// is retried once bytes were read.
    pub rewind: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    /// Passed to read and rewind.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl SizedStruct for mmx_source {
    const FIRST_SIZE: usize = size_of::<mmx_source>();
    const SIZE: &str = "source.struct_size";
    const INIT: &str = "MMX_SOURCE_INIT";
}

/// Calls a source's rewind or a sink's restart; without one, the failure is the text alone.
fn go_back(
    callback: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    user_data: *mut c_void,
    failure: &str,
    name: &str,
) -> Result<(), String> {
    let callback = callback.ok_or(failure)?;
    // SAFETY: the caller's function with the caller's data, within the call.
    match unsafe { callback(user_data) } {
        0 => Ok(()),
        code => Err(format!("{failure} (its {name} returned {code})")),
    }
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

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        // SAFETY: the caller's function with the caller's data and a buffer of that many bytes, within the call.
        let count = unsafe { (self.read)(self.user_data, buffer.as_mut_ptr(), buffer.len()) };
        usize::try_from(count)
            .map_err(|_| unreadable("what is uploaded", format!("the source gave up (its read returned {count})")))
    }

    fn can_rewind(&self) -> bool {
        self.rewind.is_some()
    }

    fn rewind(&mut self) -> Result<(), String> {
        go_back(self.rewind, self.user_data, "the source can't go back to its start", "rewind")
    }
}

const UPLOAD_FLAGS: u32 = MMX_CALL_RECONCILE | MMX_CALL_REUSE | MMX_CALL_TEMPORARY;

fn upload_flags(flags: u32) -> UploadFlags {
    UploadFlags {
        reconcile: flags & MMX_CALL_RECONCILE != 0,
        reuse: flags & MMX_CALL_REUSE != 0,
        temporary: flags & MMX_CALL_TEMPORARY != 0,
    }
}

/// Uploads a local file under its own name. Thread-safe.
///
/// Sends POST /v1/files/upload ("File Upload" in the API documentation). The extension of the name decides the media
/// type. A FIFO, a device or a file of /proc is read to its end and sent in chunks; the request begins when a FIFO has data.
///
/// Retried only if nothing can have been stored: the connection broke before the last byte was sent, or the service
/// reported too many requests. With MMX_CALL_RECONCILE, an upload that may have been stored, because its response was
/// lost, is looked up in the list: a file of the same name, size and purpose, created since the call began by the
/// service's clock. If exactly one matches, the call succeeds with {"file": …, "evidence": "list"}. If none matches,
/// the upload is retried; if several match or the list can't tell, the error stays ambiguous and says why.
///
/// @param client    From mmx_client_new().
/// @param path      The file to read. UTF-8.
/// @param purpose   MMX_PURPOSE_... or a newer one, 1 to 64 letters, digits, _, - and .
/// @param options   Options of this call; NULL = as the client is configured.
/// @param out_json  Receives the service's response with the file's id, for mmx_files_parse() or a JSON parser; free it
///   with mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: the file is stored.
///   MMX_ERROR_FILE: the file can't be read, or its size changed while it was read; nothing was stored.
///   MMX_ERROR_CANCELLED: by the token or the progress callback.
///   MMX_ERROR_TIMEOUT, MMX_ERROR_NETWORK: the file may be stored if mmx_error_is_ambiguous() returns true.
///   Others as for mmx_delete_file(). If the service refuses an upload before its end, sending stops and the refusal is
///     the error.
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
        with_options(client, options, CALL, UPLOAD_FLAGS, |client, options, flags| {
            let (path, purpose) = (text(path, CALL, "path")?, text(purpose, CALL, "purpose")?);
            api::upload::upload_file(client, path, purpose, upload_flags(flags), options)
        })
    })
}

/// Uploads the bytes of a source. Thread-safe.
///
/// Like mmx_upload_file(): sends POST /v1/files/upload, with Content-Length if the size is known, otherwise in chunks.
///
/// @param client    From mmx_client_new().
/// @param source    The source, used until the call returns.
/// @param filename  The name that the service gets, with an extension that fits. UTF-8, 1 to 1,024 bytes.
/// @param purpose   MMX_PURPOSE_... or a newer one, 1 to 64 letters, digits, _, - and .
/// @param options   Options of this call; NULL = as the client is configured.
/// @param out_json  Receives the service's response with the file's id, for mmx_files_parse() or a JSON parser; free it
///   with mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: the file is stored.
///   MMX_ERROR_FILE: the source failed, delivered a wrong number of bytes, or could not go back to its start.
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
        with_options(client, options, CALL, UPLOAD_FLAGS, |client, options, flags| {
            let mut source = CallerSource::new(source, CALL)?;
            let (filename, purpose) = (text(filename, CALL, "filename")?, text(purpose, CALL, "purpose")?);
            api::upload::upload_stream(client, &mut source, filename, purpose, upload_flags(flags), options)
        })
    })
}

/// Where a download writes to. Initialise with MMX_SINK_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mmx_sink {
    /// Set by MMX_SINK_INIT.
    pub struct_size: usize,
    /// Takes all bytes of data; 0 = done, otherwise the call ends with MMX_ERROR_FILE.
    pub write: Option<unsafe extern "C" fn(user_data: *mut c_void, data: *const u8, length: usize) -> i32>,
    /// Discards what was written, because the download starts again; 0 = done. May be NULL: then an interrupted download
    /// continues only if the service can send the rest of the same file.
    pub restart: Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>,
    /// Passed to write and restart.
    pub user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first; zero is a value of every field.
unsafe impl SizedStruct for mmx_sink {
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
    fn write(&mut self, data: &[u8]) -> Result<(), TransportError> {
        // SAFETY: the caller's function with the caller's data and so many bytes to read, within the call.
        match unsafe { (self.write)(self.user_data, data.as_ptr(), data.len()) } {
            0 => Ok(()),
            code => Err(TransportError::file(format!("the sink gave up (its write returned {code})"))),
        }
    }

    fn restart(&mut self) -> Result<(), String> {
        go_back(self.restart, self.user_data, "the sink can't begin anew", "restart")
    }
}

/// Downloads a file to a path. Thread-safe.
///
/// Sends GET /v1/files/retrieve_content ("File Retrieve Content" in the API documentation). With
/// MMX_CALL_VIA_DOWNLOAD_URL it fetches the link of "File Retrieve" instead; the key is never sent to another host. An
/// interrupted download is resumed, or started again, up to max_attempts requests.
///
/// An error of the API is never saved as the file, whatever its headers. A response in HTML or XML is a file only if
/// its name and Content-Type allow that; the name may take one "File Retrieve". A response in another encoding than
/// identity is refused. If "length" in out_json is null, the response announced no length to check bytes against.
///
/// The bytes are written to a temporary file beside the target, which then replaces the target: the target is complete
/// or unchanged. If that fails after the last byte, the temporary file stays and the message names it. A target that is
/// a mount point can't be replaced: the bytes are copied into it at the end. An existing target keeps its mode, without
/// setuid, setgid and sticky; a symbolic link is followed, except one of another user in a sticky folder that everybody
/// may write to. A device or FIFO is written directly; the request begins when a FIFO has a reader.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param path      The target. UTF-8. The service's name of the file is not used.
/// @param options   Options of this call; NULL = as the client is configured.
/// @param out_json  Receives file_id, bytes, length, content_type, resumed, via and trace_id (docs/json.md); free it with
///   mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: the target holds the complete file.
///   MMX_ERROR_FILE: the target can't be written, or the disk is full.
///   MMX_ERROR_CANCELLED: by the token or the progress callback.
///   MMX_ERROR_PROTOCOL: the response is not a file, is encoded, or redirects to an invalid place.
///   Others as for mmx_delete_file(), never ambiguous.
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
        with_options(client, options, CALL, MMX_CALL_VIA_DOWNLOAD_URL, |client, options, flags| {
            let path = text(path, CALL, "path")?;
            let by_link = flags & MMX_CALL_VIA_DOWNLOAD_URL != 0;
            api::download::download_file(client, file_id, path, by_link, options)
        })
    })
}

/// Downloads a file to a sink. Thread-safe.
///
/// Like mmx_download_file(): sends GET /v1/files/retrieve_content, and passes the bytes to the sink as they are
/// received.
///
/// @param client    From mmx_client_new().
/// @param file_id   The file's id, 1 or more.
/// @param sink      The sink, used until the call returns.
/// @param options   Options of this call; NULL = as the client is configured.
/// @param out_json  Receives file_id, bytes, length, content_type, resumed, via and trace_id (docs/json.md); free it with
///   mmx_string_free(). NULL = not wanted.
/// @param out_error Receives the error. NULL = not wanted.
/// @return MMX_OK: the sink has received the complete file.
///   MMX_ERROR_FILE: the sink failed.
///   MMX_ERROR_NETWORK: the connection broke, and the download can't be resumed or restarted.
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
        with_options(client, options, CALL, MMX_CALL_VIA_DOWNLOAD_URL, |client, options, flags| {
            let mut sink = CallerSink::new(sink, CALL)?;
            let by_link = flags & MMX_CALL_VIA_DOWNLOAD_URL != 0;
            api::download::download_stream(client, file_id, &mut sink, by_link, options)
        })
    })
}
