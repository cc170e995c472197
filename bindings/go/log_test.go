package mmx_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/libmmx/mmx"
)

// noted is a handler that keeps its records from a level on.
type noted struct {
	level slog.LevelVar
	asked atomic.Int64
	// Run for each record, without locks held.
	then func(context.Context, slog.Record)

	mutex   sync.Mutex
	records []slog.Record
}

func (n *noted) Enabled(_ context.Context, level slog.Level) bool {
	n.asked.Add(1)
	return level >= n.level.Level()
}

func (n *noted) Handle(ctx context.Context, record slog.Record) error {
	n.mutex.Lock()
	n.records = append(n.records, record)
	n.mutex.Unlock()
	if n.then != nil {
		n.then(ctx, record)
	}
	return fmt.Errorf("nobody reads this")
}

func (n *noted) WithAttrs([]slog.Attr) slog.Handler { panic("not asked for") }
func (n *noted) WithGroup(string) slog.Handler      { panic("not asked for") }

// take returns the messages since the last take, without "mmx: ".
func (n *noted) take() (events []string, records []slog.Record) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	records, n.records = n.records, nil
	for _, record := range records {
		events = append(events, strings.TrimPrefix(record.Message, "mmx: "))
	}
	return events, records
}

func logged(level slog.Level, account account, options ...mmx.Option) (*noted, *mmx.Client) {
	log := &noted{}
	log.level.Set(level)
	return log, account.client(append(options, mmx.WithLogger(slog.New(log)))...)
}

// debugAlone is enabled for Debug only.
type debugAlone struct{ *noted }

func (debugAlone) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelDebug }

func attributes(record slog.Record) map[string]slog.Value {
	values := map[string]slog.Value{}
	record.Attrs(func(attribute slog.Attr) bool {
		values[attribute.Key] = attribute.Value
		return true
	})
	return values
}

func deleteID(client *mmx.Client, id int64) error {
	_, err := client.Files.Delete(background, id, mmx.PurposeVoiceClone)
	return err
}

func TestLogEvents(t *testing.T) {
	account := newAccount(t)
	account.addFiles(3)
	log, client := logged(slog.LevelDebug, account)
	must(t, deleteID(client, 1))
	events, records := log.take()
	if !slices.Equal(events, []string{"attempt", "connection", "answer"}) {
		t.Fatal(events)
	}
	for _, record := range records {
		if record.Level != slog.LevelDebug || record.Time.IsZero() || attributes(record)["call"].String() != "delete_file" {
			t.Error(record)
		}
	}
	answer := attributes(records[2])
	for name, kind := range map[string]slog.Kind{
		"attempt": slog.KindInt64, "http_status": slog.KindInt64, "ms": slog.KindInt64, "trace_id": slog.KindString,
	} {
		if answer[name].Kind() != kind {
			t.Errorf("%s is %v", name, answer[name].Kind())
		}
	}
	if answer["http_status"].Int64() != 200 || answer["trace_id"].String() != account.last().TraceID {
		t.Error(answer)
	}

	// Each at its level.
	account.script(fault{"call": "delete", "close_before_answer": "rst"})
	must(t, deleteID(client, 2))
	levels := map[string]slog.Level{}
	_, records = log.take()
	for _, record := range records {
		levels[strings.TrimPrefix(record.Message, "mmx: ")] = record.Level
	}
	account.script(fault{"code": 1004})
	is(t, deleteID(client, 3), mmx.ErrAuthentication)
	events, records = log.take()
	last := records[len(records)-1]
	levels[strings.TrimPrefix(last.Message, "mmx: ")] = last.Level
	for event, level := range map[string]slog.Level{
		"no_answer": slog.LevelDebug, "retry": slog.LevelWarn, "settling": slog.LevelWarn, "settled": slog.LevelWarn,
		"failed": slog.LevelError,
	} {
		if found, ok := levels[event]; !ok || found != level {
			t.Errorf("%s: %v %v", event, found, ok)
		}
	}
	failed := attributes(last)
	if failed["ambiguous"].Kind() != slog.KindBool || failed["api_code"].Int64() != 1004 {
		t.Error(events, failed)
	}
}

func TestLogOfADownloadThatGoesOn(t *testing.T) {
	account, _ := holding(t, 1<<20)
	account.script(fault{"call": "retrieve_content", "cut_after": 400_000})
	log, client := logged(slog.LevelInfo, account)
	_, err := client.Files.Download(background, 7, funcs{write: func(b []byte) (int, error) { return len(b), nil }})
	must(t, err)
	events, records := log.take()
	at := slices.Index(events, "resumed")
	if at < 0 || records[at].Level != slog.LevelInfo || slices.Contains(events, "attempt") {
		t.Error(events)
	}
}

// The handler's level may change from call to call, and lines below it cost nothing.
func TestLogLevels(t *testing.T) {
	account := newAccount(t)
	account.addFiles(100)
	log, client := logged(slog.LevelError+1, account)
	for id := range int64(10) {
		must(t, deleteID(client, id+1))
	}
	if events, _ := log.take(); len(events) != 0 || log.asked.Load() != 10*4 {
		t.Errorf("%v, asked %d times", events, log.asked.Load())
	}
	log.level.Set(slog.LevelDebug)
	must(t, deleteID(client, 11))
	if events, _ := log.take(); len(events) != 3 {
		t.Error(events)
	}
	for level, wanted := range map[slog.Level][]string{
		slog.LevelInfo: {"retry", "settling", "settled"}, slog.LevelWarn: {"retry", "settling", "settled"},
		slog.LevelError: nil,
	} {
		log.level.Set(level)
		account.script(fault{"call": "delete", "close_before_answer": "rst"})
		must(t, deleteID(client, 20+int64(level)))
		if events, _ := log.take(); !slices.Equal(events, wanted) {
			t.Errorf("%v: %v", level, events)
		}
	}
	// Enabled is called again at each event.
	account.script(fault{"call": "delete", "close_before_answer": "rst"})
	must(t, deleteID(account.client(mmx.WithLogger(slog.New(debugAlone{log}))), 50))
	if events, _ := log.take(); len(events) == 0 || slices.Contains(events, "retry") {
		t.Error(events)
	}
	must(t, deleteID(account.client(mmx.WithLogger(slog.New(log)), mmx.WithLogger(nil)), 51))
	if events, _ := log.take(); len(events) != 0 {
		t.Error(events)
	}
}

