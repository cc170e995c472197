package mmx

// #include <mmx.h>
import "C"

import (
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// Client is a client of the API: an API key and a base URL. Any number of goroutines may use one at once.
//
// It is cheap: threads, connections and certificates wait for the first call that needs them. Clients with the same
// network settings share their connections.
type Client struct {
	// Files has the calls of the file API.
	Files Files
}

// New makes a client and sends nothing. The defaults come from the environment (MINIMAX_API_KEY, MINIMAX_API_KEY_FILE,
// MINIMAX_BASE_URL, MMX_LEDGER, SSL_CERT_FILE, SSL_CERT_DIR, and the proxies of [WithProxy]), which is read here and nowhere
// else: don't call [os.Setenv] at the same time.
//
// An invalid option is an error, and so is a library of another binary interface than the header of this package.
func New(opts ...Option) (*Client, error) {
	if failure := checkLibrary(); failure != nil {
		return nil, failure
	}
	config := &config{c: C.mmx_config_new(), ledger: hasLedgerByEnvironment()}
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
	handle := &handle{clients: clients, timeout: config.timeout, log: config.log, ledger: config.ledger}
	handle.cleanup = runtime.AddCleanup(handle, freeClients, clients)
	return &Client{Files{handle}}, nil
}

// Close frees the client. It doesn't wait: calls in progress finish, later ones fail with [ErrClosed]. Closing again
// does nothing. The error is always nil. A client that isn't closed is freed by the garbage collector.
func (c *Client) Close() error {
	if c != nil && c.Files.handle != nil {
		c.Files.handle.close()
	}
	return nil
}

// clients are the library's clients, one for each log level, because a handler may change its level from call to call.
// The first doesn't log, and the others exist only with a logger. They are cheap and share connections and rate
// limiter; each has its own retry budget.
type clients [levels]*C.mmx_client

func (c *config) clients() (made clients, failure *Error) {
	for level := range levels {
		if level > 0 {
			failure = c.logFrom(level)
		}
		if failure == nil {
			var why *C.mmx_error
			failure = check(C.mmx_client_new(c.c, &made[level], &why), &why)
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

// handle has the library's clients, which are freed when the client is closed and the last call has ended.
type handle struct {
	clients clients
	timeout time.Duration // 0: the default of each call
	log     slog.Handler  // nil: none
	ledger  bool
	cleanup runtime.Cleanup

	mutex  sync.Mutex
	calls  int
	closed bool
	freed  bool
}

// enter begins a call, which must end with leave.
func (h *handle) enter(call string) *Error {
	if h != nil {
		h.mutex.Lock()
		defer h.mutex.Unlock()
		if !h.closed {
			h.calls++
			return nil
		}
	}
	failure := invalidArgument(call, "client", "is closed")
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
		// Reachable until here, so the cleanup can't have begun.
		runtime.KeepAlive(h)
	}
}
