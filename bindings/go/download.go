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

// Download is the result of a download.
type Download struct {
	FileID int64
	// Bytes is the size of the file.
	Bytes int64
	// Length is the size that the response announced; -1 if it announced none, so that nothing shows whether Bytes is all.
	Length      int64
	ContentType string
	// Resumed is how often the download was interrupted and resumed.
	Resumed int
	// Via is "retrieve_content", or "download_url" with [WithViaDownloadURL].
	Via string
	// Raw is the library's JSON.
	Raw json.RawMessage
	// CallInfo has the facts of the call, also with an error: TraceID, Attempts and so on.
	CallInfo
}

// Download writes a file to w as it comes, and leaves w open. A failed download may have written a part.
//
// A download that was interrupted is resumed, if the service can send the rest of the same file. Otherwise it is
// restarted if w allows it: w is a [bytes.Buffer], or is at its end and has Seek and Truncate, as an [os.File] has.
//
// The error of a Write is what the returned [*Error] unwraps to; a panic of it is a panic of Download. The end of ctx
// ends the call also while a Write blocks, which is then abandoned: don't use w again after that.
func (f Files) Download(ctx context.Context, id int64, w io.Writer, opts ...CallOption) (Download, error) {
	const call = "download_stream"
	if w == nil {
		return Download{}, refuse(opts, invalidArgument(call, "w", "must not be nil"))
	}
	t := &transfer{writer: w, rewind: restart(w), neverBlocks: neverBlocks(w)}
	request := request{name: call, opts: opts, transfer: t}
	response, info, failure := f.handle.call(ctx, request, func(call *cCall) C.mmx_status { return t.downloadStream(call, id) })
	return downloaded(call, response, info, failure)
}

// DownloadFile writes a file to path, which is replaced when the download is complete and not touched otherwise. The
// file's name at the service is not used.
//
// An existing target keeps its mode; a symlink is followed; a device or a pipe is written to directly.
func (f Files) DownloadFile(ctx context.Context, id int64, path string, opts ...CallOption) (Download, error) {
	const call = "download_file"
	send := func(t *transfer, call *cCall, path []byte) C.mmx_status { return t.downloadFile(call, id, path) }
	response, info, failure := f.handle.transferFile(ctx, call, path, opts, send)
	return downloaded(call, response, info, failure)
}

func downloaded(call string, response json.RawMessage, info CallInfo, failure *Error) (Download, error) {
	if failure != nil {
		return Download{CallInfo: info}, failure
	}
	var read struct {
		FileID      int64 `json:"file_id"`
		Bytes       int64
		Length      *int64
		ContentType string `json:"content_type"`
		Resumed     int
		Via         string
	}
	if err := json.Unmarshal(response, &read); err != nil {
		return Download{CallInfo: info}, newError(call, C.MMX_ERROR_INTERNAL, "the library's JSON can't be read: "+err.Error())
	}
	length := int64(-1)
	if read.Length != nil {
		length = *read.Length
	}
	return Download{read.FileID, read.Bytes, length, read.ContentType, read.Resumed, read.Via, response, info}, nil
}

// restart returns a function that removes what was written since now; nil if w can't do that, or if data follows its
// position, which would be lost.
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
