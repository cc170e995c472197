package mmx_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// refs are the files of addFiles.
func refs(count int) iter.Seq[mmx.FileRef] {
	return func(yield func(mmx.FileRef) bool) {
		for id := range count {
			if !yield(mmx.FileRef{FileID: int64(id) + 1, Purpose: mmx.PurposeVoiceClone}) {
				return
			}
		}
	}
}

// all returns every outcome, and the error at the end.
func all(t testing.TB, loop iter.Seq2[mmx.Outcome, error]) (outcomes map[int]mmx.Outcome, last error) {
	t.Helper()
	outcomes = map[int]mmx.Outcome{}
	for outcome, err := range loop {
		switch _, seen := outcomes[outcome.Index]; {
		case last != nil:
			t.Errorf("%+v after the end", outcome)
		case outcome.Kind == 0:
			if last = err; err == nil || outcome != (mmx.Outcome{}) {
				t.Errorf("%+v %v", outcome, err)
			}
			continue
		case seen:
			t.Errorf("%d is told twice", outcome.Index)
		}
		well := []mmx.OutcomeKind{mmx.OutcomeDeleted, mmx.OutcomeAlreadyAbsent, mmx.OutcomeKept}
		isWell := slices.Contains(well, outcome.Kind)
		if err != outcome.Err || (err == nil) != isWell {
			t.Errorf("%+v: %v", outcome, err)
		}
		outcomes[outcome.Index] = outcome
	}
	return outcomes, last
}

func TestDeleteFiles(t *testing.T) {
	const files = 200
	for _, scheme := range []string{"http", "https"} {
		account := newAccount(t)
		account.addFiles(files)
		client := account.client()
		if scheme == "https" {
			client = account.client(mmx.WithBaseURL(account.https()), mmx.WithCAFile(server.CAFile))
		}
		before := runtime.NumGoroutine()
		var summary mmx.Summary
		loop := client.Files.DeleteFiles(background, refs(files), mmx.WithSummary(&summary))
		account.sent(0)
		outcomes, last := all(t, loop)
		if len(outcomes) != files || last != nil {
			t.Fatalf("%d outcomes, %v", len(outcomes), last)
		}
		for index, outcome := range outcomes {
			if outcome.FileID != int64(index)+1 || outcome.Purpose != "voice_clone" || outcome.Kind != mmx.OutcomeDeleted ||
				outcome.Evidence != "answer" || outcome.Attempts != 1 || outcome.TraceID == "" ||
				time.Since(outcome.SettledAt).Abs() > time.Hour {
				t.Errorf("%+v", outcome)
			}
		}
		want := mmx.Summary{Total: files, Deleted: files}
		if fmt.Sprint(summary) != fmt.Sprint(want) || account.number("count?performed=1") != files {
			t.Errorf("%+v", summary)
		}
		// A second loop is another run.
		if outcomes, _ = all(t, loop); outcomes[0].Kind != mmx.OutcomeAlreadyAbsent || outcomes[0].Evidence != "retrieve" {
			t.Errorf("%+v", outcomes[0])
		}
		goroutinesBackTo(t, before)
	}
}

// A failed file doesn't stop the others; an absent file is detected; a duplicate is sent once.
func TestDeleteFilesEachForItself(t *testing.T) {
	account := newAccount(t)
	account.addFiles(5)
	account.script(
		fault{"call": "delete", "file_id": 2, "times": -1, "code": 2013, "message": "no"},
		fault{"call": "delete", "file_id": 3, "close_before_answer": "rst"},
		fault{"call": "delete", "file_id": 5, "times": -1, "shape": "garbage"},
		fault{"call": "retrieve", "file_id": 5, "times": -1, "shape": "garbage"})
	files := []mmx.FileRef{}
	for _, id := range []int64{1, 2, 3, 999, 1, 4, 5} {
		files = append(files, mmx.File{FileID: id, Purpose: mmx.PurposeVoiceClone}.Ref())
	}
	var summary mmx.Summary
	outcomes, last := all(t, account.client().Files.DeleteFiles(background, slices.Values(files),
		mmx.WithSummary(&summary), mmx.WithCallMaxAttempts(2)))
	kinds := []string{}
	for index := range files {
		kinds = append(kinds, outcomes[index].Kind.String())
	}
	want := []string{"deleted", "failed", "deleted", "already_absent", "deleted", "deleted", "unknown"}
	if !slices.Equal(kinds, want) || last != nil {
		t.Errorf("%v, %v", kinds, last)
	}
	refused := is(t, outcomes[1].Err, mmx.ErrInvalidRequest)
	if refused.APICode != 2013 || refused.TraceID == "" || refused.TraceID != outcomes[1].TraceID || refused.Ambiguous {
		t.Errorf("%+v", refused)
	}
	if unknown := is(t, outcomes[6].Err, mmx.ErrProtocol); !unknown.Ambiguous || outcomes[6].Attempts != 1 {
		t.Errorf("%+v %+v", unknown, outcomes[6])
	}
	counts := mmx.Summary{Total: 7, Deleted: 4, AlreadyAbsent: 1, Failed: 1, Unknown: 1}
	if fmt.Sprint(summary) != fmt.Sprint(counts) || account.number("count?call=delete&file_id=1") != 1 {
		t.Errorf("%+v", summary)
	}
}

