package mmx_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// Temporary files: deleted whatever the function comes to.

// kinds of clients: without and with a ledger, for each of which a test is run.
func eachKind(t *testing.T, test func(t *testing.T, account account, client *mmx.Client, ledger string)) {
	for _, kind := range []string{"without a ledger", "with a ledger"} {
		t.Run(kind, func(t *testing.T) {
			account, client, ledger := recorded(t, mmx.WithMaxAttempts(1))
			if kind == "without a ledger" {
				client, ledger = account.client(mmx.WithMaxAttempts(1)), ""
			}
			test(t, account, client, ledger)
		})
	}
}

func TestTemporary(t *testing.T) {
	eachKind(t, func(t *testing.T, account account, client *mmx.Client, ledger string) {
		path := filepath.Join(t.TempDir(), "声音.mp3")
		must(t, os.WriteFile(path, content(1000), 0o600))
		type key struct{}
		ctx := context.WithValue(background, key{}, "value")
		calls := 0
		there := func(name string) func(context.Context, mmx.File) error {
			return func(ctx context.Context, file mmx.File) error {
				calls++
				if ctx.Value(key{}) != "value" || file.Filename != name || file.Bytes != 1000 || !account.has(file.FileID) {
					t.Errorf("%+v", file)
				}
				return nil
			}
		}
		done := int64(0)
		progress := mmx.WithProgress(func(so, _ int64) { done += so })
		must(t, client.Files.WithTemporaryFile(ctx, path, voice.Purpose, there("声音.mp3"), progress))
		must(t, client.Files.WithTemporary(ctx, strings.NewReader(string(content(1000))), voice, there("a.mp3"), progress))
		if calls != 2 || done < 2000 || len(account.held()) != 0 {
			t.Errorf("%d calls, %d bytes, %v is left", calls, done, account.held())
		}
		if ledger != "" && (facts(t, ledger, "struck") != 2 || facts(t, ledger, "intent") != 2) {
			t.Error("they are not struck out")
		}
	})
}

// The function is told nothing where the upload fails.
func TestTemporaryThatIsNotUploaded(t *testing.T) {
	eachKind(t, func(t *testing.T, account account, client *mmx.Client, ledger string) {
		never := func(context.Context, mmx.File) error { t.Error("it was called"); return nil }
		account.script(fault{"call": "upload", "code": 1004})
		err := client.Files.WithTemporary(background, strings.NewReader("x"), voice, never)
		is(t, err, mmx.ErrAuthentication)
		is(t, client.Files.WithTemporaryFile(background, "no/such", voice.Purpose, never), os.ErrNotExist)
		is(t, client.Files.WithTemporary(background, nil, voice, never), mmx.ErrInvalidArgument)
		is(t, client.Files.WithTemporary(nil, strings.NewReader("x"), voice, never), mmx.ErrInvalidArgument)
		var info mmx.CallInfo
		info.Attempts = 7
		err = client.Files.WithTemporary(background, strings.NewReader("x"), voice, nil, mmx.WithCallInfo(&info))
		if is(t, err, mmx.ErrInvalidArgument).Parameter != "use" || info.Attempts != 0 {
			t.Error(err)
		}
		client.Close()
		is(t, client.Files.WithTemporary(background, strings.NewReader("x"), voice, never), mmx.ErrClosed)
		is(t, (&mmx.Client{}).Files.WithTemporary(background, strings.NewReader("x"), voice, never), mmx.ErrClosed)
		account.sent(1)
	})
}