func TestLogHasTheCallsContext(t *testing.T) {
	type key struct{}
	account := newAccount(t)
	log, client := logged(slog.LevelDebug, account)
	told := 0
	log.then = func(ctx context.Context, _ slog.Record) {
		if ctx.Value(key{}) == "request 7" {
			told++
		}
	}
	_, err := client.Files.Delete(context.WithValue(background, key{}, "request 7"), seeded, mmx.PurposeVoiceClone)
	must(t, err)
	if told != 3 {
		t.Errorf("told %d times", told)
	}
}

// A handler with a lock that makes calls, while many goroutines log.
func TestLogFromManyGoroutines(t *testing.T) {
	const workers, calls = 16, 8
	type inside struct{}
	account := newAccount(t)
	account.addFiles(workers * calls)
	before := runtime.NumGoroutine()
	log, client := logged(slog.LevelDebug, account)
	quiet := account.client()
	var lock sync.Mutex
	var listed, ids atomic.Int64
	log.then = func(ctx context.Context, record slog.Record) {
		if ctx.Value(inside{}) != nil {
			return
		}
		lock.Lock()
		defer lock.Unlock()
		switch record.Message {
		case "mmx: attempt":
			if _, err := quiet.Files.List(ctx, mmx.PurposePromptAudio); err != nil {
				t.Error(err)
			}
		case "mmx: answer":
			// These calls are logged to it as well.
			ctx, cancel := context.WithCancel(context.WithValue(ctx, inside{}, true))
			defer cancel()
			if _, err := client.Files.List(ctx, mmx.PurposePromptAudio); err != nil {
				t.Error(err)
			}
			listed.Add(1)
		}
	}
	together(workers, func(int) {
		for range calls {
			if err := deleteID(client, ids.Add(1)); err != nil {
				t.Error(err)
			}
		}
	})
	events, _ := log.take()
	if listed.Load() != workers*calls || len(events) != 2*3*workers*calls {
		t.Errorf("%d lists, %d events", listed.Load(), len(events))
	}
	goroutinesBackTo(t, before)
}

// A handler that makes calls has a slot already.
func TestLogWithEveryPlaceTaken(t *testing.T) {
	account := newAccount(t)
	account.addFiles(1)
	log, client := logged(slog.LevelDebug, account)
	log.then = func(_ context.Context, record slog.Record) {
		if record.Message != "mmx: answer" {
			return
		}
		if _, err := account.client().Files.List(background, ""); err != nil {
			t.Error(err)
		}
	}
	for range mmx.MaxThreads - 1 {
		mmx.Slots <- struct{}{}
	}
	must(t, deleteID(client, 1))
	if len(mmx.Slots) != mmx.MaxThreads-1 {
		t.Errorf("%d places are taken", len(mmx.Slots))
	}
	for range mmx.MaxThreads - 1 {
		<-mmx.Slots
	}
	account.sent(2)
}

func TestAPanicOfAHandlerComesOut(t *testing.T) {
	account, _ := holding(t, 1<<20)
	account.addFiles(2)
	value := &struct{ text string }{"as it was"}
	log, client := logged(slog.LevelDebug, account)
	before := runtime.NumGoroutine()
	panics := func(event string) {
		log.take()
		log.then = func(_ context.Context, record slog.Record) {
			if record.Message == "mmx: "+event {
				panic(value)
			}
		}
	}
	for event, call := range map[string]func(){
		"attempt":    func() { deleteID(client, 1) },
		"connection": func() { client.Files.List(background, "") },
		"answer": func() {
			client.Files.Download(background, 7, funcs{write: func(b []byte) (int, error) { return len(b), nil }})
		},
	} {
		panics(event)
		if got := caught(call); got != value {
			t.Errorf("%s: %v", event, got)
		}
		if events, _ := log.take(); events[len(events)-1] != event {
			t.Errorf("told of %v after the panic", events)
		}
	}
	if len(mmx.Slots) != 0 {
		t.Errorf("%d places are taken", len(mmx.Slots))
	}
	// It cancels the call, which would hang.
	account.script(fault{"hang": true})
	panics("attempt")
	if got := caught(func() { deleteID(client, 2) }); got != value {
		t.Error(got)
	}
	account.control("DELETE", "faults", nil)
	log.then = nil
	must(t, deleteID(client, seeded))
	goroutinesBackTo(t, before)
}

// As documented, the call's connection leaks, and nothing else does.
func TestAGoexitOfAHandlerGoesOn(t *testing.T) {
	account := newAccount(t)
	account.addFiles(1)
	log, client := logged(slog.LevelDebug, account)
	log.then = func(context.Context, slog.Record) { runtime.Goexit() }
	returned, deferred := false, false
	together(1, func(int) {
		defer func() { deferred = true }()
		deleteID(client, 1)
		returned = true
	})
	if returned || !deferred || len(mmx.Slots) != 0 {
		t.Errorf("%t %t %d", returned, deferred, len(mmx.Slots))
	}
	log.then = nil
	must(t, deleteID(client, seeded))
	must(t, client.Close())
}
