"""The constants, structs and functions of libmmx, for ctypes.

Generated from include/mmx.h by `make header`: don't edit it.
"""

from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_void_p,
    sizeof,
)

MMX_VERSION = "1.0.0"
MMX_ABI_VERSION = 1
MMX_OK = 0
MMX_ERROR_INVALID_ARGUMENT = 1
MMX_ERROR_FILE = 2
MMX_ERROR_CONNECT = 3
MMX_ERROR_NETWORK = 4
MMX_ERROR_TIMEOUT = 5
MMX_ERROR_CANCELLED = 6
MMX_ERROR_PROTOCOL = 7
MMX_ERROR_HTTP = 8
MMX_ERROR_PARTIAL = 9
MMX_ERROR_GUARD = 10
MMX_ERROR_AUTHENTICATION = 20
MMX_ERROR_RATE_LIMITED = 21
MMX_ERROR_QUOTA = 22
MMX_ERROR_INVALID_REQUEST = 23
MMX_ERROR_CONTENT_REJECTED = 24
MMX_ERROR_NOT_FOUND = 25
MMX_ERROR_PERMISSION = 26
MMX_ERROR_SERVER = 27
MMX_ERROR_SERVER_TIMEOUT = 28
MMX_ERROR_API = 29
MMX_ERROR_INTERNAL = 99
MMX_LOG_ERROR = 1
MMX_LOG_WARN = 2
MMX_LOG_INFO = 3
MMX_LOG_DEBUG = 4
MMX_CALL_RECONCILE = 1
MMX_CALL_VIA_DOWNLOAD_URL = 2
MMX_CALL_REUSE = 4
MMX_CALL_TEMPORARY = 8
MMX_CALL_MISSING_OK = 16
MMX_PURPOSE_VOICE_CLONE = "voice_clone"
MMX_PURPOSE_PROMPT_AUDIO = "prompt_audio"
MMX_PURPOSE_T2A_ASYNC_INPUT = "t2a_async_input"
MMX_PURPOSE_T2A_ASYNC = "t2a_async"
MMX_PURPOSE_VIDEO_GENERATION = "video_generation"
MMX_PURPOSE_VIDEO_UNDERSTANDING = "video_understanding"
MMX_PURPOSE_VIDEO_GENERATION_INPUT = "video_generation_input"
MMX_OUTCOME_DELETED = 1
MMX_OUTCOME_ALREADY_ABSENT = 2
MMX_OUTCOME_FAILED = 3
MMX_OUTCOME_UNKNOWN = 4
MMX_OUTCOME_NOT_ATTEMPTED = 5
MMX_OUTCOME_KEPT = 6
MMX_BULK_DRY_RUN = 1
MMX_BULK_VERIFY = 2
MMX_FILTER_ALL = 1

mmx_status = c_int32
mmx_log_fn = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
mmx_progress_fn = CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64)


class mmx_call_info(Structure):
    struct_size: int
    http_status: int
    attempts: int
    elapsed_ms: int
    trace_id: object
    evidence: object
    _fields_ = (
        ("struct_size", c_size_t),
        ("http_status", c_int32),
        ("attempts", c_int32),
        ("elapsed_ms", c_int64),
        ("trace_id", c_char * 128),
        ("evidence", c_char * 16),
    )


mmx_call_options_interrupted_fn = CFUNCTYPE(c_int32, c_void_p)


class mmx_call_options(Structure):
    struct_size: int
    timeout_ms: int
    max_attempts: int
    flags: int
    cancel: int | None
    progress: object
    user_data: int | None
    info: object
    interrupted: object
    expires_after_s: int
    _fields_ = (
        ("struct_size", c_size_t),
        ("timeout_ms", c_int64),
        ("max_attempts", c_int32),
        ("flags", c_uint32),
        ("cancel", c_void_p),
        ("progress", mmx_progress_fn),
        ("user_data", c_void_p),
        ("info", POINTER(mmx_call_info)),
        ("interrupted", mmx_call_options_interrupted_fn),
        ("expires_after_s", c_int64),
    )


mmx_source_read_fn = CFUNCTYPE(c_int64, c_void_p, POINTER(c_uint8), c_size_t)
mmx_source_rewind_fn = CFUNCTYPE(c_int32, c_void_p)


class mmx_source(Structure):
    struct_size: int
    size: int
    read: object
    rewind: object
    user_data: int | None
    _fields_ = (
        ("struct_size", c_size_t),
        ("size", c_int64),
        ("read", mmx_source_read_fn),
        ("rewind", mmx_source_rewind_fn),
        ("user_data", c_void_p),
    )