// An error that ends the run is the error of each file that is left, and comes last, too.
func TestDeleteFilesWithAKeyThatIsRefused(t *testing.T) {
	account := newAccount(t)
	account.addFiles(100)
	account.script(fault{"times": -1, "code": 1004})
	outcomes, last := all(t, account.client().Files.DeleteFiles(background, refs(100)))
	is(t, last, mmx.ErrAuthentication)
	left := 0
	for _, outcome := range outcomes {
		failure := is(t, outcome.Err, mmx.ErrAuthentication)
		if outcome.Kind == mmx.OutcomeNotAttempted {
			left++
			if !strings.HasPrefix(failure.Message, "delete_files: not attempted; ") ||
				outcome.FileID != int64(outcome.Index)+1 || outcome.Purpose != "voice_clone" || outcome.SettledAt.IsZero() {
				t.Errorf("%+v %+v", outcome, failure)
			}
		}
	}
	if sent := account.number("count"); len(outcomes) != 100 || left < 80 || sent > 20 {
		t.Errorf("%d outcomes, %d not attempted, %d requests", len(outcomes), left, sent)
	}
}

func TestDeleteFilesRefusesBadArguments(t *testing.T) {
	account := newAccount(t)
	account.addFiles(1)
	client := account.client()
	ref := func(id int64, purpose string) iter.Seq[mmx.FileRef] {
		return slices.Values([]mmx.FileRef{{FileID: 1, Purpose: "voice_clone"}, {FileID: id, Purpose: purpose}})
	}
	var none context.Context
	for parameter, loop := range map[string]iter.Seq2[mmx.Outcome, error]{
		"files":                   client.Files.DeleteFiles(background, ref(0, "voice_clone")),
		"files ":                  client.Files.DeleteFiles(background, ref(2, "voice clone")),
		"files  ":                 client.Files.DeleteFiles(background, ref(2, "voice\x00")),
		"files   ":                client.Files.DeleteFiles(background, nil),
		"ctx":                     client.Files.DeleteFiles(none, refs(1)),
		"client":                  mmx.Files{}.DeleteFiles(background, refs(1)),
		"options.concurrency":     client.Files.DeleteFiles(background, refs(1), mmx.WithConcurrency(1001)),
		"options.concurrency ":    client.Files.DeleteFiles(background, refs(1), mmx.WithConcurrency(math.MinInt64)),
		"options.call_timeout_ms": client.Files.DeleteFiles(background, refs(1), mmx.WithCallTimeout(-2)),
		"options.max_attempts":    client.Files.DeleteFiles(background, refs(1), mmx.WithCallMaxAttempts(-1)),
		"opts":                    client.Files.DeleteFiles(background, refs(1), mmx.WithReconcile()),
		"opts ":                   client.Files.DeleteFiles(background, refs(1), mmx.WithViaDownloadURL()),
		"opts  ":                  client.Files.DeleteFiles(background, refs(1), mmx.WithCallInfo(&mmx.CallInfo{})),
	} {
		outcomes, last := all(t, loop)
		failure := is(t, last, mmx.ErrInvalidArgument)
		if len(outcomes) > 0 || failure.Parameter != strings.TrimSpace(parameter) {
			t.Errorf("%s: %v %+v", parameter, outcomes, failure)
		}
	}
	var summary mmx.Summary
	_, last := all(t, client.Files.DeleteFiles(background, ref(2, "\x00"), mmx.WithSummary(&summary)))
	if last.Error() != "delete_files: files[1].Purpose must not hold a NUL byte" || summary.NotAttempted != 1 {
		t.Error(last, summary)
	}
	account.sent(0)
	summary.Total = 7
	outcomes, last := all(t, client.Files.DeleteFiles(background, refs(0), mmx.WithSummary(&summary)))
	if len(outcomes) > 0 || last != nil || summary.Total != 0 {
		t.Error(outcomes, last, summary)
	}
}

