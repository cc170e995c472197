package mmx_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"example.com/libmmx/mmx"
)

// Downloads that are redirected, or fetched by a link.

func (a account) journal() (requests []request) {
	a.t.Helper()
	must(a.t, json.Unmarshal(a.control("GET", "journal", nil), &requests))
	return requests
}

// keyStayed checks that the object store never saw the key, and how many requests went there.
func (a account) keyStayed(atStore int) {
	a.t.Helper()
	found := 0
	for _, request := range a.journal() {
		if request.Host == "store" {
			found++
		}
		if request.LeakedKey || (request.header("Authorization") == "") != (request.Host == "store") {
			a.t.Errorf("%+v", request)
		}
	}
	if found != atStore {
		a.t.Errorf("%d requests at the store, not %d", found, atStore)
	}
}

func TestRedirectsThatAreFollowed(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, redirect := range []fault{
			{"redirect_to": "store"}, {"redirect_to": "store", "http_status": 307}, {"redirect_to": "self"},
		} {
			account, want := holding(t, 1<<20)
			client := account.client()
			if secure {
				client = account.client(mmx.WithBaseURL(account.https()), mmx.WithCAFile(server.CAFile))
			}
			account.script(redirect)
			var got bytes.Buffer
			done, err := client.Files.Download(background, 7, &got)
			if must(t, err); hash(got.Bytes()) != want || done.Via != "retrieve_content" {
				t.Errorf("%v: %+v", redirect, done)
			}
			account.sent(2)
			if redirect["redirect_to"] == "self" {
				account.keyStayed(0)
			} else {
				account.keyStayed(1)
			}
		}
	}
	// Interrupted after a redirect, it is resumed there.
	account, want := holding(t, 1<<20)
	account.script(fault{"call": "retrieve_content", "times": 2, "redirect_to": "store"},
		fault{"call": "store", "cut_after": 500_000})
	var got bytes.Buffer
	done, err := account.client().Files.Download(background, 7, plainWriter{&got})
	if must(t, err); hash(got.Bytes()) != want || done.Resumed != 1 {
		t.Errorf("%+v", done)
	}
	account.keyStayed(2)
}

func TestRedirectsThatAreRefused(t *testing.T) {
	account, _ := holding(t, 1<<20)
	client := account.client()
	secure := account.client(mmx.WithBaseURL(account.https()), mmx.WithCAFile(server.CAFile))
	for _, test := range []struct {
		client *mmx.Client
		fault  fault
		why    string
	}{
		{client, fault{"redirect_to": "loop", "times": -1}, "in a ring, or too often"},
		{client, fault{"redirect_to": "self", "times": -1}, "in a ring, or too often"},
		{client, fault{"redirect_to": "other_scheme"}, "to something that is not the web"},
		{client, fault{"redirect_to": "file:///etc/hostname"}, "to something that is not the web"},
		{client, fault{"http_status": 302, "body": ""}, "to no place"},
		{secure, fault{"redirect_to": "downgrade"}, "from https:// to http://"},
	} {
		account.script(test.fault)
		before := account.number("count")
		var got bytes.Buffer
		_, err := test.client.Files.Download(background, 7, &got)
		if failure := is(t, err, mmx.ErrProtocol); got.Len() > 0 || failure.HTTPStatus != 302 ||
			!strings.Contains(failure.Message, "the download was redirected "+test.why) {
			t.Errorf("%+v", failure)
		}
		if sent := account.number("count") - before; sent > 7 {
			t.Errorf("%v: %d requests", test.fault, sent)
		}
		account.control("DELETE", "faults", nil)
	}
	account.keyStayed(0)
}

func TestALinkThatHasExpired(t *testing.T) {
	account, want := holding(t, 1<<20)
	client := account.client()
	download := func() (mmx.Download, string, error) {
		var got bytes.Buffer
		done, err := client.Files.Download(background, 7, &got, mmx.WithViaDownloadURL())
		return done, hash(got.Bytes()), err
	}
	// A new link is requested, once.
	account.script(fault{"expired_url": true})
	done, got, err := download()
	if must(t, err); got != want || done.Via != "download_url" {
		t.Errorf("%+v", done)
	}
	account.sent(4)
	// Between two attempts, too.
	account.script(fault{"call": "store", "cut_after": 500_000}, fault{"call": "store", "http_status": 403, "body": "<Error/>"})
	done, got, err = download()
	if must(t, err); got != want || done.Resumed != 1 {
		t.Errorf("%+v", done)
	}
	account.sent(4 + 5)
	account.script(fault{"expired_url": true, "times": -1})
	_, _, err = download()
	if failure := is(t, err, mmx.ErrHTTP); failure.HTTPStatus != 403 || strings.Contains(failure.Message, "Signature") {
		t.Errorf("%+v", failure)
	}
	account.sent(4 + 5 + 4)
	account.keyStayed(2 + 3 + 2)
	if strings.Contains(string(done.Raw), "Signature") {
		t.Errorf("%s", done.Raw)
	}
}

