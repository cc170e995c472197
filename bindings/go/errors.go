package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"time"
)

// Error is the error of a call. Every error of this package is one, or a [*GuardError] or [*NotDeletedError] that unwraps
// to one; errors.Is with ErrTimeout and the like tells the kinds apart.
type Error struct {
	// Status is an mmx_status of mmx.h, and StatusName its name there. Later versions may add more.
	Status     int
	StatusName string
	// Call is the name of the call in the library, for example "delete_file".
	Call string
	// Message says on one line what went wrong and what to do. It begins with the call and never contains the key.
	Message string
	// Parameter is the invalid argument with ErrInvalidArgument, else "".
	Parameter string
	// APICode and APIMessage are the service's; 0 and "" when the response had none.
	APICode    int
	APIMessage string
	// HTTPStatus is that of the response, 0 when there was none. The service sends most errors with 200.
	HTTPStatus int
	// TraceID is the id under which the service knows the request, or "".
	TraceID string
	// Attempts is how many requests were sent, or tried.
	Attempts int
	// RetryAfter is how long the service asks to wait; negative when it didn't say.
	RetryAfter time.Duration
	// Ambiguous means that the service may have carried the call out although it failed.
	Ambiguous bool

	// The cause: ErrClosed, the error of the context, or that of the caller's Reader or Writer.
	err error
	// The error of a local file, whose text is in Message.
	file *fs.PathError
	// Of what this machine refused, such as a descriptor; 0 = nothing. Its text is in Message.
	refused syscall.Errno
}

// ofFile sets the path of the local file that the error may be about, unless it is about the key file of the client.
func (e *Error) ofFile(path string) *Error {
	if e != nil && e.file != nil && e.file.Path == "" {
		e.file.Path = path
	}
	return e
}

// Error returns the message and, if a context, a Reader or a Writer ended the call, its error.
func (e *Error) Error() string {
	if e.err == nil || e.err == ErrClosed {
		return e.Message
	}
	return e.Message + ": " + e.err.Error()
}

func (e *Error) messageWithoutCall() string {
	return strings.TrimPrefix(e.Message, e.Call+": ")
}

// Unwrap returns the error that ended the call: of the context (ctx.Err() and context.Cause(ctx)), the Reader, the
// Writer, or a local file, which is an [*fs.PathError]: errors.Is with [fs.ErrNotExist] and the like works. Where this
// machine refused a descriptor, a thread or memory, it is the [syscall.Errno], such as [syscall.EMFILE].
func (e *Error) Unwrap() error {
	switch {
	case e.err != nil:
		return e.err
	case e.file != nil:
		return e.file
	case e.refused != 0:
		return e.refused
	}
	return nil
}

// Is reports whether target is the kind of error of this status.
func (e *Error) Is(target error) bool {
	kind, ok := target.(*kind)
	return ok && kind.status == e.Status
}

// Timeout reports whether a time limit of the client, the call or the context ended the call.
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
	// ErrInvalidArgument: an argument is invalid; nothing was sent.
	ErrInvalidArgument error = &kind{C.MMX_ERROR_INVALID_ARGUMENT, "invalid argument"}
	// ErrFile: a local file, Reader or Writer failed: missing, unreadable, disk full.
	ErrFile error = &kind{C.MMX_ERROR_FILE, "local file"}
	// ErrConnect: DNS, TCP, TLS or the proxy failed; nothing was sent.
	ErrConnect error = &kind{C.MMX_ERROR_CONNECT, "no connection"}
	// ErrNetwork: the connection broke after the request was begun.
	ErrNetwork error = &kind{C.MMX_ERROR_NETWORK, "the connection broke"}
	// ErrTimeout: a time limit of the client, the call, or the context's deadline.
	ErrTimeout error = &kind{C.MMX_ERROR_TIMEOUT, "timeout"}
	// ErrCancelled: the context was cancelled.
	ErrCancelled error = &kind{C.MMX_ERROR_CANCELLED, "cancelled"}
	// ErrProtocol: the response isn't one of this API.
	ErrProtocol error = &kind{C.MMX_ERROR_PROTOCOL, "not a response of this API"}
	// ErrHTTP: an HTTP error without an error code of the API.
	ErrHTTP error = &kind{C.MMX_ERROR_HTTP, "HTTP error"}
	// ErrPartial: not every one of many files was deleted; the outcomes say which.
	ErrPartial error = &kind{C.MMX_ERROR_PARTIAL, "not every file"}
	// ErrGuard: a prune would delete more files than its limits allow; nothing was deleted. See [GuardError].
	ErrGuard error = &kind{C.MMX_ERROR_GUARD, "stopped by a guard"}
	// ErrAuthentication: the key is wrong, or is one of another region.
	ErrAuthentication error = &kind{C.MMX_ERROR_AUTHENTICATION, "authentication"}
	// ErrRateLimited: too many requests, see RetryAfter.
	ErrRateLimited error = &kind{C.MMX_ERROR_RATE_LIMITED, "rate limited"}
	// ErrQuota: the balance or the plan doesn't allow it.
	ErrQuota error = &kind{C.MMX_ERROR_QUOTA, "quota"}
	// ErrInvalidRequest: the service considers the request invalid.
	ErrInvalidRequest error = &kind{C.MMX_ERROR_INVALID_REQUEST, "invalid request"}
	// ErrContentRejected: the service refused the content.
	ErrContentRejected error = &kind{C.MMX_ERROR_CONTENT_REJECTED, "content rejected"}
	// ErrNotFound: delete: the service doesn't know the file; or HTTP 404 with an error of the API.
	ErrNotFound error = &kind{C.MMX_ERROR_NOT_FOUND, "not found"}
	// ErrPermission: the key doesn't permit the request.
	ErrPermission error = &kind{C.MMX_ERROR_PERMISSION, "permission"}
	// ErrServer: an error within the service.
	ErrServer error = &kind{C.MMX_ERROR_SERVER, "server error"}
	// ErrServerTimeout: a timeout within the service.
	ErrServerTimeout error = &kind{C.MMX_ERROR_SERVER_TIMEOUT, "timeout at the service"}
	// ErrAPI: any other error code of the service.
	ErrAPI error = &kind{C.MMX_ERROR_API, "error of the API"}
	// ErrInternal: a bug in the library, a library of another version, or no file descriptors left.
	ErrInternal error = &kind{C.MMX_ERROR_INTERNAL, "internal error"}

	// ErrClosed: the client was closed before the call.
	ErrClosed = errors.New("mmx: the client is closed")
)

// newError makes an error of this package.
func newError(call string, status int, why string) *Error {
	return &Error{Status: status, StatusName: statusName(status), Call: call, Message: call + ": " + why, RetryAfter: -1}
}

// invalidArgument makes the error of an invalid argument.
func invalidArgument(call, parameter, why string) *Error {
	failure := newError(call, C.MMX_ERROR_INVALID_ARGUMENT, parameter+" "+why)
	failure.Parameter = parameter
	return failure
}

// contextError is the error of a context whose cause is not its Err.
type contextError struct{ err, cause error }

func (e *contextError) Error() string   { return e.err.Error() + ": " + e.cause.Error() }
func (e *contextError) Unwrap() []error { return []error{e.err, e.cause} }

// causeOf returns the error of a context that has ended.
func causeOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || cause == err {
		return err
	}
	return &contextError{err, cause}
}
