package mmx_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

func deletes(t *testing.T, client *mmx.Client) {
	t.Helper()
	_, err := client.Files.Delete(background, seeded, mmx.PurposeVoiceClone)
	must(t, err)
}

func refused(t *testing.T, parameter string, options ...mmx.Option) *mmx.Error {
	t.Helper()
	client, err := mmx.New(append([]mmx.Option{mmx.WithAPIKey("k")}, options...)...)
	if client != nil {
		t.Errorf("a client in spite of %s", parameter)
	}
	failure := is(t, err)
	if failure.Parameter != parameter || failure.RetryAfter >= 0 {
		t.Errorf("%+v, not about %s", failure, parameter)
	}
	return failure
}

func TestWithAPIKey(t *testing.T) {
	account := newAccount(t)
	_, err := account.client(mmx.WithAPIKey("sk-other")).Files.Delete(background, seeded, mmx.PurposeVoiceClone)
	is(t, err, mmx.ErrAuthentication)
	if header := account.last().header("Authorization"); header != "Bearer sk-other" {
		t.Error(header)
	}
	for _, key := range []string{"", "a b", "a\nb", "ä"} {
		refused(t, "api_key", mmx.WithAPIKey(key))
	}
	for _, key := range []string{"k\x00sk-secret", "sk-secret\n"} {
		if failure := refused(t, "api_key", mmx.WithAPIKey(key)); strings.Contains(failure.Error(), "sk-secret") {
			t.Error(failure)
		}
	}
}

func TestWithBaseURL(t *testing.T) {
	account := newAccount(t)
	deletes(t, account.client(mmx.WithBaseURL(account.url()+"/")))
	account.sent(1)
	for _, url := range []string{"", "127.0.0.1", "ftp://127.0.0.1", "http://user@127.0.0.1", "http://127.0.0.1/?a=b"} {
		refused(t, "base_url", mmx.WithBaseURL(url))
	}
}

func TestTheEnvironment(t *testing.T) {
	account := newAccount(t)
	t.Setenv("MINIMAX_BASE_URL", account.url())
	client, err := mmx.New()
	must(t, err)
	defer client.Close()
	deletes(t, client)
	account.sent(1)
	t.Setenv("MINIMAX_API_KEY", "")
	_, err = mmx.New()
	if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "api_key" {
		t.Errorf("%+v", failure)
	}
}

func TestWithTimeout(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"times": -1, "hang": true})
	client := account.client(mmx.WithTimeout(50*time.Millisecond - time.Nanosecond))
	for _, options := range [][]mmx.CallOption{nil, {mmx.WithCallTimeout(0)}} {
		_, err := client.Files.Delete(background, seeded, mmx.PurposeVoiceClone, options...)
		failure := is(t, err, mmx.ErrTimeout)
		if !failure.Timeout() || !failure.Ambiguous || !strings.Contains(failure.Message, "limit of 50 ms") {
			t.Errorf("%+v", failure)
		}
		if errors.Unwrap(err) != nil {
			t.Errorf("no context ended this: %v", errors.Unwrap(err))
		}
	}
	_, err := client.Files.Delete(background, seeded, mmx.PurposeVoiceClone, mmx.WithCallTimeout(70*time.Millisecond))
	if failure := is(t, err, mmx.ErrTimeout); !strings.Contains(failure.Message, "limit of 70 ms") {
		t.Errorf("%+v", failure)
	}
	// A request that ended early isn't counted.
	if sent := account.number("count"); sent > 3 {
		t.Errorf("%d requests were sent, not 3", sent)
	}
}

func TestTimesThatAreNone(t *testing.T) {
	account := newAccount(t)
	client := account.client(mmx.WithTimeout(0))
	for _, timeout := range []time.Duration{-2, -time.Microsecond, -time.Millisecond, -time.Hour, math.MinInt64} {
		refused(t, "timeout_ms", mmx.WithTimeout(timeout))
		_, err := client.Files.Delete(background, seeded, mmx.PurposeVoiceClone, mmx.WithCallTimeout(timeout))
		if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "options.timeout_ms" {
			t.Errorf("%v: %+v", timeout, failure)
		}
	}
	account.sent(0)
	for _, timeout := range []time.Duration{mmx.NoTimeout, math.MaxInt64} {
		account.control("POST", "reset", nil)
		account.script(fault{"delay_ms": 60})
		deletes(t, account.client(mmx.WithTimeout(timeout)))
	}
	account.control("POST", "reset", nil)
	account.script(fault{"delay_ms": 60})
	_, err := account.client(mmx.WithTimeout(30*time.Millisecond)).Files.Delete(
		background, seeded, mmx.PurposeVoiceClone, mmx.WithCallTimeout(mmx.NoTimeout))
	must(t, err)
}

