package mmx_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/libmmx/mmx"
)

var errOurs = errors.New("the disk is on fire")

// content is bytes without repetition.
func content(length int) []byte {
	made := make([]byte, length)
	state := uint32(length) + 1
	for i := range made {
		state = state*1664525 + 1013904223
		made[i] = byte(state >> 24)
	}
	return made
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// plainReader hides the other methods of a reader.
type plainReader struct{ io.Reader }

var voice = mmx.UploadParams{Purpose: mmx.PurposeVoiceClone, Filename: "a.mp3"}

func upload(client *mmx.Client, r io.Reader, options ...mmx.CallOption) error {
	_, err := client.Files.Upload(background, r, voice, options...)
	return err
}

func TestUploadOfEveryKindOfReader(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	all := content(3<<20 + 17)
	path := filepath.Join(t.TempDir(), "x.mp3")
	must(t, os.WriteFile(path, all, 0o600))
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	_, err = file.Seek(1000, io.SeekStart)
	must(t, err)
	read := bytes.NewReader(all)
	read.Seek(5, io.SeekStart)
	sized := voice
	sized.Size = int64(len(all))
	for name, test := range map[string]struct {
		reader  io.Reader
		params  mmx.UploadParams
		want    []byte
		chunked bool
	}{
		"Reader":   {read, voice, all[5:], false},
		"Buffer":   {bytes.NewBuffer(all), voice, all, false},
		"File":     {file, mmx.UploadParams{Purpose: mmx.PurposeVoiceClone}, all[1000:], false},
		"Section":  {io.NewSectionReader(bytes.NewReader(all), 10, 100), voice, all[10:110], false},
		"plain":    {plainReader{bytes.NewReader(all)}, voice, all, true},
		"sized":    {plainReader{bytes.NewReader(all)}, sized, all, false},
		"small":    {iotest.OneByteReader(bytes.NewReader(all[:2000])), voice, all[:2000], true},
		"with EOF": {iotest.DataErrReader(plainReader{bytes.NewReader(all)}), voice, all, true},
		"empty":    {plainReader{strings.NewReader("")}, voice, nil, true},
		"nothing":  {strings.NewReader(""), voice, nil, false},
	} {
		stored, err := client.Files.Upload(background, test.reader, test.params)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sent := account.last().Upload
		if sent.SHA256 != hash(test.want) || sent.Chunked != test.chunked || sent.Purpose != "voice_clone" {
			t.Errorf("%s: %+v", name, sent)
		}
		if stored.Bytes != int64(len(test.want)) || stored.FileID == 0 || stored.Filename != sent.Filename {
			t.Errorf("%s: %+v", name, stored)
		}
		if name == "File" && sent.Filename != "x.mp3" {
			t.Error(sent.Filename)
		}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Error("the file was closed")
	}
}

// Each name, as it is sent, and its media type.
var names = map[string][2]string{
	"a.mp3":                  {"a.mp3", "audio/mpeg"},
	"a.m4a":                  {"a.m4a", "audio/"},
	"a.WAV":                  {"a.WAV", "audio/wav"},
	"a.txt":                  {"a.txt", "text/plain"},
	"a.zip":                  {"a.zip", "application/zip"},
	"a.mp4":                  {"a.mp4", "video/mp4"},
	"a.webp":                 {"a.webp", "image/webp"},
	"a.heic":                 {"a.heic", "image/heic"},
	"a.jpeg":                 {"a.jpeg", "image/jpeg"},
	"a":                      {"a", "application/octet-stream"},
	"a.no-such":              {"a.no-such", "application/octet-stream"},
	"a\"b.mp3":               {"a%22b.mp3", "audio/mpeg"},
	"a\r\nX: y\r\n\r\n.mp3":  {"a%0D%0AX: y%0D%0A%0D%0A.mp3", "audio/mpeg"},
	"a\\b.mp3":               {"a\\b.mp3", "audio/mpeg"},
	"a%22.mp3":               {"a%22.mp3", "audio/mpeg"},
	"声音 \"é\".wav":           {"声音 %22é%22.wav", "audio/wav"},
	"\"; name=\"purpose.mp3": {"%22; name=%22purpose.mp3", "audio/mpeg"},
}

func TestUploadFile(t *testing.T) {
	account := newAccount(t)
	account.takesAnyFile(true)
	client := account.client()
	folder := t.TempDir()
	for name, want := range names {
		path := filepath.Join(folder, name)
		must(t, os.WriteFile(path, content(70_000), 0o600))
		stored, err := client.Files.UploadFile(background, path, mmx.PurposePromptAudio)
		must(t, err)
		sent := account.last().Upload
		if sent.SHA256 != hash(content(70_000)) || stored.Purpose != mmx.PurposePromptAudio || stored.Bytes != 70_000 {
			t.Errorf("%+v %+v", sent, stored)
		}
		params := voice
		params.Filename = name
		_, err = client.Files.Upload(background, strings.NewReader("x"), params)
		must(t, err)
		for _, sent := range []uploaded{sent, account.last().Upload} {
			if sent.Filename != want[0] || !strings.HasPrefix(sent.ContentType, want[1]) {
				t.Errorf("%q: %+v", name, sent)
			}
		}
	}
	for path, kind := range map[string]error{
		folder + "/x": mmx.ErrFile, folder: mmx.ErrFile, "a\x00": mmx.ErrInvalidArgument, "": mmx.ErrInvalidArgument,
	} {
		_, err := client.Files.UploadFile(background, path, mmx.PurposePromptAudio)
		is(t, err, kind)
	}
	account.sent(2 * len(names))
}

func TestUploadRefuses(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for parameter, params := range map[string]mmx.UploadParams{
		"purpose":  {Purpose: "a b", Filename: "a"},
		"filename": {Purpose: "voice_clone"},
		"size":     {Purpose: "voice_clone", Filename: "a", Size: -1},
	} {
		_, err := client.Files.Upload(background, strings.NewReader("x"), params)
		if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != parameter {
			t.Errorf("%s: %+v", parameter, failure)
		}
	}
	for _, params := range []mmx.UploadParams{{Purpose: "a\x00", Filename: "a"}, {Purpose: "a", Filename: "a\x00"}} {
		_, err := client.Files.Upload(background, strings.NewReader("x"), params)
		is(t, err, mmx.ErrInvalidArgument)
	}
	is(t, upload(client, nil), mmx.ErrInvalidArgument)
	account.sent(0)
}

// brokenReader returns a number of bytes and then an error.
type brokenReader struct {
	left  int
	count int
	err   error
}

func (r *brokenReader) Read(into []byte) (int, error) {
	if r.left == 0 {
		return r.count, r.err
	}
	count := min(r.left, len(into))
	r.left -= count
	return count, nil
}

func TestAReaderThatFails(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for _, left := range []int{0, 1, 2 << 20} {
		for _, err := range []error{errOurs, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded} {
			failure := is(t, upload(client, &brokenReader{left, 0, err}), err, mmx.ErrFile)
			if failure.Ambiguous || errors.Unwrap(failure) != err || !strings.HasSuffix(failure.Error(), err.Error()) {
				t.Errorf("%+v", failure)
			}
		}
	}
	// Bytes that come with an error count, and so does the error.
	with := iotest.DataErrReader(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(errOurs)))
	is(t, upload(client, with), errOurs, mmx.ErrFile)
	is(t, upload(client, &brokenReader{}), io.ErrNoProgress, mmx.ErrFile)
	is(t, upload(client, &brokenReader{count: -1}), mmx.ErrFile)
	is(t, upload(client, &brokenReader{count: 1 << 40}), mmx.ErrFile)
	for _, size := range []int64{4, 6} {
		params := voice
		params.Size = size
		_, err := client.Files.Upload(background, plainReader{strings.NewReader("12345")}, params)
		is(t, err, mmx.ErrFile)
	}
	if stored := account.number("count?performed=1"); stored != 0 {
		t.Errorf("%d were stored", stored)
	}
	must(t, upload(client, strings.NewReader("x")))
}

