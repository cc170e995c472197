package mmx

/*
#include <mmx.h>

// The pointer to the facts is an argument, because Go memory must not contain it.
static mmx_call_options with_info(const mmx_call_options *options, mmx_call_info *info) {
	mmx_call_options all = *options;
	all.info = info;
	return all;
}

static mmx_status delete_file(const mmx_client *client, int64_t id, const char *purpose, const mmx_call_options *options,
		mmx_call_info *info, char **json, mmx_error **error) {
	mmx_call_options all = with_info(options, info);
	return mmx_delete_file(client, id, purpose, &all, json, error);
}

static mmx_status list_files(const mmx_client *client, const char *purpose, const mmx_call_options *options,
		mmx_call_info *info, char **json, mmx_error **error) {
	mmx_call_options all = with_info(options, info);
	return mmx_list_files(client, purpose, &all, json, error);
}

static mmx_status retrieve_file(const mmx_client *client, int64_t id, const mmx_call_options *options,
		mmx_call_info *info, char **json, mmx_error **error) {
	mmx_call_options all = with_info(options, info);
	return mmx_retrieve_file(client, id, &all, json, error);
}

static mmx_status wait_file(const mmx_client *client, int64_t id, const mmx_call_options *options, mmx_call_info *info,
		char **json, mmx_error **error) {
	mmx_call_options all = with_info(options, info);
	return mmx_wait_file(client, id, &all, json, error);
}
*/
import "C"

import (
	"strings"
	"time"
	"unsafe"
)

// CallInfo has facts about a call, for support and statistics. All are zero if nothing of the call reached the library.
type CallInfo struct {
	// HTTPStatus is that of the last response, 0 when there was none.
	HTTPStatus int
	// Attempts is how many requests were sent, or tried.
	Attempts int
	// TraceID is the id under which the service knows the request: its support asks for it, also when a call succeeded.
	// It is that of the last response; "" when there was none.
	TraceID string
	// Evidence is how it is known that a file was deleted: "answer" (of the delete) or "retrieve"; "" of other calls.
	Evidence string
	// Elapsed is how long the call took, without its time in the queue.
	Elapsed time.Duration
}

func newCallInfo(lent *C.mmx_call_info) CallInfo {
	return CallInfo{
		HTTPStatus: int(lent.http_status), Attempts: int(lent.attempts), TraceID: C.GoString(&lent.trace_id[0]),
		Evidence: evidence(&lent.evidence[0]), Elapsed: time.Duration(lent.elapsed_ms) * time.Millisecond,
	}
}

// evidence allocates nothing for the words that this version knows.
func evidence(lent *C.char) string {
	word := unsafe.String((*byte)(unsafe.Pointer(lent)), len(C.mmx_call_info{}.evidence))
	for _, known := range []string{"", "answer", "retrieve", "list"} {
		if strings.HasPrefix(word, known) && word[len(known)] == 0 {
			return known
		}
	}
	return C.GoString(lent)
}

// refuse returns the failure of a call that isn't made, of which there are no facts.
func refuse(opts []CallOption, failure *Error) *Error {
	chosen(opts).inform(CallInfo{})
	return failure
}

func chosen(opts []CallOption) (chosen callOptions) {
	for _, option := range opts {
		option(&chosen)
	}
	return chosen
}

func (o callOptions) inform(info CallInfo) {
	if o.info != nil {
		*o.info = info
	}
}

func (c *cCall) deleteFile(id int64, purpose []byte) C.mmx_status {
	return C.delete_file(c.client, C.int64_t(id), cPointer(purpose), c.options, &c.info, &c.response, &c.failure)
}

func (c *cCall) listFiles(purpose []byte) C.mmx_status {
	return C.list_files(c.client, cPointer(purpose), c.options, &c.info, &c.response, &c.failure)
}

func (c *cCall) retrieveFile(id int64) C.mmx_status {
	return C.retrieve_file(c.client, C.int64_t(id), c.options, &c.info, &c.response, &c.failure)
}

func (c *cCall) waitFile(id int64) C.mmx_status {
	return C.wait_file(c.client, C.int64_t(id), c.options, &c.info, &c.response, &c.failure)
}
