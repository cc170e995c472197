package mmx

/*
#include <mmx.h>

// In callbacks.go.
extern int64_t mmxGoRead(uintptr_t transfer, uint8_t *buffer, size_t capacity);
extern int32_t mmxGoRewind(uintptr_t transfer);
extern int32_t mmxGoWrite(uintptr_t transfer, uint8_t *data, size_t length);
extern int32_t mmxGoRestart(uintptr_t transfer);
extern int32_t mmxGoProgress(uintptr_t transfer, int64_t done, int64_t total);

// A handle is a number, which only C may hold in a pointer.
static int64_t to_read(void *transfer, uint8_t *buffer, size_t capacity) {
	return mmxGoRead((uintptr_t)transfer, buffer, capacity);
}
static int32_t to_rewind(void *transfer) { return mmxGoRewind((uintptr_t)transfer); }
static int32_t to_write(void *transfer, const uint8_t *data, size_t length) {
	return mmxGoWrite((uintptr_t)transfer, (uint8_t *)data, length);
}
static int32_t to_restart(void *transfer) { return mmxGoRestart((uintptr_t)transfer); }
static int32_t to_progress(void *transfer, int64_t done, int64_t total) {
	return mmxGoProgress((uintptr_t)transfer, done, total);
}

static mmx_call_options with_progress(const mmx_call_options *options, uintptr_t transfer, bool progress) {
	mmx_call_options all = *options;
	if (progress) {
		all.progress = to_progress;
		all.user_data = (void *)transfer;
	}
	return all;
}

static mmx_status upload_stream(uintptr_t transfer, bool progress, int64_t size, bool rewind, const mmx_client *client,
		const char *filename, const char *purpose, const mmx_call_options *options, char **json, mmx_error **error) {
	mmx_call_options all = with_progress(options, transfer, progress);
	mmx_source source = MMX_SOURCE_INIT;
	source.size = size;
	source.read = to_read;
	source.rewind = rewind ? to_rewind : NULL;
	source.user_data = (void *)transfer;
	return mmx_upload_stream(client, &source, filename, purpose, &all, json, error);
}

static mmx_status upload_file(uintptr_t transfer, bool progress, const mmx_client *client, const char *path,
		const char *purpose, const mmx_call_options *options, char **json, mmx_error **error) {
	mmx_call_options all = with_progress(options, transfer, progress);
	return mmx_upload_file(client, path, purpose, &all, json, error);
}

static mmx_status download_stream(uintptr_t transfer, bool progress, bool restart, const mmx_client *client, int64_t id,
		const mmx_call_options *options, char **json, mmx_error **error) {
	mmx_call_options all = with_progress(options, transfer, progress);
	mmx_sink sink = MMX_SINK_INIT;
	sink.write = to_write;
	sink.restart = restart ? to_restart : NULL;
	sink.user_data = (void *)transfer;
	return mmx_download_stream(client, id, &sink, &all, json, error);
}

static mmx_status download_file(uintptr_t transfer, bool progress, const mmx_client *client, int64_t id,
		const char *path, const mmx_call_options *options, char **json, mmx_error **error) {
	mmx_call_options all = with_progress(options, transfer, progress);
	return mmx_download_file(client, id, path, &all, json, error);
}
*/
import "C"

import (
	"context"
	"errors"
	"io"
	"runtime/cgo"
	"time"
)

// transfer is the caller's side of an upload or a download: what the library's callbacks reach through its handle.
type transfer struct {
	reader   io.Reader
	writer   io.Writer
	progress func(done, total int64)
	// again goes back to where the reader or the writer stood; nil where that can't be.
	again func() error
	// direct: the reader or the writer can't get stuck, and is used without a detour.
	direct bool

	ctx    context.Context
	limit  limit
	handle cgo.Handle
	buffer []byte
	// What the reader said with its last bytes.
	pending error

	// Why it gave up: the caller's error, panic or Goexit, or a time limit.
	failed error
	caught
	stuck bool
}

