package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"encoding/json"
)

// The purposes known to this version. The service adds some every few months: any other may be given as text.
const (
	PurposeVoiceClone           = C.MMX_PURPOSE_VOICE_CLONE            // audio to clone a voice from
	PurposePromptAudio          = C.MMX_PURPOSE_PROMPT_AUDIO           // short audio that accompanies a clone
	PurposeT2AAsyncInput        = C.MMX_PURPOSE_T2A_ASYNC_INPUT        // text for asynchronous speech
	PurposeT2AAsync             = C.MMX_PURPOSE_T2A_ASYNC              // what asynchronous speech produced
	PurposeVideoGeneration      = C.MMX_PURPOSE_VIDEO_GENERATION       // what video generation produced
	PurposeVideoUnderstanding   = C.MMX_PURPOSE_VIDEO_UNDERSTANDING    // video for chat requests
	PurposeVideoGenerationInput = C.MMX_PURPOSE_VIDEO_GENERATION_INPUT // material for video generation
)

// Files has the calls of the file API. It belongs to a [Client] and is closed with it.
type Files struct {
	handle *handle
}

// DeleteResult is the result of a delete.
type DeleteResult struct {
	// FileID is the file that was deleted.
	FileID int64
	// JSON is the service's response, as it came. If that was lost, and a lookup has shown that the file is gone, it is
	// {"file_id": …, "evidence": "retrieve"}.
	JSON json.RawMessage
	// CallInfo has the facts of the call, also with an error: TraceID, Attempts, Evidence and so on.
	CallInfo
}

// Delete deletes one file. purpose is the file's purpose: one of PurposeVoiceClone and so on, or a newer one. With "" it is
// found out by a retrieve before the delete.
//
// It is retried, up to [WithMaxAttempts] requests, if nothing was sent, if there was no response, and after temporary
// refusals such as a rate limit. If a response was lost and the next attempt fails, a lookup tells whether the file is
// gone, which is a success. If an [*Error] is Ambiguous, the file may have been deleted.
func (f Files) Delete(ctx context.Context, id int64, purpose string, opts ...CallOption) (DeleteResult, error) {
	result, failure := f.delete(ctx, id, purpose, request{opts: opts})
	if failure != nil {
		return result, failure
	}
	return result, nil
}

func (f Files) delete(ctx context.Context, id int64, purpose string, request request) (DeleteResult, *Error) {
	request.name = "delete_file"
	text, refused := cTextOrNull(request.name, "purpose", purpose)
	if refused != nil {
		return DeleteResult{}, refuse(request.opts, refused)
	}
	response, info, failure := f.handle.call(ctx, request, func(call *cCall) C.mmx_status { return call.deleteFile(id, text) })
	if failure != nil {
		return DeleteResult{CallInfo: info}, failure
	}
	return DeleteResult{id, response, info}, nil
}

// List returns all files of a purpose, or with "" of all purposes. There is no paging. Without any file the list is
// empty; a failed listing is always an error.
func (f Files) List(ctx context.Context, purpose string, opts ...CallOption) ([]File, error) {
	const call = "list_files"
	text, refused := cTextOrNull(call, "purpose", purpose)
	if refused != nil {
		return nil, refuse(opts, refused)
	}
	request := request{name: call, opts: opts}
	response, info, failure := f.handle.call(ctx, request, func(call *cCall) C.mmx_status { return call.listFiles(text) })
	if failure != nil {
		return nil, failure
	}
	files, failure := parseFiles(call, response)
	if failure != nil {
		return nil, failure
	}
	for at := range files {
		files[at].Call = info
	}
	return files, nil
}

// Retrieve returns the metadata of one file. A response with another file is [ErrProtocol].
func (f Files) Retrieve(ctx context.Context, id int64, opts ...CallOption) (File, error) {
	const call = "retrieve_file"
	return f.one(ctx, call, opts, func(call *cCall) C.mmx_status { return call.retrieveFile(id) })
}

// Wait waits until the service knows a file, and returns its metadata as [Files.Retrieve] does. It is for ids that are
// handed out before their file exists, as by asynchronous speech.
//
// It asks after 1 s, 2 s, 4 s and so on, then every 15 s, within the rate limit. Only a file that isn't there is waited
// for: any other failure, such as a refused key, ends the call. So does the end of ctx, and the time limit, which is
// [DefaultTimeout] unless [WithTimeout] or [WithCallTimeout] sets another: give a long wait [NoTimeout] and a ctx with a
// deadline.
func (f Files) Wait(ctx context.Context, id int64, opts ...CallOption) (File, error) {
	const call = "wait_file"
	return f.one(ctx, call, opts, func(call *cCall) C.mmx_status { return call.waitFile(id) })
}

// one makes a call that returns one file.
func (f Files) one(ctx context.Context, call string, opts []CallOption, send func(*cCall) C.mmx_status) (File, error) {
	response, info, failure := f.handle.call(ctx, request{name: call, opts: opts}, send)
	if failure != nil {
		return File{}, failure
	}
	file, failure := parseFile(call, response, info)
	if failure != nil {
		return File{}, failure
	}
	return file, nil
}