// lostReader knows its position, but can't seek back.
type lostReader struct{ io.Reader }

func (lostReader) Seek(_ int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		return 0, errOurs
	}
	return 3, nil
}

// pipeReader is a Seeker whose Seek fails.
type pipeReader struct{ io.Reader }

func (pipeReader) Seek(int64, int) (int64, error) { return 0, errOurs }

func TestSeekersThatCanNot(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	is(t, upload(client, lostReader{strings.NewReader("x")}), errOurs, mmx.ErrFile)
	account.sent(0)
	must(t, upload(client, pipeReader{strings.NewReader("abc")}))
	read, write, err := os.Pipe()
	must(t, err)
	defer read.Close()
	go func() {
		io.WriteString(write, "abc")
		write.Close()
	}()
	must(t, upload(client, read))
	if sent := account.last().Upload; !sent.Chunked || sent.Bytes != 3 {
		t.Errorf("%+v", sent)
	}
}

func TestAnUploadThatIsRefusedEarly(t *testing.T) {
	account := newAccount(t)
	secure := account.client(mmx.WithBaseURL(account.https()), mmx.WithCAFile(server.CAFile))
	for _, client := range []*mmx.Client{account.client(), secure} {
		for _, after := range []int{0, 1 << 20, 3 << 20, 7 << 20, 20 << 20} {
			// A response after a failed write is read at the next attempt, if the Reader can seek.
			account.script(fault{"refuse_after": after, "code": 1004, "times": -1})
			all := &rewinding{brokenReader{left: 64 << 20, err: io.EOF}}
			if failure := is(t, upload(client, all), mmx.ErrAuthentication); failure.Ambiguous || failure.APICode != 1004 {
				t.Errorf("%+v", failure)
			}
			if all.left < 16<<20 {
				t.Errorf("refused after %d, but only %d bytes were not sent", after, all.left)
			}
			account.control("DELETE", "faults", nil)
		}
		// Nothing more is sent to a server that would accept it.
		account.script(fault{"refuse_after": 100_000, "code": 1008, "keep": true})
		endless := &brokenReader{left: 1 << 40, err: io.EOF}
		is(t, upload(client, endless), mmx.ErrQuota)
		if sent := 1<<40 - endless.left; sent > 64<<20 {
			t.Errorf("%d bytes were sent", sent)
		}
	}
	if stored := account.number("count?performed=1"); stored != 0 {
		t.Errorf("%d were stored", stored)
	}
}

