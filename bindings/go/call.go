package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxThreads calls are in the library at a time, each on a thread of its own: the runtime ends a process of 10,000.
const maxThreads = 500

// slots holds one entry a call that is in the library, or about to be.
var slots = make(chan struct{}, maxThreads)

// grace is how long a deadline's timer and the library's limit may be apart.
const grace = 100 * time.Millisecond

// limit is the moment when a call has to be over.
type limit struct {
	timeout time.Duration // as it was set
	at      time.Time     // zero: never
	// The context's deadline comes first.
	ofContext bool
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
	name string
	opts []CallOption
	// For uploads and downloads.
	transfer *transfer
	// For many files.
	run *run
}

// inLibrary is what a call hands to the library, and gets from it.
type inLibrary struct {
	client  *C.mmx_client
	options *C.mmx_call_options
	answer  *C.char
	failure *C.mmx_error
}

// call makes one call of the library: it waits for its turn, watches ctx, and returns the answer or what ended it.
func (h *handle) call(ctx context.Context, request request, send func(*inLibrary) C.mmx_status) ([]byte, *Error) {
	name, transfer := request.name, request.transfer
	if failure := h.enter(name); failure != nil {
		return nil, failure
	}
	// Leaving also keeps the client from being collected while the library uses it.
	defer h.leave()
	if ctx == nil {
		return nil, badArgument(name, "ctx", "must not be nil")
	}
	chosen := callOptions{}
	for _, option := range request.opts {
		option(&chosen)
	}
	if chosen.timeout == 0 {
		chosen.timeout = h.timeout
	}
	if chosen.timeout == 0 && transfer == nil {
		chosen.timeout = DefaultTimeout
	}
	if request.run != nil {
		chosen.timeout = NoTimeout // Each file has its own.
	}
	limit := newLimit(ctx, chosen.timeout)
	listener := h.listenerFor(ctx)
	// After the slot is free again. A panic of the caller's code goes on here.
	defer listener.rethrow()
	if transfer != nil {
		defer transfer.rethrow()
	}

	release, waited, failure := takeSlot(ctx, name, limit)
	if failure != nil {
		return nil, failure
	}
	defer release()
	options := C.mmx_call_options{
		struct_size:  C.sizeof_mmx_call_options,
		timeout_ms:   milliseconds(limit.timeout),
		max_attempts: count(chosen.maxAttempts),
		flags:        chosen.flags,
	}
	if !limit.at.IsZero() && (waited || limit.ofContext) {
		left := time.Until(limit.at)
		if left <= 0 {
			return nil, limit.passed(ctx, name)
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
	answer, failure, cancelled := h.watched(ctx, limit, &options, listener, send)
	switch {
	case failure == nil:
	case transfer != nil && transfer.explains(failure):
	default:
		limit.explain(ctx, failure, cancelled)
	}
	return answer, failure
}

// explain says which end of ctx it was that ended the call, if any did.
func (l limit) explain(ctx context.Context, failure *Error, cancelled bool) {
	switch {
	case failure.Status == C.MMX_ERROR_CANCELLED && cancelled:
		failure.err = endOf(ctx)
	case failure.Status == C.MMX_ERROR_TIMEOUT && l.ofContext && time.Until(l.at) < grace:
		failure.err = endAfterDeadline(ctx)
	}
}

// watched is in the library. The end of ctx, and a panic of who listens, cancel the call; the former is told.
func (h *handle) watched(
	ctx context.Context, limit limit, options *C.mmx_call_options, listener *listener,
	send func(*inLibrary) C.mmx_status,
) (answer []byte, failure *Error, cancelled bool) {
	call := &inLibrary{client: h.clients[listener.level()], options: options}
	if ctx.Done() == nil && listener == nil {
		answer, failure = call.take(send(call))
		return answer, failure, false
	}
	token, failure := takeToken()
	if failure != nil {
		return nil, failure, false
	}
	options.cancel = token.c
	stop := token.watch(ctx, limit)
	answer, failure = call.take(listener.hear(token, func() C.mmx_status { return send(call) }))
	cancelled = stop()
	token.giveBack(cancelled || listener.hasPanicked())
	return answer, failure, cancelled
}

// take copies what the library handed over, and frees it. Many files have an answer also where the call failed.
func (c *inLibrary) take(status C.mmx_status) (answer []byte, failure *Error) {
	answer = takeText(c.answer)
	if status != C.MMX_OK {
		failure = takeError(status, c.failure)
	}
	return answer, failure
}

// takeSlot waits until fewer than maxThreads calls are in the library, and tells whether it had to.
func takeSlot(ctx context.Context, name string, limit limit) (release func(), waited bool, failure *Error) {
	release = func() { <-slots }
	if ctx.Err() != nil {
		return nil, false, notSent(ctx, name, endOf(ctx))
	}
	select {
	case slots <- struct{}{}:
		return release, false, nil
	default:
	}
	if isListening() {
		// It is in the library already, on this thread, and has a slot: to wait for another could last for ever.
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
			return nil, true, notSent(ctx, name, endOf(ctx))
		}
		return release, true, nil
	case <-ctx.Done():
		return nil, true, notSent(ctx, name, endOf(ctx))
	case <-passed:
		return nil, true, limit.passed(ctx, name)
	}
}

// passed is the error of a call whose limit passed before it was in the library.
func (l limit) passed(ctx context.Context, name string) *Error {
	if l.ofContext {
		return notSent(ctx, name, endAfterDeadline(ctx))
	}
	return refusal(name, C.MMX_ERROR_TIMEOUT, fmt.Sprintf(
		"the time limit of %d ms passed while %d other calls were under way; nothing was sent",
		milliseconds(l.timeout), maxThreads))
}

// notSent is the error of a call whose context ended before it was in the library.
func notSent(ctx context.Context, name string, end error) *Error {
	status := C.MMX_ERROR_CANCELLED
	// Without an Err its deadline has passed, but its timer hasn't run yet.
	if err := ctx.Err(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		status = C.MMX_ERROR_TIMEOUT
	}
	failure := refusal(name, status, "the context ended before anything was sent")
	failure.err = end
	return failure
}

// endAfterDeadline returns what ctx ended with; its deadline has passed, but its timer may be a little behind.
func endAfterDeadline(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return endOf(ctx)
	case <-time.After(grace):
		return context.DeadlineExceeded
	}
}
