package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Error is why a call failed. Every error that this package returns is one, or with [*GuardError] leads to one;
// errors.Is with ErrTimeout and its like tells the kinds apart.
type Error struct {
	// Status is the value of mmx_status in mmx.h, and StatusName its name there. More may come in later versions.
	Status     int
	StatusName string
	// Call is the call of the library, for example "delete_file".
	Call string
	// Message says on one line what went wrong and what to do. It begins with the call and never holds the key.
	Message string
	// Parameter is the argument at fault with ErrInvalidArgument, else "".
	Parameter string
	// APICode and APIMessage are the service's own; 0 and "" when none came.
	APICode    int
	APIMessage string
	// HTTPStatus is that of the answer, 0 when none came. The service answers most failures with 200.
	HTTPStatus int
	// TraceID is the id under which the service knows the request, or "".
	TraceID string
	// Attempts is how many requests were sent, or tried to be.
	Attempts int
	// RetryAfter is how long the service asks to wait; negative when it didn't say.
	RetryAfter time.Duration
	// Ambiguous means that the service may have carried the call out although it failed.
	Ambiguous bool

	// ErrClosed, why the context ended, or what the caller's Reader or Writer failed with.
	err error
}

// Error returns the message and, where the end of a context or a Reader or Writer ended the call, its cause.
func (e *Error) Error() string {
	if e.err == nil || e.err == ErrClosed {
		return e.Message
	}
	return e.Message + ": " + e.err.Error()
}

func (e *Error) withoutCall() string {
	return strings.TrimPrefix(e.Message, e.Call+": ")
}

// Unwrap leads to ctx.Err(), and to context.Cause(ctx), where the end of a context ended the call; to what the Reader
// or Writer failed with where that ended it.
func (e *Error) Unwrap() error {
	return e.err
}

// Is tells whether target is the kind of error that the status stands for.
func (e *Error) Is(target error) bool {
	kind, ok := target.(*kind)
	return ok && kind.status == e.Status
}

// Timeout tells whether a time limit of the client, the call or the context ended the call.
func (e *Error) Timeout() bool {
	return e.Status == C.MMX_ERROR_TIMEOUT || errors.Is(e.err, context.DeadlineExceeded)
}

// kind is a status as an error to compare with.
type kind struct {
	status int
	text   string
}

func (k *kind) Error() string {
	return "mmx: " + k.text
}

// The kinds of errors, for errors.Is.
var (
	// ErrInvalidArgument: caught here, nothing was sent.
	ErrInvalidArgument error = &kind{C.MMX_ERROR_INVALID_ARGUMENT, "invalid argument"}
	// ErrFile: a local file, Reader or Writer: missing, unreadable, disk full, given up.
	ErrFile error = &kind{C.MMX_ERROR_FILE, "local file"}
	// ErrConnect: DNS, connect, TLS, proxy; nothing was sent.
	ErrConnect error = &kind{C.MMX_ERROR_CONNECT, "no connection"}
	// ErrNetwork: the connection broke once the request was under way.
	ErrNetwork error = &kind{C.MMX_ERROR_NETWORK, "the connection broke"}
	// ErrTimeout: a time limit of the client, the call, or the context's deadline.
	ErrTimeout error = &kind{C.MMX_ERROR_TIMEOUT, "timeout"}
	// ErrCancelled: the context was cancelled.
	ErrCancelled error = &kind{C.MMX_ERROR_CANCELLED, "cancelled"}
	// ErrProtocol: an answer that isn't this API's.
	ErrProtocol error = &kind{C.MMX_ERROR_PROTOCOL, "not an answer of this API"}
	// ErrHTTP: an HTTP error with no API code in it.
	ErrHTTP error = &kind{C.MMX_ERROR_HTTP, "HTTP error"}
	// ErrPartial: of many files, not every one came to the wanted end; the outcomes say which.
	ErrPartial error = &kind{C.MMX_ERROR_PARTIAL, "not every file"}
	// ErrGuard: a prune would delete more than it may; nothing was deleted. See [GuardError].
	ErrGuard error = &kind{C.MMX_ERROR_GUARD, "stopped by a guard"}
	// ErrAuthentication: a wrong key, or a key of the other region.
	ErrAuthentication error = &kind{C.MMX_ERROR_AUTHENTICATION, "authentication"}
	// ErrRateLimited: too many requests; see RetryAfter.
	ErrRateLimited error = &kind{C.MMX_ERROR_RATE_LIMITED, "rate limited"}
	// ErrQuota: the balance or the plan doesn't allow it.
	ErrQuota error = &kind{C.MMX_ERROR_QUOTA, "quota"}
	// ErrInvalidRequest: the service refused what was asked.
	ErrInvalidRequest error = &kind{C.MMX_ERROR_INVALID_REQUEST, "invalid request"}
	// ErrContentRejected: the service refused the content.
	ErrContentRejected error = &kind{C.MMX_ERROR_CONTENT_REJECTED, "content rejected"}
	// ErrNotFound: HTTP 404 with an error of the API in it.
	ErrNotFound error = &kind{C.MMX_ERROR_NOT_FOUND, "not found"}
	// ErrPermission: the account may not do this.
	ErrPermission error = &kind{C.MMX_ERROR_PERMISSION, "permission"}
	// ErrServer: the service failed.
	ErrServer error = &kind{C.MMX_ERROR_SERVER, "server error"}
	// ErrServerTimeout: a timeout at the service.
	ErrServerTimeout error = &kind{C.MMX_ERROR_SERVER_TIMEOUT, "timeout at the service"}
	// ErrAPI: any other code of the service.
	ErrAPI error = &kind{C.MMX_ERROR_API, "error of the API"}
	// ErrInternal: a bug of the library, a library that doesn't fit, or no descriptors left.
	ErrInternal error = &kind{C.MMX_ERROR_INTERNAL, "internal error"}

	// ErrClosed: the client was closed before the call.
	ErrClosed = errors.New("mmx: the client is closed")
)

// refusal is an error of this package, made before the library was asked.
func refusal(call string, status int, why string) *Error {
	return &Error{Status: status, StatusName: statusName(status), Call: call, Message: call + ": " + why, RetryAfter: -1}
}

// badArgument is the refusal of an argument.
func badArgument(call, parameter, why string) *Error {
	failure := refusal(call, C.MMX_ERROR_INVALID_ARGUMENT, parameter+" "+why)
	failure.Parameter = parameter
	return failure
}

// ended is why a context ended, where its cause is more than its Err.
type ended struct{ err, cause error }

func (e *ended) Error() string   { return e.err.Error() + ": " + e.cause.Error() }
func (e *ended) Unwrap() []error { return []error{e.err, e.cause} }

// endOf returns what a context that has ended ended with.
func endOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || cause == err {
		return err
	}
	return &ended{err, cause}
}
