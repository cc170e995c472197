package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxThreads is how many calls may be in the library at a time. Each blocks a thread, and Go ends a process with
// 10,000.
const maxThreads = 500

// slots has one entry for each call that is in the library, or about to be.
var slots = make(chan struct{}, maxThreads)

// grace is how far a deadline's timer and the library's time limit may be apart.
const grace = 100 * time.Millisecond

// limit is the time at which a call must end.
type limit struct {
	timeout   time.Duration // as it was set
	at        time.Time     // zero: no limit
	ofContext bool          // it is the context's deadline
}

func newLimit(ctx context.Context, timeout time.Duration) limit {
	limit := limit{timeout: timeout}
	if timeout < 0 && timeout != NoTimeout {
		return limit // The library refuses it.
	}
	if timeout > 0 {
		limit.at = time.Now().Add(timeout)
	}
	if deadline, ok := ctx.Deadline(); ok && (limit.at.IsZero() || deadline.Before(limit.at)) {
		limit.at, limit.ofContext = deadline, true
	}
	return limit
}

// request is a call to be made.
type request struct {
	name     string
	opts     []CallOption
	transfer *transfer // of an upload or a download, else nil
	run      *run      // of a call for many files, else nil
	within   bool      // part of another call, which has entered
}

// cCall has the C arguments and results of a call.
type cCall struct {
	client   *C.mmx_client
	options  *C.mmx_call_options
	response *C.char
	failure  *C.mmx_error
	info     C.mmx_call_info
}

// call waits for a slot, makes the call, and returns its response or error, and the facts of a call that is not for many
// files. The end of ctx ends it.
func (h *handle) call(
	ctx context.Context, request request, send func(*cCall) C.mmx_status,
) (response []byte, info CallInfo, failure *Error) {
	name, transfer, chosen := request.name, request.transfer, chosen(request.opts)
	defer func() { chosen.inform(info) }()
	if !request.within {
		if failure := h.enter(name); failure != nil {
			return nil, CallInfo{}, failure
		}
		// This also keeps the client reachable while the library uses it.
		defer h.leave()
	}
	if ctx == nil {
		return nil, CallInfo{}, invalidArgument(name, "ctx", "must not be nil")
	}
	if chosen.timeout == 0 {
		chosen.timeout = h.timeout
	}
	if chosen.timeout == 0 && transfer == nil {
		chosen.timeout = DefaultTimeout
	}
	if request.run != nil {
		chosen.timeout = NoTimeout // The time limit is one of each file.
	}
	limit := newLimit(ctx, chosen.timeout)
	logger := h.callLoggerFor(ctx)
	// A panic of the caller's code continues here, after the slot is free again.
	defer logger.resume()
	if transfer != nil {
		defer transfer.resume()
	}

	release, waited, failure := takeSlot(ctx, name, limit)
	if failure != nil {
		return nil, CallInfo{}, failure
	}
	defer release()
	options := C.mmx_call_options{
		struct_size:     C.sizeof_mmx_call_options,
		timeout_ms:      milliseconds(limit.timeout),
		max_attempts:    count(chosen.maxAttempts),
		flags:           chosen.flags,
		expires_after_s: seconds(chosen.expires),
	}
	if !limit.at.IsZero() && (waited || limit.ofContext) {
		left := time.Until(limit.at)
		if left <= 0 {
			return nil, CallInfo{}, limit.passed(ctx, name)
		}
		options.timeout_ms = milliseconds(left)
	}
	if transfer != nil {
		transfer.begin(ctx, limit, chosen.progress)
		defer transfer.end()
	}
	if request.run != nil {
		request.run.begin(ctx, limit)
		defer request.run.end()
	}
	call := &cCall{client: h.clients[logger.level()], options: &options}
	call.info.struct_size = C.sizeof_mmx_call_info
	response, failure, cancelled := h.makeCall(ctx, limit, call, logger, send)
	if request.run == nil {
		info = newCallInfo(&call.info)
	}
	switch {
	case failure == nil:
	case transfer != nil && transfer.addCause(failure):
	default:
		limit.addCause(ctx, failure, cancelled)
	}
	return response, info, failure
}

