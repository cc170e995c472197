package mmx_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// Waiting for a file, and deletes without its purpose.

func TestWaitForAFileThatComesLater(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	go func() {
		account.arrived(1)
		account.control("POST", "files", []fault{{"file_id": 77, "purpose": "t2a_async", "size": 500}})
	}()
	file, err := client.Files.Wait(background, 77)
	if must(t, err); file.FileID != 77 || file.Purpose != mmx.PurposeT2AAsync || file.Call.Attempts < 2 {
		t.Errorf("%+v", file)
	}
	account.sent(file.Call.Attempts)
	if last := account.last(); last.Method != "GET" || last.Path != "/v1/files/retrieve" || last.Query != "file_id=77" {
		t.Errorf("%+v", last)
	}
}

// A time limit, a deadline and a cancellation end it.
func TestWaitForAFileThatNeverComes(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	_, err := client.Files.Wait(background, 78, mmx.WithCallTimeout(100*time.Millisecond))
	is(t, err, mmx.ErrTimeout)
	ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
	defer cancel()
	_, err = client.Files.Wait(ctx, 78)
	is(t, err, mmx.ErrTimeout, context.DeadlineExceeded)
	before, cause := account.number("count"), errors.New("the task failed")
	cancelled, fails := context.WithCancelCause(background)
	go func() {
		account.arrived(before + 1)
		fails(cause)
	}()
	_, err = client.Files.Wait(cancelled, 78)
	is(t, err, mmx.ErrCancelled, context.Canceled, cause)
}

// Nothing else is waited for.
func TestWaitIsNotForFailures(t *testing.T) {
	account := newAccount(t)
	client := account.client(mmx.WithMaxAttempts(1))
	account.addFiles(1)
	for kind, fault := range map[error]fault{
		mmx.ErrAuthentication: {"code": 1004}, mmx.ErrQuota: {"code": 1008}, mmx.ErrServer: {"http_status": 503},
		mmx.ErrProtocol: {"shape": "other_id"}, mmx.ErrNetwork: {"close_before_answer": "fin"},
	} {
		before := account.number("count")
		account.script(fault)
		_, err := client.Files.Wait(background, 1)
		if failure := is(t, err, kind); failure.Call != "wait_file" || failure.Ambiguous {
			t.Errorf("%+v", failure)
		}
		account.sent(before + 1)
	}
}

func TestDeletesWithoutAPurpose(t *testing.T) {
	account := newAccount(t)
	account.control("POST", "files", []fault{{"file_id": 7, "purpose": "prompt_audio"}})
	client := account.client()
	result, err := client.Files.Delete(background, 7, "")
	if must(t, err); result.FileID != 7 || result.Attempts != 1 || result.Evidence != "answer" {
		t.Errorf("%+v", result)
	}
	account.sent(2)
	if body := account.last().Body; body != `{"file_id":7,"purpose":"prompt_audio"}` {
		t.Error(body)
	}
	// One that isn't there: no delete is sent.
	_, err = client.Files.Delete(background, 7, "")
	if failure := is(t, err, mmx.ErrNotFound); failure.APICode != 2013 || failure.Attempts != 0 {
		t.Errorf("%+v", failure)
	}
	result, err = client.Files.Delete(background, 7, "", mmx.WithMissingOK())
	if must(t, err); result.Evidence != "retrieve" {
		t.Errorf("%+v", result)
	}
	account.sent(4)
}

func TestDeleteFilesWithoutPurposes(t *testing.T) {
	for count, lists := range map[int]int{3: 0, 30: 1} {
		account := newAccount(t)
		account.addFiles(count)
		given := func(yield func(mmx.FileRef) bool) {
			for id := range int64(count) {
				if ref := (mmx.FileRef{FileID: id + 1}); !yield(ref) {
					return
				}
			}
			_ = yield(mmx.FileRef{FileID: seeded, Purpose: mmx.PurposeVoiceClone}) && yield(mmx.FileRef{FileID: 999})
		}
		outcomes, last := all(t, account.client().Files.DeleteFiles(background, given))
		if must(t, last); len(outcomes) != count+2 || outcomes[count+1].Kind != mmx.OutcomeAlreadyAbsent {
			t.Errorf("%+v", outcomes)
		}
		for index := range count + 1 {
			if outcome := outcomes[index]; outcome.Kind != mmx.OutcomeDeleted || outcome.Purpose != mmx.PurposeVoiceClone {
				t.Errorf("%+v", outcome)
			}
		}
		if listed := account.number("count?call=list"); listed != lists {
			t.Errorf("%d lists for %d files", listed, count)
		}
	}
}
