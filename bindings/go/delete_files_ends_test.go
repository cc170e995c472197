package mmx_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// The ways in which a loop over many files may end, each without leaks.

// leavesNothing checks that the account's clients still work.
func leavesNothing(t *testing.T, account account, client *mmx.Client, goroutines int) {
	t.Helper()
	if len(mmx.Slots) != 0 {
		t.Errorf("%d places are taken", len(mmx.Slots))
	}
	account.control("DELETE", "faults", nil)
	_, err := client.Files.List(background, mmx.PurposeVoiceClone)
	must(t, err)
	account.number("wait?open=1")
	goroutinesBackTo(t, goroutines)
}

// The first two get a response, the others never.
func stalled(t *testing.T, files int) (account, *mmx.Client) {
	account := newAccount(t)
	account.addFiles(files)
	account.script(fault{"call": "delete", "skip": 2, "times": -1, "hang": true, "perform": false})
	return account, account.client()
}

func TestDeleteFilesBreak(t *testing.T) {
	const files = 200
	account := newAccount(t)
	account.addFiles(files)
	client := account.client()
	before := runtime.NumGoroutine()
	for _, at := range []int{1, 10} {
		var summary mmx.Summary
		seen, began := 0, account.number("count?call=delete")
		for _, err := range client.Files.DeleteFiles(background, refs(files),
			mmx.WithConcurrency(2), mmx.WithSummary(&summary)) {
			must(t, err)
			if seen++; seen == at {
				break
			}
		}
		sent := account.number("count?call=delete") - began
		if seen != at || sent > at+5 || summary.Total != files || summary.NotAttempted < files-at-5 {
			t.Errorf("%d seen, %d sent, %+v", seen, sent, summary)
		}
	}
	leavesNothing(t, account, client, before)
}

// Also if all deletes in progress would take for ever.
func TestDeleteFilesBreakWhileTheServerThinks(t *testing.T) {
	account, client := stalled(t, 50)
	before := runtime.NumGoroutine()
	var summary mmx.Summary
	seen := 0
	for _, err := range client.Files.DeleteFiles(background, refs(50),
		mmx.WithSummary(&summary), mmx.WithCallTimeout(mmx.NoTimeout)) {
		must(t, err)
		if seen++; seen == 2 {
			account.arrived(3)
			break
		}
	}
	if summary.Deleted != 2 || summary.Unknown < 1 || summary.NotAttempted < 30 {
		t.Errorf("%+v", summary)
	}
	leavesNothing(t, account, client, before)
}

func TestDeleteFilesBreakAmongTheLast(t *testing.T) {
	account := newAccount(t)
	account.addFiles(100)
	account.script(fault{"times": -1, "code": 1004})
	client := account.client()
	before := runtime.NumGoroutine()
	for outcome, err := range client.Files.DeleteFiles(background, refs(100)) {
		is(t, err, mmx.ErrAuthentication)
		if outcome.Kind == mmx.OutcomeNotAttempted {
			break
		}
	}
	leavesNothing(t, account, client, before)
}

func TestDeleteFilesCancel(t *testing.T) {
	account, client := stalled(t, 50)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancelCause(background)
	go func() {
		account.arrived(4)
		cancel(errWhy)
	}()
	outcomes, last := all(t, client.Files.DeleteFiles(ctx, refs(50), mmx.WithCallTimeout(mmx.NoTimeout)))
	is(t, last, mmx.ErrCancelled, context.Canceled, errWhy)
	kinds := map[mmx.OutcomeKind]int{}
	for _, outcome := range outcomes {
		kinds[outcome.Kind]++
		if outcome.Err != nil {
			failure := is(t, outcome.Err, mmx.ErrCancelled, context.Canceled, errWhy)
			if failure.Ambiguous != (outcome.Kind == mmx.OutcomeUnknown) {
				t.Errorf("%+v: %+v", outcome, failure)
			}
		}
	}
	// A response may not have arrived yet.
	sent := kinds[mmx.OutcomeDeleted] + kinds[mmx.OutcomeUnknown]
	if kinds[mmx.OutcomeDeleted] > 2 || sent < 4 || kinds[mmx.OutcomeNotAttempted] < 30 || len(outcomes) != 50 {
		t.Error(kinds)
	}
	leavesNothing(t, account, client, before)
}

func TestDeleteFilesDeadline(t *testing.T) {
	account, client := stalled(t, 50)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(background, 300*time.Millisecond)
	defer cancel()
	outcomes, last := all(t, client.Files.DeleteFiles(ctx, refs(50)))
	is(t, last, mmx.ErrTimeout, context.DeadlineExceeded)
	for _, outcome := range outcomes {
		if outcome.Err != nil {
			is(t, outcome.Err, mmx.ErrTimeout, context.DeadlineExceeded)
		}
	}
	if len(outcomes) != 50 || outcomes[49].Kind != mmx.OutcomeNotAttempted {
		t.Error(outcomes)
	}
	leavesNothing(t, account, client, before)
}

func TestDeleteFilesWithAContextThatHasEnded(t *testing.T) {
	account := newAccount(t)
	account.addFiles(3)
	client := account.client()
	ctx, cancel := context.WithCancel(background)
	var summary mmx.Summary
	loop := client.Files.DeleteFiles(ctx, func(yield func(mmx.FileRef) bool) {
		// It ends while the files are read, which never end.
		for id := int64(1); yield(mmx.FileRef{FileID: id, Purpose: "voice_clone"}); id++ {
			if id == 5 {
				cancel()
			}
		}
	}, mmx.WithSummary(&summary))
	for range 2 {
		outcomes, last := all(t, loop)
		if is(t, last, mmx.ErrCancelled, context.Canceled); len(outcomes) != 0 || summary.NotAttempted != summary.Total {
			t.Error(outcomes, summary)
		}
	}
	account.sent(0)
}

