package mmx_test

import (
	"context"
	"io"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"

	"example.com/libmmx/mmx"
)

func TestClosing(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	files := client.Files
	must(t, client.Close())
	must(t, client.Close())
	for _, files := range []mmx.Files{client.Files, files, {}, new(mmx.Client).Files} {
		_, err := files.Delete(background, seeded, mmx.PurposeVoiceClone)
		failure := is(t, err, mmx.ErrClosed, mmx.ErrInvalidArgument)
		if failure.Parameter != "client" || err.Error() != "delete_file: client is closed" {
			t.Errorf("%+v", failure)
		}
	}
	account.sent(0)
	must(t, new(mmx.Client).Close())
	must(t, (*mmx.Client)(nil).Close())
}

func TestCloseWhileCallsAreUnderWay(t *testing.T) {
	const calls = 8
	account := newAccount(t)
	account.addFiles(calls)
	account.script(fault{"times": -1, "delay_ms": 300})
	client := account.client()
	together(calls+1, func(worker int) {
		if worker == calls {
			account.arrived(calls)
			client.Close()
			is(t, remove(background, client), mmx.ErrClosed)
			return
		}
		if _, err := client.Files.Delete(background, int64(worker)+1, mmx.PurposeVoiceClone); err != nil {
			t.Error(err)
		}
	})
	account.sent(calls)
}

func TestCloseBesideCalls(t *testing.T) {
	account := newAccount(t)
	account.addFiles(10_000)
	var ids, closed atomic.Int64
	for range 50 {
		client := account.client()
		together(10, func(worker int) {
			_, err := client.Files.Delete(background, ids.Add(1), mmx.PurposeVoiceClone)
			if worker >= 8 {
				client.Close()
				return
			}
			for err == nil {
				_, err = client.Files.Delete(background, ids.Add(1), mmx.PurposeVoiceClone)
			}
			is(t, err, mmx.ErrClosed)
			closed.Add(1)
		})
	}
	if closed.Load() != 50*8 {
		t.Errorf("%d calls met a closed client", closed.Load())
	}
}

func TestClientCollectedInMidCall(t *testing.T) {
	account := newAccount(t)
	account.addFiles(20)
	account.script(fault{"times": -1, "delay_ms": 50})
	for id := range int64(20) {
		// Nothing refers to the client once the call has begun.
		ended := make(chan error, 1)
		go func() {
			_, err := unclosed(t, account).Files.Delete(background, id+1, mmx.PurposeVoiceClone)
			ended <- err
		}()
		account.arrived(int(id) + 1)
		runtime.GC()
		runtime.GC()
		must(t, <-ended)
	}
}

// unclosed makes a client that is left to the garbage collector.
func unclosed(t testing.TB, account account) *mmx.Client {
	client, err := mmx.New(mmx.WithBaseURL(account.url()), mmx.WithAPIKey(server.Key))
	must(t, err)
	return client
}

func cleanups(t *testing.T) uint64 {
	samples := []metrics.Sample{{Name: "/gc/cleanups/executed:cleanups"}}
	metrics.Read(samples)
	if samples[0].Value.Kind() != metrics.KindUint64 {
		t.Fatal("this version of Go doesn't count cleanups: take 1.26 or newer for the tests")
	}
	return samples[0].Value.Uint64()
}

func TestForgottenClientsAreFreed(t *testing.T) {
	const clients = 1_000
	account := newAccount(t)
	before := cleanups(t)
	for range clients {
		unclosed(t, account)
	}
	eventually(t, "every forgotten client is freed", func() bool {
		runtime.GC()
		return cleanups(t) >= before+clients-1
	})
}

// The arguments of a transfer are released at its end, also after an error.
func TestATransferThatIsOverHoldsNothing(t *testing.T) {
	account, _ := holding(t, 100_000)
	client := account.client()
	var gone atomic.Int32
	given := int32(0)
	watch := func(value *funcs) *funcs {
		given++
		runtime.AddCleanup(value, func(int) { gone.Add(1) }, 0)
		return value
	}
	for _, last := range []error{io.EOF, errOurs} {
		read := func([]byte) (int, error) { return 0, last }
		write := func(data []byte) (int, error) {
			if last != io.EOF {
				return 0, last
			}
			return len(data), nil
		}
		upload(client, watch(&funcs{read: read}))
		client.Files.Download(background, 7, watch(&funcs{write: write}))
		caught(func() { upload(client, watch(&funcs{read: func([]byte) (int, error) { panic("as it was") }})) })
	}
	eventually(t, "all that was given is collected", func() bool {
		runtime.GC()
		return gone.Load() == given
	})
}

func TestCollectionsBesideCalls(t *testing.T) {
	const workers, calls = 64, 20
	account := newAccount(t)
	account.addFiles(workers * calls)
	before := runtime.NumGoroutine()
	var stop atomic.Bool
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for !stop.Load() {
			runtime.GC()
		}
	}()
	shared := account.client()
	var ids atomic.Int64
	together(workers, func(worker int) {
		for call := range calls {
			client := shared
			if (worker+call)%2 == 0 {
				client = unclosed(t, account)
			}
			ctx, cancel := context.WithCancel(background)
			if _, err := client.Files.Delete(ctx, ids.Add(1), mmx.PurposeVoiceClone); err != nil {
				t.Error(err)
			}
			cancel()
		}
	})
	stop.Store(true)
	<-collected
	if performed := account.number("count?performed=1"); performed != workers*calls {
		t.Errorf("%d deletes were carried out, not %d", performed, workers*calls)
	}
	goroutinesBackTo(t, before)
}

func TestCancelAtAnyMoment(t *testing.T) {
	const workers, calls = 16, 50
	account := newAccount(t)
	account.addFiles(workers * calls)
	client := account.client()
	before := runtime.NumGoroutine()
	var ids atomic.Int64
	together(workers, func(int) {
		for range calls {
			ctx, cancel := context.WithCancel(background)
			go cancel()
			if _, err := client.Files.Delete(ctx, ids.Add(1), mmx.PurposeVoiceClone); err != nil {
				is(t, err, context.Canceled, mmx.ErrCancelled)
			}
		}
	})
	must(t, remove(background, client))
	goroutinesBackTo(t, before)
}
