package mmx

/*
#include <mmx.h>

// In callbacks.go.
extern int32_t mmxGoOutcome(uintptr_t run, mmx_outcome *outcome);
extern int32_t mmxGoSettled(uintptr_t run, int64_t done, int64_t total);

// A handle is a number, which may be in a pointer in C only.
static int32_t to_outcome(void *run, const mmx_outcome *outcome) {
	return mmxGoOutcome((uintptr_t)run, (mmx_outcome *)outcome);
}
static int32_t to_settled(void *run, int64_t done, int64_t total) { return mmxGoSettled((uintptr_t)run, done, total); }

static mmx_bulk_options with_callbacks(const mmx_bulk_options *options, uintptr_t run, bool progress) {
	mmx_bulk_options all = *options;
	all.on_outcome = to_outcome;
	if (progress) all.progress = to_settled;
	all.user_data = (void *)run;
	return all;
}

static mmx_status delete_files(uintptr_t run, bool progress, const mmx_client *client, const mmx_file_ref *files,
		size_t count, const mmx_bulk_options *options, char **json, mmx_error **error) {
	mmx_bulk_options all = with_callbacks(options, run, progress);
	return mmx_delete_files(client, files, count, &all, json, error);
}

// The pointers of the filter are arguments, because Go memory must not contain them.
static mmx_status prune_files(uintptr_t run, bool progress, const mmx_client *client, const mmx_filter *numbers,
		const char *purpose, const char *name_glob, const char *keep_glob, const int64_t *keep_ids,
		const mmx_bulk_options *options, char **json, mmx_error **error) {
	mmx_bulk_options all = with_callbacks(options, run, progress);
	mmx_filter filter = *numbers;
	filter.purpose = purpose;
	filter.name_glob = name_glob;
	filter.keep_glob = keep_glob;
	filter.keep_ids = keep_ids;
	return mmx_prune_files(client, &filter, &all, json, error);
}

static mmx_status sweep(uintptr_t run, const mmx_client *client, const mmx_sweep_options *options, char **json,
		mmx_error **error) {
	mmx_sweep_options all = *options;
	all.on_outcome = to_outcome;
	all.user_data = (void *)run;
	return mmx_sweep(client, &all, json, error);
}
*/
import "C"

import (
	"context"
	"runtime/cgo"
	"sync/atomic"
	"time"
	"unsafe"
)

// BulkOption is an option of a call for many files: the results of the functions below, and the CallOptions that apply
// to every call; [Client.Sweep] takes [WithDryRun] and [WithSummary] alone. [WithCallTimeout] and [WithCallMaxAttempts] apply to each file, without its waits for the rate
// limiter; the time limit of the whole is that of the context. [WithProgress] reports how many files have settled.
type BulkOption interface {
	applyTo(*bulkOptions)
}

type bulkOptions struct {
	callOptions
	concurrency int
	bulkFlags   C.uint32_t
	summary     *Summary
}

type bulkOption func(*bulkOptions)

func (o bulkOption) applyTo(options *bulkOptions) { o(options) }

func (o CallOption) applyTo(options *bulkOptions) { o(&options.callOptions) }

// WithConcurrency sets how many deletes are in progress at once at most, 1 to 1,000; 0 is the default, 16. It starts
// with two and grows, because the service refuses a sudden rise; shortly after a successful run of the same key it
// starts with that run's concurrency. All of them use one thread.
func WithConcurrency(files int) BulkOption {
	return bulkOption(func(options *bulkOptions) { options.concurrency = files })
}

// WithDryRun deletes nothing: each file that would be deleted has the outcome kept.
func WithDryRun() BulkOption {
	return bulkOption(func(options *bulkOptions) { options.bulkFlags |= C.MMX_BULK_DRY_RUN })
}

