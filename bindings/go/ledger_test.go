package mmx_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// The ledger: uploads that are known until their file is deleted, and sweeps.

func number(n int) string { return strconv.Itoa(n) }

// recorded is an account without files, and a client of it with a ledger.
func recorded(t *testing.T, options ...mmx.Option) (account, *mmx.Client, string) {
	account := newAccount(t)
	account.control("DELETE", "files", nil)
	account.takesAnyFile(true)
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	return account, account.client(append(options, mmx.WithLedger(path))...), path
}

// facts counts the facts of a kind in a ledger.
func facts(t *testing.T, ledger, kind string) int {
	t.Helper()
	text, err := os.ReadFile(ledger)
	must(t, err)
	return bytes.Count(text, []byte(`"fact":"`+kind+`"`))
}

// leaving does work of leaves in a process that kills itself at its end, or that is killed after so many requests of a
// call have arrived.
func (a account) leaving(ledger, work string, arrived string) {
	a.t.Helper()
	program, err := os.Executable()
	must(a.t, err)
	child := exec.Command(program)
	child.Env = append(os.Environ(), "MMX_TEST_LEAVE="+work, "MMX_LEDGER="+ledger, "MINIMAX_BASE_URL="+a.url())
	child.Stderr = os.Stderr
	must(a.t, child.Start())
	if arrived != "" {
		a.number("wait?" + arrived)
		must(a.t, child.Process.Kill())
	}
	child.Wait()
	if status := child.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		a.t.Fatalf("%s ended with %v", work, child.ProcessState)
	}
}

// leaves is the main function of a process that leaves files behind. The ledger is that of the environment.
func leaves(work string) {
	client, err := mmx.New()
	kills := func(context.Context, mmx.File) error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	switch {
	case err != nil:
	case work == "in a function":
		err = client.Files.WithTemporary(background, strings.NewReader("x"), voice, kills)
	case work == "in a function with a file":
		err = client.Files.WithTemporaryFile(background, os.Getenv("MMX_TEST_FILE"), voice.Purpose, kills)
	case work == "one of each":
		if err = upload(client, strings.NewReader("temporary"), mmx.WithTemporary()); err == nil {
			err = upload(client, strings.NewReader("lasting"))
		}
		if err == nil {
			kills(background, mmx.File{})
		}
	case work == "without an id":
		err = upload(client, strings.NewReader("x"), mmx.WithTemporary())
	}
	fmt.Fprintln(os.Stderr, "still alive:", err)
	os.Exit(1)
}

