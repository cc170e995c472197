package mmx_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// Files that aren't there or have another purpose, purposes as they are, and lists with odd fields.

const unknownFile = "delete_file: the service doesn't know the file 999, as retrieve shows"

func TestDeleteOfAnAbsentFile(t *testing.T) {
	for _, faults := range [][]any{
		{fault{"skip": 9}},
		{fault{"call": "delete", "code": 2013, "http_status": 404}},
		{fault{"call": "retrieve", "code": 2013, "http_status": 404}},
		{fault{"call": "retrieve", "code": 1013, "headers": fault{"Retry-After": "0"}}},
	} {
		account := newAccount(t)
		client := account.client()
		account.script(faults...)
		_, err := client.Files.Delete(background, 999, mmx.PurposeVoiceClone)
		failure := is(t, err, mmx.ErrNotFound)
		if !strings.HasPrefix(failure.Message, unknownFile) || failure.APICode != 2013 || failure.Ambiguous || failure.Attempts != 1 {
			t.Errorf("%+v", failure)
		}
		account.script(faults...)
		result, err := client.Files.Delete(background, 999, mmx.PurposeVoiceClone, mmx.WithMissingOK())
		if must(t, err); result.FileID != 999 || string(result.JSON) != `{"evidence":"retrieve","file_id":999}` {
			t.Errorf("%d %s", result.FileID, result.JSON)
		}
	}
}

func TestAnErrorIsNoMissingFile(t *testing.T) {
	for _, test := range []struct {
		fault fault
		kind  error
	}{
		{fault{"call": "retrieve", "code": 1004}, mmx.ErrInvalidRequest},
		{fault{"call": "retrieve", "shape": "text_404"}, mmx.ErrInvalidRequest},
		{fault{"call": "retrieve", "code": 2038}, mmx.ErrInvalidRequest},
		{fault{"call": "delete", "code": 1004}, mmx.ErrAuthentication},
		{fault{"call": "delete", "code": 1008}, mmx.ErrQuota},
		{fault{"call": "delete", "shape": "text_404"}, mmx.ErrHTTP},
	} {
		for _, options := range [][]mmx.CallOption{nil, {mmx.WithMissingOK()}} {
			account := newAccount(t)
			account.script(test.fault)
			_, err := account.client().Files.Delete(background, 999, mmx.PurposeVoiceClone, options...)
			is(t, err, test.kind)
		}
	}
	// It is an option of deletes alone.
	account := newAccount(t)
	_, err := account.client().Files.List(background, "", mmx.WithMissingOK())
	if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "options.flags" {
		t.Errorf("%+v", failure)
	}
	account.sent(0)
}

func TestAFileOfAnotherPurpose(t *testing.T) {
	const said = "the file is there, but its purpose is prompt_audio, not voice_clone"
	account := newAccount(t)
	account.addFiles(1)
	account.control("POST", "files", []fault{{"file_id": 900, "purpose": "prompt_audio"}})
	client := account.client()
	for _, options := range [][]mmx.CallOption{nil, {mmx.WithMissingOK()}} {
		_, err := client.Files.Delete(background, 900, mmx.PurposeVoiceClone, options...)
		if failure := is(t, err, mmx.ErrInvalidRequest); !strings.Contains(failure.Message, said) {
			t.Errorf("%+v", failure)
		}
	}
	files := []mmx.FileRef{{FileID: 1, Purpose: "voice_clone"}, {FileID: 900, Purpose: "voice_clone"}, {FileID: 999, Purpose: "voice_clone"}}
	outcomes, last := all(t, client.Files.DeleteFiles(background, slices.Values(files)))
	if last != nil || outcomes[0].Kind != mmx.OutcomeDeleted || outcomes[2].Kind != mmx.OutcomeAlreadyAbsent {
		t.Errorf("%+v %v", outcomes, last)
	}
	if failure := is(t, outcomes[1].Err, mmx.ErrInvalidRequest); !strings.Contains(failure.Message, said) {
		t.Errorf("%+v", failure)
	}
}

func TestPurposesWithHyphens(t *testing.T) {
	for _, purpose := range []string{"fine-tune", "fine-tune-result", "role-recognition", "Voice.Clone-2", strings.Repeat("a", 64)} {
		account := newAccount(t)
		account.control("POST", "files", fault{"count": 5, "first_id": 1, "purpose": purpose})
		client := account.client()
		stored, err := client.Files.Upload(background, strings.NewReader("{}"), mmx.UploadParams{Filename: "a.jsonl", Purpose: purpose})
		if must(t, err); stored.Purpose != purpose || account.last().Upload.Purpose != purpose {
			t.Errorf("%+v", stored)
		}
		files, err := client.Files.List(background, purpose)
		if must(t, err); len(files) != 6 || account.last().Query != "purpose="+purpose {
			t.Errorf("%d files, asked for as %q", len(files), account.last().Query)
		}
		_, err = client.Files.Delete(background, 1, purpose)
		if must(t, err); account.last().Body != fmt.Sprintf(`{"file_id":1,"purpose":"%s"}`, purpose) {
			t.Error(account.last().Body)
		}
		_, last := all(t, client.Files.DeleteFiles(background, slices.Values([]mmx.FileRef{{FileID: 2, Purpose: purpose}})))
		must(t, last)
		result, err := client.Files.Prune(background, mmx.PruneFilter{Purpose: purpose, All: true}, mmx.WithVerify())
		if must(t, err); result.Deleted != 4 {
			t.Errorf("%+v", result)
		}
	}
	account := newAccount(t)
	client := account.client()
	for _, purpose := range []string{" ", "voice clone", "a/b", "a&b", "ä", "a\n", strings.Repeat("a", 65), "fine\u2013tune"} {
		_, list := client.Files.List(background, purpose)
		_, deleted := client.Files.Delete(background, 1, purpose)
		_, stored := client.Files.Upload(background, strings.NewReader("x"), mmx.UploadParams{Filename: "a.mp3", Purpose: purpose})
		_, pruned := client.Files.Prune(background, mmx.PruneFilter{Purpose: purpose, All: true})
		_, many := all(t, client.Files.DeleteFiles(background, slices.Values([]mmx.FileRef{{FileID: 2, Purpose: purpose}})))
		for _, err := range []error{list, deleted, stored, pruned, many} {
			if failure := is(t, err, mmx.ErrInvalidArgument); !strings.Contains(failure.Message, "purpose must be 1 to 64 letters") {
				t.Errorf("%q: %+v", purpose, failure)
			}
		}
	}
	account.sent(0)
}

