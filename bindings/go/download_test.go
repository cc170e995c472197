package mmx_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/libmmx/mmx"
)

// holding makes an account with a file of a size, and returns its hash.
func holding(t testing.TB, size int) (account, string) {
	account := newAccount(t)
	account.control("POST", "files", []map[string]any{{"file_id": 7, "purpose": "voice_clone", "size": size}})
	return account, account.hash()
}

func (a account) hash() string {
	return strings.TrimSpace(string(a.control("GET", "sha256?file_id=7", nil)))
}

// plainWriter hides the other methods of a writer.
type plainWriter struct{ io.Writer }

func TestDownload(t *testing.T) {
	const size = 3<<20 + 5
	account, want := holding(t, size)
	client := account.client()
	for _, via := range []string{"retrieve_content", "download_url"} {
		options := []mmx.CallOption{}
		if via == "download_url" {
			options = append(options, mmx.WithViaDownloadURL())
		}
		var got bytes.Buffer
		for name, w := range map[string]io.Writer{"plain": plainWriter{&got}, "Buffer": &got} {
			got.Reset()
			done, err := client.Files.Download(background, 7, w, options...)
			must(t, err)
			if hash(got.Bytes()) != want {
				t.Errorf("%s %s: other bytes", via, name)
			}
			if done.FileID != 7 || done.Bytes != size || done.ContentType != "audio/mpeg" || done.Resumed != 0 ||
				done.Via != via || !bytes.Contains(done.Raw, []byte(`"via"`)) {
				t.Errorf("%+v", done)
			}
		}
		if sent := account.last(); (sent.Host == "store") != (via == "download_url") || sent.LeakedKey {
			t.Errorf("%+v", sent)
		}
	}
	path := filepath.Join(t.TempDir(), "x.mp3")
	must(t, os.WriteFile(path, []byte("old"), 0o640))
	_, err := client.Files.DownloadFile(background, 7, path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	got, err := os.ReadFile(path)
	if must(t, err); hash(got) != want || info.Mode() != 0o640 {
		t.Errorf("other bytes, or mode %v", info.Mode())
	}
}

func TestDownloadRefuses(t *testing.T) {
	account, _ := holding(t, 10)
	client := account.client()
	_, err := client.Files.Download(background, 7, nil)
	is(t, err, mmx.ErrInvalidArgument)
	_, err = client.Files.Download(background, 0, io.Discard)
	is(t, err, mmx.ErrInvalidArgument)
	_, err = client.Files.DownloadFile(background, 7, "a\x00")
	is(t, err, mmx.ErrInvalidArgument)
	account.sent(0)
	_, err = client.Files.DownloadFile(background, 7, filepath.Join(t.TempDir(), "none", "x"))
	is(t, err, mmx.ErrFile)
	account.script(fault{"code": 1004})
	var got bytes.Buffer
	_, err = client.Files.Download(background, 7, &got)
	if is(t, err, mmx.ErrAuthentication); got.Len() != 0 {
		t.Errorf("%q", got.String())
	}
}

func TestADownloadThatIsCut(t *testing.T) {
	const size = 3 << 20
	account, want := holding(t, size)
	client := account.client()
	cut := fault{"cut_after": 1 << 20}
	download := func(w io.Writer) (mmx.Download, error) { return client.Files.Download(background, 7, w) }

	account.script(cut)
	var got bytes.Buffer
	done, err := download(plainWriter{&got})
	if must(t, err); hash(got.Bytes()) != want || done.Resumed != 1 || done.Bytes != size {
		t.Errorf("%+v", done)
	}

	// A download that can't be resumed is restarted, if the Writer allows it.
	anew := []any{fault{"cut_after": 1 << 20, "no_range": true}, fault{"no_range": true}}
	account.script(anew...)
	got.Reset()
	got.WriteString("before")
	done, err = download(&got)
	if must(t, err); hash(got.Bytes()[6:]) != want || got.String()[:6] != "before" || done.Resumed != 0 {
		t.Errorf("%+v", done)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "x"))
	must(t, err)
	defer file.Close()
	_, err = file.WriteString("before")
	must(t, err)
	account.script(anew...)
	_, err = download(file)
	must(t, err)
	whole, err := os.ReadFile(file.Name())
	if must(t, err); hash(whole[6:]) != want || string(whole[:6]) != "before" {
		t.Error("other bytes in the file")
	}

	// Not if data follows the Writer's position, which would be lost.
	_, err = file.Seek(3, io.SeekStart)
	must(t, err)
	for _, w := range []io.Writer{file, plainWriter{&got}} {
		account.control("DELETE", "faults", nil)
		account.script(anew...)
		_, err = download(w)
		is(t, err, mmx.ErrNetwork)
	}
	if info, err := file.Stat(); err != nil || info.Size() != size+6 {
		t.Errorf("%v %v", info, err)
	}
}