// No error message contains a signed link.
func TestLinksStaySecret(t *testing.T) {
	const signed = `//store.invalid/?Signature=secret`
	account, _ := holding(t, 1<<20)
	client := account.client(mmx.WithMaxAttempts(1))
	answer := func(link string) fault {
		body := `{"file":{"file_id":7,"download_url":"` + link + `"},"base_resp":{"status_code":0}}`
		return fault{"call": "retrieve", "body": body}
	}
	for _, test := range []struct {
		fault fault
		kind  error
	}{
		{answer("ftp:" + signed), mmx.ErrProtocol},
		{answer("https://:" + signed), mmx.ErrProtocol},
		{answer(signed), mmx.ErrProtocol},
		{answer(""), mmx.ErrProtocol},
		{fault{"call": "store", "close_before_answer": "rst"}, mmx.ErrNetwork},
		{fault{"call": "store", "cut_after": 500_000}, mmx.ErrNetwork},
		{fault{"call": "store", "http_status": 503, "body": "?Signature=secret"}, mmx.ErrServer},
		{fault{"call": "store", "redirect_to": "ftp:" + signed}, mmx.ErrProtocol},
		{fault{"call": "store", "shape": "garbage", "cut_after": 40}, mmx.ErrProtocol},
	} {
		account.script(test.fault)
		var got bytes.Buffer
		_, err := client.Files.Download(background, 7, &got, mmx.WithViaDownloadURL())
		failure := is(t, err, test.kind)
		if text := failure.Error() + failure.APIMessage; strings.Contains(text, "Signature") || strings.Contains(text, "Expires") {
			t.Errorf("%+v", failure)
		}
	}
}

// A link to another machine is followed over https only.
func TestLinksBeyondThisMachine(t *testing.T) {
	account, _ := holding(t, 10)
	proxy := account.newProxy(fault{"refuse": 403})
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("HTTPS_PROXY", proxy)
	account.script(fault{"call": "retrieve", "body": `{"file":{"file_id":7,"download_url":"http://store.example/a?b"},` +
		`"base_resp":{"status_code":0}}`})
	_, err := account.client(mmx.WithMaxAttempts(1)).Files.Download(background, 7, io.Discard, mmx.WithViaDownloadURL())
	is(t, err, mmx.ErrConnect)
	if asked := account.askedOfProxy(1)[0]; asked.Method != "CONNECT" || asked.Target != "store.example:443" {
		t.Errorf("%+v", asked)
	}
}

func TestTheLargestID(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	account.control("POST", "files", []any{map[string]any{
		"file_id": int64(math.MaxInt64), "purpose": "voice_clone", "content": "abc",
	}})
	account.script(fault{"call": "retrieve", "shape": "id_as_string"})
	for _, options := range [][]mmx.CallOption{nil, {mmx.WithViaDownloadURL()}} {
		var got bytes.Buffer
		done, err := client.Files.Download(background, math.MaxInt64, &got, options...)
		if must(t, err); got.String() != "abc" || done.FileID != math.MaxInt64 {
			t.Errorf("%+v", done)
		}
	}
	account.script(fault{"shape": "id_as_string"})
	stored, err := client.Files.Upload(background, strings.NewReader("abc"), voice)
	if must(t, err); stored.FileID == 0 || account.last().Upload.Bytes != 3 {
		t.Errorf("%+v", stored)
	}
	account.script(fault{"shape": "unknown_fields"})
	stored, err = client.Files.Upload(background, strings.NewReader("abc"), voice)
	if must(t, err); len(stored.Extra) == 0 {
		t.Errorf("%+v", stored)
	}
	_, err = client.Files.Delete(background, math.MaxInt64, mmx.PurposeVoiceClone)
	must(t, err)
}
