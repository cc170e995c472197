package mmx_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	mmx "example.com/libmmx/go"
)

// Uploads of what changes, to a server that leaves, and large ones.

func TestAFileThatChangesWhileItIsRead(t *testing.T) {
	const size = 3 << 20
	account := newAccount(t)
	client := account.client()
	path := filepath.Join(t.TempDir(), "a.mp3")
	for _, to := range []int64{0, size / 2, size - 1, size + 1, 2 * size} {
		must(t, os.WriteFile(path, content(size), 0o600))
		// Told before the end.
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

// What doesn't tell its size goes out in chunks, all else with a length.
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
		if chunked := i == 2; (length == "") != chunked || (encoding == "chunked") != chunked {
			t.Errorf("%q %q", length, encoding)
		}
	}
}

// A server that stops reading and resets ends the upload, and no SIGPIPE comes.
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

// peak returns the most memory that the process had resident since it was asked last.
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
	const size = 128 << 20
	account := newAccount(t)
	client := account.client()
	account.control("POST", "files", []any{map[string]any{"file_id": 7, "purpose": "voice_clone", "size": size}})
	for name, transfer := range map[string]func() error{
		"up": func() error { return upload(client, &brokenReader{left: size, err: io.EOF}) },
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
