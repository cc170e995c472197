package mmx_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/libmmx/mmx"
)

// Uploads of changing files, to servers that close the connection, and large ones.

func TestAFileThatChangesWhileItIsRead(t *testing.T) {
	const size = 3 << 20
	account := newAccount(t)
	client := account.client()
	path := filepath.Join(t.TempDir(), "a.mp3")
	for _, to := range []int64{0, size / 2, size - 1, size + 1, 2 * size} {
		must(t, os.WriteFile(path, content(size), 0o600))
		// Reported before the end.
		change := mmx.WithProgress(func(int64, int64) { must(t, os.Truncate(path, to)) })
		_, err := client.Files.UploadFile(background, path, mmx.PurposeVoiceClone, change)
		if failure := is(t, err, mmx.ErrFile); failure.Ambiguous || !strings.Contains(failure.Message, "announced") {
			t.Errorf("%d: %+v", to, failure)
		}
	}
	account.number("wait?open=0")
	if stored := account.number("count?performed=1"); stored != 0 {
		t.Errorf("%d were stored", stored)
	}
	for _, request := range account.journal() {
		if request.Upload.Complete {
			t.Errorf("%+v", request)
		}
	}
}

// A Reader of unknown size is sent in chunks, others with a length.
func TestLengthOrChunks(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	path := filepath.Join(t.TempDir(), "a.mp3")
	must(t, os.WriteFile(path, content(1000), 0o600))
	_, err := client.Files.UploadFile(background, path, mmx.PurposeVoiceClone)
	must(t, err)
	must(t, upload(client, strings.NewReader("abc")))
	must(t, upload(client, plainReader{strings.NewReader("abc")}))
	for i, request := range account.journal() {
		length, encoding := request.header("Content-Length"), request.header("Transfer-Encoding")
		chunked := i == 2
		if (length == "") != chunked || (encoding == "chunked") != chunked || request.Upload.Chunked != chunked ||
			!chunked && length != fmt.Sprint(request.Upload.BodyBytes) {
			t.Errorf("%q %q", length, encoding)
		}
	}
}

// More than the kernel buffers, so the last byte isn't sent when the connection breaks.
const large = 40 << 20

// If nothing can have been stored it is retried from the Reader's start position, if the Reader can seek.
func TestAnUploadThatGoesAgain(t *testing.T) {
	all := bytes.Repeat(content(1<<20), large>>20)
	path := filepath.Join(t.TempDir(), "a.mp3")
	must(t, os.WriteFile(path, all, 0o600))
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	broken := fault{"stop_reading_after": 300_000, "then": "rst"}
	fast := fault{"code": 1002, "headers": fault{"Retry-After": "0"}}
	rest := hash(all[1000:])
	tests := []struct {
		fault fault
		from  io.Reader
		want  string
	}{
		{broken, nil, hash(all)}, {broken, bytes.NewReader(all), rest}, {broken, file, rest},
		{fast, bytes.NewReader(all), rest}, {broken, plainReader{bytes.NewReader(all)}, ""},
	}
	// In parallel, because each waits before its retry.
	together(len(tests), func(worker int) {
		test := tests[worker]
		account := account{t, fmt.Sprintf("go-again-%d", worker)}
		account.control("POST", "reset", nil)
		account.takesAnyFile(true)
		account.script(test.fault)
		client := account.client()
		var err error
		if test.from == nil {
			_, err = client.Files.UploadFile(background, path, mmx.PurposeVoiceClone)
		} else {
			if seeker, ok := test.from.(io.Seeker); ok {
				seeker.Seek(1000, io.SeekStart)
			}
			err = upload(client, test.from)
		}
		sent := account.journal()
		if test.want == "" {
			if failure := is(t, err, mmx.ErrNetwork); failure.Attempts != 1 || failure.Ambiguous || len(sent) > 1 {
				t.Errorf("%+v", failure)
			}
		} else if err != nil || len(sent) != 2 || sent[1].Upload.SHA256 != test.want {
			t.Errorf("%d: %v %+v", worker, err, sent)
		}
		account.control("POST", "reset", nil) // It would keep the uploads.
	})
}

