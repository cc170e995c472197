package mmx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

const day = 24 * time.Hour

// aged has two old files, one of them of unknown size, a new one, one without a time, one of the future, and an old one
// of another purpose.
func aged(t *testing.T) (account, *mmx.Client) {
	account := newAccount(t)
	account.control("DELETE", "files", nil)
	file := func(id int, purpose, name string, bytes int, age time.Duration) map[string]any {
		return map[string]any{
			"file_id": id, "purpose": purpose, "filename": name, "bytes": bytes, "created_at": time.Now().Add(-age).Unix(),
		}
	}
	timeless := file(4, "t2a_async", "timeless.mp3", 100, 0)
	timeless["created_at"] = 0
	account.control("POST", "files", []any{
		file(1, "t2a_async", "old.mp3", 100, 8*day), file(2, "t2a_async", "keep.mp3", 0, 9*day),
		file(3, "t2a_async", "new.mp3", 200, day), timeless, file(5, "t2a_async", "future.mp3", 100, -day),
		file(6, "voice_clone", "old.wav", 100, 8*day),
	})
	return account, account.client()
}

var week = mmx.PruneFilter{Purpose: mmx.PurposeT2AAsync, OlderThan: 7 * day}

// held returns the ids of the account's files.
func (a account) held() (ids []int64) {
	a.t.Helper()
	var files []struct {
		FileID int64 `json:"file_id"`
	}
	must(a.t, json.Unmarshal(a.control("GET", "files", nil), &files))
	for _, file := range files {
		ids = append(ids, file.FileID)
	}
	slices.Sort(ids)
	return ids
}

func TestPruneDryRun(t *testing.T) {
	account, client := aged(t)
	var summary mmx.Summary
	filter := week
	filter.KeepGlob = "keep*"
	result, err := client.Files.Prune(background, filter, mmx.WithDryRun(), mmx.WithSummary(&summary))
	must(t, err)
	plan := result.Plan
	if plan.Listed != 5 || plan.Matched != 2 || plan.Kept != 1 || plan.BytesAtLeast != 100 || plan.SizesUnknown != 0 {
		t.Errorf("%+v", plan)
	}
	if plan.Host != strings.TrimPrefix(server.HTTP, "http://") && plan.Host != "127.0.0.1" ||
		!strings.HasPrefix(plan.KeyFingerprint, "sha256:") || time.Since(plan.MadeAt).Abs() > time.Minute ||
		time.Since(plan.Clock).Abs() > time.Minute || !json.Valid(plan.Raw) {
		t.Errorf("%+v", plan)
	}
	want := mmx.PlannedFile{FileID: 1, Purpose: "t2a_async", Filename: "old.mp3", Bytes: 100}
	want.CreatedAt = plan.Files[0].CreatedAt
	if plan.Files[0] != want || time.Since(want.CreatedAt) < 7*day || plan.Files[1].Kept != "keep_glob" {
		t.Errorf("%+v", plan.Files)
	}
	if result.Kept != 2 || summary.Total != 2 || len(result.Outcomes) != 2 || result.Outcomes[1].Kind != mmx.OutcomeKept {
		t.Errorf("%+v", result)
	}
	// As in a plan file.
	var read mmx.Plan
	must(t, json.Unmarshal(plan.Raw, &read))
	if fmt.Sprint(read) != fmt.Sprint(*plan) {
		t.Errorf("%+v", read)
	}
	account.sent(1)
	if list := account.last(); list.Path != "/v1/files/list" || list.Query != "purpose=t2a_async" {
		t.Errorf("%+v", list)
	}
}

// Each condition, and the files that are left.
func TestPruneFilters(t *testing.T) {
	for name, set := range map[string]struct {
		filter mmx.PruneFilter
		left   []int64
	}{
		"age":                  {week, []int64{3, 4, 5, 6}},
		"age, rounded up":      {mmx.PruneFilter{OlderThan: time.Nanosecond}, []int64{4, 5}},
		"age of every purpose": {mmx.PruneFilter{OlderThan: 7 * day}, []int64{3, 4, 5}},
		"keep glob":            {mmx.PruneFilter{OlderThan: 7 * day, KeepGlob: "keep*"}, []int64{2, 3, 4, 5}},
		"keep ids":             {mmx.PruneFilter{OlderThan: 7 * day, KeepIDs: []int64{9, 1}}, []int64{1, 3, 4, 5}},
		"size":                 {mmx.PruneFilter{MinBytes: 101}, []int64{1, 2, 4, 5, 6}},
		"name":                 {mmx.PruneFilter{NameGlob: "[fn]*.mp?"}, []int64{1, 2, 4, 6}},
		"all of a purpose":     {mmx.PruneFilter{Purpose: "t2a_async", All: true}, []int64{6}},
		"all":                  {mmx.PruneFilter{All: true}, nil},
		"within the guards":    {mmx.PruneFilter{OlderThan: 7 * day, MaxFiles: 3, MaxPercent: 50}, []int64{3, 4, 5}},
	} {
		account, client := aged(t)
		result, err := client.Files.Prune(background, set.filter, mmx.WithVerify())
		must(t, err)
		if held := account.held(); !slices.Equal(held, set.left) {
			t.Errorf("%s: %v is left, not %v", name, held, set.left)
		}
		if result.Deleted != 6-len(set.left) || result.StillListed == nil || len(result.StillListed) != 0 {
			t.Errorf("%s: %+v", name, result.Summary)
		}
		for index, outcome := range result.Outcomes {
			if outcome.Index != index || outcome.FileID != result.Plan.Files[index].FileID || outcome.Err != nil {
				t.Errorf("%s: %+v", name, outcome)
			}
		}
	}
}

