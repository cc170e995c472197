package mmx

// #include <mmx.h>
import "C"

import (
	"encoding/json"
	"fmt"
	"time"
)

// OutcomeKind is the kind of an [Outcome]. Later versions may add more.
type OutcomeKind int

const (
	// OutcomeDeleted: the service confirmed it, or the response was lost and a lookup shows that the file is gone.
	OutcomeDeleted OutcomeKind = C.MMX_OUTCOME_DELETED
	// OutcomeAlreadyAbsent: a lookup shows that the file was not there before.
	OutcomeAlreadyAbsent OutcomeKind = C.MMX_OUTCOME_ALREADY_ABSENT
	// OutcomeFailed: the service refused, or nothing could be sent.
	OutcomeFailed OutcomeKind = C.MMX_OUTCOME_FAILED
	// OutcomeUnknown: a delete was sent, and its result could not be determined.
	OutcomeUnknown OutcomeKind = C.MMX_OUTCOME_UNKNOWN
	// OutcomeNotAttempted: the run ended before the file was attempted.
	OutcomeNotAttempted OutcomeKind = C.MMX_OUTCOME_NOT_ATTEMPTED
	// OutcomeKept: not deleted, because of a dry run or because a prune keeps the file.
	OutcomeKept OutcomeKind = C.MMX_OUTCOME_KEPT
)

// String returns the name in journals, for example "already_absent".
func (k OutcomeKind) String() string {
	switch k {
	case OutcomeDeleted:
		return "deleted"
	case OutcomeAlreadyAbsent:
		return "already_absent"
	case OutcomeFailed:
		return "failed"
	case OutcomeUnknown:
		return "unknown"
	case OutcomeNotAttempted:
		return "not_attempted"
	case OutcomeKept:
		return "kept"
	}
	return fmt.Sprintf("outcome %d", int(k))
}

// Outcome is the result of deleting one of many files.
type Outcome struct {
	// Index is its position in the input of [Files.DeleteFiles], in the plan of [Files.Prune], or among the
	// files of [Client.Sweep].
	Index   int
	FileID  int64
	Purpose string
	// Kind is 0 in the zero Outcome, which is of no file.
	Kind OutcomeKind
	// Evidence is the response that proves it: "answer" (of the delete), "retrieve", "list", or "".
	Evidence string
	// Attempts is how many deletes were sent for it.
	Attempts int
	// TraceID is the id under which the service knows the request, or "".
	TraceID   string
	SettledAt time.Time
	// Err is nil for a file that is gone or kept, and an [*Error] for every other.
	Err error
}

// copyOutcome copies an outcome of the library, and its error.
func copyOutcome(lent *C.mmx_outcome) (Outcome, *Error) {
	outcome := Outcome{
		Index: int(lent.index), FileID: int64(lent.file_id), Purpose: C.GoString(lent.purpose),
		Kind: OutcomeKind(lent.outcome), Evidence: C.GoString(lent.evidence), Attempts: int(lent.attempts),
		TraceID: C.GoString(lent.trace_id), SettledAt: time.UnixMilli(int64(lent.settled_at_ms)).UTC(),
	}
	if lent.error == nil {
		return outcome, nil
	}
	return outcome, readError(C.mmx_error_status(lent.error), lent.error)
}

// Summary counts the outcomes of many files.
type Summary struct {
	Total         int `json:"total"`
	Deleted       int `json:"deleted"`
	AlreadyAbsent int `json:"already_absent"`
	Failed        int `json:"failed"`
	Unknown       int `json:"unknown"`
	NotAttempted  int `json:"not_attempted"`
	Kept          int `json:"kept"`
	// StillListed is, with [WithVerify], the ids of deleted files that are listed at the end; else nil.
	StillListed []int64 `json:"still_listed"`
}

// parseSummary reads the counts of a response; without one, none of the files was attempted.
func parseSummary(response []byte, total int) (Summary, error) {
	if response == nil {
		return Summary{Total: total, NotAttempted: total}, nil
	}
	var summary Summary
	err := json.Unmarshal(response, &summary)
	return summary, err
}

// stillListedError returns the error of deleted files that are still listed, or nil.
func (s Summary) stillListedError(call string) *Error {
	if len(s.StillListed) == 0 {
		return nil
	}
	const shown = 5
	ids := fmt.Sprint(s.StillListed[:min(shown, len(s.StillListed))])
	if len(s.StillListed) > shown {
		ids = ids[:len(ids)-1] + " …]"
	}
	return newError(call, C.MMX_ERROR_PARTIAL, fmt.Sprintf(
		"%d of %d files are still listed, though the service said that they are gone: %s", len(s.StillListed), s.Total, ids))
}
