//! The codes of `base_resp.status_code`, as the API's table of error codes has them.

use crate::error::Status;

pub const TRY_LATER: &str = "try again later";
pub const SLOW_DOWN: &str = "slow down and try again later";

/// The code, its class, its meaning as the API's documents have it, and what a caller can do.
pub const CODES: &[(i64, Status, &str, &str)] = &[
    (1000, Status::Server, "unknown error", TRY_LATER),
    (1001, Status::ServerTimeout, "timeout at the service", TRY_LATER),
    (1002, Status::RateLimited, "limit of requests per minute", SLOW_DOWN),
    (1004, Status::Authentication, "authentication failed", "check the key"),
    (1008, Status::Quota, "insufficient balance", "top up the account"),
    (1013, Status::Server, "internal service error", TRY_LATER),
    (1024, Status::Server, "internal error", TRY_LATER),
    (1026, Status::ContentRejected, "input content rejected", "change the input"),
    (1027, Status::ContentRejected, "output content rejected", "change the input"),
    (1028, Status::Quota, "not within the plan or quota", "upgrade the plan"),
    (1030, Status::Quota, "not within the plan or quota", "upgrade the plan"),
    (1033, Status::Server, "downstream error", TRY_LATER),
    (1039, Status::RateLimited, "limit of tokens per minute", SLOW_DOWN),
    (1041, Status::RateLimited, "limit of connections", SLOW_DOWN),
    (1042, Status::InvalidRequest, "too many invisible characters", "fix the text"),
    (1043, Status::InvalidRequest, "audio and text do not match", "fix the input"),
    (1044, Status::InvalidRequest, "audio and text do not match", "fix the input"),
    (2013, Status::InvalidRequest, "malformed input", "check the parameters"),
    (2037, Status::InvalidRequest, "audio too short or too long", "fix the audio"),
    (2038, Status::Permission, "needs identity verification", "verify the account"),
    (2039, Status::InvalidRequest, "duplicate voice id", "choose another"),
    (2042, Status::Permission, "no access", "check what this key may do"),
    (2045, Status::RateLimited, "request rate grows too fast", SLOW_DOWN),
    (2048, Status::InvalidRequest, "prompt audio too long", "fix the audio"),
    (2049, Status::Authentication, "invalid API key", "check the key"),
    (2056, Status::Quota, "the plan's usage limit is reached", "wait: it is counted over 5 hours"),
    (2061, Status::Quota, "not within the plan or quota", "upgrade the plan"),
];
