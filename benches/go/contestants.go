package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"time"

	"example.com/libmmx/mmx"
)

func libmmx(int) (func(id int64) error, string) {
	client, err := mmx.New()
	check(err)
	remove := func(id int64) error {
		_, err := client.Files.Delete(context.Background(), id, mmx.PurposeVoiceClone)
		return err
	}
	return remove, fmt.Sprintf("libmmx %s, %s", mmx.LibraryVersion(), runtime.Version())
}

// netHTTP keeps a connection for each goroutine: by default it would keep two.
func netHTTP(goroutines int) (func(id int64) error, string) {
	pem, err := os.ReadFile(setting("SSL_CERT_FILE"))
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: goroutines, TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
	url, authorization := setting("MINIMAX_BASE_URL")+"/v1/files/delete", "Bearer "+setting("MINIMAX_API_KEY")
	remove := func(id int64) error {
		body, err := json.Marshal(request{id, mmx.PurposeVoiceClone})
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", authorization)
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		answer := answer{BaseResp: baseResp{StatusCode: -1}}
		if err := json.Unmarshal(text, &answer); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK || answer.BaseResp.StatusCode != 0 {
			return fmt.Errorf("%s: %s", response.Status, text)
		}
		return nil
	}
	return remove, "net/http of " + runtime.Version()
}

type request struct {
	FileID  int64  `json:"file_id"`
	Purpose string `json:"purpose"`
}

type answer struct {
	BaseResp baseResp `json:"base_resp"`
}

type baseResp struct {
	StatusCode int `json:"status_code"`
}