func TestPruneGuards(t *testing.T) {
	account, client := aged(t)
	files, percent := week, week
	files.MaxFiles, percent.MaxPercent = 1, 39
	for why, filter := range map[string]mmx.PruneFilter{
		"more than the 1 allowed": files, "more than the 39 % allowed": percent,
	} {
		result, err := client.Files.Prune(background, filter)
		failure := is(t, err, mmx.ErrGuard)
		var guard *mmx.GuardError
		if !errors.As(err, &guard) || guard.Plan.Matched != 2 || guard.Plan.Files[0].FileID != 1 ||
			guard.Plan != result.Plan {
			t.Fatalf("%v %+v", err, guard)
		}
		if !strings.Contains(guard.Error(), why) || failure.Call != "prune_files" || errors.Is(err, mmx.ErrPartial) {
			t.Error(guard)
		}
		if result.Kept != 2 || len(result.Outcomes) != 2 {
			t.Errorf("%+v", result)
		}
	}
	if deletes := account.number("count?call=delete"); deletes != 0 {
		t.Errorf("%d deletes were sent", deletes)
	}
}

// A list that failed, was cut short or has no Date is never an empty list.
func TestPruneWithAListThatCanNotBeTrusted(t *testing.T) {
	account, client := aged(t)
	for _, set := range []struct {
		fault fault
		is    error
	}{
		{fault{"call": "list", "code": 2013, "times": 2}, mmx.ErrInvalidRequest},
		{fault{"call": "list", "shape": "truncated_json"}, mmx.ErrProtocol},
		{fault{"call": "list", "headers": map[string]any{"Date": nil}}, mmx.ErrProtocol},
	} {
		account.script(set.fault)
		summary := mmx.Summary{Total: 7}
		result, err := client.Files.Prune(background, week, mmx.WithSummary(&summary))
		is(t, err, set.is)
		if result.Plan != nil || result.Outcomes != nil || summary.Total != 0 {
			t.Errorf("%+v %+v", result, summary)
		}
	}
	if deletes := account.number("count?call=delete"); deletes != 0 {
		t.Errorf("%d deletes were sent", deletes)
	}
}

// A file that is left is an error, and the result says which one and why.
func TestPruneThatLeavesFiles(t *testing.T) {
	account, client := aged(t)
	account.script(fault{"call": "delete", "file_id": 2, "times": -1, "code": 2013})
	result, err := client.Files.Prune(background, week)
	is(t, err, mmx.ErrPartial)
	if result.Deleted != 1 || result.Failed != 1 || result.Outcomes[0].Kind != mmx.OutcomeDeleted {
		t.Errorf("%+v", result)
	}
	is(t, result.Outcomes[1].Err, mmx.ErrInvalidRequest)

	account, client = aged(t)
	account.script(fault{"call": "delete", "times": -1, "body": `{"base_resp":{"status_code":0}}`})
	result, err = client.Files.Prune(background, week, mmx.WithVerify())
	if is(t, err, mmx.ErrPartial); !slices.Equal(result.StillListed, []int64{1, 2}) {
		t.Errorf("%+v %v", result, err)
	}

	account, client = aged(t)
	account.script(fault{"call": "delete", "times": -1, "code": 1013, "headers": map[string]string{"Retry-After": "0"}})
	result, err = client.Files.Prune(background, week, mmx.WithCallMaxAttempts(2))
	is(t, err, mmx.ErrPartial)
	is(t, result.Outcomes[0].Err, mmx.ErrServer)
	if deletes := account.number("count?call=delete"); deletes != 2*2 || result.Outcomes[0].Attempts != 2 {
		t.Errorf("%d deletes were sent, %+v", deletes, result)
	}

	account, client = aged(t)
	account.script(fault{"call": "delete", "times": -1, "code": 1004})
	result, err = client.Files.Prune(background, mmx.PruneFilter{All: true}, mmx.WithConcurrency(1))
	is(t, err, mmx.ErrAuthentication)
	for index, outcome := range result.Outcomes {
		is(t, outcome.Err, mmx.ErrAuthentication)
		if (outcome.Kind == mmx.OutcomeNotAttempted) != (index > 0) {
			t.Errorf("%+v", outcome)
		}
	}
	if len(result.Outcomes) != 6 || account.number("count?call=delete") != 1 {
		t.Errorf("%+v", result)
	}
}

