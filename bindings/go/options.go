package mmx

// #include <mmx.h>
import "C"

import (
	"log/slog"
	"time"
)

const (
	// DefaultTimeout is the time limit of a call without [WithTimeout] or [WithCallTimeout]. Uploads and downloads have
	// none, but see [WithIdleTimeout].
	DefaultTimeout = time.Minute
	// NoTimeout is no limit, for [WithTimeout] and the like. A context still ends the call.
	NoTimeout time.Duration = -1
)

// Option is a setting of a client, for [New].
type Option func(*config) *Error

type config struct {
	c       *C.mmx_config
	timeout time.Duration
	log     slog.Handler
	ledger  bool
}

// WithAPIKey sets the API key, without "Bearer ". The default is the environment variable MINIMAX_API_KEY, or else the
// file of [WithAPIKeyFile].
func WithAPIKey(key string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_api_key", "api_key", key)
		if refused != nil {
			return refused
		}
		defer clear(text)
		var failure *C.mmx_error
		return check(C.mmx_config_set_api_key(config.c, cPointer(text), &failure), &failure)
	}
}

// WithAPIKeyFile sets a file that contains the API key, with or without a line break at its end; the default is the
// environment variable MINIMAX_API_KEY_FILE. [New] reads it, and so does a call before which its time or size changed:
// a key that rotates needs no new client. Replace the file by a rename, so that no call finds half a key.
//
// A file that can't be read is an [ErrFile] of New, and of a call, which then sends nothing; one without a key is an
// [ErrInvalidArgument].
func WithAPIKeyFile(path string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_api_key_file", "path", path)
		if refused != nil {
			return refused
		}
		var failure *C.mmx_error
		return check(C.mmx_config_set_api_key_file(config.c, cPointer(text), &failure), &failure).ofFile(path)
	}
}

// WithHeader adds a header to every request to the API, for example for a company's gateway. It is never sent to another
// origin, such as that of a download link, and its value is in no error and no log. The same name twice is sent twice.
// Headers that the library sets itself, such as Authorization, Host and Content-Type, are an [ErrInvalidArgument].
func WithHeader(name, value string) Option {
	return func(config *config) *Error {
		const call = "config_add_header"
		nameText, refused := cText(call, "name", name)
		if refused != nil {
			return refused
		}
		valueText, refused := cText(call, "value", value)
		if refused != nil {
			return refused
		}
		defer clear(valueText)
		var failure *C.mmx_error
		return check(C.mmx_config_add_header(config.c, cPointer(nameText), cPointer(valueText), &failure), &failure)
	}
}

// WithBaseURL sets the base URL of the API. The default is the environment variable MINIMAX_BASE_URL, or else
// https://api.minimaxi.com, which is for China; the global one is https://api.minimax.io.
func WithBaseURL(url string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_base_url", "base_url", url)
		if refused != nil {
			return refused
		}
		var failure *C.mmx_error
		return check(C.mmx_config_set_base_url(config.c, cPointer(text), &failure), &failure)
	}
}

// WithTimeout sets the time limit of a whole call: name lookup, connect, attempts, waits, and its time in the queue. 0
// is [DefaultTimeout], or no limit for uploads and downloads; [NoTimeout] is no limit, and any other negative time an
// error of [New]. Parts of a millisecond are rounded up. The deadline of a call's context applies as well: the earlier
// of the two ends the call.
func WithTimeout(timeout time.Duration) Option {
	return func(config *config) *Error {
		config.timeout = timeout
		var failure *C.mmx_error
		return check(C.mmx_config_set_timeout_ms(config.c, milliseconds(timeout), &failure), &failure)
	}
}

// WithConnectTimeout sets the connect timeout: name lookup, TCP, proxy and TLS handshake together. 0 is the default,
// ten seconds. After it the error is [ErrTimeout], and nothing was sent.
func WithConnectTimeout(timeout time.Duration) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return check(C.mmx_config_set_connect_timeout_ms(config.c, milliseconds(timeout), &failure), &failure)
	}
}

// WithIdleTimeout sets the idle timeout: the longest time without receiving or sending a byte. 0 is the default, a
// minute.
func WithIdleTimeout(timeout time.Duration) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return check(C.mmx_config_set_idle_timeout_ms(config.c, milliseconds(timeout), &failure), &failure)
	}
}

