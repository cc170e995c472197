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

// UploadParams describes the content of an upload.
type UploadParams struct {
	// Purpose is one of PurposeVoiceClone and so on, or a newer one.
	Purpose string
	// Filename is the name at the service, with an extension that fits. The default for an [os.File] is its own.
	Filename string
	// Size is the number of bytes, if the Reader can't tell and the caller knows it; else 0. If the Reader has fewer or
	// more, the error is [ErrFile], and nothing is stored.
	Size int64
}

// Upload uploads the content of r from its position to its end, and leaves r open.
//
// The size of an [io.Seeker] or a [bytes.Buffer] is known; without a size the bytes are sent in chunks. The error of a
// Read is what the returned [*Error] unwraps to, and nothing is stored; a panic of it is a panic of Upload.
//
// The end of ctx ends the call also while a Read blocks, which is then abandoned: don't use r again after that.
//
// It is retried, up to [WithMaxAttempts] requests, if nothing can have been stored and r can seek to its start
// position: the connection broke before the last byte was sent, or the service refused it because of a rate limit. If
// an [*Error] is Ambiguous, the file may have been stored; [WithReconcile] looks for it.
func (f Files) Upload(ctx context.Context, r io.Reader, params UploadParams, opts ...CallOption) (File, error) {
	const call = "upload_stream"
	if r == nil {
		return File{}, refuse(opts, invalidArgument(call, "r", "must not be nil"))
	}
	if params.Size < 0 {
		return File{}, refuse(opts, invalidArgument(call, "size", "must not be negative"))
	}
	if file, ok := r.(*os.File); ok && file != nil && params.Filename == "" {
		params.Filename = filepath.Base(file.Name())
	}
	filename, refused := cText(call, "filename", params.Filename)
	if refused != nil {
		return File{}, refuse(opts, refused)
	}
	purpose, refused := cText(call, "purpose", params.Purpose)
	if refused != nil {
		return File{}, refuse(opts, refused)
	}
	t := &transfer{reader: r, neverBlocks: neverBlocks(r)}
	size, failure := t.measure(call)
	if failure != nil {
		return File{}, refuse(opts, failure)
	}
	if params.Size > 0 {
		size = params.Size
	}
	request := request{name: call, opts: opts, transfer: t}
	response, info, failure := f.handle.call(ctx, request, func(call *cCall) C.mmx_status {
		return t.uploadStream(call, size, filename, purpose)
	})
	return uploaded(call, response, info, failure)
}

// UploadFile uploads a local file under its own name.
//
// A file that can't be read, or whose size changes meanwhile, is an [ErrFile], and nothing is stored. Retries and
// Ambiguous are as for [Files.Upload].
func (f Files) UploadFile(ctx context.Context, path, purpose string, opts ...CallOption) (File, error) {
	const call = "upload_file"
	cPurpose, refused := cText(call, "purpose", purpose)
	if refused != nil {
		return File{}, refuse(opts, refused)
	}
	send := func(t *transfer, call *cCall, path []byte) C.mmx_status { return t.uploadFile(call, path, cPurpose) }
	response, info, failure := f.handle.transferFile(ctx, call, path, opts, send)
	return uploaded(call, response, info, failure)
}

func uploaded(call string, response json.RawMessage, info CallInfo, failure *Error) (File, error) {
	if failure != nil {
		return File{}, failure
	}
	file, failure := parseFile(call, response, info)
	if failure != nil {
		// It is stored, under an unknown id.
		failure.Ambiguous, failure.Attempts = true, info.Attempts
		return File{}, failure
	}
	return file, nil
}

// measure returns how many bytes the reader has, or -1, and sets how to rewind it.
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
	t.rewind = func() error {
		_, err := seeker.Seek(start, io.SeekStart)
		return err
	}
	if err := t.rewind(); err != nil {
		failure := newError(call, C.MMX_ERROR_FILE, "the Reader can't seek to its start position")
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

// neverBlocks reports whether reads and writes of a value always return.
func neverBlocks(value any) bool {
	switch value := value.(type) {
	case *os.File:
		return isRegular(value)
	case *bytes.Buffer, *bytes.Reader, *strings.Reader:
		return true
	}
	return value == io.Discard
}