func TestWhereTheServiceDoesNotListByAPurpose(t *testing.T) {
	account, _ := aged(t)
	account.script(fault{"call": "list", "purpose": "t2a_async", "code": 2013, "times": -1})
	log, client := logged(slog.LevelInfo, account)
	result, err := client.Files.Prune(background, week, mmx.WithVerify())
	if must(t, err); result.Deleted != 2 || result.Plan.Listed != 5 || !slices.Equal(account.held(), []int64{3, 4, 5, 6}) {
		t.Errorf("%+v, %v", result, account.held())
	}
	if events, records := log.take(); !slices.Contains(events, "listing_all") || records[0].Level != slog.LevelInfo {
		t.Error(events)
	}
	_, err = client.Files.List(background, mmx.PurposeT2AAsync)
	is(t, err, mmx.ErrInvalidRequest)
}

func TestPatternsThatCanNotBeMeant(t *testing.T) {
	account, client := aged(t)
	// A path of names in the other normal form: composed here, decomposed there.
	account.control("POST", "files", []fault{{"file_id": 7, "purpose": "t2a_async", "filename": "Mu\u0308ller.mp3", "created_at": 1}})
	filter := week
	filter.KeepGlob = "M\u00fcller*"
	_, err := client.Files.Prune(background, filter)
	if must(t, err); !slices.Contains(account.held(), 7) {
		t.Error("a name in the other normal form isn't kept")
	}
}

func TestOddFieldsSpoilNoList(t *testing.T) {
	account := newAccount(t)
	client := account.client(mmx.WithMaxAttempts(1))
	body := func(fields string) string { return "{" + fields + `,"base_resp":{"status_code":0}}` }
	for name, read := range map[string]string{
		`a\ud83d.mp3`: "a\ufffd.mp3", `\udc00\ud83d\ude00`: "\ufffd\U0001f600", "a\tb\x01.mp3": "a\tb\x01.mp3",
	} {
		odd := `{"file_id":1,"bytes":1,"filename":"` + name + `","purpose":"voice_clone"}`
		account.script(fault{"call": "list", "body": body(`"files":[` + odd + `,{"file_id":2,"filename":"b"},null]`)},
			fault{"call": "retrieve", "body": body(`"file":` + odd)},
			fault{"call": "upload", "body": body(`"file":` + odd), "perform": true})
		files, err := client.Files.List(background, "")
		if must(t, err); len(files) != 2 || files[0].Filename != read || files[1].Filename != "b" {
			t.Errorf("%q: %+v", name, files)
		}
		file, err := client.Files.Retrieve(background, 1)
		if must(t, err); file.Filename != read {
			t.Errorf("%q: %+v", name, file)
		}
		stored, err := client.Files.Upload(background, strings.NewReader("x"), voice)
		if must(t, err); stored.FileID != 1 {
			t.Errorf("%q: %+v", name, stored)
		}
	}
	account.script(fault{"body": body(`"files":{}`)}, fault{"body": body(`"files":{"a":1}`)},
		fault{"body": `{"base_resp":{"status_code":1004,"status_code":0}}`})
	files, err := client.Files.List(background, "")
	if must(t, err); len(files) != 0 {
		t.Errorf("%+v", files)
	}
	for range 2 {
		_, err = client.Files.List(background, "")
		is(t, err, mmx.ErrProtocol)
	}
	// An entry that can't be read is never pruned.
	account.addFiles(2)
	account.script(fault{"call": "list", "body": body(`"files":[null,{"file_id":2,"purpose":"voice_clone"},7]`)})
	result, err := client.Files.Prune(background, mmx.PruneFilter{All: true})
	if must(t, err); result.Deleted != 1 || !strings.Contains(string(result.Plan.Raw), `"unreadable":2`) {
		t.Errorf("%+v %s", result, result.Plan.Raw)
	}
}

// The end of a context is what was asked for, and no error in the log.
func TestOwnCancelsAreNoErrors(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"times": -1, "hang": true})
	log, client := logged(slog.LevelInfo, account)
	ctx, cancel := context.WithCancel(background)
	time.AfterFunc(200*time.Millisecond, cancel)
	together(64, func(int) {
		_, err := client.Files.Delete(ctx, seeded, mmx.PurposeVoiceClone)
		is(t, err, mmx.ErrCancelled, context.Canceled)
	})
	_, records := log.take()
	for _, record := range records {
		if record.Level > slog.LevelInfo {
			t.Errorf("%v %v", record.Level, record.Message)
		}
	}
}