mmx_sink_write_fn = CFUNCTYPE(c_int32, c_void_p, POINTER(c_uint8), c_size_t)
mmx_sink_restart_fn = CFUNCTYPE(c_int32, c_void_p)


class mmx_sink(Structure):
    struct_size: int
    write: object
    restart: object
    user_data: int | None
    _fields_ = (
        ("struct_size", c_size_t),
        ("write", mmx_sink_write_fn),
        ("restart", mmx_sink_restart_fn),
        ("user_data", c_void_p),
    )


class mmx_file(Structure):
    file_id: int
    bytes: int
    created_at: int
    filename: object
    purpose: object
    download_url: object
    _fields_ = (
        ("file_id", c_int64),
        ("bytes", c_int64),
        ("created_at", c_int64),
        ("filename", c_char_p),
        ("purpose", c_char_p),
        ("download_url", c_char_p),
    )


class mmx_file_ref(Structure):
    file_id: int
    purpose: object
    _fields_ = (
        ("file_id", c_int64),
        ("purpose", c_char_p),
    )


class mmx_outcome(Structure):
    index: int
    file_id: int
    purpose: object
    outcome: int
    attempts: int
    evidence: object
    trace_id: object
    settled_at_ms: int
    error: int | None
    _fields_ = (
        ("index", c_size_t),
        ("file_id", c_int64),
        ("purpose", c_char_p),
        ("outcome", c_int32),
        ("attempts", c_int32),
        ("evidence", c_char_p),
        ("trace_id", c_char_p),
        ("settled_at_ms", c_int64),
        ("error", c_void_p),
    )


mmx_outcome_fn = CFUNCTYPE(c_int32, c_void_p, POINTER(mmx_outcome))


class mmx_bulk_options(Structure):
    struct_size: int
    timeout_ms: int
    call_timeout_ms: int
    max_attempts: int
    concurrency: int
    flags: int
    cancel: int | None
    progress: object
    on_outcome: object
    user_data: int | None
    _fields_ = (
        ("struct_size", c_size_t),
        ("timeout_ms", c_int64),
        ("call_timeout_ms", c_int64),
        ("max_attempts", c_int32),
        ("concurrency", c_int32),
        ("flags", c_uint32),
        ("cancel", c_void_p),
        ("progress", mmx_progress_fn),
        ("on_outcome", mmx_outcome_fn),
        ("user_data", c_void_p),
    )


class mmx_filter(Structure):
    struct_size: int
    purpose: object
    older_than_s: int
    min_bytes: int
    name_glob: object
    keep_glob: object
    keep_ids: object
    keep_count: int
    max_files: int
    max_percent: int
    flags: int
    _fields_ = (
        ("struct_size", c_size_t),
        ("purpose", c_char_p),
        ("older_than_s", c_int64),
        ("min_bytes", c_int64),
        ("name_glob", c_char_p),
        ("keep_glob", c_char_p),
        ("keep_ids", POINTER(c_int64)),
        ("keep_count", c_size_t),
        ("max_files", c_int64),
        ("max_percent", c_int32),
        ("flags", c_uint32),
    )


class mmx_sweep_options(Structure):
    struct_size: int
    timeout_ms: int
    flags: int
    cancel: int | None
    on_outcome: object
    user_data: int | None
    _fields_ = (
        ("struct_size", c_size_t),
        ("timeout_ms", c_int64),
        ("flags", c_uint32),
        ("cancel", c_void_p),
        ("on_outcome", mmx_outcome_fn),
        ("user_data", c_void_p),
    )


def MMX_CALL_INFO_INIT() -> mmx_call_info:
    return mmx_call_info(sizeof(mmx_call_info), 0, 0, 0, b"", b"")


def MMX_CALL_OPTIONS_INIT() -> mmx_call_options:
    return mmx_call_options(
        sizeof(mmx_call_options), 0, 0, 0, None, mmx_progress_fn(), None, None, mmx_call_options_interrupted_fn(), 0
    )


def MMX_SOURCE_INIT() -> mmx_source:
    return mmx_source(sizeof(mmx_source), -1, mmx_source_read_fn(), mmx_source_rewind_fn(), None)


def MMX_SINK_INIT() -> mmx_sink:
    return mmx_sink(sizeof(mmx_sink), mmx_sink_write_fn(), mmx_sink_restart_fn(), None)