// rewinding is a Seeker with 64 MiB.
type rewinding struct{ brokenReader }

func (r *rewinding) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		r.left = 64<<20 - int(offset)
	case io.SeekEnd:
		r.left = 0
	}
	return 64<<20 - int64(r.left), nil
}

func TestWithReconcile(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	again := mmx.WithReconcile()
	lost := fault{"call": "upload", "close_before_answer": "rst"}
	account.script(lost)
	stored, err := client.Files.Upload(background, strings.NewReader("abc"), voice, again)
	must(t, err)
	if stored.FileID == 0 || stored.Bytes != 3 || account.number("count?call=upload") != 1 {
		t.Errorf("%+v", stored)
	}
	// It isn't listed: it is retried, if the Reader can seek.
	unstored := fault{"call": "upload", "close_before_answer": "rst", "perform": false}
	account.script(unstored)
	must(t, upload(client, strings.NewReader("abcd"), again))
	account.script(unstored)
	failure := is(t, upload(client, plainReader{strings.NewReader("abcde")}, again), mmx.ErrNetwork)
	if !failure.Ambiguous || !strings.Contains(failure.Message, "the list does not show it") {
		t.Errorf("%+v", failure)
	}
	if uploads := account.number("count?call=upload"); uploads != 1+2+1 {
		t.Errorf("%d uploads were sent", uploads)
	}
	// Without the option there is no lookup.
	account.script(lost)
	if failure := is(t, upload(client, strings.NewReader("abc")), mmx.ErrNetwork); !failure.Ambiguous {
		t.Errorf("%+v", failure)
	}
	if lists := account.number("count?call=list"); lists != 3 {
		t.Errorf("%d lists were sent", lists)
	}
	_, err = client.Files.Delete(background, seeded, mmx.PurposeVoiceClone, again)
	if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "options.flags" {
		t.Errorf("%+v", failure)
	}
}
