package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"encoding/json"
	"time"
)

// PruneFilter selects the files to delete: all conditions must hold. At least one beside the purpose is required, or
// All.
type PruneFilter struct {
	// Purpose is as for [Files.Delete]; "" is every purpose.
	Purpose string
	// OlderThan is an age, by the service's clock and by this machine's; parts of a second are rounded up. A file whose
	// time is unknown or in the future is never old. 0 is no condition.
	OlderThan time.Duration
	// MinBytes is the minimum size; 0 is no condition. Generated files have the size 0.
	MinBytes int64
	// NameGlob is a pattern of * ? [a-z] for the file's name; "" is no condition.
	NameGlob string
	// All selects every file of the purpose.
	All bool

	// KeepGlob is a pattern for the names of files to keep; "" is none.
	KeepGlob string
	// KeepIDs are the ids of files to keep.
	KeepIDs []int64
	// MaxFiles and MaxPercent (of the listed files) are limits: if more files would be deleted, none is, and the error is
	// a [*GuardError]. 0 is no limit.
	MaxFiles   int64
	MaxPercent int
}

// Plan is what [Files.Prune] has listed and selected.
type Plan struct {
	// Host and KeyFingerprint identify the account: "sha256:" and the first 16 hex digits of the key's SHA-256.
	Host           string
	KeyFingerprint string
	MadeAt         time.Time
	// Clock is the service's time; zero if unknown.
	Clock time.Time
	// Listed is the number of listed files, Matched of those that match the filter, and Kept of those among them that
	// KeepGlob and KeepIDs keep.
	Listed, Matched, Kept int
	// BytesAtLeast is the total size of the files to delete, without the SizesUnknown files of unknown size.
	BytesAtLeast int64
	SizesUnknown int
	// Files are those that match the filter.
	Files []PlannedFile
	// Raw is the plan as JSON, as in a plan file.
	Raw json.RawMessage
}

// PlannedFile is a file that matches a [PruneFilter].
type PlannedFile struct {
	FileID  int64
	Purpose string
	// Filename is the name at the service: check it before it becomes a path or goes to a terminal.
	Filename string
	// Bytes is 0 if unknown.
	Bytes int64
	// CreatedAt is zero if unknown.
	CreatedAt time.Time
	// Kept is the reason why it is kept, for example "keep_glob", or "".
	Kept string
}

// PruneResult is the result of a prune.
type PruneResult struct {
	Summary
	// Plan is nil if the list failed.
	Plan *Plan
	// Outcomes has one for each of the plan's files, in its order.
	Outcomes []Outcome
}

// GuardError is the error of a prune that would delete more files than its filter allows; nothing was deleted. It is an
// [ErrGuard], and unwraps to the [*Error].
type GuardError struct {
	// Plan has the files that would be deleted.
	Plan *Plan
	err  *Error
}

// Error returns the message of the [*Error].
func (e *GuardError) Error() string { return e.err.Error() }

// Unwrap returns the [*Error].
func (e *GuardError) Unwrap() error { return e.err }

// Prune lists files, and deletes those that filter selects, as [Files.DeleteFiles] does.
//
// It returns nil only if every selected file is gone. If one is not, the error is [ErrPartial], and its outcome has the
// reason; if an error ended the run, such as the end of ctx, it is that one. The result is as complete as possible with
// any error.
//
// If more files would be deleted than the filter allows, the error is a [*GuardError]. A list that failed, was cut
// short, or lacks the Date that ages are compared with is an error, never an empty list. No delete was sent in these
// cases. With [WithDryRun] no delete is sent, and each file of the plan is kept. [WithVerify] lists again and returns
// which files are still there.
func (f Files) Prune(ctx context.Context, filter PruneFilter, opts ...BulkOption) (PruneResult, error) {
	const call = "prune_files"
	run, failure := newRun(ctx, call, opts)
	var filterC *cFilter
	if failure == nil {
		filterC, failure = filter.cFilter(call)
	}
	if failure != nil {
		run.failure = failure
		run.finish()
		return PruneResult{}, failure
	}
	outcomes := run.collect(ctx, f.handle, func(call *cCall) C.mmx_status { return run.pruneFiles(call, filterC) })
	result := PruneResult{Summary: run.summary, Outcomes: outcomes}
	if run.response != nil {
		var read struct{ Plan *Plan }
		if err := json.Unmarshal(run.response, &read); err != nil && run.problem == nil {
			run.problem = newError(call, C.MMX_ERROR_INTERNAL, "the library's plan can't be read: "+err.Error())
		}
		result.Plan = read.Plan
	}
	switch failure := run.problemOrFailure(); {
	case failure == nil:
		return result, nil
	case failure.Status == C.MMX_ERROR_GUARD:
		return result, &GuardError{result.Plan, failure}
	default:
		return result, failure
	}
}