// WithVerify lists the files again at the end. A deleted file that is still listed is an [ErrPartial], and in the
// [Summary]; the service's list may be some seconds behind.
func WithVerify() BulkOption {
	return bulkOption(func(options *bulkOptions) { options.bulkFlags |= C.MMX_BULK_VERIFY })
}

// WithSummary writes the counts to summary when the call, or the loop over it, has ended, also with an error.
func WithSummary(summary *Summary) BulkOption {
	return bulkOption(func(options *bulkOptions) { options.summary = summary })
}

// run is one call for many files. Another goroutine makes the call and passes events to the caller's: so the caller's
// code may panic, or leave the loop, without frames of the library on its stack.
type run struct {
	call    string
	options bulkOptions
	total   int
	events  chan event
	// Whether the caller's code has left the loop.
	left atomic.Bool

	// Used by the goroutine that makes the call, until events is closed.
	ctx      context.Context
	limit    limit
	handle   cgo.Handle
	rest     []unattempted
	response []byte
	failure  *Error
	recovered

	// At the end: the counts, and the error that isn't one of a file.
	summary Summary
	problem *Error
}

// event is an event for the caller's goroutine: an outcome, or the progress.
type event struct {
	outcome     Outcome
	isProgress  bool
	done, total int64
}

// unattempted is a file that was not attempted, until the reason is known.
type unattempted struct {
	index     int
	fileID    int64
	purpose   string
	settledAt C.int64_t
}

func newRun(ctx context.Context, call string, opts []BulkOption) (*run, *Error) {
	run := &run{call: call, events: make(chan event)}
	for _, option := range opts {
		option.applyTo(&run.options)
	}
	switch {
	case ctx == nil:
		return run, invalidArgument(call, "ctx", "must not be nil")
	case run.options.flags != 0 || run.options.expires != 0:
		return run, invalidArgument(call, "opts", "has an option that is for the upload or the download of one file")
	case run.options.info != nil:
		return run, invalidArgument(call, "opts", "has WithCallInfo, which is for calls of one file and lists")
	}
	return run, nil
}

// begin makes the handle, which is valid until end.
func (r *run) begin(ctx context.Context, limit limit) {
	r.ctx, r.limit = ctx, limit
	r.handle = cgo.NewHandle(r)
}

func (r *run) end() {
	r.handle.Delete()
}

// each makes the call and reports each outcome, except those of files that were not attempted. It returns false if
// report did. When it returns, or the caller's code panics or exits in it, nothing of the run is left.
func (r *run) each(ctx context.Context, h *handle, send func(*cCall) C.mmx_status, report func(Outcome) bool) bool {
	goOn := r.receive(ctx, h, send, report)
	r.recovered.resume()
	return goOn
}

func (r *run) receive(ctx context.Context, h *handle, send func(*cCall) C.mmx_status, report func(Outcome) bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(r.events)
		r.recovered.run(func() { r.response, _, r.failure = h.call(ctx, request{name: r.call, run: r}, send) })
	}()
	defer func() {
		r.left.Store(true)
		cancel()
		for range r.events {
		}
		r.finish()
	}()
	for event := range r.events {
		if event.isProgress {
			r.options.progress(event.done, event.total)
		} else if !report(event.outcome) {
			return false
		}
	}
	return true
}

// settled passes an outcome to the caller's goroutine, and waits until that is ready for it.
func (r *run) settled(lent *C.mmx_outcome) (goOn bool) {
	if OutcomeKind(lent.outcome) == OutcomeNotAttempted {
		r.rest = append(r.rest, unattempted{
			int(lent.index), int64(lent.file_id), C.GoString(lent.purpose), lent.settled_at_ms,
		})
		return !r.left.Load()
	}
	outcome, failure := copyOutcome(lent)
	if failure != nil {
		r.limit.addCause(r.ctx, failure, r.ctx.Err() != nil)
		outcome.Err = failure
	}
	r.events <- event{outcome: outcome}
	return !r.left.Load()
}

