package mmx

// #include <mmx.h>
import "C"

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// token cancels a call. It has a file descriptor, so tokens are reused.
type token struct {
	c *C.mmx_cancel
}

// tokens has unused tokens. The garbage collector empties the pool; a cleanup frees them.
var tokens sync.Pool

func takeToken() (*token, *Error) {
	if pooled, ok := tokens.Get().(*token); ok {
		return pooled, nil
	}
	var cancel *C.mmx_cancel
	var failure *C.mmx_error
	if status := C.mmx_cancel_new(&cancel, &failure); status != C.MMX_OK {
		return nil, takeError(status, failure)
	}
	made := &token{cancel}
	runtime.AddCleanup(made, func(cancel *C.mmx_cancel) { C.mmx_cancel_free(cancel) }, cancel)
	return made, nil
}

// giveBack returns a token that no call and no watch uses any more.
func (t *token) giveBack(triggered bool) {
	if triggered {
		C.mmx_cancel_reset(t.c)
	}
	tokens.Put(t)
}

// watch triggers the token when ctx ends. After stop nothing uses the token; it returns whether it was triggered.
func (t *token) watch(ctx context.Context, limit limit) (stop func() bool) {
	done := make(chan bool, 1)
	end := context.AfterFunc(ctx, func() {
		// At a deadline the library's own limit ends the call, with a message that says where the time was spent.
		atDeadline := limit.ofContext && errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Until(limit.at) < grace
		if !atDeadline {
			C.mmx_cancel_trigger(t.c)
		}
		done <- !atDeadline
	})
	return func() bool { return !end() && <-done }
}
