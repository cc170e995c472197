package mmx

/*
#include <stdlib.h>
#include <mmx.h>

static bool has_ledger_by_environment(void) {
	const char *path = getenv("MMX_LEDGER");
	return path && *path;
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"time"
)

// WithLedger sets the client's ledger: a file that knows every upload until its file is deleted, for any number of
// goroutines and processes of one host. The default is the environment variable MMX_LEDGER; "" is no ledger.
//
// Name, size, SHA-256 and so on are on the disk before the first byte is sent, and the id after the response; a delete
// strikes them out. What processes left that have ended is settled by [Client.Sweep]. A ledger that can't be written fails
// uploads with [ErrFile] before anything is sent. The file is made when it is first needed. A Reader that can seek is read
// twice.
func WithLedger(path string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_ledger", "path", path)
		if refused != nil {
			return refused
		}
		config.ledger = path != ""
		var failure *C.mmx_error
		return check(C.mmx_config_set_ledger(config.c, cPointer(text), &failure), &failure)
	}
}

func hasLedgerByEnvironment() bool { return bool(C.has_ledger_by_environment()) }

// WithReuse makes an upload with a ledger return the file that the ledger has of the same bytes and purpose, while
// [Files.Retrieve] still knows it; only else it is uploaded. Processes that begin at the same time make one file: the
// others wait for the first, within their time limit. It takes a Reader that can seek.
func WithReuse() CallOption {
	return func(options *callOptions) { options.flags |= C.MMX_CALL_REUSE }
}

// WithTemporary makes [Client.Sweep] delete the file of an upload with a ledger once this process has ended.
// [Files.WithTemporary] also deletes it before.
func WithTemporary() CallOption {
	return func(options *callOptions) { options.flags |= C.MMX_CALL_TEMPORARY }
}

// WithExpiresAfter makes [Client.Sweep] delete the file of an upload with a ledger after a time, by the service's clock
// and by this machine's; parts of a second are rounded up. 0 is never.
func WithExpiresAfter(age time.Duration) CallOption {
	return func(options *callOptions) { options.expires = age }
}

// Keep strikes a file out of the client's ledger: no sweep deletes it. It sends nothing. A file that the ledger doesn't
// have is an [ErrNotFound].
func (c *Client) Keep(id int64) error {
	keep := func(call *cCall) C.mmx_status { return C.mmx_ledger_keep(call.client, C.int64_t(id), &call.failure) }
	if _, _, failure := c.Files.handle.call(context.Background(), request{name: "ledger_keep"}, keep); failure != nil {
		return failure
	}
	return nil
}

// SweepResult is the result of a sweep.
type SweepResult struct {
	Summary
	// Outcomes has one for each file of the ledger that was due, or whose id was found: those are deleted and kept.
	Outcomes []Outcome
	// NotStored is how many uploads have stored nothing; they are struck out. Waiting is how many are not listed yet;
	// they are given up ten minutes after they began.
	NotStored, Waiting int
	// Unsettled has the uploads that a person has to look at.
	Unsettled []UnsettledUpload
}

// UnsettledUpload is an upload in a ledger of which a sweep can't tell which file it is, or whether it may be deleted.
type UnsettledUpload struct {
	// Filename is the name that was given to the upload.
	Filename string
	// Purpose is "" if unknown.
	Purpose string
	// Bytes is -1 if the size was not known before the upload.
	Bytes int64
	// BeganAt is by this machine's clock.
	BeganAt time.Time
	// Path is where the file of a [Files.Take] should be on this disk, else "".
	Path string
	// FileIDs are the files that fit.
	FileIDs []int64
	// Why says why none of them is chosen.
	Why string
}

// Sweep settles what processes that have ended left in the client's ledger, and deletes what is due: files of
// [WithTemporary], files that [Files.Take] had brought to the disk, and those whose time of [WithExpiresAfter] is over.
// Everything else stays, and so does what a running process may still be at. Call it when a service starts, or every hour,
// from any process; two sweeps at once share the work.
//
// An upload without an id is looked for in the list, by name, size, purpose and time. If several files or uploads fit each
// other, none is chosen, and SweepResult.Unsettled has them.
//
// The error is nil only if all that was left is settled; [ErrPartial] if some files were not deleted, or some uploads are
// unsettled; [ErrFile] if the ledger can't be read or written, and nothing was deleted; or what ended the run. The result is
// as complete as possible with any error. The options are [WithDryRun], which writes and deletes nothing, and
// [WithSummary].
func (c *Client) Sweep(ctx context.Context, opts ...BulkOption) (SweepResult, error) {
	const call = "sweep"
	run, failure := newRun(ctx, call, opts)
	if failure == nil {
		failure = run.options.refuseForSweep(call)
	}
	if failure != nil {
		run.failure = failure
		run.finish()
		return SweepResult{}, failure
	}
	outcomes := run.collect(ctx, c.Files.handle, run.sweep)
	result := SweepResult{Summary: run.summary, Outcomes: outcomes}
	if run.response != nil {
		if err := result.parse(run.response); err != nil && run.problem == nil {
			run.problem = newError(call, C.MMX_ERROR_INTERNAL, "the library's JSON can't be read: "+err.Error())
		}
	}
	if failure := run.problemOrFailure(); failure != nil {
		return result, failure
	}
	return result, nil
}

// refuseForSweep refuses the options that a sweep doesn't have.
func (o *bulkOptions) refuseForSweep(call string) *Error {
	other := o.bulkFlags&^C.MMX_BULK_DRY_RUN != 0 || o.concurrency != 0
	if other || o.timeout != 0 || o.maxAttempts != 0 || o.progress != nil {
		return invalidArgument(call, "opts", "has an option other than WithDryRun and WithSummary")
	}
	return nil
}

// parse reads the sweep's part of a response.
func (r *SweepResult) parse(response []byte) error {
	var read struct {
		Sweep struct {
			NotStored int `json:"not_stored"`
			Waiting   int
			Unsettled []struct {
				Filename string
				Purpose  string
				Bytes    *int64
				AtMS     int64 `json:"at_ms"`
				Path     string
				FileIDs  []int64 `json:"file_ids"`
				Why      string
			}
		}
	}
	err := json.Unmarshal(response, &read)
	r.NotStored, r.Waiting = read.Sweep.NotStored, read.Sweep.Waiting
	for _, upload := range read.Sweep.Unsettled {
		size := int64(-1)
		if upload.Bytes != nil {
			size = *upload.Bytes
		}
		r.Unsettled = append(r.Unsettled, UnsettledUpload{
			upload.Filename, upload.Purpose, size, time.UnixMilli(upload.AtMS).UTC(), upload.Path, upload.FileIDs, upload.Why,
		})
	}
	return err
}