// The file goes whatever the function comes to, and its error is the call's.
func TestTemporaryOutlives(t *testing.T) {
	eachKind(t, func(t *testing.T, account account, client *mmx.Client, ledger string) {
		ctx, cancel := context.WithCancel(background)
		for what, test := range map[string]struct {
			use  func(context.Context, mmx.File) error
			want error
		}{
			"an error": {func(context.Context, mmx.File) error { return errOurs }, errOurs},
			"a context that ends": {func(ctx context.Context, _ mmx.File) error {
				cancel()
				return ctx.Err()
			}, context.Canceled},
			"its own delete": {func(_ context.Context, file mmx.File) error {
				_, err := client.Files.Delete(background, file.FileID, file.Purpose)
				return err
			}, nil},
		} {
			ctx := ctx
			if what != "a context that ends" {
				ctx = background
			}
			err := client.Files.WithTemporary(ctx, strings.NewReader("x"), voice, test.use)
			if err != test.want || len(account.held()) != 0 {
				t.Errorf("%s: %v, %v is left", what, err, account.held())
			}
		}
		// A panic goes on with its value.
		func() {
			defer func() {
				if value := recover(); value != errOurs {
					t.Errorf("%v", value)
				}
			}()
			client.Files.WithTemporary(background, strings.NewReader("x"), voice, func(context.Context, mmx.File) error { panic(errOurs) })
			t.Error("it has returned")
		}()
		exited := make(chan bool)
		go func() {
			defer close(exited)
			client.Files.WithTemporary(background, strings.NewReader("x"), voice, func(context.Context, mmx.File) error {
				runtime.Goexit()
				return nil
			})
			t.Error("it has returned")
		}()
		<-exited
		if len(account.held()) != 0 {
			t.Errorf("%v is left", account.held())
		}
		must(t, client.Files.WithTemporary(background, strings.NewReader("x"), voice, func(context.Context, mmx.File) error {
			return client.Close()
		}))
		if len(account.held()) != 0 || account.number("count?call=delete&performed=1") != account.number("count?call=upload&performed=1") {
			t.Errorf("%v is left", account.held())
		}
		is(t, upload(client, strings.NewReader("x")), mmx.ErrClosed)
	})
}

// What can't be deleted is in the error, beside that of the function.
func TestTemporaryThatIsNotDeleted(t *testing.T) {
	eachKind(t, func(t *testing.T, account account, client *mmx.Client, ledger string) {
		for _, ours := range []error{nil, errOurs} {
			account.script(fault{"call": "delete", "code": 1004})
			var file mmx.File
			err := client.Files.WithTemporary(background, strings.NewReader("x"), voice, func(_ context.Context, uploaded mmx.File) error {
				file = uploaded
				return ours
			})
			var left *mmx.NotDeletedError
			if !errors.As(err, &left) || left.File.FileID != file.FileID || !account.has(file.FileID) {
				t.Fatalf("%v", err)
			}
			is(t, err, mmx.ErrAuthentication)
			is(t, left, mmx.ErrAuthentication)
			if errors.Is(err, errOurs) != (ours != nil) || (err == error(left)) != (ours == nil) {
				t.Error(err)
			}
			if !strings.Contains(err.Error(), fmt.Sprint(file.FileID)) || strings.Contains(err.Error(), "sweep") != (ledger != "") {
				t.Error(err)
			}
			account.control("DELETE", "files", nil)
		}
	})
}

// The delete has a time limit of its own, not that of the client or of the context.
func TestTemporaryWhoseDeleteHangs(t *testing.T) {
	limit := mmx.TemporaryTimeout(200 * time.Millisecond)
	defer mmx.TemporaryTimeout(limit)
	if limit != 30*time.Second {
		t.Error(limit)
	}
	account := newAccount(t)
	account.control("DELETE", "files", nil)
	log, client := logged(slog.LevelError, account, mmx.WithTimeout(mmx.NoTimeout), mmx.WithMaxAttempts(1))
	account.script(fault{"call": "delete", "perform": false, "hang": true})
	err := client.Files.WithTemporary(background, strings.NewReader("x"), voice, ignores)
	failure := is(t, err, mmx.ErrTimeout)
	if !failure.Ambiguous || len(account.held()) != 1 {
		t.Errorf("%v, %v is left", err, account.held())
	}
	// After a panic nothing returns the error: the log has it.
	log.take()
	account.script(fault{"call": "delete", "code": 1004})
	func() {
		defer func() { recover() }()
		client.Files.WithTemporary(background, strings.NewReader("x"), voice, func(context.Context, mmx.File) error { panic("ours") })
	}()
	if _, records := log.take(); len(records) != 1 || !strings.Contains(fmt.Sprint(attributes(records[0])), "delete_file") {
		t.Errorf("%v", records)
	}
}

// The process is killed within the function: a sweep deletes the file.
func TestTemporaryOfAKilledProcess(t *testing.T) {
	account, client, ledger := recorded(t)
	path := filepath.Join(t.TempDir(), "b.mp3")
	must(t, os.WriteFile(path, content(1000), 0o600))
	t.Setenv("MMX_TEST_FILE", path)
	for _, work := range []string{"in a function", "in a function with a file"} {
		account.leaving(ledger, work, "")
		if held := account.held(); len(held) != 1 {
			t.Fatalf("%v is left", held)
		}
		result, err := client.Sweep(background)
		must(t, err)
		if result.Deleted != 1 || len(account.held()) != 0 {
			t.Errorf("%+v, %v is left", result, account.held())
		}
	}
}
