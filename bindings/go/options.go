package mmx

// #include <mmx.h>
import "C"

import (
	"log/slog"
	"time"
)

const (
	// DefaultTimeout is the bound over everything one call does, unless [WithTimeout] or [WithCallTimeout] say otherwise.
	// Uploads and downloads have none, but see [WithIdleTimeout].
	DefaultTimeout = time.Minute
	// NoTimeout is no limit, for [WithTimeout] and its kin. A context still ends the call.
	NoTimeout time.Duration = -1
)

// Option is a setting of a client, for [New].
type Option func(*config) *Error

type config struct {
	c       *C.mmx_config
	timeout time.Duration
	log     slog.Handler
}

// WithAPIKey sets the API key, without "Bearer ". The default is that of the environment variable MINIMAX_API_KEY.
func WithAPIKey(key string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_api_key", "api_key", key)
		if refused != nil {
			return refused
		}
		defer clear(text)
		var failure *C.mmx_error
		return taken(C.mmx_config_set_api_key(config.c, cPointer(text), &failure), &failure)
	}
}

// WithBaseURL sets where the API is. The default is that of the environment variable MINIMAX_BASE_URL, or else
// https://api.minimaxi.com, which is China's; the global one is https://api.minimax.io.
func WithBaseURL(url string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_base_url", "base_url", url)
		if refused != nil {
			return refused
		}
		var failure *C.mmx_error
		return taken(C.mmx_config_set_base_url(config.c, cPointer(text), &failure), &failure)
	}
}

// WithTimeout bounds everything one call does: its look-up, connect, attempts, waits, and its place in the queue. 0 is
// [DefaultTimeout], or no limit for uploads and downloads; [NoTimeout] is no limit, and any other negative time an
// error of [New]. Parts of a millisecond are rounded up. The deadline of a call's context holds as well: the earlier of
// the two ends the call.
func WithTimeout(timeout time.Duration) Option {
	return func(config *config) *Error {
		config.timeout = timeout
		var failure *C.mmx_error
		return taken(C.mmx_config_set_timeout_ms(config.c, milliseconds(timeout), &failure), &failure)
	}
}

// WithConnectTimeout bounds how long a connection may take to come to be: look-up, connect, a proxy's consent and TLS
// handshake together. 0 is the default, ten seconds. What takes longer is an [ErrTimeout] with nothing sent.
func WithConnectTimeout(timeout time.Duration) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return taken(C.mmx_config_set_connect_timeout_ms(config.c, milliseconds(timeout), &failure), &failure)
	}
}

// WithIdleTimeout bounds how long the other end may be silent while a call waits for it; it starts anew with every
// piece of a body. 0 is the default, a minute.
func WithIdleTimeout(timeout time.Duration) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return taken(C.mmx_config_set_idle_timeout_ms(config.c, milliseconds(timeout), &failure), &failure)
	}
}

// WithProxy has everything go through an HTTP proxy, "http://host:port" or "http://user:password@host:port"; "none" is
// no proxy. The default, and "", are those of the environment variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, which
// serve what NO_PROXY doesn't list, and never this machine. [ErrConnect] is what a proxy's failure is.
func WithProxy(url string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_proxy", "url_or_none", url)
		if refused != nil {
			return refused
		}
		defer clear(text)
		var failure *C.mmx_error
		return taken(C.mmx_config_set_proxy(config.c, cPointer(text), &failure), &failure)
	}
}

// WithMaxAttempts sets how many requests one call may send at most, the first one included; 0 is the library's default,
// 4. What is sent again stands at the calls.
func WithMaxAttempts(attempts int) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return taken(C.mmx_config_set_max_attempts(config.c, count(attempts), &failure), &failure)
	}
}

// WithRequestsPerMinute sets how many requests a minute may go out, retries and look-ups of a file included; 0 is as
// many as there are. All clients of the process that have the same key and base URL share one limiter, first come,
// first served; divide the number by that of your processes. A wait for it counts towards a call's time limit, but not
// towards that of each file in [Files.DeleteAll] and [Files.Prune]. With or without a number the rate adapts by itself
// where the service says that requests come too fast.
func WithRequestsPerMinute(requests int) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return taken(C.mmx_config_set_requests_per_minute(config.c, count(requests), &failure), &failure)
	}
}

// WithCAFile trusts the certificates of a PEM file beside the system's. [New] reads it.
func WithCAFile(path string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_ca_file", "pem_path", path)
		if refused != nil {
			return refused
		}
		var failure *C.mmx_error
		return taken(C.mmx_config_set_ca_file(config.c, cPointer(text), &failure), &failure)
	}
}

// WithUserAgent names the program in the User-Agent header, before the library's own, for example "reports/2.1".
func WithUserAgent(agent string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_user_agent", "user_agent", agent)
		if refused != nil {
			return refused
		}
		var failure *C.mmx_error
		return taken(C.mmx_config_set_user_agent(config.c, cPointer(text), &failure), &failure)
	}
}

// WithAllowInsecure allows http:// to another machine. Whoever sees the traffic then sees the key.
func WithAllowInsecure() Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return taken(C.mmx_config_set_allow_insecure(config.c, true, &failure), &failure)
	}
}

// CallOption is what one call has different from its client.
type CallOption func(*callOptions)

type callOptions struct {
	timeout     time.Duration
	maxAttempts int
	flags       C.uint32_t
	progress    func(done, total int64)
}

// WithCallTimeout is [WithTimeout] for one call; 0 is as the client has it.
func WithCallTimeout(timeout time.Duration) CallOption {
	return func(options *callOptions) { options.timeout = timeout }
}

// WithCallMaxAttempts is [WithMaxAttempts] for one call; 0 is as the client has it.
func WithCallMaxAttempts(attempts int) CallOption {
	return func(options *callOptions) { options.maxAttempts = attempts }
}

// WithProgress has an upload or a download tell how far it is: at most 20 times a second, and once at the end. total is
// -1 when it isn't known; done goes back when the transfer begins anew. The call waits for each, and a panic in it
// comes out of the call. To end the call, cancel its context; the last report of an upload comes when the service has
// answered, which no cancel undoes.
func WithProgress(progress func(done, total int64)) CallOption {
	return func(options *callOptions) { options.progress = progress }
}

// WithViaDownloadURL has a download fetch the link of [Files.Retrieve], which leads to another host; the key isn't sent
// there.
func WithViaDownloadURL() CallOption {
	return func(options *callOptions) { options.flags |= C.MMX_CALL_VIA_DOWNLOAD_URL }
}

// WithReconcile has an upload whose answer was lost look for its file: one of the same name, size and purpose that was
// made since the call began, by the service's clock. If it is there the upload succeeds; if the list doesn't show it,
// it goes again where the Reader can go back. What can't go again, and what the list can't tell, stays Ambiguous.
func WithReconcile() CallOption {
	return func(options *callOptions) { options.flags |= C.MMX_CALL_RECONCILE }
}

// taken is nil for success, else the error, which it frees. The pointer is read after the call that sets it.
func taken(status C.mmx_status, failure **C.mmx_error) *Error {
	if status == C.MMX_OK {
		return nil
	}
	return takeError(status, *failure)
}
