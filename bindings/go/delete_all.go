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
	// Purpose is as for [Files.Delete].
	Purpose string
}

// Ref is the file as [Files.DeleteAll] takes it.
func (f File) Ref() FileRef {
	return FileRef{f.FileID, f.Purpose}
}

// DeleteAll deletes many files, several at a time, and tells what became of each as it settles: once for each of files,
// in no order. Nothing is read of files and nothing sent before the loop begins; then files is read to its end first,
// and one that comes twice is sent once. Each is sent and settled as [Files.Delete] does, and a file that is refused is
// looked for: if it isn't there, its outcome is already absent.
//
//	for outcome, err := range client.Files.DeleteAll(ctx, slices.Values(refs)) {
//		if err != nil {
//			left = append(left, err)
//		}
//	}
//
// The error is nil for a file that is gone or kept, and only then: what failed, is unknown or was not attempted has the
// reason, which Outcome.Err is, too. One file that fails stops nothing. What stops the run, or kept it from beginning,
// comes once more in the end, with a zero Outcome: a key that is refused, an empty account, the end of ctx, an argument
// that can't be right, or with [WithVerify] a list that failed or has files still. So a loop that met no error has left
// no file.
//
// The body of the loop runs on the goroutine that loops. The run goes on beside it, but not further than the next file
// that settles, so outcomes don't pile up: a body that takes long holds everything up. It may call the package, which
// takes another place in its queue. To break out of the loop, or to panic in it, cancels what is under way: it may be
// deleted or not, and nothing more is sent. Nothing of the run is left when the loop has ended.
//
// The end of ctx ends the run: what is under way then is unknown, and the rest not attempted.
func (f Files) DeleteAll(ctx context.Context, files iter.Seq[FileRef], opts ...BulkOption) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		const call = "delete_files"
		run, failure := newRun(ctx, call, opts)
		refs := refs{purposes: map[string]*C.char{}}
		defer refs.free()
		switch {
		case failure != nil:
		case files == nil:
			failure = badArgument(call, "files", "must not be nil")
		default:
			failure = refs.gather(ctx, call, files)
		}
		run.total = len(refs.files)
		if failure != nil {
			run.failure = failure
			run.sumUp()
			yield(Outcome{}, failure)
			return
		}
		told := func(outcome Outcome) bool { return yield(outcome, outcome.Err) }
		send := func(call *inLibrary) C.mmx_status { return run.deleteFiles(call, refs.files) }
		if run.in(ctx, f.handle, send, told) && run.notAttempted(told) && run.wrong != nil {
			yield(Outcome{}, run.wrong)
		}
	}
}

// refs are the files as C has them. The purposes are in memory of C's, each once.
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
			text, refused := cText(call, "files", file.Purpose)
			if refused != nil {
				refused.Message = fmt.Sprintf("%s: files[%d].Purpose must not hold a NUL byte", call, len(r.files))
				return refused
			}
			purpose = (*C.char)(C.CBytes(text))
			r.purposes[file.Purpose] = purpose
		}
		r.files = append(r.files, C.mmx_file_ref{file_id: C.int64_t(file.FileID), purpose: purpose})
	}
	if ctx.Err() != nil {
		return notSent(ctx, call, endOf(ctx))
	}
	return nil
}

func (r *refs) free() {
	for _, purpose := range r.purposes {
		C.free(unsafe.Pointer(purpose))
	}
}
