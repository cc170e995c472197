package mmx_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// proxied is a request that arrived at a forward proxy of the stand-in server.
type proxied struct {
	Method, Target string
	Authorization  bool
	TLS            bool
}

// proxy returns the state of the account's proxy; with settings it makes a new one.
func (a account) proxy(settings any, answer any) {
	a.t.Helper()
	method, content := "GET", []byte(nil)
	if settings != nil {
		var err error
		content, err = json.Marshal(settings)
		must(a.t, err)
		method = "POST"
	}
	request, err := http.NewRequest(method, server.HTTP+"/control/proxies/"+a.name, bytes.NewReader(content))
	must(a.t, err)
	response, err := http.DefaultClient.Do(request)
	must(a.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(a.t, err)
	must(a.t, json.Unmarshal(text, answer))
}

func (a account) newProxy(settings fault) string {
	a.t.Helper()
	var made struct{ URL string }
	a.proxy(settings, &made)
	return made.URL
}

func (a account) askedOfProxy(count int) []proxied {
	a.t.Helper()
	var journal []proxied
	a.proxy(nil, &journal)
	if len(journal) != count {
		a.t.Fatalf("the proxy was asked %d times, not %d: %+v", len(journal), count, journal)
	}
	return journal
}

func TestWithProxy(t *testing.T) {
	account := newAccount(t)
	proxy := account.newProxy(fault{"credentials": "ann:p@ss"})
	named := mmx.WithProxy(strings.Replace(proxy, "://", "://ann:p%40ss@", 1))
	deletes(t, account.client(named))
	account.addFiles(1)
	tunnelled := account.client(named, mmx.WithBaseURL(account.https()), mmx.WithCAFile(server.CAFile))
	_, err := tunnelled.Files.Delete(background, 1, mmx.PurposeVoiceClone)
	must(t, err)
	account.sent(2)
	asked := account.askedOfProxy(2)
	if asked[0].Method != "POST" || !strings.HasPrefix(asked[0].Target, account.url()) {
		t.Errorf("%+v", asked[0])
	}
	if asked[1].Method != "CONNECT" || asked[1].Authorization || !asked[1].TLS {
		t.Errorf("%+v", asked[1])
	}

	for _, given := range []string{proxy, strings.Replace(proxy, "://", "://ann:secret@", 1)} {
		client := account.client(mmx.WithProxy(given), mmx.WithMaxAttempts(1))
		_, err := client.Files.Delete(background, seeded, mmx.PurposeVoiceClone)
		failure := is(t, err, mmx.ErrConnect)
		if failure.Ambiguous || !strings.Contains(failure.Message, "the proxy "+strings.TrimPrefix(proxy, "http://")) ||
			strings.Contains(failure.Error(), "secret") {
			t.Errorf("%+v", failure)
		}
	}
	account.sent(2)
	for _, bad := range []string{"socks5://secret@127.0.0.1:1", "ftp://secret", "http://127.0.0.1:1/secret", "a\x00secret"} {
		if failure := refused(t, "url_or_none", mmx.WithProxy(bad)); strings.Contains(failure.Error(), "secret") {
			t.Error(failure)
		}
	}
}

func TestProxiesOfTheEnvironment(t *testing.T) {
	account := newAccount(t)
	t.Setenv("HTTP_PROXY", account.newProxy(fault{}))
	// A name that only the proxy resolves; this machine is reached without it.
	elsewhere := mmx.WithBaseURL(strings.Replace(account.url(), "127.0.0.1", "some.example", 1))
	deletes(t, account.client(elsewhere, mmx.WithAllowInsecure()))
	account.addFiles(2)
	_, err := account.client().Files.Delete(background, 1, mmx.PurposeVoiceClone)
	must(t, err)
	account.askedOfProxy(1)

	t.Setenv("HTTP_PROXY", "socks5://ann:secret@127.0.0.1:1")
	failure := refused(t, "proxy", mmx.WithBaseURL(account.url()))
	if !strings.HasSuffix(failure.Message, "(from HTTP_PROXY)") {
		t.Error(failure)
	}
	_, err = account.client(mmx.WithProxy("none")).Files.Delete(background, 2, mmx.PurposeVoiceClone)
	must(t, err)
}

func TestWithConnectTimeout(t *testing.T) {
	// The kernel accepts the connection, and nobody reads from it.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	account := newAccount(t)
	limit := mmx.WithConnectTimeout(150 * time.Millisecond)
	silent := account.client(limit, mmx.WithMaxAttempts(1), mmx.WithBaseURL("https://"+listener.Addr().String()),
		mmx.WithCAFile(server.CAFile))
	_, err = silent.Files.Delete(background, seeded, mmx.PurposeVoiceClone)
	failure := is(t, err, mmx.ErrTimeout)
	if failure.Ambiguous || !strings.Contains(failure.Message, "took longer than 150 ms (the connect limit)") {
		t.Errorf("%+v", failure)
	}
	account.script(fault{"delay_ms": 400})
	deletes(t, account.client(limit))
	refused(t, "timeout_ms", mmx.WithConnectTimeout(-2))
}

func TestWithIdleTimeout(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"hang": true, "perform": false})
	silent := account.client(mmx.WithIdleTimeout(150*time.Millisecond), mmx.WithMaxAttempts(1))
	_, err := silent.Files.Delete(background, seeded, mmx.PurposeVoiceClone)
	failure := is(t, err, mmx.ErrTimeout)
	if !failure.Ambiguous || !strings.Contains(failure.Message, "no byte came for 150 ms (the idle limit)") {
		t.Errorf("%+v", failure)
	}
	account.script(fault{"delay_ms": 400})
	deletes(t, account.client(mmx.WithIdleTimeout(mmx.NoTimeout)))
	refused(t, "timeout_ms", mmx.WithIdleTimeout(-2))
}