func TestDeleteFilesOptions(t *testing.T) {
	account := newAccount(t)
	account.addFiles(40)
	client := account.client()
	outcomes, last := all(t, client.Files.DeleteFiles(background, refs(2), mmx.WithDryRun()))
	if outcomes[1].Kind != mmx.OutcomeKept || len(outcomes) != 2 || last != nil {
		t.Error(outcomes, last)
	}
	account.sent(0)

	account.script(fault{"hang": true})
	outcomes, last = all(t, client.Files.DeleteFiles(background, refs(1),
		mmx.WithCallTimeout(100*time.Millisecond), mmx.WithCallMaxAttempts(1)))
	failure := is(t, outcomes[0].Err, mmx.ErrTimeout)
	if !strings.Contains(failure.Message, "100 ms") || errors.Is(failure, context.DeadlineExceeded) || last != nil {
		t.Error(failure, last)
	}

	var told [][2]int64
	progress := mmx.WithProgress(func(done, total int64) { told = append(told, [2]int64{done, total}) })
	_, last = all(t, client.Files.DeleteFiles(background, refs(40), progress))
	if last != nil || len(told) == 0 || told[len(told)-1] != [2]int64{40, 40} {
		t.Error(last, told)
	}
}

// A deleted file that is still listed is a failure.
func TestDeleteFilesVerifies(t *testing.T) {
	account := newAccount(t)
	account.addFiles(9)
	client := account.client()
	var summary mmx.Summary
	options := []mmx.BulkOption{mmx.WithVerify(), mmx.WithSummary(&summary)}
	outcomes, last := all(t, client.Files.DeleteFiles(background, refs(2), options...))
	if len(outcomes) != 2 || last != nil || summary.StillListed == nil || len(summary.StillListed) != 0 {
		t.Error(outcomes, last, summary)
	}
	gone := `{"base_resp":{"status_code":0,"status_msg":"success"}}`
	account.script(fault{"call": "delete", "times": -1, "body": gone})
	_, last = all(t, client.Files.DeleteFiles(background, refs(9), options...))
	failure := is(t, last, mmx.ErrPartial)
	if !strings.Contains(failure.Message, "7 of 9 files are still listed") ||
		!strings.Contains(failure.Message, "[3 4 5 6 7 …]") ||
		!slices.Equal(summary.StillListed, []int64{3, 4, 5, 6, 7, 8, 9}) {
		t.Error(failure, summary)
	}
	account.script(fault{"call": "list", "times": -1, "code": 2013})
	outcomes, last = all(t, client.Files.DeleteFiles(background, refs(2), options...))
	if is(t, last, mmx.ErrInvalidRequest); len(outcomes) != 2 || summary.StillListed != nil {
		t.Error(outcomes, last, summary)
	}
}

// The run is ahead of the loop only by the deletes in progress: outcomes don't pile up.
func TestDeleteFilesWaitsForTheLoop(t *testing.T) {
	const files = 200
	for _, wide := range []int{1, 4} {
		account := newAccount(t)
		account.addFiles(files)
		seen, most := 0, 0
		for _, err := range account.client().Files.DeleteFiles(background, refs(files), mmx.WithConcurrency(wide)) {
			must(t, err)
			if seen++; seen%20 == 0 {
				most = max(most, account.number("count")-seen)
			}
		}
		// Those in progress, those that settled with them, and the one that the loop has.
		if most > 2*wide+1 || seen != files {
			t.Errorf("%d ahead of %d, %d at once", most, seen, wide)
		}
	}
}

func TestOutcomeKindsHaveNames(t *testing.T) {
	names := map[string]bool{}
	for kind := mmx.OutcomeDeleted; kind <= mmx.OutcomeKept+1; kind++ {
		names[kind.String()] = true
	}
	want := []string{"already_absent", "deleted", "failed", "kept", "not_attempted", "outcome 7", "unknown"}
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, want) {
		t.Error(got)
	}
}

func ExampleFiles_DeleteFiles() {
	client, err := mmx.New() // the key is in MINIMAX_API_KEY
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	files := []mmx.FileRef{
		{FileID: 176844028768321, Purpose: mmx.PurposePromptAudio},
		{FileID: 176844028768323, Purpose: mmx.PurposeT2AAsyncInput},
	}
	var summary mmx.Summary
	for outcome, err := range client.Files.DeleteFiles(context.Background(), slices.Values(files),
		mmx.WithSummary(&summary)) {
		if err != nil {
			fmt.Println(outcome.FileID, "is left:", err)
		}
	}
	fmt.Println(summary.Deleted+summary.AlreadyAbsent, "of", summary.Total, "are gone")
	// Output: 2 of 2 are gone
}