// The rest is requested by its offset and only of the same file; otherwise the download is restarted.
func TestACutDownloadGoesOn(t *testing.T) {
	const size = 1 << 20
	cut := fault{"cut_after": size / 2}
	tests := []struct {
		faults  []fault
		resumed int
		asked   bool
	}{
		{[]fault{cut}, 1, true},
		{[]fault{{"cut_after": size / 2, "no_etag": true}}, 1, true},
		{[]fault{cut, {"no_range": true}}, 0, true},
		{[]fault{cut, {"range_shift": 5}}, 0, true},
		{[]fault{{"cut_after": size / 2, "changed": true}}, 0, true},
		{[]fault{{"cut_after": size / 2, "headers": fault{"ETag": nil, "Last-Modified": nil}}}, 0, false},
	}
	ways := []string{"writer", "path", "link"}
	folder := t.TempDir()
	// In parallel, because each waits before it is resumed.
	together(len(tests)*len(ways), func(worker int) {
		test, way := tests[worker/len(ways)], ways[worker%len(ways)]
		account := account{t, fmt.Sprintf("go-cut-%d", worker)}
		account.control("POST", "reset", nil)
		account.control("POST", "files", []any{fault{"file_id": 7, "purpose": "voice_clone", "size": size}})
		client := account.client()
		call, options := "retrieve_content", []mmx.CallOption{}
		if way == "link" {
			call, options = "store", []mmx.CallOption{mmx.WithViaDownloadURL()}
		}
		for _, fault := range test.faults {
			fault = maps.Clone(fault)
			fault["call"] = call
			account.script(fault)
		}
		var got bytes.Buffer
		var done mmx.Download
		var err error
		if way == "path" {
			path := filepath.Join(folder, fmt.Sprint(worker))
			done, err = client.Files.DownloadFile(background, 7, path)
			whole, _ := os.ReadFile(path)
			got.Write(whole)
		} else {
			done, err = client.Files.Download(background, 7, &got, options...)
		}
		// The account's file now, which may have changed.
		if err != nil || hash(got.Bytes()) != account.hash() || done.Resumed != test.resumed || done.Bytes != size {
			t.Errorf("%s %v: %+v %v", way, test.faults, done, err)
		}
		sent := account.journal()
		if way == "link" {
			sent = sent[1:]
		}
		if len(sent) < 2 || sent[0].header("Range") != "" ||
			strings.HasPrefix(sent[1].header("Range"), "bytes=") != test.asked ||
			(sent[1].header("If-Range") != "") != test.asked {
			t.Errorf("%s %v: %+v", way, test.faults, sent)
		}
	})
}

// brokenWriter accepts a number of bytes and then returns an error.
type brokenWriter struct {
	left  int
	count int
	err   error
}

func (w *brokenWriter) Write(data []byte) (int, error) {
	if w.left -= len(data); w.left < 0 {
		return w.count, w.err
	}
	return len(data), nil
}

func TestAWriterThatFails(t *testing.T) {
	account, _ := holding(t, 2<<20)
	client := account.client()
	for _, left := range []int{0, 1 << 20} {
		_, err := client.Files.Download(background, 7, &brokenWriter{left, 0, errOurs})
		if failure := is(t, err, errOurs, mmx.ErrFile); failure.Ambiguous || errors.Unwrap(err) != errOurs {
			t.Errorf("%+v", failure)
		}
	}
	_, err := client.Files.Download(background, 7, &brokenWriter{})
	is(t, err, io.ErrShortWrite, mmx.ErrFile)
	_, err = client.Files.Download(background, 7, &brokenWriter{count: 1 << 40})
	is(t, err, mmx.ErrFile)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	_, err = client.Files.Download(background, 7, full)
	is(t, err, syscall.ENOSPC, mmx.ErrFile)
	account.sent(5)
}

// lostWriter can't seek back.
type lostWriter struct{ bytes.Buffer }

func (*lostWriter) Seek(int64, int) (int64, error) { return 0, nil }
func (*lostWriter) Truncate(int64) error           { return errOurs }

func TestAWriterThatCanNotBeginAnew(t *testing.T) {
	account, _ := holding(t, 2<<20)
	account.script(fault{"cut_after": 1 << 20, "no_range": true}, fault{"no_range": true})
	_, err := account.client().Files.Download(background, 7, &lostWriter{})
	is(t, err, errOurs, mmx.ErrNetwork)
}

func TestDownloadsOfManyAtOnce(t *testing.T) {
	account, want := holding(t, 1<<20)
	client := account.client()
	together(16, func(worker int) {
		var got bytes.Buffer
		_, err := client.Files.Download(background, 7, plainWriter{&got}, mmx.WithProgress(func(int64, int64) {}))
		if err != nil || hash(got.Bytes()) != want {
			t.Error(err)
		}
		params := voice
		params.Filename = fmt.Sprintf("%d.mp3", worker)
		stored, err := client.Files.Upload(background, plainReader{&got}, params)
		if err != nil || stored.Filename != params.Filename {
			t.Errorf("%+v %v", stored, err)
		}
	})
}
