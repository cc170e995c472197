package mmx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// funcs is a Reader, a Writer and a Seeker made of functions.
type funcs struct {
	read, write func([]byte) (int, error)
}

func (f funcs) Read(into []byte) (int, error)  { return f.read(into) }
func (f funcs) Write(from []byte) (int, error) { return f.write(from) }

// caught returns the panic of a call.
func caught(call func()) (value any) {
	defer func() { value = recover() }()
	call()
	return nil
}

func TestAPanicComesOut(t *testing.T) {
	account, _ := holding(t, 1<<20)
	client := account.client()
	type own struct{ text string }
	value := &own{"as it was"}
	reads := 0
	late := funcs{read: func(into []byte) (int, error) {
		if reads++; reads > 3 {
			panic(value)
		}
		return len(into), nil
	}}
	bad := func([]byte) (int, error) { panic(value) }
	progress := mmx.WithProgress(func(int64, int64) { panic(value) })
	path := filepath.Join(t.TempDir(), "x")
	must(t, os.WriteFile(path, content(1<<20), 0o600))
	before := runtime.NumGoroutine()
	for name, call := range map[string]func(){
		"Read":            func() { upload(client, funcs{read: bad}) },
		"later Read":      func() { upload(client, late) },
		"Write":           func() { client.Files.Download(background, 7, funcs{write: bad}) },
		"upload progress": func() { upload(client, bytes.NewReader(content(1<<20)), progress) },
		"UploadFile":      func() { client.Files.UploadFile(background, path, "voice_clone", progress) },
		"Download":        func() { client.Files.Download(background, 7, io.Discard, progress) },
		"DownloadFile":    func() { client.Files.DownloadFile(background, 7, path+"y", progress) },
	} {
		if got := caught(call); got != value {
			t.Errorf("%s: %v", name, got)
		}
	}
	var none *runtime.Error
	got := caught(func() { upload(client, funcs{read: func([]byte) (int, error) { _ = *none; return 0, nil }}) })
	if failure, ok := got.(runtime.Error); !ok || !strings.Contains(failure.Error(), "nil pointer") {
		t.Errorf("%v", got)
	}
	if _, err := os.Stat(path + "y"); err == nil {
		t.Error("a download that panicked left its target")
	}
	if len(mmx.Slots) != 0 {
		t.Errorf("%d places are taken", len(mmx.Slots))
	}
	must(t, upload(client, strings.NewReader("x")))
	goroutinesBackTo(t, before)
	must(t, client.Close())
	is(t, upload(client, strings.NewReader("x")), mmx.ErrClosed)
}

func TestGoexitGoesOn(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	returned, deferred := false, false
	together(1, func(int) {
		defer func() { deferred = true }()
		upload(client, funcs{read: func([]byte) (int, error) { runtime.Goexit(); return 0, nil }})
		returned = true
	})
	if returned || !deferred || len(mmx.Slots) != 0 {
		t.Errorf("%t %t %d", returned, deferred, len(mmx.Slots))
	}
	must(t, upload(client, strings.NewReader("x")))
}

func TestCallsWithinACallback(t *testing.T) {
	account, want := holding(t, 1<<20)
	client := account.client()
	var got bytes.Buffer
	lists := 0
	list := func() {
		if _, err := client.Files.List(background, ""); err != nil {
			t.Error(err)
		}
		lists++
	}
	_, err := client.Files.Download(background, 7, funcs{write: func(data []byte) (int, error) {
		list()
		return got.Write(data)
	}}, mmx.WithProgress(func(int64, int64) { list() }))
	if must(t, err); hash(got.Bytes()) != want || lists < 2 {
		t.Errorf("%d lists", lists)
	}
	// A Read that makes an upload itself.
	lists = 0
	must(t, upload(client, funcs{read: func(into []byte) (int, error) {
		list()
		if err := upload(client, strings.NewReader("x")); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}}))
	if lists == 0 {
		t.Error("nothing was read")
	}
	// From a download to an upload, without a file.
	read, write := io.Pipe()
	go func() {
		_, err := client.Files.Download(background, 7, write)
		write.CloseWithError(err)
	}()
	must(t, upload(client, read))
	if sent := account.last().Upload; sent.SHA256 != want {
		t.Errorf("%+v", sent)
	}
}

