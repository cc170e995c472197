package mmx

// #include <mmx.h>
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
)

// Download is what a download came to.
type Download struct {
	FileID int64
	// Bytes is how many were written in the end.
	Bytes       int64
	ContentType string
	// Resumed is how often a download that was cut went on where it was cut.
	Resumed int
	// Via is "retrieve_content", or "download_url" with [WithViaDownloadURL].
	Via     string
	TraceID string
	// Raw is all that the library tells, as JSON.
	Raw json.RawMessage
}

// Download writes a file to w as it comes, and leaves w open. A failed download may have written a part.
//
// A download that was cut goes on where it was cut, if the service can send the rest of the same file. Else it begins
// anew where w allows it: w is a [bytes.Buffer], or stands at its end and has Seek and Truncate, as an [os.File] does.
//
// What a Write fails with is what the returned [*Error] unwraps to; a panic in it comes out of Download. The end of ctx
// ends the call also while a Write is stuck, which is then left behind: don't use w again after that.
func (f Files) Download(ctx context.Context, id int64, w io.Writer, opts ...CallOption) (Download, error) {
	const call = "download_stream"
	if w == nil {
		return Download{}, badArgument(call, "w", "must not be nil")
	}
	t := &transfer{writer: w, again: restart(w), direct: neverStuck(w)}
	answer, failure := f.handle.call(ctx, request{name: call, opts: opts, transfer: t}, func(call *inLibrary) C.mmx_status {
		return t.downloadStream(call, id)
	})
	return downloaded(call, answer, failure)
}

// DownloadFile writes a file to path: the target is whole or untouched. The name that the service has for the file plays
// no part.
//
// An existing target keeps its mode; what a symlink leads to is written; a device or a pipe is written straight.
func (f Files) DownloadFile(ctx context.Context, id int64, path string, opts ...CallOption) (Download, error) {
	const call = "download_file"
	cPath, refused := cText(call, "path", path)
	if refused != nil {
		return Download{}, refused
	}
	t := &transfer{}
	answer, failure := f.handle.call(ctx, request{name: call, opts: opts, transfer: t}, func(call *inLibrary) C.mmx_status {
		return t.downloadFile(call, id, cPath)
	})
	return downloaded(call, answer, failure)
}

func downloaded(call string, answer json.RawMessage, failure *Error) (Download, error) {
	if failure != nil {
		return Download{}, failure
	}
	var read struct {
		FileID      int64 `json:"file_id"`
		Bytes       int64
		ContentType string `json:"content_type"`
		Resumed     int
		Via         string
		TraceID     string `json:"trace_id"`
	}
	if err := json.Unmarshal(answer, &read); err != nil {
		return Download{}, refusal(call, C.MMX_ERROR_INTERNAL, "the library's JSON can't be read: "+err.Error())
	}
	return Download{read.FileID, read.Bytes, read.ContentType, read.Resumed, read.Via, read.TraceID, answer}, nil
}

// restart is the way back to where w stands, without what was written since; nil where there is none. What lies behind
// where w stands would be lost: then there is none either.
func restart(w io.Writer) func() error {
	if buffer, ok := w.(*bytes.Buffer); ok {
		length := buffer.Len()
		return func() error {
			buffer.Truncate(length)
			return nil
		}
	}
	file, ok := w.(interface {
		io.Seeker
		Truncate(size int64) error
	})
	if osFile, isFile := w.(*os.File); !ok || isFile && !isRegular(osFile) {
		return nil
	}
	start, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	end, err := file.Seek(0, io.SeekEnd)
	if _, back := file.Seek(start, io.SeekStart); err != nil || back != nil || start != end {
		return nil
	}
	return func() error {
		if err := file.Truncate(start); err != nil {
			return err
		}
		_, err := file.Seek(start, io.SeekStart)
		return err
	}
}
