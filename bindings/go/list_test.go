package mmx_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

func TestList(t *testing.T) {
	account := newAccount(t)
	account.control("DELETE", "files", nil)
	account.control("POST", "files", []map[string]any{
		{"file_id": int64(math.MaxInt64), "purpose": "voice_clone", "bytes": 7, "created_at": 1700469398,
			"filename": "ä \"x\".mp3"},
		{"file_id": 2, "purpose": "t2a_async", "created_at": 0, "novel": map[string]any{"a": []int{1}}},
		{"file_id": 1<<53 + 1, "purpose": "voice_clone", "created_at": "soon"},
	})
	client := account.client()
	files, err := client.Files.List(background, "")
	must(t, err)
	if len(files) != 3 || account.last().Query != "" {
		t.Fatalf("%d files, asked for as %q", len(files), account.last().Query)
	}
	byID := map[int64]mmx.File{}
	for _, file := range files {
		byID[file.FileID] = file
	}
	file := byID[math.MaxInt64]
	if file.Filename != "ä \"x\".mp3" || file.Bytes != 7 || file.Purpose != mmx.PurposeVoiceClone || file.Extra != nil ||
		!file.CreatedAt.Equal(time.Unix(1700469398, 0)) || !strings.Contains(string(file.Raw), "9223372036854775807") {
		t.Errorf("%+v", file)
	}
	if file := byID[2]; !file.CreatedAt.IsZero() || file.Bytes != 0 || string(file.Extra["novel"]) != `{"a":[1]}` {
		t.Errorf("%+v", file)
	}
	if file, ok := byID[1<<53+1]; !ok || !file.CreatedAt.IsZero() {
		t.Errorf("%+v", files)
	}
	files, err = client.Files.List(background, mmx.PurposeVoiceClone)
	must(t, err)
	if len(files) != 2 || account.last().Query != "purpose=voice_clone" {
		t.Errorf("%d files, asked for as %q", len(files), account.last().Query)
	}
}

func TestListsWithoutFiles(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"shape": "files_missing"}, fault{"shape": "files_null"},
		fault{"body": `{"files":[],"base_resp":{"status_code":0}}`})
	client := account.client(mmx.WithMaxAttempts(1))
	for range 3 {
		files, err := client.Files.List(background, "")
		if must(t, err); files == nil || len(files) != 0 {
			t.Errorf("%#v", files)
		}
	}
	for _, shape := range []string{"files_not_array", "no_base_resp", "html_502", "truncated_json", "null", "empty"} {
		account.script(fault{"shape": shape})
		if files, err := client.Files.List(background, ""); err == nil {
			t.Errorf("%s: %v", shape, files)
		}
	}
	account.script(fault{"code": 1004})
	_, err := client.Files.List(background, "")
	is(t, err, mmx.ErrAuthentication)
}

func TestListRefuses(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for _, purpose := range []string{"a b", "voice_clone\x00", "Ä", strings.Repeat("a", 65)} {
		_, err := client.Files.List(background, purpose)
		is(t, err, mmx.ErrInvalidArgument)
	}
	_, err := client.Files.List(background, "", mmx.WithViaDownloadURL())
	if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "options.flags" {
		t.Errorf("%+v", failure)
	}
	account.sent(0)
}

func TestListOf50000(t *testing.T) {
	account := newAccount(t)
	account.addFiles(50_000)
	files, err := account.client().Files.List(background, "")
	must(t, err)
	ids := map[int64]bool{}
	for _, file := range files {
		ids[file.FileID] = true
	}
	if len(ids) < 50_000 {
		t.Errorf("%d ids", len(ids))
	}
}

func TestRetrieve(t *testing.T) {
	account := newAccount(t)
	account.script(fault{}, fault{"shape": "id_as_string"}, fault{"shape": "unknown_fields"})
	client := account.client()
	for i := range 3 {
		file, err := client.Files.Retrieve(background, seeded)
		must(t, err)
		if file.FileID != seeded || file.Purpose != mmx.PurposeVoiceClone || file.CreatedAt.IsZero() ||
			!strings.HasPrefix(file.DownloadURL, "http://127.0.0.2:") || i == 2 && len(file.Extra) == 0 {
			t.Errorf("%d: %+v", i, file)
		}
	}
	if sent := account.last(); sent.Method != "GET" || sent.Query != fmt.Sprintf("file_id=%d", seeded) {
		t.Errorf("%+v", sent)
	}
	account.script(fault{"shape": "other_id"}, fault{"shape": "id_missing"})
	_, err := client.Files.Retrieve(background, seeded)
	is(t, err, mmx.ErrProtocol)
	if _, err = client.Files.Retrieve(background, seeded); err == nil {
		t.Error("a file without an id")
	}
	_, err = client.Files.Retrieve(background, 0)
	if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "file_id" {
		t.Errorf("%+v", failure)
	}
	account.script(fault{"hang": true})
	ctx, cancel := context.WithCancel(background)
	time.AfterFunc(30*time.Millisecond, cancel)
	_, err = client.Files.Retrieve(ctx, seeded)
	is(t, err, mmx.ErrCancelled, context.Canceled)
}

func TestFilesAreReadStrictly(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for id, good := range map[string]bool{
		`"9223372036854775807"`: true, `1`: true, `1.0`: false, `1e3`: false, `"1.0"`: false, `"+1"`: false, `""`: false,
		`null`: false, `true`: false, `9223372036854775808`: false, `[1]`: false,
	} {
		file := `{"file_id":` + id + `,"filename":7,"created_at":"x"}`
		account.script(fault{"body": `{"files":[` + file + `],"base_resp":{"status_code":0}}`})
		files, err := client.Files.List(background, "")
		if good && (err != nil || len(files) != 1 || files[0].Filename != "" || !files[0].CreatedAt.IsZero()) ||
			!good && err == nil {
			t.Errorf("%s: %+v %v", id, files, err)
		}
		if !good {
			is(t, err, mmx.ErrProtocol)
		}
	}
}