func TestCancelTransfers(t *testing.T) {
	account, _ := holding(t, 64<<20)
	client := account.client()
	before := runtime.NumGoroutine()
	endless := funcs{
		read:  func(into []byte) (int, error) { return len(into), nil },
		write: func(from []byte) (int, error) { return len(from), nil },
	}
	target := filepath.Join(t.TempDir(), "x")
	up := func(r io.Reader) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.Files.Upload(ctx, r, voice)
			return err
		}
	}
	down := func(options ...mmx.CallOption) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.Files.Download(ctx, 7, endless, options...)
			return err
		}
	}
	toPath := func(ctx context.Context) error {
		_, err := client.Files.DownloadFile(ctx, 7, target)
		return err
	}
	link := mmx.WithViaDownloadURL()
	for name, test := range map[string]struct {
		fault any
		call  func(context.Context) error
	}{
		"reading": {fault{}, up(endless)},
		"sending": {fault{"stop_reading_after": 1 << 20}, up(endless)},
		"answer":  {fault{"hang": true}, up(strings.NewReader("x"))},
		"head":    {fault{"hang": true}, down()},
		"content": {fault{"hang_after": 1 << 20}, down()},
		"to path": {fault{"hang_after": 1 << 20}, toPath},
		"store":   {fault{"call": "store", "hang_after": 1 << 20}, down(link)},
		"link":    {fault{"call": "retrieve", "hang": true}, down(link)},
	} {
		t.Run(name, func(t *testing.T) {
			account.script(test.fault, test.fault)
			ctx, cancel := context.WithCancelCause(background)
			time.AfterFunc(60*time.Millisecond, func() { cancel(errWhy) })
			start := time.Now()
			is(t, test.call(ctx), mmx.ErrCancelled, context.Canceled, errWhy)
			ctx, stop := context.WithTimeout(background, 60*time.Millisecond)
			defer stop()
			is(t, test.call(ctx), mmx.ErrTimeout, context.DeadlineExceeded)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			account.control("DELETE", "faults", nil)
		})
	}
	if files, err := filepath.Glob(filepath.Join(filepath.Dir(target), "*")); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
	must(t, upload(client, strings.NewReader("x")))
	goroutinesBackTo(t, before)
}

// The last report comes after the response: the end of the context has no effect then.
func TestAnUploadThatIsAnsweredIsNotCancelled(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	before := runtime.NumGoroutine()
	for _, stuck := range []bool{false, true} {
		account.control("POST", "reset", nil)
		ctx, cancel := context.WithCancel(background)
		release := make(chan struct{})
		last := mmx.WithProgress(func(int64, int64) {
			if account.number("count?performed=1") == 1 {
				cancel()
				if stuck {
					<-release
				}
			}
		})
		file, err := client.Files.Upload(ctx, strings.NewReader("x"), voice, last)
		must(t, err)
		if file.FileID == 0 || ctx.Err() == nil {
			t.Errorf("%+v, %v", file, ctx.Err())
		}
		close(release)
	}
	goroutinesBackTo(t, before)
}

func TestCodeThatIsStuck(t *testing.T) {
	account, _ := holding(t, 1<<20)
	client := account.client()
	release, entered := make(chan struct{}), make(chan struct{}, 9)
	var left atomic.Int32
	wait := func(data []byte) (int, error) {
		left.Add(1)
		entered <- struct{}{}
		<-release
		clear(data[:min(1, len(data))])
		left.Add(-1)
		return len(data), nil
	}
	before := runtime.NumGoroutine()
	stuck := []func(context.Context, ...mmx.CallOption) error{
		func(ctx context.Context, options ...mmx.CallOption) error {
			_, err := client.Files.Upload(ctx, funcs{read: wait}, voice, options...)
			return err
		},
		func(ctx context.Context, options ...mmx.CallOption) error {
			_, err := client.Files.Download(ctx, 7, funcs{write: wait}, options...)
			return err
		},
		func(ctx context.Context, options ...mmx.CallOption) error {
			progress := mmx.WithProgress(func(int64, int64) { wait(nil) })
			_, err := client.Files.Download(ctx, 7, io.Discard, append(options, progress)...)
			return err
		},
	}
	for _, call := range stuck {
		ctx, cancel := context.WithCancel(background)
		go func() {
			<-entered
			cancel()
		}()
		if failure := is(t, call(ctx), mmx.ErrCancelled, context.Canceled); failure.Ambiguous || failure.Attempts != 1 {
			t.Errorf("%+v", failure)
		}
		ctx, stop := context.WithTimeout(background, 200*time.Millisecond)
		is(t, call(ctx), mmx.ErrTimeout, context.DeadlineExceeded)
		stop()
		<-entered
		err := call(background, mmx.WithCallTimeout(200*time.Millisecond))
		<-entered
		if failure := is(t, err, mmx.ErrTimeout); errors.Unwrap(err) != nil || !failure.Timeout() {
			t.Errorf("%v", err)
		}
	}
	close(release)
	eventually(t, "those left behind come to their end", func() bool { return left.Load() == 0 })
	goroutinesBackTo(t, before)
}

func TestLimitsOfTransfers(t *testing.T) {
	account, _ := holding(t, 1<<20)
	slow := fault{"times": -1, "delay_ms": 150}
	account.script(slow)
	limited := account.client(mmx.WithTimeout(50 * time.Millisecond))
	is(t, upload(limited, strings.NewReader("x")), mmx.ErrTimeout)
	_, err := limited.Files.Download(background, 7, io.Discard)
	is(t, err, mmx.ErrTimeout)
	must(t, upload(limited, strings.NewReader("x"), mmx.WithCallTimeout(mmx.NoTimeout)))
	must(t, upload(account.client(), strings.NewReader("x")))
	must(t, upload(account.client(mmx.WithTimeout(0)), strings.NewReader("x")))
}