func (r *run) progressed(done, total int64) (goOn bool) {
	r.events <- event{isProgress: true, done: done, total: total}
	return !r.left.Load()
}

// notAttempted reports the files that were not attempted, with the reason. It returns false if report did.
func (r *run) notAttempted(report func(Outcome) bool) bool {
	if len(r.rest) == 0 {
		return true
	}
	why := *newError(r.call, C.MMX_ERROR_INTERNAL, "the library gave no reason")
	if r.failure != nil {
		why = *r.failure
	}
	why.Message, why.Attempts = r.call+": not attempted; "+why.messageWithoutCall(), 0
	for _, file := range r.rest {
		settledAt := time.UnixMilli(int64(file.settledAt)).UTC()
		if !report(Outcome{
			Index: file.index, FileID: file.fileID, Purpose: file.purpose, Kind: OutcomeNotAttempted,
			SettledAt: settledAt, Err: &why,
		}) {
			return false
		}
	}
	return true
}

// collect makes the call, and returns each outcome by its index.
func (r *run) collect(ctx context.Context, h *handle, send func(*cCall) C.mmx_status) (outcomes []Outcome) {
	report := func(outcome Outcome) bool {
		for len(outcomes) <= outcome.Index {
			outcomes = append(outcomes, Outcome{})
		}
		outcomes[outcome.Index] = outcome
		return true
	}
	r.each(ctx, h, send, report)
	r.notAttempted(report)
	return outcomes
}

// problemOrFailure returns the error of a run whose outcomes are returned with it.
func (r *run) problemOrFailure() *Error {
	if r.problem != nil {
		return r.problem
	}
	return r.failure
}

// finish sets the summary and the problem of a run that has ended.
func (r *run) finish() {
	var err error
	r.summary, err = parseSummary(r.response, r.total)
	if r.options.summary != nil {
		*r.options.summary = r.summary
	}
	switch {
	case r.failure != nil && r.failure.Status != C.MMX_ERROR_PARTIAL:
		r.problem = r.failure
	case err != nil:
		r.problem = newError(r.call, C.MMX_ERROR_INTERNAL, "the library's JSON can't be read: "+err.Error())
	default:
		r.problem = r.summary.stillListedError(r.call)
	}
}

// cOptions returns the C options, without callbacks.
func (r *run) cOptions(call *cCall) *C.mmx_bulk_options {
	return &C.mmx_bulk_options{
		struct_size:     C.sizeof_mmx_bulk_options,
		timeout_ms:      call.options.timeout_ms,
		call_timeout_ms: milliseconds(r.options.timeout),
		max_attempts:    count(r.options.maxAttempts),
		concurrency:     count(r.options.concurrency),
		flags:           r.options.bulkFlags,
		cancel:          call.options.cancel,
	}
}

func (r *run) deleteFiles(call *cCall, files []C.mmx_file_ref) C.mmx_status {
	return C.delete_files(C.uintptr_t(r.handle), r.options.progress != nil, call.client, unsafe.SliceData(files),
		C.size_t(len(files)), r.cOptions(call), &call.response, &call.failure)
}

func (r *run) pruneFiles(call *cCall, filter *cFilter) C.mmx_status {
	return C.prune_files(C.uintptr_t(r.handle), r.options.progress != nil, call.client, &filter.numbers,
		cPointer(filter.purpose), cPointer(filter.nameGlob), cPointer(filter.keepGlob),
		(*C.int64_t)(unsafe.SliceData(filter.keepIDs)), r.cOptions(call), &call.response, &call.failure)
}

func (r *run) sweep(call *cCall) C.mmx_status {
	options := C.mmx_sweep_options{
		struct_size: C.sizeof_mmx_sweep_options,
		timeout_ms:  call.options.timeout_ms,
		flags:       r.options.bulkFlags,
		cancel:      call.options.cancel,
	}
	return C.sweep(C.uintptr_t(r.handle), call.client, &options, &call.response, &call.failure)
}
