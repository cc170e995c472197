package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"encoding/json"
	"time"
)

// PruneFilter says which files go: all conditions must hold. At least one beside the purpose must be given, or All.
type PruneFilter struct {
	// Purpose is as for [Files.Delete]; "" is every purpose.
	Purpose string
	// OlderThan is an age, by the service's clock and by this machine's, both; parts of a second are rounded up. A file of
	// unknown or future time is never old. 0 is no condition.
	OlderThan time.Duration
	// MinBytes is the least size; 0 is no condition. The service says 0 for the files that it makes itself.
	MinBytes int64
	// NameGlob is a pattern of * ? [a-z] for the file's name; "" is no condition.
	NameGlob string
	// All is for when really every file of the purpose is meant.
	All bool

	// KeepGlob is a pattern for the names of files that are kept; "" is none.
	KeepGlob string
	// KeepIDs are files that are kept.
	KeepIDs []int64
	// MaxFiles and MaxPercent, of all that are listed, are guards: if more files would be deleted, none is, and the error
	// is a [*GuardError]. 0 is no guard.
	MaxFiles   int64
	MaxPercent int
}

// Plan is what [Files.Prune] listed and chose.
type Plan struct {
	// Host and KeyFingerprint tell the account: the first 16 hex digits of the key's SHA-256 behind "sha256:".
	Host           string
	KeyFingerprint string
	MadeAt         time.Time
	// Clock is the service's time then; zero where it didn't say.
	Clock time.Time
	// Listed files there were, of which Matched match the filter; of these Kept are kept by its KeepGlob and KeepIDs.
	Listed, Matched, Kept int
	// BytesAtLeast is the size of what goes, without the SizesUnknown files whose size the service doesn't say.
	BytesAtLeast int64
	SizesUnknown int
	// Files match the filter.
	Files []PlannedFile
	// Raw is the plan as JSON, as a plan file has it.
	Raw json.RawMessage
}

// PlannedFile is one that a [PruneFilter] matches.
type PlannedFile struct {
	FileID  int64
	Purpose string
	// Filename is a name of the service's: check it before it becomes a path or goes to a terminal.
	Filename string
	// Bytes is 0 where it isn't known.
	Bytes int64
	// CreatedAt is zero where the service doesn't say.
	CreatedAt time.Time
	// Kept is why it is kept all the same, for example "keep_glob", or "".
	Kept string
}

// PruneResult is what a prune came to.
type PruneResult struct {
	Summary
	// Plan is nil if there was no list to make it of.
	Plan *Plan
	// Outcomes has one for each of the plan's files, in its order.
	Outcomes []Outcome
}

// GuardError is why [Files.Prune] deleted nothing: more files would go than the filter allows. It is an [ErrGuard], and
// leads to the [*Error].
type GuardError struct {
	// Plan tells what would go.
	Plan *Plan
	err  *Error
}

// Error returns the message of the [*Error].
func (e *GuardError) Error() string { return e.err.Error() }

// Unwrap leads to the [*Error].
func (e *GuardError) Unwrap() error { return e.err }

// Prune lists files, and deletes those that filter chooses as [Files.DeleteAll] does.
//
// It returns nil only if every file that was to go is gone. Where one is left the error is [ErrPartial], and its
// outcome has the reason; where something ended the run, such as the end of ctx, it is that. The result tells what is
// known whatever the error is.
//
// A guard of the filter that stops it is a [*GuardError]: no delete was sent. A list that failed, was cut short, or
// lacks the Date that an age is told by is an error, never an empty list; no delete was sent then, either. With
// [WithDryRun] no delete is sent, and each file of the plan is kept. [WithVerify] lists again and says what is still
// there.
func (f Files) Prune(ctx context.Context, filter PruneFilter, opts ...BulkOption) (PruneResult, error) {
	const call = "prune_files"
	run, failure := newRun(ctx, call, opts)
	var filterC *filterInC
	if failure == nil {
		filterC, failure = filter.inC(call)
	}
	if failure != nil {
		run.failure = failure
		run.sumUp()
		return PruneResult{}, failure
	}
	var outcomes []Outcome
	told := func(outcome Outcome) bool {
		for len(outcomes) <= outcome.Index {
			outcomes = append(outcomes, Outcome{})
		}
		outcomes[outcome.Index] = outcome
		return true
	}
	run.in(ctx, f.handle, func(call *inLibrary) C.mmx_status { return run.pruneFiles(call, filterC) }, told)
	run.notAttempted(told)
	result := PruneResult{Summary: run.summary, Outcomes: outcomes}
	if run.answer != nil {
		var read struct{ Plan *Plan }
		if err := json.Unmarshal(run.answer, &read); err != nil && run.wrong == nil {
			run.wrong = refusal(call, C.MMX_ERROR_INTERNAL, "the library's plan can't be read: "+err.Error())
		}
		result.Plan = read.Plan
	}
	switch {
	case run.wrong != nil && run.wrong.Status == C.MMX_ERROR_GUARD:
		return result, &GuardError{result.Plan, run.wrong}
	case run.wrong != nil:
		return result, run.wrong
	case run.failure != nil:
		return result, run.failure
	}
	return result, nil
}

// UnmarshalJSON reads a plan as the library, and a plan file, have it.
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

// filterInC is a filter as C has it, but for pointers in one another.
type filterInC struct {
	numbers                     C.mmx_filter
	purpose, nameGlob, keepGlob []byte
	keepIDs                     []int64
}

func (f PruneFilter) inC(call string) (*filterInC, *Error) {
	c := &filterInC{keepIDs: f.KeepIDs}
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

// seconds rounds up, so that an age is never 0, which is none; a negative one is refused by the library.
func seconds(age time.Duration) C.int64_t {
	switch {
	case age < 0:
		return C.int64_t(min(age/time.Second, -1))
	case age%time.Second == 0:
		return C.int64_t(age / time.Second)
	}
	return C.int64_t(age/time.Second + 1)
}
