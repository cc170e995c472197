package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"encoding/json"
)

// TakeResult is the result of a take.
type TakeResult struct {
	Download
	// Path is the file on this disk, which is whole, also with an error; "" if it is not there.
	Path string
	// Deleted is whether the file is gone at the service. Without, it is still there, unless the [*Error] is Ambiguous:
	// then it may be gone.
	Deleted bool
	// Delete is the service's response to the delete, as in DeleteResult.JSON, or nil.
	Delete json.RawMessage
}

// Take downloads a file to path, and deletes it at the service once it is whole on this disk: after its length was verified,
// and file and folder were flushed. purpose is as for [Files.Delete]: with "" it is found out.
//
// If a step fails, the file is not deleted, and the error's message says what is where: if the result has a Path, the whole
// file is there. The target must be a regular file, or not exist. A file that somebody else has deleted meanwhile counts as
// deleted. With a ledger, [Client.Sweep] carries out a delete that a crash prevented. A time limit bounds both parts.
func (f Files) Take(ctx context.Context, id int64, path, purpose string, opts ...CallOption) (TakeResult, error) {
	const call = "take_file"
	cPurpose, refused := cTextOrNull(call, "purpose", purpose)
	if refused != nil {
		return TakeResult{}, refuse(opts, refused)
	}
	send := func(t *transfer, call *cCall, path []byte) C.mmx_status { return t.takeFile(call, id, cPurpose, path) }
	response, info, failure := f.handle.transferFile(ctx, call, path, opts, send)
	if response == nil && failure != nil {
		return TakeResult{Download: Download{CallInfo: info}}, failure
	}
	download, err := downloaded(call, response, info, nil)
	result := TakeResult{Download: download}
	var read struct {
		Path    string
		Deleted bool
		Delete  json.RawMessage
	}
	if err == nil && json.Unmarshal(response, &read) == nil {
		result.Path, result.Deleted = read.Path, read.Deleted
		if string(read.Delete) != "null" {
			result.Delete = read.Delete
		}
	}
	if failure != nil {
		return result, failure
	}
	return result, err
}
