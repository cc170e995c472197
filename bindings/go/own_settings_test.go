package mmx_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/libmmx/mmx"
)

// Headers of one's own, and key files.

func (r request) headers(name string) (values []string) {
	for _, header := range r.Headers {
		if strings.EqualFold(header[0], name) {
			values = append(values, header[1])
		}
	}
	return values
}

func TestWithHeader(t *testing.T) {
	const secret = "gateway-secret-1234567890"
	account, _ := holding(t, 1000)
	account.addFiles(2)
	log, client := logged(slog.LevelDebug, account,
		mmx.WithHeader("X-Gateway", secret), mmx.WithHeader("X-Team", "voice"), mmx.WithHeader("X-Team", "data"))
	_, err := client.Files.Delete(background, 1, mmx.PurposeVoiceClone)
	must(t, err)
	_, err = client.Files.Wait(background, 2)
	must(t, err)
	must(t, upload(client, strings.NewReader("x")))
	// With the request for the link, and not to another host.
	_, err = client.Files.Download(background, 7, &bytes.Buffer{}, mmx.WithViaDownloadURL())
	must(t, err)
	with := 0
	for _, request := range account.journal() {
		if values := request.headers("X-Team"); fmt.Sprint(values) == "[voice data]" && request.header("X-Gateway") == secret {
			with++
		} else if len(values) > 0 || request.header("X-Gateway") != "" {
			t.Errorf("%+v", request)
		}
	}
	if with != 4 || account.number("count?call=store") != 1 {
		t.Errorf("%d requests had the headers", with)
	}
	account.script(fault{"code": 1004, "message": "no access with " + secret})
	_, err = client.Files.List(background, "")
	failure := is(t, err, mmx.ErrAuthentication)
	_, records := log.take()
	for _, record := range records {
		if text := fmt.Sprint(record.Message, attributes(record)); strings.Contains(text, secret) {
			t.Error(text)
		}
	}
	if text := fmt.Sprintf("%+v", *failure); strings.Contains(text, secret) {
		t.Error(text)
	}
	for _, name := range []string{"", "Authorization", "host", "Content-Type", "User-Agent", "X Team", "X-Team:", "X\r\nY", "X\x00"} {
		refused(t, "name", mmx.WithHeader(name, "a"))
	}
	for _, value := range []string{"", " a", "a\r\nX-Other: b", "ä", secret + "\x00", secret + "\n"} {
		if failure := refused(t, "value", mmx.WithHeader("X-Team", value)); strings.Contains(failure.Error(), secret) {
			t.Error(failure)
		}
	}
}

// replace writes a file as programs that rotate keys do.
func replace(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path+".new", []byte(content), 0o600))
	must(t, os.Rename(path+".new", path))
}

func TestAKeyFileThatRotates(t *testing.T) {
	account := newAccount(t)
	path := filepath.Join(t.TempDir(), "key")
	replace(t, path, "sk-old\n")
	client := account.client(mmx.WithAPIKeyFile(path))
	is(t, remove(background, client), mmx.ErrAuthentication)
	if header := account.last().header("Authorization"); header != "Bearer sk-old" {
		t.Error(header)
	}
	replace(t, path, server.Key)
	must(t, remove(background, client))
	if header := account.last().header("Authorization"); header != "Bearer "+server.Key {
		t.Error(header)
	}
	// The error is about the key file, also where the call has a file of its own.
	must(t, os.Remove(path))
	_, upload := client.Files.UploadFile(background, filepath.Join(root, "README.md"), mmx.PurposeVoiceClone)
	for _, err := range []error{remove(background, client), upload} {
		failure := is(t, err, mmx.ErrFile, fs.ErrNotExist)
		var about *fs.PathError
		if !errors.As(err, &about) || about.Path != path || failure.Attempts != 0 {
			t.Errorf("%+v %+v", failure, about)
		}
	}
	replace(t, path, "two words")
	is(t, remove(background, client), mmx.ErrInvalidArgument)
	account.sent(2)
}

func TestKeyFilesThatCanNotBeRead(t *testing.T) {
	folder := t.TempDir()
	missing, empty := filepath.Join(folder, "none"), filepath.Join(folder, "empty")
	replace(t, empty, "\n")
	for _, given := range []struct {
		path string
		kind error
	}{{missing, fs.ErrNotExist}, {folder, mmx.ErrFile}} {
		_, err := mmx.New(mmx.WithAPIKeyFile(given.path))
		is(t, err, mmx.ErrFile, given.kind)
		var about *fs.PathError
		if !errors.As(err, &about) || about.Path != given.path {
			t.Errorf("%v: %+v", err, about)
		}
	}
	refused(t, "path", mmx.WithAPIKeyFile(empty))
	refused(t, "path", mmx.WithAPIKeyFile("a\x00"))
}

// The environment's key file, and which of several keys is taken.
func TestWhereTheKeyComesFrom(t *testing.T) {
	account := newAccount(t)
	path := filepath.Join(t.TempDir(), "key")
	replace(t, path, "sk-file\n")
	t.Setenv("MINIMAX_BASE_URL", account.url())
	sends := func(key string, options ...mmx.Option) {
		t.Helper()
		client, err := mmx.New(options...)
		must(t, err)
		defer client.Close()
		client.Files.List(background, "")
		if header := account.last().header("Authorization"); header != "Bearer "+key {
			t.Errorf("%q was sent, not %q", header, key)
		}
	}
	t.Setenv("MINIMAX_API_KEY_FILE", path)
	sends(server.Key)
	sends("sk-file", mmx.WithAPIKeyFile(path))
	sends("sk-own", mmx.WithAPIKeyFile(path), mmx.WithAPIKey("sk-own"))
	t.Setenv("MINIMAX_API_KEY", "")
	sends("sk-file")
	t.Setenv("MINIMAX_API_KEY_FILE", path+"x")
	_, err := mmx.New()
	is(t, err, mmx.ErrFile, fs.ErrNotExist)
	var about *fs.PathError
	if !errors.As(err, &about) || about.Path != path+"x" {
		t.Errorf("%+v", about)
	}
	t.Setenv("MINIMAX_API_KEY_FILE", "")
	_, err = mmx.New()
	if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "api_key" {
		t.Errorf("%+v", failure)
	}
}
