package mmx_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// Facts about calls: on success and failure alike.

// told checks facts of a call whose last request is the account's last, or of one that got no response.
func (a account) told(what string, info mmx.CallInfo, httpStatus, attempts int, evidence string) {
	a.t.Helper()
	traceID := ""
	if httpStatus != 0 {
		traceID = a.last().TraceID
	}
	want := mmx.CallInfo{HTTPStatus: httpStatus, Attempts: attempts, TraceID: traceID, Evidence: evidence, Elapsed: info.Elapsed}
	if info != want || info.Elapsed < 0 || info.Elapsed > 10*time.Minute || httpStatus != 0 && traceID == "" {
		a.t.Errorf("%s: %+v, not %+v", what, info, want)
	}
}

func TestFactsOfEveryCall(t *testing.T) {
	account, _ := holding(t, 1000)
	account.addFiles(1)
	files, path := account.client().Files, filepath.Join(t.TempDir(), "a.mp3")
	var info mmx.CallInfo
	wanted := mmx.WithCallInfo(&info)
	for what, call := range map[string]func() (mmx.CallInfo, error){
		"list": func() (mmx.CallInfo, error) {
			listed, err := files.List(background, "", wanted)
			return listed[len(listed)-1].Call, err
		},
		"retrieve": func() (mmx.CallInfo, error) {
			file, err := files.Retrieve(background, 7, wanted)
			return file.Call, err
		},
		"wait": func() (mmx.CallInfo, error) {
			file, err := files.Wait(background, 7, wanted)
			return file.Call, err
		},
		"upload": func() (mmx.CallInfo, error) {
			file, err := files.Upload(background, strings.NewReader("x"), voice, wanted)
			return file.Call, err
		},
		"upload file": func() (mmx.CallInfo, error) {
			must(t, os.WriteFile(path, content(10), 0o600))
			file, err := files.UploadFile(background, path, mmx.PurposeVoiceClone, wanted)
			return file.Call, err
		},
		"download": func() (mmx.CallInfo, error) {
			done, err := files.Download(background, 7, &bytes.Buffer{}, wanted)
			return done.CallInfo, err
		},
		"download file": func() (mmx.CallInfo, error) {
			done, err := files.DownloadFile(background, 7, path, wanted)
			return done.CallInfo, err
		},
	} {
		info = mmx.CallInfo{Evidence: "old"}
		returned, err := call()
		must(t, err)
		account.told(what, returned, 200, 1, "")
		account.told(what, info, 200, 1, "")
	}
	deleted, err := files.Delete(background, 1, mmx.PurposeVoiceClone, wanted)
	must(t, err)
	account.told("delete", deleted.CallInfo, 200, 1, "answer")
	if info != deleted.CallInfo || deleted.TraceID == "" || deleted.Attempts != 1 || deleted.Evidence != "answer" {
		t.Errorf("%+v %+v", info, deleted)
	}
	deleted, err = files.Delete(background, 1, mmx.PurposeVoiceClone, mmx.WithMissingOK())
	must(t, err)
	account.told("missing", deleted.CallInfo, 200, 1, "retrieve")
	// The request for the link is no attempt of the download.
	done, err := files.Download(background, 7, &bytes.Buffer{}, mmx.WithViaDownloadURL())
	if must(t, err); done.HTTPStatus != 200 || done.Attempts != 1 || done.Via != "download_url" {
		t.Errorf("%+v", done)
	}
}

