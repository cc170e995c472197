package mmx

// #include <mmx.h>
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// UploadParams is what an upload says of the bytes.
type UploadParams struct {
	// Purpose is what they are for: one of PurposeVoiceClone and so on, or a newer one.
	Purpose string
	// Filename is the name that the service gets, with an ending that fits. An [os.File] may go by its own.
	Filename string
	// Size is how many bytes there are, where the Reader can't tell and the caller knows; else 0. Fewer or more are
	// [ErrFile], and nothing is stored.
	Size int64
}

// Upload uploads what r has from where it stands to its end, and leaves r open.
//
// An [io.Seeker] tells its size, and so does a [bytes.Buffer]; without a size the bytes go out in chunks. What a Read
// fails with is what the returned [*Error] unwraps to, and nothing is stored; a panic in it comes out of Upload.
//
// The end of ctx ends the call also while a Read is stuck, which is then left behind: don't use r again after that.
//
// It goes again, up to [WithMaxAttempts] requests, where nothing can have been stored and r can go back to where it
// stood: the connection broke before the last byte was taken, or the service refused it for its rate. Where an [*Error]
// is Ambiguous, the file may be stored all the same; [WithReconcile] looks for it.
func (f Files) Upload(ctx context.Context, r io.Reader, params UploadParams, opts ...CallOption) (File, error) {
	const call = "upload_stream"
	if r == nil {
		return File{}, badArgument(call, "r", "must not be nil")
	}
	if params.Size < 0 {
		return File{}, badArgument(call, "size", "must not be negative")
	}
	if file, ok := r.(*os.File); ok && file != nil && params.Filename == "" {
		params.Filename = filepath.Base(file.Name())
	}
	filename, refused := cText(call, "filename", params.Filename)
	if refused != nil {
		return File{}, refused
	}
	purpose, refused := cText(call, "purpose", params.Purpose)
	if refused != nil {
		return File{}, refused
	}
	t := &transfer{reader: r, direct: neverStuck(r)}
	size, failure := t.measure(call)
	if failure != nil {
		return File{}, failure
	}
	if params.Size > 0 {
		size = params.Size
	}
	answer, failure := f.handle.call(ctx, request{name: call, opts: opts, transfer: t}, func(call *inLibrary) C.mmx_status {
		return t.uploadStream(call, size, filename, purpose)
	})
	return uploaded(call, answer, failure)
}

// UploadFile uploads a local file under its own name.
//
// A file that can't be read, or that shrinks or grows meanwhile, is [ErrFile], and nothing is stored. What goes again,
// and what Ambiguous means, stands at [Files.Upload].
func (f Files) UploadFile(ctx context.Context, path, purpose string, opts ...CallOption) (File, error) {
	const call = "upload_file"
	cPath, refused := cText(call, "path", path)
	if refused != nil {
		return File{}, refused
	}
	cPurpose, refused := cText(call, "purpose", purpose)
	if refused != nil {
		return File{}, refused
	}
	t := &transfer{}
	answer, failure := f.handle.call(ctx, request{name: call, opts: opts, transfer: t}, func(call *inLibrary) C.mmx_status {
		return t.uploadFile(call, cPath, cPurpose)
	})
	return uploaded(call, answer, failure)
}

func uploaded(call string, answer json.RawMessage, failure *Error) (File, error) {
	if failure != nil {
		return File{}, failure
	}
	file, failure := theFile(call, answer)
	if failure != nil {
		// It is stored, but nobody knows as what.
		failure.Ambiguous, failure.Attempts = true, 1
		return File{}, failure
	}
	return file, nil
}

// measure finds out how many bytes the reader has, and the way back to where it stands; -1 is not known.
func (t *transfer) measure(call string) (size int64, failure *Error) {
	if buffer, ok := t.reader.(*bytes.Buffer); ok {
		return int64(buffer.Len()), nil
	}
	seeker, ok := t.reader.(io.Seeker)
	if file, isFile := t.reader.(*os.File); !ok || isFile && !isRegular(file) {
		return -1, nil
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1, nil // Not every Seeker can.
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		end = -1
	}
	t.again = func() error {
		_, err := seeker.Seek(start, io.SeekStart)
		return err
	}
	if err := t.again(); err != nil {
		failure := refusal(call, C.MMX_ERROR_FILE, "the Reader can't go back to where it stood")
		failure.err = err
		return 0, failure
	}
	if end < 0 {
		return -1, nil
	}
	return max(0, end-start), nil
}

func isRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// neverStuck tells of readers and writers that come to an end whatever happens.
func neverStuck(value any) bool {
	switch value := value.(type) {
	case *os.File:
		return isRegular(value)
	case *bytes.Buffer, *bytes.Reader, *strings.Reader:
		return true
	}
	return value == io.Discard
}
