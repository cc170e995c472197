package mmx

/*
#include <mmx.h>

// In callbacks.go.
extern void mmxGoLog(uintptr_t listener, int32_t level, char *line);

// Who hears of the call that this thread makes: a handle, which is a number. The client keeps nothing of Go's.
static __thread uintptr_t listening;

static uintptr_t set_listening(uintptr_t listener) {
	uintptr_t before = listening;
	listening = listener;
	return before;
}
static bool is_listening(void) { return listening != 0; }

static void to_log(void *unused, int32_t level, const char *line) {
	(void)unused;
	if (listening) mmxGoLog(listening, level, (char *)line);
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

// WithLogger has what happens in the client's calls told to logger: each attempt, answer, wait and connection at
// [slog.LevelDebug], a download that goes on where it was cut at [slog.LevelInfo], what is sent again or settled after
// a lost answer at [slog.LevelWarn], a call that failed at [slog.LevelError]. The message is "mmx: " and the event; the
// attributes are those of mmx_config_set_logger in mmx.h, whose numbers are numbers here. The key and signed links are
// in none. nil is no logger.
//
// The handler is asked at the begin of each call for the least important level that it is enabled for, and costs
// nothing below that; and again at each event. It gets the call's context. It runs on the goroutine that makes the
// call, in [Files.DeleteAll] and [Files.Prune] on one beside it, with nothing locked: it may take its time, wait for a
// lock, and call the package, which tells of those calls, too, if their client has a logger.
//
// A panic in it cancels the call and comes out of it; the handler is told nothing more of that call. It must not end
// its goroutine (runtime.Goexit, FailNow of a test): what the call holds, such as its connection, would be lost.
func WithLogger(logger *slog.Logger) Option {
	return func(config *config) *Error {
		config.log = nil
		if logger != nil {
			config.log = logger.Handler()
		}
		return nil
	}
}

// logFrom has the clients to come tell of level and what is more important.
func (c *config) logFrom(level int) *Error {
	var failure *C.mmx_error
	return taken(C.set_logger(c.c, C.int32_t(level), &failure), &failure)
}

func levelOf(level int) slog.Level {
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

// listener hears what the library tells of one call. nil hears nothing.
type listener struct {
	ctx   context.Context
	log   slog.Handler
	least int
	token *token
	caught
}

// listenerFor is nil where the handler wants nothing.
func (h *handle) listenerFor(ctx context.Context) *listener {
	if h.log == nil {
		return nil
	}
	for least := levels - 1; least > 0; least-- {
		if h.log.Enabled(ctx, levelOf(least)) {
			return &listener{ctx: ctx, log: h.log, least: least}
		}
	}
	return nil
}

// level is that of the client that the call is made with.
func (l *listener) level() int {
	if l == nil {
		return 0
	}
	return l.least
}

// hear makes a call on this thread, and hears of it meanwhile.
func (l *listener) hear(token *token, send func() C.mmx_status) C.mmx_status {
	if l == nil {
		return send()
	}
	l.token = token
	handle := cgo.NewHandle(l)
	defer handle.Delete()
	// Unlocked when it returns only: a thread that a Goexit leaves is not used again.
	runtime.LockOSThread()
	before := C.set_listening(C.uintptr_t(handle))
	status := send()
	C.set_listening(before)
	runtime.UnlockOSThread()
	return status
}

// isListening tells whether this is called by a handler, in the middle of a call: that goroutine is bound to its
// thread.
func isListening() bool {
	return bool(C.is_listening())
}

// tell has the handler run, with the library's frames below it.
func (l *listener) tell(level int, line string) {
	if l.caught.is() {
		return
	}
	l.caught.catch(func() {
		if level := levelOf(level); l.log.Enabled(l.ctx, level) {
			// A handler's error has nobody to go to, as in slog.
			_ = l.log.Handle(l.ctx, recordOf(level, line))
		}
	})
	if l.caught.is() {
		C.mmx_cancel_trigger(l.token.c)
	}
}

func (l *listener) hasPanicked() bool {
	return l != nil && l.caught.is()
}

func (l *listener) rethrow() {
	if l != nil {
		l.caught.rethrow()
	}
}

// recordOf reads a line of the library: one JSON object.
func recordOf(level slog.Level, line string) slog.Record {
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
			attributes = append(attributes, slog.Attr{Key: name.(string), Value: typed(value)})
		}
	}
	record := slog.NewRecord(time.Now(), level, message, 0)
	record.AddAttrs(attributes...)
	return record
}

func typed(value any) slog.Value {
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