func (t *transfer) uploadStream(call *inLibrary, size int64, filename, purpose []byte) C.mmx_status {
	return C.upload_stream(C.uintptr_t(t.handle), t.progress != nil, C.int64_t(size), t.again != nil, call.client,
		cPointer(filename), cPointer(purpose), call.options, &call.answer, &call.failure)
}

func (t *transfer) uploadFile(call *inLibrary, path, purpose []byte) C.mmx_status {
	return C.upload_file(C.uintptr_t(t.handle), t.progress != nil, call.client,
		cPointer(path), cPointer(purpose), call.options, &call.answer, &call.failure)
}

func (t *transfer) downloadStream(call *inLibrary, id int64) C.mmx_status {
	return C.download_stream(C.uintptr_t(t.handle), t.progress != nil, t.again != nil, call.client, C.int64_t(id),
		call.options, &call.answer, &call.failure)
}

func (t *transfer) downloadFile(call *inLibrary, id int64, path []byte) C.mmx_status {
	return C.download_file(C.uintptr_t(t.handle), t.progress != nil, call.client, C.int64_t(id),
		cPointer(path), call.options, &call.answer, &call.failure)
}

var errCount = errors.New("mmx: a Read or Write returned an impossible count")

// begin makes it ready for the library, which has it until end.
func (t *transfer) begin(ctx context.Context, limit limit, progress func(done, total int64)) {
	t.ctx, t.limit, t.progress = ctx, limit, progress
	t.handle = cgo.NewHandle(t)
}

func (t *transfer) end() {
	t.handle.Delete()
}

// explains completes the failure of a call that the caller's side ended.
func (t *transfer) explains(failure *Error) bool {
	if t.stuck {
		var late *Error
		if err := t.ctx.Err(); err != nil || t.limit.ofContext {
			late = notSent(t.ctx, failure.Call, endAfterDeadline(t.ctx))
			late.Message = failure.Call + ": the context ended while the caller's code was waited for"
		} else {
			late = refusal(failure.Call, C.MMX_ERROR_TIMEOUT, "the time limit passed while the caller's code was waited for")
		}
		late.Attempts, late.Ambiguous = failure.Attempts, failure.Ambiguous
		*failure = *late
		return true
	}
	failure.err = t.failed
	return t.failed != nil
}

// returned is how a piece of the caller's code ended.
type returned struct {
	count int
	err   error
	caught
}

// run runs code of the caller's for the library. No panic and no Goexit unwinds the library's frames, and what is stuck
// is left behind once the context has ended.
func (t *transfer) run(direct bool, code func() (int, error)) (int, bool) {
	if t.stuck || t.caught.is() || t.failed != nil {
		return 0, false
	}
	ended := make(chan returned, 1)
	if direct {
		attempt(code, ended)
	} else {
		go attempt(code, ended)
	}
	result, ok := t.wait(ended)
	if !ok {
		t.stuck = true
		return 0, false
	}
	t.caught, t.failed = result.caught, result.err
	return result.count, !t.caught.is() && t.failed == nil
}

func attempt(code func() (int, error), ended chan<- returned) {
	var result returned
	defer func() { ended <- result }()
	result.catch(func() { result.count, result.err = code() })
}

func (t *transfer) wait(ended <-chan returned) (returned, bool) {
	var passed <-chan time.Time
	select {
	case result := <-ended:
		return result, true
	default:
	}
	if !t.limit.at.IsZero() {
		timer := time.NewTimer(time.Until(t.limit.at))
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case result := <-ended:
		return result, true
	case <-t.ctx.Done():
	case <-passed:
	}
	// Code that isn't stuck comes to its end, so that nobody uses the caller's things after the call.
	select {
	case result := <-ended:
		return result, true
	case <-time.After(grace):
		return returned{}, false
	}
}
