package mmx

// #include <stdlib.h>
// #include <mmx.h>
import "C"

import (
	"context"
	"fmt"
	"iter"
	"unsafe"
)

// FileRef is one of many files to delete.
type FileRef struct {
	FileID int64
	// Purpose is as for [Files.Delete]; "" is found out: by a retrieve, or for more than 20 files by one list.
	Purpose string
}

// Ref returns the argument for [Files.DeleteFiles].
func (f File) Ref() FileRef {
	return FileRef{f.FileID, f.Purpose}
}

// DeleteFiles deletes many files, several at a time, and yields an outcome for each of files as it settles. When the
// loop begins, files is read to its end; nothing is sent before. A duplicate is sent once. Each file is deleted as by
// [Files.Delete]; if the service refuses it, a lookup tells whether it was already absent.
//
//	for outcome, err := range client.Files.DeleteFiles(ctx, slices.Values(refs)) {
//		if err != nil {
//			left = append(left, err)
//		}
//	}
//
// The error is nil only for a file that is gone or kept; otherwise it is Outcome.Err, the reason. A file that fails
// doesn't stop the others. An error that ends the run, or keeps it from beginning, comes last, with a zero Outcome: a
// refused key, an empty account, the end of ctx, an invalid argument, or with [WithVerify] a list that failed or still
// has files. So a loop without an error has deleted every file.
//
// The loop's body runs on the caller's goroutine, while the deletes go on in another one until the next outcome is
// ready: a slow body delays them, so outcomes don't pile up. The body may make calls; each takes another slot. Breaking
// out of the loop, or a panic in it, cancels the deletes in progress, whose files may be deleted or not, and sends
// nothing more. When the loop has ended, nothing of the run is left.
//
// The end of ctx ends the run: the outcomes of deletes in progress are unknown, the others not attempted.
func (f Files) DeleteFiles(ctx context.Context, files iter.Seq[FileRef], opts ...BulkOption) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		const call = "delete_files"
		run, failure := newRun(ctx, call, opts)
		refs := refs{purposes: map[string]*C.char{}}
		defer refs.free()
		switch {
		case failure != nil:
		case files == nil:
			failure = invalidArgument(call, "files", "must not be nil")
		default:
			failure = refs.gather(ctx, call, files)
		}
		run.total = len(refs.files)
		if failure != nil {
			run.failure = failure
			run.finish()
			yield(Outcome{}, failure)
			return
		}
		report := func(outcome Outcome) bool { return yield(outcome, outcome.Err) }
		send := func(call *cCall) C.mmx_status { return run.deleteFiles(call, refs.files) }
		if run.each(ctx, f.handle, send, report) && run.notAttempted(report) && run.problem != nil {
			yield(Outcome{}, run.problem)
		}
	}
}

// refs are the files in C. Each purpose is in C memory once.
type refs struct {
	files    []C.mmx_file_ref
	purposes map[string]*C.char
}

func (r *refs) gather(ctx context.Context, call string, files iter.Seq[FileRef]) (failure *Error) {
	for file := range files {
		if ctx.Err() != nil {
			break
		}
		purpose, ok := r.purposes[file.Purpose]
		if !ok {
			text, refused := cTextOrNull(call, "files", file.Purpose)
			if refused != nil {
				refused.Message = fmt.Sprintf("%s: files[%d].Purpose must not hold a NUL byte", call, len(r.files))
				return refused
			}
			if text != nil {
				purpose = (*C.char)(C.CBytes(text))
			}
			r.purposes[file.Purpose] = purpose
		}
		r.files = append(r.files, C.mmx_file_ref{file_id: C.int64_t(file.FileID), purpose: purpose})
	}
	if ctx.Err() != nil {
		return notSent(ctx, call, causeOf(ctx))
	}
	return nil
}

func (r *refs) free() {
	for _, purpose := range r.purposes {
		C.free(unsafe.Pointer(purpose))
	}
}
