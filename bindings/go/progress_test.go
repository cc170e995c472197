package mmx_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// The progress of transfers.

func TestProgress(t *testing.T) {
	const size = 4 << 20
	account, _ := holding(t, size)
	account.script(fault{"call": "retrieve_content", "times": -1, "trickle_ms": 10, "trickle_bytes": 256 << 10})
	client := account.client()
	path := filepath.Join(t.TempDir(), "x.mp3")
	must(t, os.WriteFile(path, content(size), 0o600))
	up := func(r io.Reader) func(mmx.CallOption) error {
		return func(option mmx.CallOption) error { return upload(client, r, option) }
	}
	for name, call := range map[string]func(mmx.CallOption) error{
		"Upload":  up(bytes.NewReader(content(size))),
		"chunked": up(plainReader{bytes.NewReader(content(size))}),
		"UploadFile": func(option mmx.CallOption) error {
			_, err := client.Files.UploadFile(background, path, "voice_clone", option)
			return err
		},
		"Download": func(option mmx.CallOption) error {
			_, err := client.Files.Download(background, 7, io.Discard, option)
			return err
		},
		"DownloadFile": func(option mmx.CallOption) error {
			_, err := client.Files.DownloadFile(background, 7, path+"y", option)
			return err
		},
	} {
		var told [][2]int64
		start := time.Now()
		must(t, call(mmx.WithProgress(func(done, total int64) { told = append(told, [2]int64{done, total}) })))
		if most := int(time.Since(start)/(50*time.Millisecond)) + 2; len(told) == 0 || len(told) > most {
			t.Errorf("%s: told %d times, at most %d", name, len(told), most)
			continue
		}
		for i, now := range told {
			if i > 0 && now[0] < told[i-1][0] || now[1] != size && (name != "chunked" || now[1] != -1) {
				t.Errorf("%s: %v", name, told)
				break
			}
		}
		if last := told[len(told)-1]; last[0] != size {
			t.Errorf("%s: ends with %v", name, last)
		}
	}
}

// slowReader gives its first pieces slowly, so that there is something to report between.
type slowReader struct {
	*bytes.Reader
	reads int
}

func (r *slowReader) Read(into []byte) (int, error) {
	if r.reads++; r.reads <= 10 {
		time.Sleep(15 * time.Millisecond)
	}
	return r.Reader.Read(into)
}

// A restarted attempt reports progress from 0.
func TestProgressGoesBack(t *testing.T) {
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), "x.mp3")
	var got bytes.Buffer
	broken := []any{fault{"stop_reading_after": 300_000, "then": "rst", "delay_ms": 400}}
	anew := []any{fault{"trickle_ms": 30, "trickle_bytes": size / 16, "cut_after": size / 2}, fault{"no_range": true}}
	type test struct {
		faults []any
		size   int64
		call   func(*mmx.Client, mmx.CallOption) error
	}
	down := func(w io.Writer) test {
		return test{anew, size, func(client *mmx.Client, option mmx.CallOption) error {
			_, err := client.Files.Download(background, 7, w, option)
			return err
		}}
	}
	tests := []test{
		{broken, large, func(client *mmx.Client, option mmx.CallOption) error {
			return upload(client, &slowReader{Reader: bytes.NewReader(make([]byte, large))}, option)
		}},
		{anew, size, func(client *mmx.Client, option mmx.CallOption) error {
			_, err := client.Files.DownloadFile(background, 7, path, option)
			return err
		}},
		down(&got),
	}
	// With so many, some are retried and finish just after the last report.
	for range 40 {
		tests = append(tests, down(new(bytes.Buffer)))
	}
	together(len(tests), func(worker int) {
		test, account := tests[worker], account{t, fmt.Sprintf("go-back-%d", worker)}
		account.control("POST", "reset", nil)
		account.takesAnyFile(true)
		account.control("POST", "files", []any{fault{"file_id": 7, "purpose": "voice_clone", "size": size}})
		account.script(test.faults...)
		var told []int64
		err := test.call(account.client(), mmx.WithProgress(func(done, total int64) {
			if told = append(told, done); total != test.size {
				t.Errorf("%d: %d of %d", worker, done, total)
			}
		}))
		back := 0
		for i := range told {
			// The second attempt may have passed the first one's progress before the next report was due.
			if i > 0 && told[i] == 0 {
				back++
			} else if i > 0 && told[i] < told[i-1] {
				t.Errorf("%d: %v", worker, told)
			}
		}
		if err != nil || back != 1 || told[len(told)-1] != test.size {
			t.Errorf("%d: %v %v", worker, told, err)
		}
		account.control("POST", "reset", nil) // It would keep the uploads.
	})
	if hash(got.Bytes()) != hashOf(t, path) || got.Len() != size {
		t.Error("other bytes")
	}
}
