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
	// JSON is the service's answer as it came, unknown fields included.
	JSON json.RawMessage
}

// Delete deletes one file, which was uploaded or made for purpose: one of PurposeVoiceClone and so on, or a newer one.
//
// It sends one request and doesn't repeat it. Where an [*Error] is Ambiguous, the file may be gone all the same.
func (f Files) Delete(ctx context.Context, id int64, purpose string, opts ...CallOption) (DeleteResult, error) {
	const call = "delete_file"
	text, refused := cText(call, "purpose", purpose)
	if refused != nil {
		return DeleteResult{}, refused
	}
	result := DeleteResult{FileID: id}
	failure := f.handle.call(ctx, call, opts, func(client *C.mmx_client, options *C.mmx_call_options) *Error {
		var answer *C.char
		var failure *C.mmx_error
		status := C.mmx_delete_file(client, C.int64_t(id), cPointer(text), options, &answer, &failure)
		if status != C.MMX_OK {
			return takeError(status, failure)
		}
		result.JSON = takeText(answer)
		return nil
	})
	if failure != nil {
		return DeleteResult{}, failure
	}
	return result, nil
}