func TestFactsOfCallsThatAreRepeatedOrFail(t *testing.T) {
	account := newAccount(t)
	account.addFiles(3)
	files := account.client().Files
	now := fault{"Retry-After": "0"}
	account.script(fault{"code": 1033, "headers": now}, fault{"http_status": 429, "headers": now})
	deleted, err := files.Delete(background, 1, mmx.PurposeVoiceClone)
	must(t, err)
	account.told("repeated", deleted.CallInfo, 200, 3, "answer")
	account.script(fault{"call": "delete", "close_before_answer": "fin"})
	deleted, err = files.Delete(background, 2, mmx.PurposeVoiceClone)
	must(t, err)
	account.told("lost", deleted.CallInfo, 200, 2, "retrieve")
	var info mmx.CallInfo
	for _, test := range []struct {
		fault      fault
		kind       error
		httpStatus int
	}{
		{fault{"code": 1004}, mmx.ErrAuthentication, 200},
		{fault{"http_status": 503}, mmx.ErrServer, 503},
		{fault{"close_before_answer": "fin"}, mmx.ErrNetwork, 0},
	} {
		account.script(test.fault)
		deleted, err := files.Delete(background, 3, mmx.PurposeVoiceClone, mmx.WithCallMaxAttempts(1), mmx.WithCallInfo(&info))
		failure := is(t, err, test.kind)
		account.told("failed", info, test.httpStatus, 1, "")
		if deleted.CallInfo != info || failure.TraceID != info.TraceID || failure.HTTPStatus != info.HTTPStatus {
			t.Errorf("%+v %+v %+v", info, deleted, failure)
		}
		account.script(test.fault)
		done, err := files.Download(background, 3, &bytes.Buffer{}, mmx.WithCallMaxAttempts(1), mmx.WithCallInfo(&info))
		is(t, err, test.kind)
		account.told("failed", info, test.httpStatus, 1, "")
		account.told("failed", done.CallInfo, test.httpStatus, 1, "")
	}
}

// Of a call that isn't made there are none, whatever was there before.
func TestFactsOfCallsThatAreNotMade(t *testing.T) {
	account := newAccount(t)
	files := account.client().Files
	var info mmx.CallInfo
	var none context.Context
	ended, end := context.WithCancel(background)
	end()
	wanted := mmx.WithCallInfo(&info)
	calls := []func() error{
		func() error { _, err := files.Delete(background, 1, "\x00", wanted); return err },
		func() error { _, err := files.Delete(none, 1, "", wanted); return err },
		func() error { _, err := files.Delete(ended, 1, "", wanted); return err },
		func() error { _, err := files.Delete(background, 0, "", wanted); return err },
		func() error { _, err := mmx.Files{}.Delete(background, 1, "", wanted); return err },
		func() error { _, err := files.List(background, "\x00", wanted); return err },
		func() error { _, err := files.Wait(background, 0, wanted); return err },
		func() error { _, err := files.Upload(background, nil, voice, wanted); return err },
		func() error { _, err := files.UploadFile(background, "\x00", "voice_clone", wanted); return err },
		func() error { _, err := files.UploadFile(background, "a", "\x00", wanted); return err },
		func() error { _, err := files.Download(background, 1, nil, wanted); return err },
		func() error { _, err := files.DownloadFile(background, 1, "\x00", wanted); return err },
	}
	for at, call := range calls {
		info = mmx.CallInfo{Attempts: 7, TraceID: "old"}
		is(t, call())
		info.Elapsed = 0
		if info != (mmx.CallInfo{}) {
			t.Errorf("call %d: %+v", at, info)
		}
	}
	account.sent(0)
}

// A trace id is the service's, and may be longer or shorter than usual.
func TestFactsOfOddResponses(t *testing.T) {
	ids := []string{"", "a", strings.Repeat("b", 127), strings.Repeat("c", 128), strings.Repeat("d", 500)}
	var at atomic.Int32
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trace-Id", ids[at.Load()])
		w.Write([]byte(`{"files":[],"base_resp":{"status_code":0}}`))
	}))
	defer odd.Close()
	client := newAccount(t).client(mmx.WithBaseURL(odd.URL))
	for i, id := range ids {
		at.Store(int32(i))
		var info mmx.CallInfo
		_, err := client.Files.List(background, "", mmx.WithCallInfo(&info))
		if must(t, err); !strings.HasPrefix(id, info.TraceID) || len(info.TraceID) > 127 || info.HTTPStatus != 200 {
			t.Errorf("%q: %+v", id, info)
		}
	}
}
