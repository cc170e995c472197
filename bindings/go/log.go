package mmx

/*
#include <mmx.h>

// In callbacks.go.
extern void mmxGoLog(uintptr_t logger, int32_t level, char *line);

// The handle of the logger of the call that this thread makes.
static __thread uintptr_t call_logger;

static uintptr_t set_call_logger(uintptr_t logger) {
	uintptr_t before = call_logger;
	call_logger = logger;
	return before;
}
static bool has_call_logger(void) { return call_logger != 0; }

static void to_log(void *unused, int32_t level, const char *line) {
	(void)unused;
	if (call_logger) mmxGoLog(call_logger, level, (char *)line);
}
static mmx_status set_logger(mmx_config *config, int32_t level, mmx_error **error) {
	return mmx_config_set_logger(config, to_log, NULL, level, error);
}
*/
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"runtime/cgo"
	"strconv"
	"time"
)

// levels are those of the library; 0 is none.
const levels = C.MMX_LOG_DEBUG + 1

// WithLogger logs the client's calls to logger: each attempt, response, wait and connection at [slog.LevelDebug], a
// resumed download at [slog.LevelInfo], a retry or the check after a lost response at [slog.LevelWarn], a failed call
// at [slog.LevelError]. The message is "mmx: " and the event; the attributes are those of mmx_config_set_logger in
// mmx.h. The key and signed links are in none. nil is no logger.
//
// At the start of each call the handler's lowest enabled level is determined; lines below it cost nothing. The handler
// gets the call's context. It runs on the goroutine that makes the call, in [Files.DeleteFiles] and [Files.Prune] on
// another one, without locks held: it may be slow, wait for a lock, and make calls, which are logged as well.
//
// A panic in it cancels the call and continues there; nothing more of that call is logged. It must not end its
// goroutine (runtime.Goexit, FailNow of a test): the call would leak its connection.
func WithLogger(logger *slog.Logger) Option {
	return func(config *config) *Error {
		config.log = nil
		if logger != nil {
			config.log = logger.Handler()
		}
		return nil
	}
}

// logFrom sets the lowest level that clients made after this log.
func (c *config) logFrom(level int) *Error {
	var failure *C.mmx_error
	return check(C.set_logger(c.c, C.int32_t(level), &failure), &failure)
}

func slogLevel(level int) slog.Level {
	switch level {
	case C.MMX_LOG_ERROR:
		return slog.LevelError
	case C.MMX_LOG_WARN:
		return slog.LevelWarn
	case C.MMX_LOG_INFO:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// callLogger logs one call. nil doesn't log.
type callLogger struct {
	ctx     context.Context
	handler slog.Handler
	least   int
	token   *token
	recovered
}

// callLoggerFor returns nil if the handler is not enabled for any level.
func (h *handle) callLoggerFor(ctx context.Context) *callLogger {
	if h.log == nil {
		return nil
	}
	for least := levels - 1; least > 0; least-- {
		if h.log.Enabled(ctx, slogLevel(least)) {
			return &callLogger{ctx: ctx, handler: h.log, least: least}
		}
	}
	return nil
}

// level returns the log level of the client to make the call with.
func (l *callLogger) level() int {
	if l == nil {
		return 0
	}
	return l.least
}

// during makes a call, and logs it.
func (l *callLogger) during(token *token, send func() C.mmx_status) C.mmx_status {
	if l == nil {
		return send()
	}
	l.token = token
	handle := cgo.NewHandle(l)
	defer handle.Delete()
	// Not unlocked after a Goexit, so that the runtime ends the thread.
	runtime.LockOSThread()
	before := C.set_call_logger(C.uintptr_t(handle))
	status := send()
	C.set_call_logger(before)
	runtime.UnlockOSThread()
	return status
}

// inLogHandler reports whether this is called by a log handler during a call, whose goroutine is locked to the thread.
func inLogHandler() bool {
	return bool(C.has_call_logger())
}

// log passes a line to the handler, with the library's frames on the stack.
func (l *callLogger) log(level int, line string) {
	if l.recovered.any() {
		return
	}
	l.recovered.run(func() {
		if level := slogLevel(level); l.handler.Enabled(l.ctx, level) {
			// A handler's error is ignored, as in slog.
			_ = l.handler.Handle(l.ctx, parseRecord(level, line))
		}
	})
	if l.recovered.any() {
		C.mmx_cancel_trigger(l.token.c)
	}
}

func (l *callLogger) hasPanicked() bool {
	return l != nil && l.recovered.any()
}

func (l *callLogger) resume() {
	if l != nil {
		l.recovered.resume()
	}
}

// parseRecord makes a record of a line of the library, which is one JSON object.
func parseRecord(level slog.Level, line string) slog.Record {
	message := line
	var attributes []slog.Attr
	decoder := json.NewDecoder(bytes.NewReader([]byte(line)))
	decoder.UseNumber()
	for _, err := decoder.Token(); err == nil && decoder.More(); {
		var name json.Token
		var value any
		if name, err = decoder.Token(); err == nil {
			err = decoder.Decode(&value)
		}
		switch event, isText := value.(string); {
		case err != nil:
		case name == "event" && isText:
			message = "mmx: " + event
		default:
			attributes = append(attributes, slog.Attr{Key: name.(string), Value: slogValue(value)})
		}
	}
	record := slog.NewRecord(time.Now(), level, message, 0)
	record.AddAttrs(attributes...)
	return record
}

func slogValue(value any) slog.Value {
	number, ok := value.(json.Number)
	if !ok {
		return slog.AnyValue(value)
	}
	if whole, err := number.Int64(); err == nil {
		return slog.Int64Value(whole)
	}
	if whole, err := strconv.ParseUint(number.String(), 10, 64); err == nil {
		return slog.Uint64Value(whole)
	}
	float, _ := number.Float64()
	return slog.Float64Value(float)
}