// addCause adds the error of ctx to the failure of a call that the end of ctx has ended.
func (l limit) addCause(ctx context.Context, failure *Error, cancelled bool) {
	switch {
	case failure.Status == C.MMX_ERROR_CANCELLED && cancelled:
		failure.err = causeOf(ctx)
	case failure.Status == C.MMX_ERROR_TIMEOUT && l.ofContext && time.Until(l.at) < grace:
		failure.err = causeAfterDeadline(ctx)
	}
}

// makeCall makes the call. The end of ctx cancels it, which is returned, and so does a panic of the log handler.
func (h *handle) makeCall(
	ctx context.Context, limit limit, call *cCall, logger *callLogger, send func(*cCall) C.mmx_status,
) (response []byte, failure *Error, cancelled bool) {
	if ctx.Done() == nil && logger == nil {
		response, failure = call.take(send(call))
		return response, failure, false
	}
	token, failure := takeToken()
	if failure != nil {
		return nil, failure, false
	}
	call.options.cancel = token.c
	stop := token.watch(ctx, limit)
	response, failure = call.take(logger.during(token, func() C.mmx_status { return send(call) }))
	cancelled = stop()
	token.giveBack(cancelled || logger.hasPanicked())
	return response, failure, cancelled
}

// take copies and frees the results. A call for many files may have a response and an error.
func (c *cCall) take(status C.mmx_status) (response []byte, failure *Error) {
	response = takeText(c.response)
	if status != C.MMX_OK {
		failure = takeError(status, c.failure)
	}
	return response, failure
}

// takeSlot waits until fewer than maxThreads calls are in the library, and returns whether it had to.
func takeSlot(ctx context.Context, name string, limit limit) (release func(), waited bool, failure *Error) {
	release = func() { <-slots }
	if ctx.Err() != nil {
		return nil, false, notSent(ctx, name, causeOf(ctx))
	}
	select {
	case slots <- struct{}{}:
		return release, false, nil
	default:
	}
	if inLogHandler() {
		// The call on this thread has a slot. Waiting for another one could be a deadlock.
		return func() {}, false, nil
	}
	var passed <-chan time.Time
	if !limit.at.IsZero() {
		timer := time.NewTimer(time.Until(limit.at))
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case slots <- struct{}{}:
		if ctx.Err() != nil {
			<-slots
			return nil, true, notSent(ctx, name, causeOf(ctx))
		}
		return release, true, nil
	case <-ctx.Done():
		return nil, true, notSent(ctx, name, causeOf(ctx))
	case <-passed:
		return nil, true, limit.passed(ctx, name)
	}
}

// passed is the error of a call whose time limit passed before it was in the library.
func (l limit) passed(ctx context.Context, name string) *Error {
	if l.ofContext {
		return notSent(ctx, name, causeAfterDeadline(ctx))
	}
	return newError(name, C.MMX_ERROR_TIMEOUT, fmt.Sprintf(
		"the time limit of %d ms passed while %d other calls were in progress; nothing was sent",
		milliseconds(l.timeout), maxThreads))
}

// notSent is the error of a call whose context ended before it was in the library.
func notSent(ctx context.Context, name string, end error) *Error {
	status := C.MMX_ERROR_CANCELLED
	// Without an Err the deadline has passed, but its timer hasn't run yet.
	if err := ctx.Err(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		status = C.MMX_ERROR_TIMEOUT
	}
	failure := newError(name, status, "the context ended before anything was sent")
	failure.err = end
	return failure
}

// causeAfterDeadline returns the error of ctx, whose deadline has passed; its timer may be a little behind.
func causeAfterDeadline(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return causeOf(ctx)
	case <-time.After(grace):
		return context.DeadlineExceeded
	}
}