// WithProxy sets an HTTP proxy for all requests, "http://host:port" or "http://user:password@host:port"; "none" is no
// proxy. The default, and "", is the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, but never for this
// machine. A proxy that fails is an [ErrConnect].
func WithProxy(url string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_proxy", "url_or_none", url)
		if refused != nil {
			return refused
		}
		defer clear(text)
		var failure *C.mmx_error
		return check(C.mmx_config_set_proxy(config.c, cPointer(text), &failure), &failure)
	}
}

// WithMaxAttempts sets how many requests one call may send at most, the first one included; 0 is the default, 4. Each
// call's documentation says when it is retried.
func WithMaxAttempts(attempts int) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return check(C.mmx_config_set_max_attempts(config.c, count(attempts), &failure), &failure)
	}
}

// WithRequestsPerMinute sets a rate limit for requests, retries and lookups included; 0 is none. All clients of the
// process with the same key and base URL share one rate limiter, first come, first served; divide the number by that of
// your processes. A wait for it counts towards a call's time limit, but not towards that of each file in
// [Files.DeleteFiles] and [Files.Prune]. In any case the rate adapts when the service refuses requests.
func WithRequestsPerMinute(requests int) Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return check(C.mmx_config_set_requests_per_minute(config.c, count(requests), &failure), &failure)
	}
}

// WithCAFile trusts the certificates of a PEM file in addition to the system's. [New] reads it.
func WithCAFile(path string) Option {
	return func(config *config) *Error {
		text, refused := cText("config_set_ca_file", "pem_path", path)
		if refused != nil {
			return refused
		}
		var failure *C.mmx_error
		return check(C.mmx_config_set_ca_file(config.c, cPointer(text), &failure), &failure).ofFile(path)
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
		return check(C.mmx_config_set_user_agent(config.c, cPointer(text), &failure), &failure)
	}
}

// WithAllowInsecure allows http:// to another machine. Anybody who sees the traffic then sees the key.
func WithAllowInsecure() Option {
	return func(config *config) *Error {
		var failure *C.mmx_error
		return check(C.mmx_config_set_allow_insecure(config.c, true, &failure), &failure)
	}
}

// CallOption is an option of one call.
type CallOption func(*callOptions)

type callOptions struct {
	timeout     time.Duration
	maxAttempts int
	flags       C.uint32_t
	expires     time.Duration // after so long; 0: never
	progress    func(done, total int64)
	info        *CallInfo
}

// WithCallTimeout is [WithTimeout] for one call; 0 is the client's.
func WithCallTimeout(timeout time.Duration) CallOption {
	return func(options *callOptions) { options.timeout = timeout }
}

// WithCallMaxAttempts is [WithMaxAttempts] for one call; 0 is the client's.
func WithCallMaxAttempts(attempts int) CallOption {
	return func(options *callOptions) { options.maxAttempts = attempts }
}

// WithProgress reports the progress of an upload or a download: at most 20 times a second, and once at the end. total
// is -1 if unknown; done goes back when the transfer is restarted. The call waits for the function, and panics with its
// panic. To end the call, cancel its context; the last report of an upload comes after the response, which a
// cancellation doesn't undo.
func WithProgress(progress func(done, total int64)) CallOption {
	return func(options *callOptions) { options.progress = progress }
}

// WithCallInfo writes facts about the call to info when it ends, also with an error. It is no option of
// [Files.DeleteFiles] and [Files.Prune], whose outcomes have such facts.
func WithCallInfo(info *CallInfo) CallOption {
	return func(options *callOptions) { options.info = info }
}

// WithViaDownloadURL makes a download fetch the link of [Files.Retrieve], which is on another host; the key isn't sent
// there.
func WithViaDownloadURL() CallOption {
	return func(options *callOptions) { options.flags |= C.MMX_CALL_VIA_DOWNLOAD_URL }
}

// WithMissingOK makes the delete of a file that the service doesn't know a success, with the evidence "retrieve". Without it the error matches [ErrNotFound].
func WithMissingOK() CallOption {
	return func(options *callOptions) { options.flags |= C.MMX_CALL_MISSING_OK }
}

// WithReconcile makes an upload whose response was lost look for its file: one of the same name, size and purpose,
// created since the call began, by the service's clock. If it is listed, the upload succeeds; if it isn't, the upload
// is retried if the Reader can seek. Otherwise, or if the list can't tell, the error is Ambiguous.
func WithReconcile() CallOption {
	return func(options *callOptions) { options.flags |= C.MMX_CALL_RECONCILE }
}

// check returns nil for success, else the error, which it frees. The pointer is read after the call that sets it.
func check(status C.mmx_status, failure **C.mmx_error) *Error {
	if status == C.MMX_OK {
		return nil
	}
	return takeError(status, *failure)
}
