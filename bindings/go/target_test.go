package mmx_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// The target of DownloadFile, after success and failure.

// target is a file with a content in a new folder; "" doesn't exist.
func target(t *testing.T, old string) string {
	path := filepath.Join(t.TempDir(), "x.mp3")
	if old != "" {
		must(t, os.WriteFile(path, []byte(old), 0o600))
	}
	return path
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	must(t, err)
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// alone checks that the target is unchanged, and the only file in its folder.
func alone(t *testing.T, path, old string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if want := min(len(old), 1); len(entries) != want {
		t.Errorf("%v in the folder", entries)
	}
	if old == "" {
		return
	}
	if holds, err := os.ReadFile(path); err != nil || string(holds) != old {
		t.Errorf("the target holds %.20q %v", holds, err)
	}
}

func TestModeOfATarget(t *testing.T) {
	account, want := holding(t, 100_000)
	client := account.client()
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	for _, test := range []struct {
		mask        int
		mode, after os.FileMode
	}{{0o022, 0, 0o644}, {0o077, 0, 0o600}, {0, 0, 0o666}, {0o022, 0o600, 0o600}, {0o077, 0o664, 0o664}, {0, 0o755, 0o755}} {
		path := filepath.Join(t.TempDir(), "x")
		if test.mode != 0 {
			must(t, os.WriteFile(path, []byte("old"), 0o600))
			must(t, os.Chmod(path, test.mode))
		}
		syscall.Umask(test.mask)
		_, err := client.Files.DownloadFile(background, 7, path)
		if mask := syscall.Umask(0); mask != test.mask {
			t.Errorf("the umask is %o, not %o", mask, test.mask)
		}
		must(t, err)
		info, err := os.Stat(path)
		if must(t, err); info.Mode() != test.after || hashOf(t, path) != want {
			t.Errorf("umask %o, mode %v: %v", test.mask, test.mode, info.Mode())
		}
	}
}

func TestTargetsThatAreNoPlainFiles(t *testing.T) {
	account, want := holding(t, 1<<20)
	client := account.client()
	path := target(t, "old")
	link, fifo := filepath.Join(filepath.Dir(path), "link"), filepath.Join(filepath.Dir(path), "fifo")
	must(t, os.Symlink("x.mp3", link))
	for range 2 {
		_, err := client.Files.DownloadFile(background, 7, link)
		must(t, err)
		if to, err := os.Readlink(link); err != nil || to != "x.mp3" || hashOf(t, path) != want {
			t.Errorf("the link leads to %q %v", to, err)
		}
		must(t, os.Remove(path)) // The second time the link is dangling.
	}
	must(t, os.Remove(link))
	must(t, os.Symlink("link", link))
	_, err := client.Files.DownloadFile(background, 7, link)
	is(t, err, mmx.ErrFile)
	must(t, os.Remove(link))

	must(t, syscall.Mkfifo(fifo, 0o600))
	read := make(chan string)
	go func() { read <- hashOf(t, fifo) }()
	_, err = client.Files.DownloadFile(background, 7, fifo)
	if must(t, err); <-read != want {
		t.Error("other bytes in the pipe")
	}
	_, err = client.Files.DownloadFile(background, 7, "/dev/null")
	must(t, err)
	for _, device := range []string{fifo, "/dev/null"} {
		if info, err := os.Stat(device); err != nil || info.Mode().IsRegular() {
			t.Errorf("%s: %v %v", device, info, err)
		}
	}
	_, err = client.Files.DownloadFile(background, 7, "/dev/full")
	is(t, err, mmx.ErrFile)
	must(t, os.Remove(fifo))
	alone(t, path, "")
}

func TestATargetIsWholeOrUntouched(t *testing.T) {
	account, want := holding(t, 1<<20)
	client := account.client(mmx.WithMaxAttempts(1))
	for _, test := range []struct {
		fault fault
		kind  error
	}{
		{fault{"cut_after": 500_000}, mmx.ErrNetwork},
		{fault{"cut_after": 500_000, "close": "rst"}, mmx.ErrNetwork},
		{fault{"wrong_length": 1}, mmx.ErrNetwork},
		{fault{"no_length": true, "cut_after": 500_000}, mmx.ErrNetwork},
		{fault{"close_before_answer": "fin"}, mmx.ErrNetwork},
		{fault{"code": 1004}, mmx.ErrAuthentication},
		{fault{"shape": "html_502"}, mmx.ErrServer},
		{fault{"redirect_to": "other_scheme"}, mmx.ErrProtocol},
	} {
		for _, old := range []string{"old", ""} {
			path := target(t, old)
			account.script(test.fault)
			_, err := client.Files.DownloadFile(background, 7, path)
			is(t, err, test.kind)
			alone(t, path, old)
			_, err = client.Files.DownloadFile(background, 7, path)
			if must(t, err); hashOf(t, path) != want {
				t.Errorf("%v: other bytes", test.fault)
			}
		}
	}
}

// Cancelled at each report.
func TestCancelledByAReport(t *testing.T) {
	const size = 1 << 20
	account, want := holding(t, size)
	client := account.client()
	for at, old := range map[int64]string{0: "old", size / 2: "old", size: ""} {
		slow := fault{"call": "retrieve_content", "trickle_ms": 20, "trickle_bytes": size / 8}
		if at < size {
			slow["hang_after"] = size * 3 / 4
		}
		account.script(slow)
		path := target(t, old)
		ctx, cancel := context.WithCancel(background)
		_, err := client.Files.DownloadFile(ctx, 7, path, mmx.WithProgress(func(done, total int64) {
			if done >= at {
				cancel()
			}
		}))
		cancel()
		if err == nil && at == size && hashOf(t, path) == want {
			continue // It had finished before the cancellation.
		}
		is(t, err, mmx.ErrCancelled, context.Canceled)
		alone(t, path, old)
	}
	_, err := client.Files.DownloadFile(background, 7, target(t, ""))
	must(t, err)
}

// Until it is complete it is in the target's folder, under another name.
func TestWhereADownloadStands(t *testing.T) {
	const size = 1 << 20
	account, want := holding(t, size)
	account.script(fault{"call": "retrieve_content", "trickle_ms": 20, "trickle_bytes": size / 8})
	path := target(t, "old")
	reports := 0
	look := mmx.WithProgress(func(done, total int64) {
		reports++
		entries, err := os.ReadDir(filepath.Dir(path))
		must(t, err)
		if holds, err := os.ReadFile(path); err != nil || string(holds) != "old" || len(entries) != 2 {
			t.Errorf("at %d of %d the target holds %.20q %v, beside %v", done, total, holds, err, entries)
		}
	})
	_, err := account.client().Files.DownloadFile(background, 7, path, look)
	if must(t, err); hashOf(t, path) != want || reports < 2 {
		t.Errorf("%d reports", reports)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
}

// The service's file name, length and headers have no effect on the target.
func TestWhatTheServiceSaysOfAFile(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	elsewhere := filepath.Join(t.TempDir(), "evil.mp3")
	for i, said := range []map[string]any{
		{"filename": "../evil.mp3", "bytes": 5}, {"filename": elsewhere, "bytes": 1 << 40},
		{"purpose": "video_generation"}, {"filename": "a\x00b", "bytes": -1},
	} {
		file := map[string]any{"file_id": 7, "purpose": "voice_clone", "size": 70_000 + i}
		for name, value := range said {
			file[name] = value
		}
		account.control("DELETE", "files", nil)
		account.control("POST", "files", []any{file})
		disposition := fault{"Content-Disposition": `attachment; filename="../evil.mp3"`}
		account.script(fault{"call": "retrieve_content", "headers": disposition})
		path := target(t, "")
		done, err := client.Files.DownloadFile(background, 7, path)
		if must(t, err); done.Bytes != int64(70_000+i) || hashOf(t, path) != account.hash() {
			t.Errorf("%v: %+v", said, done)
		}
		for _, evil := range []string{elsewhere, filepath.Join(filepath.Dir(path), "..", "evil.mp3")} {
			if _, err := os.Stat(evil); err == nil {
				t.Errorf("%s was written", evil)
			}
		}
		var got bytes.Buffer
		done, err = client.Files.Download(background, 7, &got, mmx.WithViaDownloadURL())
		if must(t, err); hash(got.Bytes()) != account.hash() || done.Bytes != int64(70_000+i) {
			t.Errorf("%v: %+v", said, done)
		}
	}
}

func TestAFileThatHappensToBeJSON(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for _, content := range []string{
		`{"a": 1}`, `{"base_resp": {"status_code": 0}}`, `[{"base_resp": {"status_code": 1004}}]`, "{", "", "null",
	} {
		file := map[string]any{"file_id": 7, "purpose": "voice_clone", "content": content}
		account.control("POST", "files", []any{file})
		var got bytes.Buffer
		_, err := client.Files.Download(background, 7, &got)
		if must(t, err); got.String() != content {
			t.Errorf("%q, not %q", got.String(), content)
		}
	}
}

// downloads is the main function of a process that downloads file 7 of the account in its environment.
func downloads(path string) {
	if os.Getenv("MMX_TEST_FULL") != "" {
		small := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
			panic(err)
		}
	}
	client, err := mmx.New()
	fmt.Println("begins", err)
	_, err = client.Files.DownloadFile(background, 7, path)
	fmt.Println(err, errors.Is(err, mmx.ErrFile))
	os.Exit(0)
}

func (a account) downloadsTo(path string, more ...string) *exec.Cmd {
	program, err := os.Executable()
	must(a.t, err)
	command := exec.Command(program)
	command.Env = append(os.Environ(), "MMX_TEST_DOWNLOAD_TO="+path, "MINIMAX_BASE_URL="+a.url())
	command.Env = append(command.Env, more...)
	return command
}

func TestAFullDisk(t *testing.T) {
	account, _ := holding(t, 3<<20)
	for _, old := range []string{"old", ""} {
		path := target(t, old)
		output, err := account.downloadsTo(path, "MMX_TEST_FULL=1").Output()
		want := fmt.Sprintf("begins <nil>\ndownload_file: %s can't be written: file too large true\n", path)
		if must(t, err); string(output) != want {
			t.Errorf("%q, not %q", output, want)
		}
		alone(t, path, old)
	}
}

// kill -9 at any moment of a download leaves the old content or the new.
func TestKilledInADownload(t *testing.T) {
	const moments, size = 30, 1 << 20
	account, want := holding(t, size)
	// 16 pieces, 2 ms apart.
	account.script(fault{"call": "retrieve_content", "times": -1, "trickle_ms": 2, "trickle_bytes": size / 16})
	path := target(t, string(content(size)))
	old := hashOf(t, path)
	random := rand.New(rand.NewPCG(1, 2))
	var took time.Duration
	kept, done := 0, 0
	for range moments {
		child := account.downloadsTo(path)
		output, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		_, err = fmt.Fscanln(output, new(string), new(string))
		must(t, err)
		if began := time.Now(); took == 0 {
			// The first one isn't killed, to measure its duration.
			must(t, child.Wait())
			took = time.Since(began)
		} else {
			time.Sleep(time.Duration(random.Int64N(int64(took) * 6 / 5)))
			must(t, child.Process.Kill())
			child.Wait()
		}
		switch hashOf(t, path) {
		case old:
			kept++
		case want:
			done++
			must(t, os.WriteFile(path, content(size), 0o600))
		default:
			t.Fatal("the target holds neither the old nor the new content")
		}
	}
	if kept == 0 || done == 0 {
		t.Errorf("%d old, %d new", kept, done)
	}
	// The temporary files of the killed ones don't disturb the next one.
	_, err := account.client().Files.DownloadFile(background, 7, path)
	if must(t, err); hashOf(t, path) != want {
		t.Error("other bytes")
	}
	t.Logf("a download takes %v; %d old, %d new", took, kept, done)
}

func TestADownloadWithoutALength(t *testing.T) {
	account, _ := holding(t, 1000)
	client := account.client()
	for _, test := range []struct {
		fault fault
		want  int64
	}{{fault{}, 1000}, {fault{"until_close": true}, -1}, {fault{"no_length": true}, -1}} {
		test.fault["call"] = "retrieve_content"
		account.script(test.fault)
		done, err := client.Files.DownloadFile(background, 7, target(t, ""))
		if must(t, err); done.Length != test.want || done.Bytes != 1000 {
			t.Errorf("%v: %+v", test.fault, done)
		}
	}
}