// Documented limits of a purpose are not enforced, but named when the service refuses.
func TestDocumentedLimits(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	folder := t.TempDir()
	for name, size := range map[string]int64{"a.txt": 10, "a.mp3": 21 << 20} {
		path := filepath.Join(folder, name)
		must(t, os.WriteFile(path, nil, 0o600))
		must(t, os.Truncate(path, size))
		account.takesAnyFile(false)
		_, err := client.Files.UploadFile(background, path, mmx.PurposeVoiceClone)
		if refused := is(t, err, mmx.ErrInvalidRequest); !strings.HasPrefix(refused.APIMessage, "invalid file ") {
			t.Errorf("%+v", refused)
		}
		account.takesAnyFile(true)
		stored, err := client.Files.UploadFile(background, path, mmx.PurposeVoiceClone)
		if must(t, err); stored.Bytes != size {
			t.Errorf("%+v", stored)
		}
		for _, code := range []int{2013, 2037} {
			account.script(fault{"code": code})
			_, err := client.Files.UploadFile(background, path, mmx.PurposeVoiceClone)
			failure := is(t, err, mmx.ErrInvalidRequest)
			if !strings.Contains(failure.Message, "; the documents say of voice_clone: mp3, m4a or wav") {
				t.Errorf("%+v", failure)
			}
		}
	}
	account.script(fault{"code": 2013})
	failure := is(t, upload(client, strings.NewReader("x")), mmx.ErrInvalidRequest)
	if strings.Contains(failure.Message, "the documents say") {
		t.Errorf("%+v", failure)
	}
}

// A server that stops reading and resets ends the upload, without a SIGPIPE.
func TestAServerThatStopsReading(t *testing.T) {
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)
	account := newAccount(t)
	client := account.client(mmx.WithMaxAttempts(1))
	for i := range 20 {
		account.script(fault{"stop_reading_after": 100_000 * (i % 2), "then": "rst", "delay_ms": 5 * (i % 2)})
		failure := is(t, upload(client, &brokenReader{left: 64 << 20, err: io.EOF}), mmx.ErrNetwork)
		if failure.Ambiguous || !strings.Contains(failure.Message, "the connection broke while ") {
			t.Errorf("%+v", failure)
		}
		must(t, upload(client, strings.NewReader("abc")))
	}
	select {
	case <-pipes:
		t.Error("SIGPIPE")
	default:
	}
}

// An upload that is cancelled stores nothing.
func TestACancelledUploadStoresNothing(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for _, after := range []int{0, 1, 3} {
		ctx, cancel := context.WithCancel(background)
		reads := 0
		_, err := client.Files.Upload(ctx, funcs{read: func(into []byte) (int, error) {
			if reads++; reads > after {
				cancel()
			}
			return len(into), nil
		}}, voice)
		if failure := is(t, err, mmx.ErrCancelled, context.Canceled); failure.Ambiguous {
			t.Errorf("%+v", failure)
		}
		cancel()
	}
	account.number("wait?open=0")
	if stored := account.number("count?performed=1"); stored != 0 {
		t.Errorf("%d were stored", stored)
	}
	must(t, upload(client, strings.NewReader("abc")))
}

// peak returns the largest resident memory since the last call.
func peak(t *testing.T) (kib int) {
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "VmHWM: %d", &kib)
	}
	must(t, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0))
	return kib
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	const size = 512 << 20
	account := newAccount(t)
	client := account.client()
	account.control("POST", "files", []any{map[string]any{"file_id": 7, "purpose": "voice_clone", "size": size,
		"content": "repeated as often as it takes, which the server does fast"}})
	account.control("POST", "settings", map[string]any{"count_only": true, "any_file": true})
	for name, transfer := range map[string]func() error{
		"up": func() error {
			stored, err := client.Files.Upload(background, &brokenReader{left: size, err: io.EOF}, voice)
			if stored.Bytes != size {
				t.Errorf("%+v", stored)
			}
			return err
		},
		"down": func() error {
			done, err := client.Files.Download(background, 7, io.Discard)
			if done.Bytes != size {
				t.Errorf("%+v", done)
			}
			return err
		},
	} {
		must(t, upload(client, &brokenReader{left: 4 << 20, err: io.EOF}))
		peak(t)
		before := peak(t)
		must(t, transfer())
		if grown := peak(t) - before; grown > 16<<10 {
			t.Errorf("%s: the peak grew by %d KiB", name, grown)
		} else {
			t.Logf("%s: the peak grew by %d KiB", name, grown)
		}
	}
}
