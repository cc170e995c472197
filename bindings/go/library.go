package mmx

/*
#cgo linux LDFLAGS: -ldl
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <string.h>
#include <mmx.h>

#if MMX_ABI_VERSION != 1
#error "this package was written for MMX_ABI_VERSION 1 of mmx.h: take the package that belongs to the installed libmmx"
#endif

// The path that the library was loaded from, or NULL.
static const char *library_path(void) {
	Dl_info info;
	void *symbol = dlsym(RTLD_DEFAULT, "mmx_abi_version");
	return symbol && dladdr(symbol, &info) ? info.dli_fname : NULL;
}
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// LibraryVersion returns the version of the library that is loaded, for example "1.0.0".
func LibraryVersion() string {
	return C.GoString(C.mmx_version())
}

// checkLibrary returns an error if the loaded library has another binary interface than the header.
func checkLibrary() *Error {
	found := uint32(C.mmx_abi_version())
	if found == C.MMX_ABI_VERSION {
		return nil
	}
	return newError("client_new", C.MMX_ERROR_INTERNAL, fmt.Sprintf(
		"this program was built for libmmx %s (binary interface %d), but the library loaded is %s (binary interface %d): %s",
		C.MMX_VERSION, C.MMX_ABI_VERSION, LibraryVersion(), found, C.GoString(C.library_path())))
}

// cText returns a C string for the time of one call. Text with a NUL is an error.
func cText(call, parameter, text string) ([]byte, *Error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, invalidArgument(call, parameter, "must not hold a NUL byte")
	}
	return append(make([]byte, 0, len(text)+1), text...)[:len(text)+1], nil
}

// cTextOrNull is cText, where "" is NULL.
func cTextOrNull(call, parameter, text string) ([]byte, *Error) {
	if text == "" {
		return nil, nil
	}
	return cText(call, parameter, text)
}

func cPointer(text []byte) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(text)))
}

// takeText copies and frees a string of the library.
func takeText(text *C.char) []byte {
	if text == nil {
		return nil
	}
	defer C.mmx_string_free(text)
	return append([]byte{}, unsafe.Slice((*byte)(unsafe.Pointer(text)), C.strlen(text))...)
}

// milliseconds rounds up, so that no time limit becomes 0, which is the default; NoTimeout is -1.
func milliseconds(timeout time.Duration) C.int64_t {
	switch {
	case timeout == NoTimeout:
		return -1
	case timeout < 0: // Invalid in C, also if it would round to -1.
		return C.int64_t(min(timeout/time.Millisecond, -2))
	case timeout%time.Millisecond == 0:
		return C.int64_t(timeout / time.Millisecond)
	}
	return C.int64_t(timeout/time.Millisecond + 1)
}

// count converts n to 32 bits; a number outside them means the same as the nearest one.
func count(n int) C.int32_t {
	return C.int32_t(max(math.MinInt32, min(n, math.MaxInt32)))
}

func statusName(status int) string {
	return C.GoString(C.mmx_status_name(C.mmx_status(status)))
}

// takeError copies and frees an error of the library.
func takeError(status C.mmx_status, failure *C.mmx_error) *Error {
	defer C.mmx_error_free(failure)
	return readError(status, failure)
}

// readError copies an error of the library.
func readError(status C.mmx_status, failure *C.mmx_error) *Error {
	made, err := parseError(int(status), takeText(C.mmx_error_json(failure)))
	if err != nil {
		made.Message = C.GoString(C.mmx_error_message(failure))
	}
	return made
}

// parseError makes an error of the library's JSON.
func parseError(status int, text []byte) (*Error, error) {
	var read struct {
		Call         string
		Message      string
		Parameter    string
		APICode      int    `json:"api_code"`
		APIMessage   string `json:"api_message"`
		HTTPStatus   int    `json:"http_status"`
		TraceID      string `json:"trace_id"`
		Attempts     int
		RetryAfterMS int64 `json:"retry_after_ms"`
		Ambiguous    bool
		Errno        int
	}
	read.RetryAfterMS = -1
	err := json.Unmarshal(text, &read)
	made := &Error{
		Status: status, StatusName: statusName(status),
		Call: read.Call, Message: read.Message, Parameter: read.Parameter,
		APICode: read.APICode, APIMessage: read.APIMessage, HTTPStatus: read.HTTPStatus, TraceID: read.TraceID,
		Attempts: read.Attempts, RetryAfter: -1, Ambiguous: read.Ambiguous,
	}
	if read.RetryAfterMS >= 0 {
		const longest = math.MaxInt64 / int64(time.Millisecond)
		made.RetryAfter = time.Duration(min(read.RetryAfterMS, longest)) * time.Millisecond
	}
	if number := syscall.Errno(read.Errno); read.Errno > 0 {
		if status == C.MMX_ERROR_FILE {
			made.file = &fs.PathError{Op: made.Call, Path: keyFile(made), Err: number}
		} else {
			made.refused = number
		}
	}
	return made, err
}

// keyFile returns the path of the key file, if it is the file that can't be read, else "".
func keyFile(failure *Error) string {
	if path, ok := strings.CutPrefix(failure.messageWithoutCall(), "the key file "); ok {
		if path, _, ok := strings.Cut(path, " can't be read: "); ok {
			return path
		}
	}
	return ""
}
