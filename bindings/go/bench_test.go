package mmx_test

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"example.com/libmmx/mmx"
)

// The benchmarks compare a delete with the same request by net/http.
func BenchmarkDelete(b *testing.B) {
	client := benchmarked(b).client()
	for b.Loop() {
		must(b, remove(background, client))
	}
}

func BenchmarkDeleteWithContext(b *testing.B) {
	client := benchmarked(b).client()
	for b.Loop() {
		must(b, remove(b.Context(), client))
	}
}

func BenchmarkDelete64AtOnce(b *testing.B) {
	client := benchmarked(b).client()
	at64(b, func() { must(b, remove(b.Context(), client)) })
}

func BenchmarkNetHTTP64AtOnce(b *testing.B) {
	account := benchmarked(b)
	at64(b, func() { postDelete(b, account.url()) })
}

func at64(b *testing.B, call func()) {
	b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			call()
		}
	})
}

// The cost of the wrapper alone: the library refuses this at once.
func BenchmarkRefusal(b *testing.B) {
	client := benchmarked(b).client()
	for b.Loop() {
		client.Files.Delete(b.Context(), 0, mmx.PurposeVoiceClone)
	}
}

func BenchmarkNetHTTP(b *testing.B) {
	account := benchmarked(b)
	for b.Loop() {
		postDelete(b, account.url())
	}
}

func benchmarked(b *testing.B) account {
	account := newAccount(b)
	account.control("POST", "journal_off", nil)
	account.script(fault{"times": -1, "body": `{"file_id":176844028768320,"base_resp":{"status_code":0,"status_msg":"success"}}`})
	b.ReportAllocs()
	return account
}

// plain keeps as many idle connections as were in use.
var plain = http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func postDelete(b *testing.B, url string) {
	body := strings.NewReader(`{"file_id":176844028768320,"purpose":"voice_clone"}`)
	request, err := http.NewRequestWithContext(b.Context(), "POST", url+"/v1/files/delete", body)
	must(b, err)
	request.Header.Set("Authorization", "Bearer "+server.Key)
	request.Header.Set("Content-Type", "application/json")
	response, err := plain.Do(request)
	must(b, err)
	defer response.Body.Close()
	var answer struct {
		BaseResp struct {
			StatusCode int `json:"status_code"`
		} `json:"base_resp"`
	}
	must(b, json.NewDecoder(response.Body).Decode(&answer))
	if answer.BaseResp.StatusCode != 0 {
		b.Fatal(answer)
	}
}
