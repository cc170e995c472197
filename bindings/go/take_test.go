package mmx_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/libmmx/mmx"
)

// Take: a file is deleted only once it is whole on this disk.

func TestTake(t *testing.T) {
	for _, purpose := range []string{mmx.PurposeVoiceClone, ""} {
		account, want := holding(t, 100_000)
		path := target(t, "before")
		var reported int64
		var info mmx.CallInfo
		result, err := account.client().Files.Take(background, 7, path, purpose, mmx.WithCallInfo(&info),
			mmx.WithProgress(func(done, total int64) { reported = done }))
		must(t, err)
		if result.FileID != 7 || result.Bytes != 100_000 || result.Length != 100_000 || reported != 100_000 ||
			result.Via != "retrieve_content" || result.Path != path || !result.Deleted || hashOf(t, path) != want {
			t.Errorf("%+v", result)
		}
		if !strings.Contains(string(result.Delete), `"base_resp"`) || result.Evidence != "answer" || result.CallInfo != info {
			t.Errorf("%s %+v %+v", result.Delete, result.CallInfo, info)
		}
		account.told("take", result.CallInfo, 200, info.Attempts, "answer")
		if account.number("count?call=delete&performed=1") != 1 || account.has(7) {
			t.Error("it was not deleted once")
		}
	}
}

func (a account) has(id int64) bool {
	a.t.Helper()
	for _, held := range a.held() {
		if held == id {
			return true
		}
	}
	return false
}

// The download fails, or the target can't be kept: nothing is deleted, and the target is as it was.
func TestTakeThatKeepsBoth(t *testing.T) {
	account, _ := holding(t, 100_000)
	client := account.client(mmx.WithMaxAttempts(1))
	for _, test := range []struct {
		fault fault
		want  error
	}{
		{fault{"call": "retrieve_content", "code": 1004}, mmx.ErrAuthentication},
		{fault{"call": "retrieve_content", "cut_after": 1500}, mmx.ErrNetwork},
		{fault{"call": "retrieve_content", "wrong_length": 10}, mmx.ErrNetwork},
	} {
		account.script(test.fault)
		path := target(t, "before")
		result, err := client.Files.Take(background, 7, path, mmx.PurposeVoiceClone)
		is(t, err, test.want)
		alone(t, path, "before")
		if result.Path != "" || result.Deleted || result.Delete != nil || result.Attempts == 0 {
			t.Errorf("%+v", result)
		}
	}
	for path, want := range map[string]error{
		filepath.Join(t.TempDir(), "no", "such"): os.ErrNotExist, t.TempDir(): mmx.ErrFile, os.DevNull: mmx.ErrFile,
	} {
		_, err := client.Files.Take(background, 7, path, mmx.PurposeVoiceClone)
		is(t, err, mmx.ErrFile, want)
	}
	for path, parameter := range map[string]string{"a\x00b": "path", "": "path"} {
		if _, err := client.Files.Take(background, 7, path, ""); is(t, err, mmx.ErrInvalidArgument).Parameter != parameter {
			t.Error(err)
		}
	}
	_, err := client.Files.Take(background, 7, target(t, ""), "\x00")
	is(t, err, mmx.ErrInvalidArgument)
	_, err = client.Files.Take(background, 7, target(t, ""), "", mmx.WithTemporary())
	is(t, err, mmx.ErrInvalidArgument)
	if account.number("count?call=delete") != 0 || !account.has(7) {
		t.Error("it was deleted")
	}
}

// The file is on the disk, and the delete fails: the result and the message say so.
func TestTakeWhoseDeleteFails(t *testing.T) {
	account, want := holding(t, 100_000)
	client := account.client(mmx.WithMaxAttempts(1))
	fails := func(ctx context.Context, wanted error, ambiguous bool) {
		t.Helper()
		path := target(t, "")
		result, err := client.Files.Take(ctx, 7, path, mmx.PurposeVoiceClone)
		failure := is(t, err, wanted)
		if failure.Ambiguous != ambiguous || !strings.Contains(err.Error(), "the whole file is in "+path) {
			t.Errorf("%v %v", failure.Ambiguous, err)
		}
		if result.Deleted || result.Path != path || result.Bytes != 100_000 || result.Delete != nil || hashOf(t, path) != want {
			t.Errorf("%+v", result)
		}
	}
	account.script(fault{"call": "delete", "code": 1004})
	fails(background, mmx.ErrAuthentication, false)
	account.script(fault{"call": "delete", "perform": false, "http_status": 503})
	fails(background, mmx.ErrServer, true)
	account.control("POST", "faults", []fault{{"call": "delete", "perform": false, "hang": true}})
	ctx, cancel := context.WithCancel(background)
	before := account.number("count?call=delete")
	go func() {
		account.number("wait?call=delete&count=" + number(before+1))
		cancel()
	}()
	fails(ctx, context.Canceled, true)
	// Somebody else has deleted it meanwhile.
	account.script(fault{"call": "delete", "perform": true, "code": 2013})
	result, err := client.Files.Take(background, 7, target(t, ""), mmx.PurposeVoiceClone)
	must(t, err)
	if !result.Deleted || result.Evidence != "retrieve" {
		t.Errorf("%+v", result)
	}
}
