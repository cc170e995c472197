package mmx

/*
#include <mmx.h>

// In callbacks.go.
extern int32_t mmxGoOutcome(uintptr_t run, mmx_outcome *outcome);
extern int32_t mmxGoSettled(uintptr_t run, int64_t done, int64_t total);

// A handle is a number, which only C may hold in a pointer.
static int32_t to_outcome(void *run, const mmx_outcome *outcome) {
	return mmxGoOutcome((uintptr_t)run, (mmx_outcome *)outcome);
}
static int32_t to_settled(void *run, int64_t done, int64_t total) { return mmxGoSettled((uintptr_t)run, done, total); }

static mmx_bulk_options telling(const mmx_bulk_options *options, uintptr_t run, bool progress) {
	mmx_bulk_options all = *options;
	all.on_outcome = to_outcome;
	if (progress) all.progress = to_settled;
	all.user_data = (void *)run;
	return all;
}

static mmx_status delete_files(uintptr_t run, bool progress, const mmx_client *client, const mmx_file_ref *files,
		size_t count, const mmx_bulk_options *options, char **json, mmx_error **error) {
	mmx_bulk_options all = telling(options, run, progress);
	return mmx_delete_files(client, files, count, &all, json, error);
}

// Of the filter the numbers; its pointers come one by one, for none may lie in memory of Go's.
static mmx_status prune_files(uintptr_t run, bool progress, const mmx_client *client, const mmx_filter *numbers,
		const char *purpose, const char *name_glob, const char *keep_glob, const int64_t *keep_ids,
		const mmx_bulk_options *options, char **json, mmx_error **error) {
	mmx_bulk_options all = telling(options, run, progress);
	mmx_filter filter = *numbers;
	filter.purpose = purpose;
	filter.name_glob = name_glob;
	filter.keep_glob = keep_glob;
	filter.keep_ids = keep_ids;
	return mmx_prune_files(client, &filter, &all, json, error);
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

// BulkOption is what a call for many files has different from its client: what the functions below return, and those
// CallOptions that go for every call. [WithCallTimeout] and [WithCallMaxAttempts] are for each file, whose waits for
// the rate limiter don't count; the whole is bounded by the context alone. [WithProgress] tells how many files have
// settled, of how many.
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

// WithConcurrency sets how many files are under way at once at most, 1 to 1,000; 0 is the default, 16. It begins with
// two and grows, for the service refuses a sudden rise; soon after a run of the same key that went well it begins with
// as many as that had. However many, they take one thread.
func WithConcurrency(files int) BulkOption {
	return bulkOption(func(options *bulkOptions) { options.concurrency = files })
}

// WithDryRun deletes nothing: each file that would go has the outcome kept.
func WithDryRun() BulkOption {
	return bulkOption(func(options *bulkOptions) { options.bulkFlags |= C.MMX_BULK_DRY_RUN })
}

// WithVerify lists the files again at the end. What was to go and is listed still is an [ErrPartial], and stands in the
// [Summary]; the service's list may be some seconds behind.
func WithVerify() BulkOption {
	return bulkOption(func(options *bulkOptions) { options.bulkFlags |= C.MMX_BULK_VERIFY })
}

// WithSummary has the counts written to summary when the call, or the loop over it, has ended, however it did.
func WithSummary(summary *Summary) BulkOption {
	return bulkOption(func(options *bulkOptions) { options.summary = summary })
}

// run is one call for many files. The library is called in a goroutine beside the caller's, to which it hands what it
// has to tell: so the caller's code may panic, or leave, with nothing of the library on its stack.
type run struct {
	call    string
	options bulkOptions
	total   int
	events  chan event
	// The caller's code has left.
	left atomic.Bool

	// Of the goroutine beside, until events is closed.
	ctx     context.Context
	limit   limit
	handle  cgo.Handle
	rest    []unattempted
	answer  []byte
	failure *Error
	caught

	// When all is over: the counts, and what is wrong beside what is told file by file.
	summary Summary
	wrong   *Error
}

// event is what the caller's goroutine is told: a file's outcome, or how many have settled.
type event struct {
	outcome     Outcome
	isProgress  bool
	done, total int64
}

// unattempted is as much as has to be kept of a file until the reason is known, for there may be many.
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
		return run, badArgument(call, "ctx", "must not be nil")
	case run.options.flags != 0:
		return run, badArgument(call, "opts", "has an option that is for the upload or the download of one file")
	}
	return run, nil
}

// begin makes it ready for the library, which has it until end.
func (r *run) begin(ctx context.Context, limit limit) {
	r.ctx, r.limit = ctx, limit
	r.handle = cgo.NewHandle(r)
}

func (r *run) end() {
	r.handle.Delete()
}

// in makes the call and tells of each file but those that were not attempted. It returns false if told did. When it
// returns, or the caller's code panics or exits in it, nothing of the run is left.
func (r *run) in(ctx context.Context, h *handle, send func(*inLibrary) C.mmx_status, told func(Outcome) bool) bool {
	goesOn := r.hear(ctx, h, send, told)
	r.caught.rethrow()
	return goesOn
}

func (r *run) hear(ctx context.Context, h *handle, send func(*inLibrary) C.mmx_status, told func(Outcome) bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(r.events)
		r.caught.catch(func() { r.answer, r.failure = h.call(ctx, request{name: r.call, run: r}, send) })
	}()
	defer func() {
		r.left.Store(true)
		cancel()
		for range r.events {
		}
		r.sumUp()
	}()
	for event := range r.events {
		if event.isProgress {
			r.options.progress(event.done, event.total)
		} else if !told(event.outcome) {
			return false
		}
	}
	return true
}

// settled hands an outcome to the caller's goroutine, where another may be looked at until then.
func (r *run) settled(lent *C.mmx_outcome) (goOn bool) {
	if OutcomeKind(lent.outcome) == OutcomeNotAttempted {
		r.rest = append(r.rest, unattempted{
			int(lent.index), int64(lent.file_id), C.GoString(lent.purpose), lent.settled_at_ms,
		})
		return !r.left.Load()
	}
	outcome, failure := outcomeOf(lent)
	if failure != nil {
		r.limit.explain(r.ctx, failure, r.ctx.Err() != nil)
		outcome.Err = failure
	}
	r.events <- event{outcome: outcome}
	return !r.left.Load()
}

func (r *run) progressed(done, total int64) (goOn bool) {
	r.events <- event{isProgress: true, done: done, total: total}
	return !r.left.Load()
}

// notAttempted tells of the files whose turn never came, with the reason. It returns false if told did.
func (r *run) notAttempted(told func(Outcome) bool) bool {
	if len(r.rest) == 0 {
		return true
	}
	why := *refusal(r.call, C.MMX_ERROR_INTERNAL, "the library doesn't say why")
	if r.failure != nil {
		why = *r.failure
	}
	why.Message, why.Attempts = r.call+": not attempted; "+why.withoutCall(), 0
	for _, file := range r.rest {
		settledAt := time.UnixMilli(int64(file.settledAt)).UTC()
		if !told(Outcome{
			Index: file.index, FileID: file.fileID, Purpose: file.purpose, Kind: OutcomeNotAttempted,
			SettledAt: settledAt, Err: &why,
		}) {
			return false
		}
	}
	return true
}

// sumUp says what it came to, however it ended.
func (r *run) sumUp() {
	var err error
	r.summary, err = summaryOf(r.answer, r.total)
	if r.options.summary != nil {
		*r.options.summary = r.summary
	}
	switch {
	case r.failure != nil && r.failure.Status != C.MMX_ERROR_PARTIAL:
		r.wrong = r.failure
	case err != nil:
		r.wrong = refusal(r.call, C.MMX_ERROR_INTERNAL, "the library's JSON can't be read: "+err.Error())
	default:
		r.wrong = r.summary.leftOver(r.call)
	}
}

// inC is what the options are in C, but for who is told.
func (r *run) inC(call *inLibrary) *C.mmx_bulk_options {
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

func (r *run) deleteFiles(call *inLibrary, files []C.mmx_file_ref) C.mmx_status {
	return C.delete_files(C.uintptr_t(r.handle), r.options.progress != nil, call.client, unsafe.SliceData(files),
		C.size_t(len(files)), r.inC(call), &call.answer, &call.failure)
}

func (r *run) pruneFiles(call *inLibrary, filter *filterInC) C.mmx_status {
	return C.prune_files(C.uintptr_t(r.handle), r.options.progress != nil, call.client, &filter.numbers,
		cPointer(filter.purpose), cPointer(filter.nameGlob), cPointer(filter.keepGlob),
		(*C.int64_t)(unsafe.SliceData(filter.keepIDs)), r.inC(call), &call.answer, &call.failure)
}
