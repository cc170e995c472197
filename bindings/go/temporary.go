package mmx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// temporaryTimeout is the time limit of the delete of a temporary file.
var temporaryTimeout = 30 * time.Second

// NotDeletedError is the error of [Files.WithTemporary] when it could not delete its file. It unwraps to the [*Error] of the
// delete; if that is Ambiguous, the file may be gone.
type NotDeletedError struct {
	// File is the file that is left.
	File File
	err  *Error
	why  string
}

// Error returns the file's id, the message of the [*Error], and whether a sweep will delete the file.
func (e *NotDeletedError) Error() string {
	return fmt.Sprintf("the temporary file %d was not deleted%s: %v", e.File.FileID, e.why, e.err)
}

// Unwrap returns the [*Error].
func (e *NotDeletedError) Unwrap() error { return e.err }

// WithTemporary uploads the content of r as [Files.Upload] does, calls use with the file, and then deletes it. opts are
// those of the upload.
//
// The delete is made whatever use comes to, an error, a panic or [runtime.Goexit], and after the end of ctx and
// [Client.Close], too; it has a time limit of its own, 30 seconds. A panic then continues. The returned error is that of
// use. If the file can't be deleted, it is a [*NotDeletedError], joined by [errors.Join] with that of use if there is one.
// A file that use has deleted itself is no error.
//
// Of a process that is killed the file stays, unless the client has a ledger ([WithLedger]): then [Client.Sweep] deletes it,
// also one that couldn't be deleted, once the process has ended.
func (f Files) WithTemporary(
	ctx context.Context, r io.Reader, params UploadParams, use func(context.Context, File) error, opts ...CallOption,
) error {
	upload := func(opts []CallOption) (File, error) { return f.Upload(ctx, r, params, opts...) }
	return f.withTemporary(ctx, "upload_stream", upload, use, opts)
}

// WithTemporaryFile is [Files.WithTemporary] with a local file, which is uploaded as by [Files.UploadFile].
func (f Files) WithTemporaryFile(
	ctx context.Context, path, purpose string, use func(context.Context, File) error, opts ...CallOption,
) error {
	upload := func(opts []CallOption) (File, error) { return f.UploadFile(ctx, path, purpose, opts...) }
	return f.withTemporary(ctx, "upload_file", upload, use, opts)
}

func (f Files) withTemporary(
	ctx context.Context, call string, upload func([]CallOption) (File, error), use func(context.Context, File) error,
	opts []CallOption,
) (err error) {
	if use == nil {
		return refuse(opts, invalidArgument(call, "use", "must not be nil"))
	}
	if failure := f.handle.enter(call); failure != nil {
		return refuse(opts, failure)
	}
	defer f.handle.leave()
	if f.handle.ledger {
		opts = append(slices.Clone(opts), WithTemporary())
	}
	file, err := upload(opts)
	if err != nil {
		return err
	}
	// Deferred, so that a panic or a Goexit goes on by itself.
	defer func() {
		switch failure := f.deleteTemporary(ctx, file); {
		case failure == nil:
		case err == nil:
			err = failure
		default:
			err = errors.Join(err, failure)
		}
	}()
	return use(ctx, file)
}

func (f Files) deleteTemporary(ctx context.Context, file File) *NotDeletedError {
	opts := []CallOption{WithMissingOK(), WithCallTimeout(temporaryTimeout)}
	_, failure := f.delete(context.WithoutCancel(ctx), file.FileID, file.Purpose, request{opts: opts, within: true})
	if failure == nil {
		return nil
	}
	left := &NotDeletedError{File: file, err: failure}
	if f.handle.ledger {
		left.why = ", but is by a sweep once this process has ended"
	}
	return left
}