func TestPruneEnds(t *testing.T) {
	account, client := aged(t)
	account.script(fault{"call": "delete", "times": -1, "hang": true, "perform": false})
	ctx, cancel := context.WithCancelCause(background)
	go func() {
		account.arrived(2)
		cancel(errWhy)
	}()
	result, err := client.Files.Prune(ctx, mmx.PruneFilter{All: true})
	is(t, err, mmx.ErrCancelled, context.Canceled, errWhy)
	if result.Unknown == 0 || result.Unknown+result.NotAttempted != 6 || len(result.Outcomes) != 6 {
		t.Errorf("%+v", result)
	}
	for _, outcome := range result.Outcomes {
		is(t, outcome.Err, mmx.ErrCancelled, errWhy)
	}
	_, err = client.Files.Prune(ctx, week)
	is(t, err, mmx.ErrCancelled, errWhy)

	// A time limit of each file, and one of the whole.
	result, err = client.Files.Prune(background, week,
		mmx.WithCallTimeout(80*time.Millisecond), mmx.WithCallMaxAttempts(1))
	if is(t, err, mmx.ErrPartial); result.Unknown != 2 {
		t.Errorf("%+v", result)
	}
	is(t, result.Outcomes[0].Err, mmx.ErrTimeout)
	late, stop := context.WithTimeout(background, 150*time.Millisecond)
	defer stop()
	_, err = client.Files.Prune(late, week)
	is(t, err, mmx.ErrTimeout, context.DeadlineExceeded)
}

func TestPruneProgressAndItsPanic(t *testing.T) {
	account, client := aged(t)
	var told [][2]int64
	_, err := client.Files.Prune(background, week, mmx.WithProgress(func(done, total int64) {
		told = append(told, [2]int64{done, total})
	}))
	if must(t, err); len(told) == 0 || told[len(told)-1] != [2]int64{2, 2} {
		t.Error(told)
	}
	got := caught(func() {
		client.Files.Prune(background, mmx.PruneFilter{All: true}, mmx.WithProgress(func(int64, int64) { panic(errWhy) }))
	})
	if got != errWhy || len(mmx.Slots) != 0 {
		t.Error(got)
	}
	account.number("wait?open=1")
}

func TestPruneRefusesBadArguments(t *testing.T) {
	account, client := aged(t)
	var none context.Context
	for parameter, filter := range map[string]mmx.PruneFilter{
		"filter":               {Purpose: "t2a_async", KeepGlob: "a", MaxFiles: 1},
		"filter.purpose":       {Purpose: "No!", All: true},
		"filter.purpose ":      {Purpose: "a\x00", All: true},
		"filter.name_glob":     {NameGlob: "[a"},
		"filter.name_glob ":    {NameGlob: "\x00"},
		"filter.keep_glob":     {KeepGlob: "[a", All: true},
		"filter.older_than_s":  {OlderThan: -1},
		"filter.older_than_s ": {OlderThan: math.MinInt64, All: true},
		"filter.min_bytes":     {MinBytes: -1},
		"filter.max_files":     {MaxFiles: -1, All: true},
		"filter.max_percent":   {MaxPercent: 101, All: true},
		"filter.max_percent ":  {MaxPercent: math.MinInt64, All: true},
	} {
		result, err := client.Files.Prune(background, filter)
		failure := is(t, err, mmx.ErrInvalidArgument)
		if failure.Parameter != strings.TrimSpace(parameter) || result.Plan != nil {
			t.Errorf("%s: %+v", parameter, failure)
		}
	}
	_, err := client.Files.Prune(none, week)
	is(t, err, mmx.ErrInvalidArgument)
	_, err = client.Files.Prune(background, week, mmx.WithReconcile())
	is(t, err, mmx.ErrInvalidArgument)
	_, err = client.Files.Prune(background, week, mmx.WithConcurrency(-1))
	is(t, err, mmx.ErrInvalidArgument)
	_, err = mmx.Files{}.Prune(background, week)
	is(t, err, mmx.ErrClosed)
	account.sent(0)
	for _, never := range []mmx.PruneFilter{{OlderThan: math.MaxInt64}, {MinBytes: math.MaxInt64}} {
		result, err := client.Files.Prune(background, never)
		if must(t, err); result.Plan.Matched != 0 || len(result.Outcomes) != 0 {
			t.Errorf("%+v", result)
		}
	}
}

func ExampleFiles_Prune() {
	client, err := mmx.New() // the key is in MINIMAX_API_KEY
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	filter := mmx.PruneFilter{
		Purpose: mmx.PurposeT2AAsync, OlderThan: 7 * 24 * time.Hour, KeepGlob: "keep*", MaxPercent: 50,
	}
	result, err := client.Files.Prune(context.Background(), filter, mmx.WithVerify())
	var guard *mmx.GuardError
	switch {
	case errors.As(err, &guard):
		fmt.Println("nothing was deleted:", guard.Plan.Matched, "of", guard.Plan.Listed, "files are old")
	case err != nil:
		fmt.Println(result.Failed+result.Unknown+result.NotAttempted, "files are left:", err)
	default:
		fmt.Println(result.Deleted, "files are gone, which frees at least", result.Plan.BytesAtLeast, "bytes")
	}
	// Output: nothing was deleted: 1 of 1 files are old
}