func TestWithMaxAttempts(t *testing.T) {
	for _, attempts := range []int{-1, math.MinInt64} {
		refused(t, "max_attempts", mmx.WithMaxAttempts(attempts))
	}
	now := map[string]string{"Retry-After": "0"}
	for _, set := range []struct{ client, call, sent int }{{0, 0, 4}, {1, 0, 1}, {1, 3, 3}, {math.MaxInt64, 2, 2}} {
		account := newAccount(t)
		account.script(fault{"code": 1013, "times": -1, "headers": now})
		client := account.client(mmx.WithMaxAttempts(set.client))
		_, err := client.Files.List(background, "", mmx.WithCallMaxAttempts(set.call))
		if failure := is(t, err, mmx.ErrServer); failure.Attempts != set.sent {
			t.Errorf("%+v: %d attempts", set, failure.Attempts)
		}
		_, err = client.Files.Delete(background, seeded, mmx.PurposeVoiceClone, mmx.WithCallMaxAttempts(-1))
		if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "options.max_attempts" {
			t.Errorf("%+v", failure)
		}
		account.sent(set.sent)
	}
}

// Bounds from below only: nothing here fails because a machine is slow.
func TestWithRequestsPerMinute(t *testing.T) {
	account := newAccount(t)
	account.addFiles(8)
	rate := mmx.WithRequestsPerMinute(1200)
	clients := []*mmx.Client{account.client(rate), account.client(rate)}
	start := time.Now()
	for id := range int64(8) {
		must(t, deleteID(clients[id%2], id+1))
	}
	// Twenty a second, whichever client sends them.
	if took := time.Since(start); took < 340*time.Millisecond {
		t.Errorf("8 requests took %v", took)
	}
	for _, requests := range []int{-1, math.MinInt64} {
		refused(t, "requests", mmx.WithRequestsPerMinute(requests))
	}
	deletes(t, account.client(mmx.WithRequestsPerMinute(math.MaxInt64)))
}

func TestWithCAFile(t *testing.T) {
	account := newAccount(t)
	_, err := account.client(mmx.WithBaseURL(account.https())).Files.Delete(background, seeded, mmx.PurposeVoiceClone)
	is(t, err, mmx.ErrConnect)
	ours := mmx.WithCAFile(server.CAFile)
	elsewhere := account.client(ours, mmx.WithBaseURL(server.WrongHost+"/t/"+account.name))
	_, err = elsewhere.Files.Delete(background, seeded, mmx.PurposeVoiceClone)
	is(t, err, mmx.ErrConnect)
	account.sent(0)
	deletes(t, account.client(mmx.WithBaseURL(account.https()), ours))

	_, err = mmx.New(mmx.WithCAFile(filepath.Join(t.TempDir(), "none.pem")))
	is(t, err, mmx.ErrFile)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	must(t, os.WriteFile(empty, nil, 0o600))
	refused(t, "pem_path", mmx.WithCAFile(empty))
}

func TestWithUserAgent(t *testing.T) {
	account := newAccount(t)
	deletes(t, account.client(mmx.WithUserAgent("reports/2.1")))
	if agent := account.last().header("User-Agent"); agent != "reports/2.1 libmmx/"+mmx.LibraryVersion() {
		t.Error(agent)
	}
	refused(t, "user_agent", mmx.WithUserAgent("a\r\nX: y"))
}

func TestWithAllowInsecure(t *testing.T) {
	elsewhere := mmx.WithBaseURL("http://example.invalid")
	refused(t, "base_url", elsewhere)
	client, err := mmx.New(mmx.WithAPIKey("k"), elsewhere, mmx.WithAllowInsecure())
	must(t, err)
	must(t, client.Close())
}