// A panic of the body, of the files or of a progress function continues as it is, and so does a
// Goexit.
func TestDeleteFilesWithABodyThatPanics(t *testing.T) {
	account, client := stalled(t, 50)
	before := runtime.NumGoroutine()
	value := &struct{ text string }{"as it was"}
	var summary mmx.Summary
	got := caught(func() {
		for range client.Files.DeleteFiles(background, refs(50), mmx.WithSummary(&summary)) {
			panic(value)
		}
	})
	if got != value || summary.Total != 50 {
		t.Error(got, summary)
	}
	if got := caught(func() {
		for range client.Files.DeleteFiles(background, func(func(mmx.FileRef) bool) { panic(value) }) {
		}
	}); got != value {
		t.Error(got)
	}
	account.control("DELETE", "faults", nil)
	progress := mmx.WithProgress(func(int64, int64) { panic(value) })
	if got := caught(func() { all(t, client.Files.DeleteFiles(background, refs(50), progress)) }); got != value {
		t.Error(got)
	}
	returned, deferred := false, false
	together(1, func(int) {
		defer func() { deferred = true }()
		for range client.Files.DeleteFiles(background, refs(50), mmx.WithDryRun()) {
			runtime.Goexit()
		}
		returned = true
	})
	if returned || !deferred {
		t.Error(returned, deferred)
	}
	leavesNothing(t, account, client, before)
}

func TestDeleteFilesPulled(t *testing.T) {
	account, client := stalled(t, 50)
	before := runtime.NumGoroutine()
	next, stop := iter.Pull2(client.Files.DeleteFiles(background, refs(50)))
	for range 2 {
		if outcome, err, ok := next(); outcome.Kind != mmx.OutcomeDeleted || err != nil || !ok {
			t.Error(outcome, err, ok)
		}
	}
	stop()
	if _, _, ok := next(); ok {
		t.Error("it goes on")
	}
	leavesNothing(t, account, client, before)
}

// The body may make calls, close the client, and delete more.
func TestDeleteFilesWithABodyThatCalls(t *testing.T) {
	account := newAccount(t)
	account.addFiles(40)
	client := account.client()
	other := account.client()
	before := runtime.NumGoroutine()
	seen := 0
	for outcome, err := range client.Files.DeleteFiles(background, refs(20)) {
		must(t, err)
		more := mmx.FileRef{FileID: outcome.FileID + 20, Purpose: outcome.Purpose}
		for _, err := range other.Files.DeleteFiles(background, slices.Values([]mmx.FileRef{more})) {
			must(t, err)
			seen++
		}
		must(t, client.Close())
	}
	if performed := account.number("count?performed=1&call=delete"); seen != 20 || performed != 40 {
		t.Error(seen, performed)
	}
	_, last := all(t, client.Files.DeleteFiles(background, refs(1)))
	is(t, last, mmx.ErrClosed)
	leavesNothing(t, account, other, before)
}

// A log handler's panic or Goexit stops the run and continues in the loop.
func TestDeleteFilesWithAHandlerThatPanics(t *testing.T) {
	account := newAccount(t)
	account.addFiles(100)
	log, client := logged(slog.LevelDebug, account)
	before := runtime.NumGoroutine()
	value := errors.New("as it was")
	answers := 0
	log.then = func(_ context.Context, record slog.Record) {
		if record.Message == "mmx: answer" {
			if answers++; answers == 10 {
				panic(value)
			}
		}
	}
	seen := 0
	got := caught(func() {
		for range client.Files.DeleteFiles(background, refs(100), mmx.WithConcurrency(2)) {
			seen++
		}
	})
	if sent := account.number("count"); got != value || sent > 20 || seen > 20 {
		t.Errorf("%v, %d seen, %d sent", got, seen, sent)
	}
	log.then = func(context.Context, slog.Record) { runtime.Goexit() }
	returned := false
	together(1, func(int) {
		all(t, client.Files.DeleteFiles(background, refs(100)))
		returned = true
	})
	log.then = nil
	if returned {
		t.Error("it went on")
	}
	must(t, deleteID(client, seeded))
	goroutinesBackTo(t, before)
}

// Whenever it is cancelled, every file has an outcome, and each outcome is true.
func TestDeleteFilesCancelledAtAnyMoment(t *testing.T) {
	const rounds, files = 30, 40
	account := newAccount(t)
	account.addFiles(rounds * files)
	client := account.client()
	before := runtime.NumGoroutine()
	var whole mmx.Summary
	for round := range rounds {
		ctx, cancel := context.WithCancel(background)
		seen := 0
		mine := func(yield func(mmx.FileRef) bool) {
			for id := range int64(files) {
				if !yield(mmx.FileRef{FileID: int64(round)*files + id + 1, Purpose: mmx.PurposeVoiceClone}) {
					return
				}
			}
		}
		var summary mmx.Summary
		for outcome, err := range client.Files.DeleteFiles(ctx, mine, mmx.WithSummary(&summary)) {
			if seen++; seen == round {
				go cancel()
			}
			if err != nil && outcome.Kind != 0 {
				is(t, err, context.Canceled, mmx.ErrCancelled)
			}
		}
		cancel()
		if summary.Failed > 0 || seen < files || summary.Deleted+summary.Unknown+summary.NotAttempted != files {
			t.Errorf("%d seen, %+v", seen, summary)
		}
		whole.Deleted += summary.Deleted
		whole.Unknown += summary.Unknown
	}
	performed := account.number("count?performed=1&call=delete")
	if performed < whole.Deleted || performed > whole.Deleted+whole.Unknown {
		t.Errorf("%d deletes were carried out, %+v", performed, whole)
	}
	goroutinesBackTo(t, before)
}
