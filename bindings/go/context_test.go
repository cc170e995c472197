package mmx_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

var errWhy = errors.New("the user left")

func remove(ctx context.Context, client *mmx.Client, options ...mmx.CallOption) error {
	_, err := client.Files.Delete(ctx, seeded, mmx.PurposeVoiceClone, options...)
	return err
}

// later starts a delete and returns a channel for its error.
func later(ctx context.Context, client *mmx.Client, options ...mmx.CallOption) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- remove(ctx, client, options...) }()
	return ended
}

func TestAContextThatHasEnded(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	ctx, cancel := context.WithCancelCause(background)
	cancel(errWhy)
	if failure := is(t, remove(ctx, client), context.Canceled, errWhy, mmx.ErrCancelled); failure.Ambiguous {
		t.Errorf("%+v", failure)
	}
	ctx, stop := context.WithDeadline(background, time.Now().Add(-time.Hour))
	defer stop()
	err := remove(ctx, client)
	if failure := is(t, err, mmx.ErrTimeout); errors.Unwrap(err) != context.DeadlineExceeded || !failure.Timeout() {
		t.Errorf("%+v", failure)
	}
	account.sent(0)
}

func TestCancelWhileTheServerThinks(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for i := range 20 {
		account.script(fault{"hang": true, "perform": false})
		ctx, cancel := context.WithCancel(background)
		ended := later(ctx, client)
		account.arrived(i + 1)
		cancel()
		err := <-ended
		failure := is(t, err, context.Canceled, mmx.ErrCancelled)
		if errors.Unwrap(err) != context.Canceled || !failure.Ambiguous || failure.Attempts != 1 || failure.Timeout() {
			t.Fatalf("%+v", failure)
		}
		if !strings.HasSuffix(err.Error(), ": context canceled") {
			t.Fatal(err)
		}
	}
	// The tokens of those calls are reused.
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	must(t, remove(ctx, client))
}

func TestDeadlineWhileTheServerThinks(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"times": -1, "hang": true})
	client := account.client()
	for range 5 {
		ctx, cancel := context.WithTimeoutCause(background, 30*time.Millisecond, errWhy)
		failure := is(t, remove(ctx, client), context.DeadlineExceeded, errWhy, mmx.ErrTimeout)
		if !failure.Ambiguous || !failure.Timeout() || failure.Attempts != 1 {
			t.Errorf("%+v", failure)
		}
		cancel()
	}
}

func TestTheEarlierLimitHolds(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"times": -1, "hang": true})
	client := account.client(mmx.WithTimeout(40 * time.Millisecond))
	ctx, cancel := context.WithTimeout(background, time.Hour)
	defer cancel()
	err := remove(ctx, client)
	if is(t, err, mmx.ErrTimeout); errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the context hasn't ended: %v", err)
	}
	ctx, cancel = context.WithTimeout(background, 40*time.Millisecond)
	defer cancel()
	is(t, remove(ctx, client, mmx.WithCallTimeout(time.Hour)), mmx.ErrTimeout, context.DeadlineExceeded)
	ctx, cancel = context.WithTimeout(background, 40*time.Millisecond)
	defer cancel()
	is(t, remove(ctx, client, mmx.WithCallTimeout(mmx.NoTimeout)), mmx.ErrTimeout, context.DeadlineExceeded)
}

// The error of the client's time limit isn't that of the context, though the context has a deadline, too.
func TestALimitOfTheClientIsNotTheContexts(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"times": -1, "hang": true})
	client := account.client(mmx.WithIdleTimeout(40*time.Millisecond), mmx.WithMaxAttempts(1))
	ctx, cancel := context.WithTimeout(background, 30*time.Second)
	defer cancel()
	err := remove(ctx, client)
	if is(t, err, mmx.ErrTimeout); errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the context hasn't ended: %v", err)
	}
}

// ownContext is a context with a deadline without a timer, or with its own Done.
type ownContext struct {
	context.Context
	deadline time.Time
	done     chan struct{}
}

