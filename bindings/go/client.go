package mmx

// #include <mmx.h>
import "C"

import (
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
// An option that can't be used is an error, and so is a library that doesn't fit the header this package was built with.
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
	var client *C.mmx_client
	var failure *C.mmx_error
	if status := C.mmx_client_new(config.c, &client, &failure); status != C.MMX_OK {
		return nil, takeError(status, failure)
	}
	handle := &handle{client: client, timeout: config.timeout}
	handle.cleanup = runtime.AddCleanup(handle, freeClient, client)
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

func freeClient(client *C.mmx_client) {
	C.mmx_client_free(client)
}

// handle is the library's client and who uses it: it is freed when it is closed and the last call has left.
type handle struct {
	timeout time.Duration // 0: the default of each call
	cleanup runtime.Cleanup

	mutex  sync.Mutex
	client *C.mmx_client
	calls  int
	closed bool
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
	if h.closed && h.calls == 0 && h.client != nil {
		h.cleanup.Stop()
		freeClient(h.client)
		h.client = nil
		// Reachable until here: the cleanup can't have begun.
		runtime.KeepAlive(h)
	}
}
