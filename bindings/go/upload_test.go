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

	mmx "example.com/libmmx/go"
)

var errOurs = errors.New("the disk is on fire")

// content is bytes that differ from place to place.
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

// plainReader hides what else the reader can do.
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

func TestUploadFile(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	path := filepath.Join(t.TempDir(), "声音 \"a\".wav")
	must(t, os.WriteFile(path, content(70_000), 0o600))
	stored, err := client.Files.UploadFile(background, path, mmx.PurposePromptAudio)
	must(t, err)
	sent := account.last().Upload
	if sent.SHA256 != hash(content(70_000)) || sent.ContentType != "audio/wav" || stored.Purpose != mmx.PurposePromptAudio {
		t.Errorf("%+v %+v", sent, stored)
	}
	for path, kind := range map[string]error{
		path + "x": mmx.ErrFile, t.TempDir(): mmx.ErrFile, "a\x00": mmx.ErrInvalidArgument, "": mmx.ErrInvalidArgument,
	} {
		_, err := client.Files.UploadFile(background, path, mmx.PurposePromptAudio)
		is(t, err, kind)
	}
	account.sent(1)
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

// brokenReader gives so many bytes and then this.
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

// lostReader says where it stands, but can't go back there.
type lostReader struct{ io.Reader }

func (lostReader) Seek(_ int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		return 0, errOurs
	}
	return 3, nil
}

// pipeReader is a Seeker in name only.
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
	client := account.client()
	for _, after := range []int{0, 1 << 20} {
		account.script(fault{"refuse_after": after, "code": 1004})
		all := &brokenReader{left: 64 << 20, err: io.EOF}
		is(t, upload(client, all), mmx.ErrAuthentication)
		if all.left < 32<<20 {
			t.Errorf("refused after %d, but only %d bytes were not sent", after, all.left)
		}
	}
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
	// It isn't there: it goes again, as far as the Reader can go back.
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
	// Unasked, nobody looks.
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
