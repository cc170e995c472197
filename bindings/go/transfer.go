package mmx

/*
#include <mmx.h>

// In callbacks.go.
extern int64_t mmxGoRead(uintptr_t transfer, uint8_t *buffer, size_t capacity);
extern int32_t mmxGoRewind(uintptr_t transfer);
extern int32_t mmxGoWrite(uintptr_t transfer, uint8_t *data, size_t length);
extern int32_t mmxGoRestart(uintptr_t transfer);
extern int32_t mmxGoProgress(uintptr_t transfer, int64_t done, int64_t total);

// A handle is a number, which may be in a pointer in C only.
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

// Pointers to Go memory are arguments, because Go memory must not contain them.
static mmx_call_options with_progress(const mmx_call_options *options, mmx_call_info *info, uintptr_t transfer,
		bool progress) {
	mmx_call_options all = *options;
	all.info = info;
	if (progress) {
		all.progress = to_progress;
		all.user_data = (void *)transfer;
	}
	return all;
}

static mmx_status upload_stream(uintptr_t transfer, bool progress, int64_t size, bool rewind, const mmx_client *client,
		const char *filename, const char *purpose, const mmx_call_options *options, mmx_call_info *info, char **json,
		mmx_error **error) {
	mmx_call_options all = with_progress(options, info, transfer, progress);
	mmx_source source = MMX_SOURCE_INIT;
	source.size = size;
	source.read = to_read;
	source.rewind = rewind ? to_rewind : NULL;
	source.user_data = (void *)transfer;
	return mmx_upload_stream(client, &source, filename, purpose, &all, json, error);
}

static mmx_status upload_file(uintptr_t transfer, bool progress, const mmx_client *client, const char *path,
		const char *purpose, const mmx_call_options *options, mmx_call_info *info, char **json, mmx_error **error) {
	mmx_call_options all = with_progress(options, info, transfer, progress);
	return mmx_upload_file(client, path, purpose, &all, json, error);
}

static mmx_status download_stream(uintptr_t transfer, bool progress, bool restart, const mmx_client *client, int64_t id,
		const mmx_call_options *options, mmx_call_info *info, char **json, mmx_error **error) {
	mmx_call_options all = with_progress(options, info, transfer, progress);
	mmx_sink sink = MMX_SINK_INIT;
	sink.write = to_write;
	sink.restart = restart ? to_restart : NULL;
	sink.user_data = (void *)transfer;
	return mmx_download_stream(client, id, &sink, &all, json, error);
}

static mmx_status download_file(uintptr_t transfer, bool progress, const mmx_client *client, int64_t id,
		const char *path, const mmx_call_options *options, mmx_call_info *info, char **json, mmx_error **error) {
	mmx_call_options all = with_progress(options, info, transfer, progress);
	return mmx_download_file(client, id, path, &all, json, error);
}

static mmx_status take_file(uintptr_t transfer, bool progress, const mmx_client *client, int64_t id,
		const char *purpose, const char *path, const mmx_call_options *options, mmx_call_info *info, char **json,
		mmx_error **error) {
	mmx_call_options all = with_progress(options, info, transfer, progress);
	return mmx_take_file(client, id, purpose, path, &all, json, error);
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

// transfer is the caller's side of an upload or a download. The library's callbacks find it by its handle.
type transfer struct {
	reader   io.Reader
	writer   io.Writer
	progress func(done, total int64)
	// rewind goes back to the start position of the reader or the writer; nil if that is impossible.
	rewind func() error
	// neverBlocks is whether the reader or the writer always returns, and is called without another goroutine.
	neverBlocks bool

	ctx    context.Context
	limit  limit
	handle cgo.Handle
	buffer []byte
	// The error that the reader returned with its last bytes.
	pending error

	// Why it ended: the caller's error, its panic or Goexit, or that it was abandoned.
	failed error
	recovered
	abandoned bool
}

func (t *transfer) uploadStream(call *cCall, size int64, filename, purpose []byte) C.mmx_status {
	return C.upload_stream(C.uintptr_t(t.handle), t.progress != nil, C.int64_t(size), t.rewind != nil, call.client,
		cPointer(filename), cPointer(purpose), call.options, &call.info, &call.response, &call.failure)
}

func (t *transfer) uploadFile(call *cCall, path, purpose []byte) C.mmx_status {
	return C.upload_file(C.uintptr_t(t.handle), t.progress != nil, call.client,
		cPointer(path), cPointer(purpose), call.options, &call.info, &call.response, &call.failure)
}

func (t *transfer) downloadStream(call *cCall, id int64) C.mmx_status {
	return C.download_stream(C.uintptr_t(t.handle), t.progress != nil, t.rewind != nil, call.client, C.int64_t(id),
		call.options, &call.info, &call.response, &call.failure)
}

func (t *transfer) downloadFile(call *cCall, id int64, path []byte) C.mmx_status {
	return C.download_file(C.uintptr_t(t.handle), t.progress != nil, call.client, C.int64_t(id),
		cPointer(path), call.options, &call.info, &call.response, &call.failure)
}

func (t *transfer) takeFile(call *cCall, id int64, purpose, path []byte) C.mmx_status {
	return C.take_file(C.uintptr_t(t.handle), t.progress != nil, call.client, C.int64_t(id),
		cPointer(purpose), cPointer(path), call.options, &call.info, &call.response, &call.failure)
}

var errCount = errors.New("mmx: a Read or Write returned an impossible count")

// begin makes the handle, which is valid until end.
func (t *transfer) begin(ctx context.Context, limit limit, progress func(done, total int64)) {
	t.ctx, t.limit, t.progress = ctx, limit, progress
	t.handle = cgo.NewHandle(t)
}

func (t *transfer) end() {
	t.handle.Delete()
}

// transferFile makes an upload or a download of the local file at path.
func (h *handle) transferFile(
	ctx context.Context, name, path string, opts []CallOption, send func(*transfer, *cCall, []byte) C.mmx_status,
) ([]byte, CallInfo, *Error) {
	cPath, refused := cText(name, "path", path)
	if refused != nil {
		return nil, CallInfo{}, refuse(opts, refused)
	}
	t := &transfer{}
	request := request{name: name, opts: opts, transfer: t}
	response, info, failure := h.call(ctx, request, func(call *cCall) C.mmx_status { return send(t, call, cPath) })
	return response, info, failure.ofFile(path)
}

// addCause adds the caller's error to the failure of the call that it has ended. It returns false if there is none.
func (t *transfer) addCause(failure *Error) bool {
	if t.abandoned {
		var late *Error
		if err := t.ctx.Err(); err != nil || t.limit.ofContext {
			late = notSent(t.ctx, failure.Call, causeAfterDeadline(t.ctx))
			late.Message = failure.Call + ": the context ended while the caller's code was waited for"
		} else {
			late = newError(failure.Call, C.MMX_ERROR_TIMEOUT, "the time limit passed while the caller's code was waited for")
		}
		late.Attempts, late.Ambiguous = failure.Attempts, failure.Ambiguous
		*failure = *late
		return true
	}
	failure.err = t.failed
	return t.failed != nil
}

// codeResult is the result of a function of the caller.
type codeResult struct {
	count int
	err   error
	recovered
}

// callback runs code of the caller for the library. A panic or Goexit doesn't unwind the library's frames. Code that
// blocks when the context ends is abandoned.
func (t *transfer) callback(direct bool, code func() (int, error)) (int, bool) {
	if t.abandoned || t.recovered.any() || t.failed != nil {
		return 0, false
	}
	ended := make(chan codeResult, 1)
	if direct {
		runRecovered(code, ended)
	} else {
		go runRecovered(code, ended)
	}
	result, ok := t.wait(ended)
	if !ok {
		t.abandoned = true
		return 0, false
	}
	t.recovered, t.failed = result.recovered, result.err
	return result.count, !t.recovered.any() && t.failed == nil
}

func runRecovered(code func() (int, error), ended chan<- codeResult) {
	var result codeResult
	defer func() { ended <- result }()
	result.run(func() { result.count, result.err = code() })
}

func (t *transfer) wait(ended <-chan codeResult) (codeResult, bool) {
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
	// Code that returns soon is waited for, so that it doesn't run after the call.
	select {
	case result := <-ended:
		return result, true
	case <-time.After(grace):
		return codeResult{}, false
	}
}
