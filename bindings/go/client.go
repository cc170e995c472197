package mmx

// #include <mmx.h>
import "C"

import (
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// Client is an account at a place. Any number of goroutines may use one at once.
//
// It is cheap: no thread, no connection, no certificate read until the first call needs it. Clients with the same
// network settings share their connections.
type Client struct {
	// Files has the calls of the file API.
	Files Files
}

// New makes a client and sends nothing. What no option sets comes from the environment (MINIMAX_API_KEY,
// MINIMAX_BASE_URL, SSL_CERT_FILE, SSL_CERT_DIR, and the proxies of [WithProxy]), which is read here and nowhere else:
// don't call [os.Setenv] meanwhile.
//
// An option that can't be used is an error, and so is a library that doesn't fit the header this package was built
// with.
func New(opts ...Option) (*Client, error) {
	if failure := checkLibrary(); failure != nil {
		return nil, failure
	}
	config := &config{c: C.mmx_config_new()}
	defer C.mmx_config_free(config.c)
	for _, option := range opts {
		if failure := option(config); failure != nil {
			return nil, failure
		}
	}
	clients, failure := config.clients()
	if failure != nil {
		return nil, failure
	}
	handle := &handle{clients: clients, timeout: config.timeout, log: config.log}
	handle.cleanup = runtime.AddCleanup(handle, freeClients, clients)
	return &Client{Files{handle}}, nil
}

// Close frees the client. It doesn't wait: calls under way finish as they would, later ones fail with [ErrClosed].
// Closing again does nothing. The error is always nil. A client that is not closed is freed once it can't be reached.
func (c *Client) Close() error {
	if c != nil && c.Files.handle != nil {
		c.Files.handle.close()
	}
	return nil
}

// clients are the library's, the same but for what they tell: one by the level that is wanted, for a handler may change
// that from call to call. The first tells nothing, and the others are there with a logger only. They are cheap and
// share connections and limiter; each has a budget of its own for what is sent again.
type clients [levels]*C.mmx_client

func (c *config) clients() (made clients, failure *Error) {
	for level := range levels {
		if level > 0 {
			failure = c.logFrom(level)
		}
		if failure == nil {
			var why *C.mmx_error
			failure = taken(C.mmx_client_new(c.c, &made[level], &why), &why)
		}
		if failure != nil {
			freeClients(made)
			return clients{}, failure
		}
		if c.log == nil {
			break
		}
	}
	return made, nil
}

func freeClients(clients clients) {
	for _, client := range clients {
		C.mmx_client_free(client)
	}
}

// handle is the library's client and who uses it: it is freed when it is closed and the last call has left.
type handle struct {
	clients clients
	timeout time.Duration // 0: the default of each call
	log     slog.Handler  // nil: none
	cleanup runtime.Cleanup

	mutex  sync.Mutex
	calls  int
	closed bool
	freed  bool
}

// enter lets a call in, which has to leave.
func (h *handle) enter(call string) *Error {
	if h != nil {
		h.mutex.Lock()
		defer h.mutex.Unlock()
		if !h.closed {
			h.calls++
			return nil
		}
	}
	failure := badArgument(call, "client", "is closed")
	failure.err = ErrClosed
	return failure
}

func (h *handle) leave() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.calls--
	h.freeIfUnused()
}

func (h *handle) close() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.closed = true
	h.freeIfUnused()
}

func (h *handle) freeIfUnused() {
	if h.closed && h.calls == 0 && !h.freed {
		h.cleanup.Stop()
		freeClients(h.clients)
		h.freed = true
		// Reachable until here: the cleanup can't have begun.
		runtime.KeepAlive(h)
	}
}