def MMX_BULK_OPTIONS_INIT() -> mmx_bulk_options:
    return mmx_bulk_options(sizeof(mmx_bulk_options), 0, 0, 0, 0, 0, None, mmx_progress_fn(), mmx_outcome_fn(), None)


def MMX_FILTER_INIT() -> mmx_filter:
    return mmx_filter(sizeof(mmx_filter), None, 0, 0, None, None, None, 0, 0, 0, 0)


def MMX_SWEEP_OPTIONS_INIT() -> mmx_sweep_options:
    return mmx_sweep_options(sizeof(mmx_sweep_options), 0, 0, None, mmx_outcome_fn(), None)


def declare(library: CDLL) -> None:
    """Sets the signature of every function."""
    library.mmx_version.restype = c_char_p
    library.mmx_version.argtypes = []
    library.mmx_abi_version.restype = c_uint32
    library.mmx_abi_version.argtypes = []
    library.mmx_status_name.restype = c_char_p
    library.mmx_status_name.argtypes = [mmx_status]
    library.mmx_string_free.restype = None
    library.mmx_string_free.argtypes = [c_void_p]
    library.mmx_client_new.restype = mmx_status
    library.mmx_client_new.argtypes = [
        c_void_p,
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_client_free.restype = None
    library.mmx_client_free.argtypes = [c_void_p]
    library.mmx_config_new.restype = c_void_p
    library.mmx_config_new.argtypes = []
    library.mmx_config_free.restype = None
    library.mmx_config_free.argtypes = [c_void_p]
    library.mmx_config_set_api_key.restype = mmx_status
    library.mmx_config_set_api_key.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_api_key_file.restype = mmx_status
    library.mmx_config_set_api_key_file.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_config_add_header.restype = mmx_status
    library.mmx_config_add_header.argtypes = [
        c_void_p,
        c_char_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_base_url.restype = mmx_status
    library.mmx_config_set_base_url.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_allow_insecure.restype = mmx_status
    library.mmx_config_set_allow_insecure.argtypes = [
        c_void_p,
        c_bool,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_ca_file.restype = mmx_status
    library.mmx_config_set_ca_file.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_user_agent.restype = mmx_status
    library.mmx_config_set_user_agent.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_proxy.restype = mmx_status
    library.mmx_config_set_proxy.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_timeout_ms.restype = mmx_status
    library.mmx_config_set_timeout_ms.argtypes = [
        c_void_p,
        c_int64,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_connect_timeout_ms.restype = mmx_status
    library.mmx_config_set_connect_timeout_ms.argtypes = [
        c_void_p,
        c_int64,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_idle_timeout_ms.restype = mmx_status
    library.mmx_config_set_idle_timeout_ms.argtypes = [
        c_void_p,
        c_int64,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_max_attempts.restype = mmx_status
    library.mmx_config_set_max_attempts.argtypes = [
        c_void_p,
        c_int32,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_requests_per_minute.restype = mmx_status
    library.mmx_config_set_requests_per_minute.argtypes = [
        c_void_p,
        c_int32,
        POINTER(c_void_p),
    ]
    library.mmx_config_set_logger.restype = mmx_status
    library.mmx_config_set_logger.argtypes = [
        c_void_p,
        mmx_log_fn,
        c_void_p,
        c_int32,
        POINTER(c_void_p),
    ]
    library.mmx_delete_file.restype = mmx_status
    library.mmx_delete_file.argtypes = [
        c_void_p,
        c_int64,
        c_char_p,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_list_files.restype = mmx_status
    library.mmx_list_files.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_retrieve_file.restype = mmx_status
    library.mmx_retrieve_file.argtypes = [
        c_void_p,
        c_int64,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_wait_file.restype = mmx_status
    library.mmx_wait_file.argtypes = [
        c_void_p,
        c_int64,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_upload_file.restype = mmx_status
    library.mmx_upload_file.argtypes = [
        c_void_p,
        c_char_p,
        c_char_p,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_upload_stream.restype = mmx_status
    library.mmx_upload_stream.argtypes = [
        c_void_p,
        POINTER(mmx_source),
        c_char_p,
        c_char_p,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_download_file.restype = mmx_status
    library.mmx_download_file.argtypes = [
        c_void_p,
        c_int64,
        c_char_p,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_download_stream.restype = mmx_status
    library.mmx_download_stream.argtypes = [
        c_void_p,
        c_int64,
        POINTER(mmx_sink),
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_files_parse.restype = mmx_status
    library.mmx_files_parse.argtypes = [
        c_char_p,
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_files_count.restype = c_size_t
    library.mmx_files_count.argtypes = [c_void_p]
    library.mmx_files_get.restype = POINTER(mmx_file)
    library.mmx_files_get.argtypes = [
        c_void_p,
        c_size_t,
    ]
    library.mmx_files_free.restype = None
    library.mmx_files_free.argtypes = [c_void_p]
    library.mmx_delete_files.restype = mmx_status
    library.mmx_delete_files.argtypes = [
        c_void_p,
        POINTER(mmx_file_ref),
        c_size_t,
        POINTER(mmx_bulk_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_prune_files.restype = mmx_status
    library.mmx_prune_files.argtypes = [
        c_void_p,
        POINTER(mmx_filter),
        POINTER(mmx_bulk_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_outcomes_parse.restype = mmx_status
    library.mmx_outcomes_parse.argtypes = [
        c_char_p,
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_outcomes_count.restype = c_size_t
    library.mmx_outcomes_count.argtypes = [c_void_p]
    library.mmx_outcomes_get.restype = POINTER(mmx_outcome)
    library.mmx_outcomes_get.argtypes = [
        c_void_p,
        c_size_t,
    ]
    library.mmx_outcomes_total.restype = c_size_t
    library.mmx_outcomes_total.argtypes = [
        c_void_p,
        c_int32,
    ]
    library.mmx_outcomes_free.restype = None
    library.mmx_outcomes_free.argtypes = [c_void_p]
    library.mmx_config_set_ledger.restype = mmx_status
    library.mmx_config_set_ledger.argtypes = [
        c_void_p,
        c_char_p,
        POINTER(c_void_p),
    ]
    library.mmx_take_file.restype = mmx_status
    library.mmx_take_file.argtypes = [
        c_void_p,
        c_int64,
        c_char_p,
        c_char_p,
        POINTER(mmx_call_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_sweep.restype = mmx_status
    library.mmx_sweep.argtypes = [
        c_void_p,
        POINTER(mmx_sweep_options),
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_ledger_keep.restype = mmx_status
    library.mmx_ledger_keep.argtypes = [
        c_void_p,
        c_int64,
        POINTER(c_void_p),
    ]
    library.mmx_cancel_new.restype = mmx_status
    library.mmx_cancel_new.argtypes = [
        POINTER(c_void_p),
        POINTER(c_void_p),
    ]
    library.mmx_cancel_free.restype = None
    library.mmx_cancel_free.argtypes = [c_void_p]
    library.mmx_cancel_trigger.restype = None
    library.mmx_cancel_trigger.argtypes = [c_void_p]
    library.mmx_cancel_is_triggered.restype = c_bool
    library.mmx_cancel_is_triggered.argtypes = [c_void_p]
    library.mmx_cancel_reset.restype = None
    library.mmx_cancel_reset.argtypes = [c_void_p]
    library.mmx_error_status.restype = mmx_status
    library.mmx_error_status.argtypes = [c_void_p]
    library.mmx_error_message.restype = c_char_p
    library.mmx_error_message.argtypes = [c_void_p]
    library.mmx_error_call.restype = c_char_p
    library.mmx_error_call.argtypes = [c_void_p]
    library.mmx_error_parameter.restype = c_char_p
    library.mmx_error_parameter.argtypes = [c_void_p]
    library.mmx_error_api_code.restype = c_int32
    library.mmx_error_api_code.argtypes = [c_void_p]
    library.mmx_error_api_message.restype = c_char_p
    library.mmx_error_api_message.argtypes = [c_void_p]
    library.mmx_error_http_status.restype = c_int32
    library.mmx_error_http_status.argtypes = [c_void_p]
    library.mmx_error_trace_id.restype = c_char_p
    library.mmx_error_trace_id.argtypes = [c_void_p]
    library.mmx_error_attempts.restype = c_int32
    library.mmx_error_attempts.argtypes = [c_void_p]
    library.mmx_error_retry_after_ms.restype = c_int64
    library.mmx_error_retry_after_ms.argtypes = [c_void_p]
    library.mmx_error_is_ambiguous.restype = c_bool
    library.mmx_error_is_ambiguous.argtypes = [c_void_p]
    library.mmx_error_errno.restype = c_int32
    library.mmx_error_errno.argtypes = [c_void_p]
    library.mmx_error_json.restype = c_void_p
    library.mmx_error_json.argtypes = [c_void_p]
    library.mmx_error_clone.restype = c_void_p
    library.mmx_error_clone.argtypes = [c_void_p]
    library.mmx_error_free.restype = None
    library.mmx_error_free.argtypes = [c_void_p]