// UnmarshalJSON reads a plan of the library or of a plan file.
func (p *Plan) UnmarshalJSON(data []byte) error {
	var read struct {
		Host           string
		KeyFingerprint string `json:"key_fingerprint"`
		MadeAtMS       int64  `json:"made_at_ms"`
		Clock          string
		Listed         int
		Matched        int
		Kept           int
		BytesAtLeast   int64 `json:"bytes_at_least"`
		SizesUnknown   int   `json:"sizes_unknown"`
		Files          []PlannedFile
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*p = Plan{
		Host: read.Host, KeyFingerprint: read.KeyFingerprint, MadeAt: time.UnixMilli(read.MadeAtMS).UTC(),
		Listed: read.Listed, Matched: read.Matched, Kept: read.Kept, BytesAtLeast: read.BytesAtLeast,
		SizesUnknown: read.SizesUnknown, Files: read.Files, Raw: append(json.RawMessage(nil), data...),
	}
	if read.Clock != "" {
		var err error
		p.Clock, err = time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", read.Clock)
		return err
	}
	return nil
}

// UnmarshalJSON reads a file of a plan.
func (f *PlannedFile) UnmarshalJSON(data []byte) error {
	var read struct {
		FileID    int64 `json:"file_id"`
		Purpose   string
		Filename  string
		Bytes     int64
		CreatedAt int64 `json:"created_at"`
		Kept      string
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*f = PlannedFile{
		FileID: read.FileID, Purpose: read.Purpose, Filename: read.Filename, Bytes: read.Bytes, Kept: read.Kept,
	}
	if read.CreatedAt != 0 {
		f.CreatedAt = time.Unix(read.CreatedAt, 0).UTC()
	}
	return nil
}

// cFilter is a filter in C, whose pointers are set by prune_files().
type cFilter struct {
	numbers                     C.mmx_filter
	purpose, nameGlob, keepGlob []byte
	keepIDs                     []int64
}

func (f PruneFilter) cFilter(call string) (*cFilter, *Error) {
	c := &cFilter{keepIDs: f.KeepIDs}
	c.numbers = C.mmx_filter{
		struct_size: C.sizeof_mmx_filter, older_than_s: seconds(f.OlderThan), min_bytes: C.int64_t(f.MinBytes),
		keep_count: C.size_t(len(f.KeepIDs)), max_files: C.int64_t(f.MaxFiles), max_percent: count(f.MaxPercent),
	}
	if f.All {
		c.numbers.flags = C.MMX_FILTER_ALL
	}
	for _, text := range []struct {
		parameter, text string
		into            *[]byte
	}{
		{"filter.purpose", f.Purpose, &c.purpose},
		{"filter.name_glob", f.NameGlob, &c.nameGlob},
		{"filter.keep_glob", f.KeepGlob, &c.keepGlob},
	} {
		if text.text == "" {
			continue
		}
		var refused *Error
		if *text.into, refused = cText(call, text.parameter, text.text); refused != nil {
			return nil, refused
		}
	}
	return c, nil
}

// seconds rounds up, so that no age becomes 0, which is none; a negative one is invalid in C.
func seconds(age time.Duration) C.int64_t {
	switch {
	case age < 0:
		return C.int64_t(min(age/time.Second, -1))
	case age%time.Second == 0:
		return C.int64_t(age / time.Second)
	}
	return C.int64_t(age/time.Second + 1)
}
