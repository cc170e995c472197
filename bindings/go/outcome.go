package mmx

// #include <mmx.h>
import "C"

import (
	"encoding/json"
	"fmt"
	"time"
)

// OutcomeKind is what became of a file. More may come in later versions.
type OutcomeKind int

const (
	// OutcomeDeleted: the service said so, or the request was lost and the file is seen to be gone since.
	OutcomeDeleted OutcomeKind = C.MMX_OUTCOME_DELETED
	// OutcomeAlreadyAbsent: it was not there before, which was seen.
	OutcomeAlreadyAbsent OutcomeKind = C.MMX_OUTCOME_ALREADY_ABSENT
	// OutcomeFailed: refused, or nothing could be sent.
	OutcomeFailed OutcomeKind = C.MMX_OUTCOME_FAILED
	// OutcomeUnknown: sent, and what became of it could not be settled.
	OutcomeUnknown OutcomeKind = C.MMX_OUTCOME_UNKNOWN
	// OutcomeNotAttempted: the run ended before its turn.
	OutcomeNotAttempted OutcomeKind = C.MMX_OUTCOME_NOT_ATTEMPTED
	// OutcomeKept: left alone, by a dry run, or by what a prune has to keep.
	OutcomeKept OutcomeKind = C.MMX_OUTCOME_KEPT
)

// String returns the name as it stands in journals, for example "already_absent".
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

// Outcome is what became of one of many files: a receipt.
type Outcome struct {
	// Index is its place in the input of [Files.DeleteAll], or in the plan of [Files.Prune].
	Index   int
	FileID  int64
	Purpose string
	// Kind is 0 in the zero Outcome, which stands for no file.
	Kind OutcomeKind
	// Evidence is who says so: "answer", "retrieve", "list", or "".
	Evidence string
	// Attempts is how many deletes were sent for it.
	Attempts int
	// TraceID is the id under which the service knows the request, or "".
	TraceID   string
	SettledAt time.Time
	// Err is nil for a file that is gone or kept, and an [*Error] for every other.
	Err error
}

// outcomeOf copies what the library lends; Err is that of a file that failed or is unknown.
func outcomeOf(lent *C.mmx_outcome) (Outcome, *Error) {
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

// Summary counts what became of many files.
type Summary struct {
	Total         int `json:"total"`
	Deleted       int `json:"deleted"`
	AlreadyAbsent int `json:"already_absent"`
	Failed        int `json:"failed"`
	Unknown       int `json:"unknown"`
	NotAttempted  int `json:"not_attempted"`
	Kept          int `json:"kept"`
	// StillListed is, with [WithVerify], the ids of files that were to go and that the list at the end has; else nil.
	StillListed []int64 `json:"still_listed"`
}

// summaryOf reads what the library sums up; where it says nothing, none of so many was attempted.
func summaryOf(answer []byte, total int) (Summary, error) {
	if answer == nil {
		return Summary{Total: total, NotAttempted: total}, nil
	}
	var summary Summary
	err := json.Unmarshal(answer, &summary)
	return summary, err
}

// leftOver is the error of files that were to go and are listed still, although each was said to be gone.
func (s Summary) leftOver(call string) *Error {
	if len(s.StillListed) == 0 {
		return nil
	}
	const shown = 5
	ids := fmt.Sprint(s.StillListed[:min(shown, len(s.StillListed))])
	if len(s.StillListed) > shown {
		ids = ids[:len(ids)-1] + " …]"
	}
	return refusal(call, C.MMX_ERROR_PARTIAL, fmt.Sprintf(
		"%d of %d files are still listed, though the service said that they are gone: %s", len(s.StillListed), s.Total, ids))
}
