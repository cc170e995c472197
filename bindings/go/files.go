package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"encoding/json"
)

// The purposes known when this was made. The service takes new ones every few months: any other word may be given.
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

// DeleteResult is what a delete came to.
type DeleteResult struct {
	// FileID is the file that is gone.
	FileID int64
	// JSON is the service's answer as it came, unknown fields included. Where that was lost, and the file seen to be gone,
	// it is {"file_id": …, "evidence": "retrieve"}.
	JSON json.RawMessage
}

// Delete deletes one file, which was uploaded or made for purpose: one of PurposeVoiceClone and so on, or a newer one.
//
// It goes again, up to [WithMaxAttempts] requests, where nothing was sent, where no answer came, and after refusals
// that pass, as for the rate. Where an answer was lost, an error of the next attempt is checked by a look at the file:
// one that is gone is a success. Where an [*Error] is Ambiguous, the file may be gone all the same.
func (f Files) Delete(ctx context.Context, id int64, purpose string, opts ...CallOption) (DeleteResult, error) {
	const call = "delete_file"
	text, refused := cText(call, "purpose", purpose)
	if refused != nil {
		return DeleteResult{}, refused
	}
	answer, failure := f.handle.call(ctx, request{name: call, opts: opts}, func(call *inLibrary) C.mmx_status {
		return C.mmx_delete_file(call.client, C.int64_t(id), cPointer(text), call.options, &call.answer, &call.failure)
	})
	if failure != nil {
		return DeleteResult{}, failure
	}
	return DeleteResult{FileID: id, JSON: answer}, nil
}

// List tells of every file of a purpose, or with "" of every file. There is no paging: the one answer has them all. No
// files are an empty list; a listing that failed is always an error.
func (f Files) List(ctx context.Context, purpose string, opts ...CallOption) ([]File, error) {
	const call = "list_files"
	text, refused := cText(call, "purpose_or_null", purpose)
	if refused != nil {
		return nil, refused
	}
	if purpose == "" {
		text = nil
	}
	answer, failure := f.handle.call(ctx, request{name: call, opts: opts}, func(call *inLibrary) C.mmx_status {
		return C.mmx_list_files(call.client, cPointer(text), call.options, &call.answer, &call.failure)
	})
	if failure != nil {
		return nil, failure
	}
	var files []File
	if failure := part(call, answer, "files", &files); failure != nil {
		return nil, failure
	}
	if files == nil {
		files = []File{}
	}
	return files, nil
}

// Retrieve tells of one file. An answer about another file is [ErrProtocol].
func (f Files) Retrieve(ctx context.Context, id int64, opts ...CallOption) (File, error) {
	const call = "retrieve_file"
	answer, failure := f.handle.call(ctx, request{name: call, opts: opts}, func(call *inLibrary) C.mmx_status {
		return C.mmx_retrieve_file(call.client, C.int64_t(id), call.options, &call.answer, &call.failure)
	})
	if failure != nil {
		return File{}, failure
	}
	file, failure := theFile(call, answer)
	if failure != nil {
		return File{}, failure
	}
	return file, nil
}