func (c ownContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }
func (c ownContext) Done() <-chan struct{}       { return c.done }
func (c ownContext) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestContextsOfOtherMakes(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"times": -1, "hang": true})
	client := account.client()
	ctx := ownContext{Context: background, deadline: time.Now().Add(50 * time.Millisecond)}
	is(t, remove(ctx, client), mmx.ErrTimeout, context.DeadlineExceeded)

	ctx = ownContext{Context: background, done: make(chan struct{})}
	before := runtime.NumGoroutine()
	ended := later(ctx, client)
	account.arrived(2)
	close(ctx.done)
	if failure := is(t, <-ended, context.DeadlineExceeded); !failure.Timeout() {
		t.Errorf("%+v", failure)
	}
	goroutinesBackTo(t, before)

	var none context.Context
	if failure := is(t, remove(none, client), mmx.ErrInvalidArgument); failure.Parameter != "ctx" {
		t.Errorf("%+v", failure)
	}
}

func TestAFailureBeforeTheContextEnds(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"code": 1002, "headers": map[string]string{"Retry-After": "0"}})
	ctx, cancel := context.WithTimeout(background, time.Hour)
	defer cancel()
	client := account.client(mmx.WithMaxAttempts(1))
	err := remove(ctx, client)
	if is(t, err, mmx.ErrRateLimited); errors.Unwrap(err) != nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	must(t, remove(ctx, client))
}

func TestCancelWhileTLSIsStalled(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	url := "https://" + listener.Addr().String()
	client := newAccount(t).client(mmx.WithBaseURL(url), mmx.WithCAFile(server.CAFile))
	ctx, cancel := context.WithCancel(background)
	ended := later(ctx, client)
	connection, err := listener.Accept()
	must(t, err)
	defer connection.Close()
	cancel()
	if failure := is(t, <-ended, context.Canceled); failure.Ambiguous {
		t.Errorf("%+v", failure)
	}
}

func TestWhileConnecting(t *testing.T) {
	client := newAccount(t).client(mmx.WithBaseURL("http://" + fullListener(t)))
	ctx, stop := context.WithTimeout(background, 50*time.Millisecond)
	defer stop()
	if failure := is(t, remove(ctx, client), context.DeadlineExceeded, mmx.ErrTimeout); failure.Ambiguous {
		t.Errorf("%+v", failure)
	}
	ctx, cancel := context.WithCancel(background)
	ended := later(ctx, client)
	eventually(t, "the call is in the library", func() bool { return stackHas("_Cfunc_delete_file") })
	cancel()
	if failure := is(t, <-ended, context.Canceled, mmx.ErrCancelled); failure.Ambiguous {
		t.Errorf("%+v", failure)
	}
}

// boundSocket is an address where nobody listens and that no other test gets.
func boundSocket(t *testing.T) (fd int, address string) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	must(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	must(t, err)
	return fd, fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// fullListener is an address where no connection succeeds, because its backlog is full.
func fullListener(t *testing.T) string {
	fd, address := boundSocket(t)
	must(t, syscall.Listen(fd, 0))
	for range 10 {
		connection, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if late, ok := err.(net.Error); ok && late.Timeout() {
			return address
		}
		must(t, err)
		t.Cleanup(func() { connection.Close() })
	}
	t.Fatal("the backlog never fills")
	return ""
}

func stackHas(function string) bool {
	stacks := make([]byte, 1<<20)
	return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), function)
}

func TestWhileQueued(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for range mmx.MaxThreads {
		mmx.Slots <- struct{}{}
	}
	ctx, stop := context.WithTimeoutCause(background, 20*time.Millisecond, errWhy)
	defer stop()
	failure := is(t, remove(ctx, client), context.DeadlineExceeded, errWhy, mmx.ErrTimeout)
	if failure.Ambiguous || failure.Attempts != 0 {
		t.Errorf("%+v", failure)
	}
	unwatched := ownContext{Context: background, deadline: time.Now().Add(20 * time.Millisecond)}
	is(t, remove(unwatched, client), context.DeadlineExceeded, mmx.ErrTimeout)
	err := remove(background, client, mmx.WithCallTimeout(20*time.Millisecond))
	if is(t, err, mmx.ErrTimeout); errors.Unwrap(err) != nil || !strings.Contains(err.Error(), "limit of 20 ms") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(background)
	ended := later(ctx, client)
	eventually(t, "the call is queued", func() bool { return stackHas("takeSlot") })
	cancel(errWhy)
	is(t, <-ended, context.Canceled, errWhy, mmx.ErrCancelled)
	account.sent(0)

	// One that gets a slot is made.
	ended = later(background, client, mmx.WithCallTimeout(time.Minute))
	eventually(t, "the call is queued", func() bool { return stackHas("takeSlot") })
	for range mmx.MaxThreads {
		<-mmx.Slots
	}
	must(t, <-ended)
	account.sent(1)
}