func TestLedgerKnowsUploadsUntilTheirDelete(t *testing.T) {
	account, client, ledger := recorded(t)
	file, err := client.Files.Upload(background, strings.NewReader("x"), voice, mmx.WithExpiresAfter(90*time.Minute+1))
	must(t, err)
	text, err := os.ReadFile(ledger)
	must(t, err)
	for _, part := range []string{
		`"filename":"a.mp3"`, `"temporary":false`, `"expires_after_s":5401`, `"sha256":"` + hash([]byte("x")),
		fmt.Sprintf(`"file_id":%d`, file.FileID),
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	if strings.Contains(string(text), server.Key) {
		t.Error("the key is in the ledger")
	}
	_, err = client.Files.Delete(background, file.FileID, file.Purpose)
	must(t, err)
	if facts(t, ledger, "struck") != 1 {
		t.Error("it is not struck out")
	}
	// A ledger that can't be written fails an upload before anything is sent.
	sent := account.number("count")
	unwritable := account.client(mmx.WithLedger(filepath.Join(ledger, "below")))
	is(t, upload(unwritable, strings.NewReader("x")), mmx.ErrFile)
	account.sent(sent)
	if failure := refused(t, "path", mmx.WithLedger("a\x00b")); failure.Call != "config_set_ledger" {
		t.Error(failure)
	}
}

// Of the environment, unless the client has "none".
func TestLedgerOfTheEnvironment(t *testing.T) {
	account, _, ledger := recorded(t)
	t.Setenv("MMX_LEDGER", ledger)
	must(t, upload(account.client(), strings.NewReader("x"), mmx.WithTemporary()))
	without := account.client(mmx.WithLedger(""))
	is(t, upload(without, strings.NewReader("x"), mmx.WithTemporary()), mmx.ErrInvalidArgument)
	must(t, without.Files.WithTemporary(background, strings.NewReader("x"), voice, ignores))
	if facts(t, ledger, "intent") != 1 {
		t.Error("a client without a ledger has written to it")
	}
}

func ignores(context.Context, mmx.File) error { return nil }

func TestWhatNeedsALedgerSaysSo(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	needs := func(err error) {
		t.Helper()
		if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "client" ||
			!strings.Contains(failure.Message, "MMX_LEDGER") {
			t.Error(failure)
		}
	}
	for _, option := range []mmx.CallOption{mmx.WithReuse(), mmx.WithTemporary(), mmx.WithExpiresAfter(time.Hour)} {
		needs(upload(client, strings.NewReader("x"), option))
		// None of another call.
		_, err := client.Files.List(background, "", option)
		is(t, err, mmx.ErrInvalidArgument)
		for _, err := range client.Files.DeleteFiles(background, slices.Values([]mmx.FileRef{{FileID: 1}}), option) {
			is(t, err, mmx.ErrInvalidArgument)
		}
	}
	needs(client.Keep(1))
	_, err := client.Sweep(background)
	needs(err)
	is(t, client.Keep(0), mmx.ErrInvalidArgument)
	_, recording, _ := recorded(t)
	if err := recording.Keep(4711); is(t, err, mmx.ErrNotFound).Call != "ledger_keep" {
		t.Error(err)
	}
	is(t, upload(recording, strings.NewReader("x"), mmx.WithExpiresAfter(-1)), mmx.ErrInvalidArgument)
	is(t, upload(recording, strings.NewReader("x"), mmx.WithTemporary(), mmx.WithReuse()), mmx.ErrInvalidArgument)
	is(t, upload(recording, plainReader{strings.NewReader("x")}, mmx.WithReuse()), mmx.ErrInvalidArgument)
	for _, option := range []mmx.BulkOption{
		mmx.WithConcurrency(3), mmx.WithVerify(), mmx.WithCallTimeout(time.Second), mmx.WithCallMaxAttempts(1),
		mmx.WithProgress(func(done, total int64) {}), mmx.WithMissingOK(), mmx.WithCallInfo(&mmx.CallInfo{}),
	} {
		_, err := recording.Sweep(background, option)
		is(t, err, mmx.ErrInvalidArgument)
	}
	account.sent(0)
	recording.Close()
	is(t, recording.Keep(1), mmx.ErrClosed)
	_, err = recording.Sweep(background)
	is(t, err, mmx.ErrClosed)
	_, err = recording.Sweep(nil)
	is(t, err, mmx.ErrInvalidArgument)
}

func TestReuse(t *testing.T) {
	account, client, ledger := recorded(t)
	ids := make([]int64, 16)
	together(len(ids), func(worker int) {
		file, err := client.Files.Upload(background, bytes.NewReader(content(1000)), voice, mmx.WithReuse())
		if err != nil {
			t.Error(err)
		}
		ids[worker] = file.FileID
	})
	if slices.Sort(ids); ids[0] == 0 || ids[0] != ids[15] || account.number("count?call=upload") != 1 {
		t.Errorf("%d uploads: %v", account.number("count?call=upload"), ids)
	}
	// Another client of the ledger; the file keeps its name.
	path := filepath.Join(t.TempDir(), "other.mp3")
	must(t, os.WriteFile(path, content(1000), 0o600))
	file, err := account.client(mmx.WithLedger(ledger)).Files.UploadFile(background, path, voice.Purpose, mmx.WithReuse())
	must(t, err)
	if file.FileID != ids[0] || file.Filename != "a.mp3" || file.Bytes != 1000 {
		t.Errorf("%+v", file)
	}
	// While retrieve still knows it.
	account.control("DELETE", "files", nil)
	file, err = client.Files.Upload(background, bytes.NewReader(content(1000)), voice, mmx.WithReuse())
	must(t, err)
	if file.FileID == ids[0] || account.number("count?call=upload") != 2 {
		t.Errorf("%+v", file)
	}
}

// A process is killed: its temporary file goes with the next sweep, and everything else stays.
func TestSweep(t *testing.T) {
	account, client, ledger := recorded(t)
	must(t, upload(client, strings.NewReader("of this process"), mmx.WithTemporary()))
	account.leaving(ledger, "one of each", "")
	held := account.held()
	if len(held) != 3 {
		t.Fatalf("%v", held)
	}
	var summary mmx.Summary
	dry, err := client.Sweep(background, mmx.WithDryRun(), mmx.WithSummary(&summary))
	must(t, err)
	if dry.Total != 1 || dry.Kept != 1 || summary.Kept != 1 || dry.Outcomes[0].Kind != mmx.OutcomeKept || len(account.held()) != 3 {
		t.Errorf("%+v", dry)
	}
	result, err := client.Sweep(background)
	must(t, err)
	if result.Total != 1 || result.Deleted != 1 || len(result.Outcomes) != 1 || result.Unsettled != nil {
		t.Fatalf("%+v", result)
	}
	gone := result.Outcomes[0]
	if gone.Kind != mmx.OutcomeDeleted || gone.Index != 0 || gone.FileID != dry.Outcomes[0].FileID || account.has(gone.FileID) ||
		gone.Purpose != voice.Purpose || gone.Evidence != "answer" || gone.Attempts != 1 || gone.TraceID == "" || gone.Err != nil {
		t.Errorf("%+v", gone)
	}
	if len(account.held()) != 2 {
		t.Errorf("%v", account.held())
	}
	again, err := client.Sweep(background)
	must(t, err)
	if again.Total != 0 || len(again.Outcomes) != 0 || account.number("count?call=delete") != 1 {
		t.Errorf("%+v", again)
	}
}

// Killed between the request and the response: the file is looked for, and with two that fit none is chosen.
func TestSweepOfAnUploadWithoutAnID(t *testing.T) {
	account, client, ledger := recorded(t)
	account.script(fault{"call": "upload", "hang": true})
	account.leaving(ledger, "without an id", "count=1&call=upload&performed=1")
	result, err := client.Sweep(background)
	must(t, err)
	if result.Deleted != 1 || len(account.held()) != 0 {
		t.Errorf("%+v", result)
	}
	account.script(fault{"call": "upload", "hang": true})
	account.leaving(ledger, "without an id", "count=2&call=upload&performed=1")
	must(t, upload(account.client(), strings.NewReader("y"))) // of the same name and size
	began := time.Now()
	result, err = client.Sweep(background)
	is(t, err, mmx.ErrPartial)
	if result.Total != 0 || len(result.Unsettled) != 1 || len(account.held()) != 2 {
		t.Fatalf("%+v", result)
	}
	unsettled := result.Unsettled[0]
	ids := slices.Sorted(slices.Values(unsettled.FileIDs))
	if unsettled.Filename != "a.mp3" || unsettled.Purpose != voice.Purpose || unsettled.Bytes != 1 || unsettled.Path != "" ||
		began.Sub(unsettled.BeganAt) > 10*time.Minute || !slices.Equal(ids, account.held()) || unsettled.Why == "" {
		t.Errorf("%+v", unsettled)
	}
	// A person deletes one, and the other is settled.
	_, err = client.Files.Delete(background, ids[1], voice.Purpose)
	must(t, err)
	result, err = client.Sweep(background)
	must(t, err)
	if result.Deleted != 1 || result.Unsettled != nil {
		t.Errorf("%+v", result)
	}
}

// A refused delete is told, as is what ends the run; the next sweep tries again.
func TestSweepThatFails(t *testing.T) {
	account, client, ledger := recorded(t, mmx.WithMaxAttempts(1))
	account.leaving(ledger, "in a function", "")
	account.script(fault{"call": "delete", "code": 1026})
	result, err := client.Sweep(background)
	is(t, err, mmx.ErrPartial)
	if result.Failed != 1 || len(result.Outcomes) != 1 {
		t.Fatalf("%+v", result)
	}
	is(t, result.Outcomes[0].Err, mmx.ErrContentRejected)
	ctx, cancel := context.WithCancelCause(background)
	account.script(fault{"call": "delete", "perform": false, "hang": true})
	before := account.number("count?call=delete")
	go func() {
		account.number("wait?call=delete&count=" + number(before+1))
		cancel(errOurs)
	}()
	result, err = client.Sweep(ctx)
	is(t, err, mmx.ErrCancelled, context.Canceled, errOurs)
	if result.Unknown != 1 {
		t.Errorf("%+v", result)
	}
	must(t, os.Chmod(ledger, 0o666))
	_, err = client.Sweep(background)
	is(t, err, mmx.ErrFile)
	must(t, os.Chmod(ledger, 0o600))
	if len(account.held()) != 1 {
		t.Errorf("%v", account.held())
	}
	result, err = client.Sweep(background)
	must(t, err)
	if result.Deleted != 1 || len(account.held()) != 0 {
		t.Errorf("%+v", result)
	}
}

func TestKeep(t *testing.T) {
	account, client, ledger := recorded(t)
	account.leaving(ledger, "in a function", "")
	id := account.held()[0]
	must(t, client.Keep(id))
	result, err := client.Sweep(background)
	must(t, err)
	if result.Total != 0 || !account.has(id) || account.number("count?call=delete") != 0 {
		t.Errorf("%+v", result)
	}
}

// A file whose time is over by both clocks is deleted.
func TestExpiry(t *testing.T) {
	account, client, ledger := recorded(t)
	for _, after := range []time.Duration{time.Hour, 24 * time.Hour, 0} {
		must(t, upload(client, strings.NewReader(after.String()), mmx.WithExpiresAfter(after)))
	}
	ids := account.held()
	// As if it had been two hours ago.
	text, err := os.ReadFile(ledger)
	must(t, err)
	then := time.Now().Add(-2 * time.Hour)
	for line := range strings.Lines(string(text)) {
		for _, field := range []struct {
			name  string
			value int64
		}{{`"at_ms":`, then.UnixMilli()}, {`"created_at":`, then.Unix()}} {
			if before, after, ok := strings.Cut(line, field.name); ok {
				changed := before + field.name + strconv.FormatInt(field.value, 10) + strings.TrimLeft(after, "0123456789")
				text, line = bytes.Replace(text, []byte(line), []byte(changed), 1), changed
			}
		}
	}
	must(t, os.WriteFile(ledger+".new", text, 0o600))
	must(t, os.Rename(ledger+".new", ledger))
	account.age(ids, then)
	result, err := client.Sweep(background)
	must(t, err)
	if result.Deleted != 1 || result.Outcomes[0].FileID != ids[0] || !slices.Equal(account.held(), ids[1:]) {
		t.Errorf("%+v: %v of %v are left", result, account.held(), ids)
	}
}

// age sets when the account's files were made.
func (a account) age(ids []int64, then time.Time) {
	a.t.Helper()
	a.control("DELETE", "files", nil)
	var files []map[string]any
	for _, id := range ids {
		files = append(files, map[string]any{
			"file_id": id, "purpose": voice.Purpose, "filename": "a.mp3", "bytes": 3, "created_at": then.Unix(),
		})
	}
	a.control("POST", "files", files)
}
