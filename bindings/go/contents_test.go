package mmx_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/libmmx/mmx"
)

// What isn't the file never becomes the file, however it comes, and a file that looks like an error does.

var ways = []string{"content", "link", "redirect"}

// meets lets whoever sends the file's bytes meet the fault; it returns the options of the call.
func (a account) meets(way string, failing fault) (options []mmx.CallOption) {
	a.t.Helper()
	meeting := fault{"call": "store"}
	switch way {
	case "content":
		meeting["call"] = "retrieve_content"
	case "link":
		options = append(options, mmx.WithViaDownloadURL())
	case "redirect":
		a.script(fault{"call": "retrieve_content", "redirect_to": "store"})
	}
	for name, value := range failing {
		meeting[name] = value
	}
	a.script(meeting)
	return options
}

func refusal(code string) string {
	return `{"base_resp":{"status_code":` + code + `,"status_msg":"m"}}`
}

func TestWhatIsNoFile(t *testing.T) {
	account, _ := holding(t, 1000)
	client := account.client(mmx.WithMaxAttempts(1))
	path := filepath.Join(t.TempDir(), "a.mp3")
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	for _, test := range []struct {
		fault fault
		kind  error
		part  string
	}{
		{fault{"headers": fault{"ETag": `W/"5f"`}, "body": refusal("1004")}, mmx.ErrAuthentication, "1004"},
		{fault{"headers": fault{"Last-Modified": "Mon, 20 Nov 2023 08:36:38 GMT"}, "body": refusal("2049")}, mmx.ErrAuthentication, "2049"},
		{fault{"headers": fault{"Accept-Ranges": "bytes"}, "body": refusal("2013")}, mmx.ErrInvalidRequest, "2013"},
		{fault{"headers": fault{"Content-Disposition": "attachment"}, "body": refusal("1000")}, mmx.ErrServer, "1000"},
		{fault{"body": "\ufeff" + refusal("1004")}, mmx.ErrAuthentication, "1004"},
		{fault{"body": " \r\n" + refusal("1008"), "no_length": true}, mmx.ErrQuota, "1008"},
		{fault{"content_type": "text/html", "body": "<!DOCTYPE html><title>Sign in</title>"}, mmx.ErrProtocol, "Sign in"},
		{fault{"content_type": "application/xml", "body": "<Error><Code>AccessDenied</Code></Error>"}, mmx.ErrProtocol, "AccessDenied"},
		{fault{"encoding": "gzip"}, mmx.ErrProtocol, `"gzip"`},
		{fault{"encoding": "deflate"}, mmx.ErrProtocol, `"deflate"`},
		{fault{"http_status": 503, "content_type": "text/html", "body": "<html>" + strings.Repeat("x", 100_000)}, mmx.ErrServer, "HTTP 503"},
	} {
		for _, way := range ways {
			var got bytes.Buffer
			_, err := client.Files.Download(background, 7, &got, account.meets(way, test.fault)...)
			if failure := is(t, err, test.kind); !strings.Contains(failure.Message, test.part) ||
				got.Len() > 0 || strings.Contains(failure.Message, "Signature") {
				t.Errorf("%s, %.200v: %q, %v", way, test.fault, got.String(), err)
			}
			_, err = client.Files.DownloadFile(background, 7, path, account.meets(way, test.fault)...)
			is(t, err, test.kind)
			held, err := os.ReadFile(path)
			if must(t, err); string(held) != "old" {
				t.Errorf("%s, %.200v: the target holds %q", way, test.fault, held)
			}
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if must(t, err); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestWhatIsAFile(t *testing.T) {
	account, _ := holding(t, 1000)
	client := account.client()
	subtitles := fault{
		"content_type": "application/json", "body": `[{"text":"hello"}]`,
		"headers": fault{"Content-Disposition": "attachment; filename=subtitles.json"},
	}
	for _, test := range []fault{
		subtitles, {"body": `{"log":[{"base_resp":{"status_code":1004}}]}`}, {"body": `{"base_resp":{"status_code":0}}`},
		{"body": "{ not JSON"}, {"body": "\ufeff{}"},
	} {
		for _, way := range ways {
			var got bytes.Buffer
			_, err := client.Files.Download(background, 7, &got, account.meets(way, test)...)
			if must(t, err); got.String() != test["body"] {
				t.Errorf("%s: %q, not %q", way, got.String(), test["body"])
			}
		}
	}
}

func TestEncodingsThatNobodyAskedFor(t *testing.T) {
	account, _ := holding(t, 1000)
	account.addFiles(1)
	client := account.client(mmx.WithMaxAttempts(1))
	for name, call := range map[string]func() error{
		"list":     func() error { _, err := client.Files.List(background, ""); return err },
		"retrieve": func() error { _, err := client.Files.Retrieve(background, 7); return err },
		"upload":   func() error { return upload(client, strings.NewReader("x")) },
		"delete":   func() error { return deleteID(client, 1) },
	} {
		for _, encoding := range []string{"gzip", "deflate"} {
			account.script(fault{"encoding": encoding})
			if failure := is(t, call(), mmx.ErrProtocol); !strings.Contains(failure.Message, `encoded as "`+encoding+`"`) {
				t.Errorf("%s: %v", name, failure)
			}
			if sent := account.last(); sent.header("Accept-Encoding") != "identity" || sent.header("Cache-Control") != "no-cache" {
				t.Errorf("%s: %v", name, sent.Headers)
			}
		}
	}
}

func TestLiberalInWhatIsAccepted(t *testing.T) {
	account, want := holding(t, 1000)
	account.addFiles(1)
	client := account.client(mmx.WithMaxAttempts(1))
	download := func(options ...mmx.CallOption) {
		t.Helper()
		var got bytes.Buffer
		_, err := client.Files.Download(background, 7, &got, options...)
		if must(t, err); hash(got.Bytes()) != want {
			t.Error("other bytes")
		}
	}
	// A Location in UTF-8.
	for _, to := range []string{"utf8", "store_utf8"} {
		account.script(fault{"call": "retrieve_content", "redirect_to": to})
		download()
	}
	// Many headers, for every call.
	account.script(fault{"times": 5, "extra_headers": 120, "extra_header_bytes": 60_000})
	download()
	_, err := client.Files.List(background, "")
	must(t, err)
	_, err = client.Files.Retrieve(background, 7)
	must(t, err)
	must(t, upload(client, strings.NewReader("x")))
	must(t, deleteID(client, 1))
	// A link that has gone is renewed.
	account.script(fault{"call": "store", "http_status": 410, "body": ""})
	download(mmx.WithViaDownloadURL())
}

func TestAFullDeviceHasItsErrno(t *testing.T) {
	account, _ := holding(t, 1000)
	_, err := account.client().Files.DownloadFile(background, 7, "/dev/full")
	is(t, err, mmx.ErrFile, syscall.ENOSPC)
}

// What others wrote is quoted without its links.
func TestQuotesWithoutSignedLinks(t *testing.T) {
	const link = "https://oss.example/f?Signature=SECRETSIG"
	account, _ := holding(t, 10)
	client := account.client(mmx.WithMaxAttempts(1))
	account.script(fault{"code": 2013, "message": "see " + link})
	_, err := client.Files.Retrieve(background, 7)
	failure := is(t, err, mmx.ErrInvalidRequest)
	if !strings.Contains(failure.Message, "see https://oss.example/f") || strings.Contains(failure.Message+failure.APIMessage, "SECRETSIG") {
		t.Errorf("%+v", failure)
	}
	body, err := json.Marshal(map[string]any{"file": map[string]any{"file_id": 7, "download_url": link}, "base_resp": map[string]int{"status_code": 0}})
	must(t, err)
	account.script(fault{"body": "\ufeff" + string(body)}, fault{"body": string(body[:len(body)-30])})
	file, err := client.Files.Retrieve(background, 7)
	if must(t, err); file.DownloadURL != link {
		t.Errorf("%+v", file)
	}
	_, err = client.Files.Retrieve(background, 7)
	if failure := is(t, err, mmx.ErrProtocol); strings.Contains(failure.Message, "SECRETSIG") {
		t.Errorf("%+v", failure)
	}
}

// A wrong password is sent once: accounts get locked.
func TestAWrongPasswordIsSentOnce(t *testing.T) {
	for _, denial := range []int{401, 407} {
		for _, secure := range []bool{false, true} {
			if denial == 401 && !secure {
				// Nothing in it says that it is the proxy's.
				continue
			}
			account := newAccount(t)
			proxy := account.newProxy(fault{"credentials": "ann:right", "denial": denial})
			options := []mmx.Option{mmx.WithProxy(strings.Replace(proxy, "://", "://ann:wrong@", 1))}
			if secure {
				options = append(options, mmx.WithBaseURL(account.https()), mmx.WithCAFile(server.CAFile))
			}
			is(t, deleteID(account.client(options...), seeded), mmx.ErrConnect)
			account.askedOfProxy(1)
			account.sent(0)
		}
	}
}

func TestNoProxyAsCurlReadsIt(t *testing.T) {
	account := newAccount(t)
	host, port, _ := strings.Cut(strings.TrimPrefix(server.HTTP, "http://"), ":")
	for entry, straight := range map[string]bool{
		"some.example": true, ".example": true, "*.example": true, "some.example:" + port: true, "10.0.0.0/8, some.example": true,
		"other.example": false, "some.example:1": false, "10.0.0.0/8": false, "[::1]": false, "ome.example": false,
	} {
		t.Setenv("HTTP_PROXY", account.newProxy(fault{}))
		t.Setenv("NO_PROXY", entry)
		url := strings.Replace(account.url(), host, "some.example", 1)
		client := account.client(mmx.WithBaseURL(url), mmx.WithAllowInsecure(), mmx.WithMaxAttempts(1))
		// Only the proxy resolves the name.
		if err := deleteID(client, seeded); straight {
			is(t, err, mmx.ErrConnect)
			account.askedOfProxy(0)
		} else {
			must(t, err)
			account.askedOfProxy(1)
		}
		account.control("POST", "reset", nil)
	}
}
