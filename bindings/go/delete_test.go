package mmx_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"example.com/libmmx/mmx"
)

var background = context.Background()

func TestDeleteOnTheWire(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			account := newAccount(t)
			options := []mmx.Option{}
			if scheme == "https" {
				options = append(options, mmx.WithBaseURL(account.https()), mmx.WithCAFile(server.CAFile))
			}
			result, err := account.client(options...).Files.Delete(background, seeded, mmx.PurposeVoiceClone)
			must(t, err)
			answer := `{"file_id":176844028768320,"base_resp":{"status_code":0,"status_msg":"success"}}`
			if result.FileID != seeded || string(result.JSON) != answer {
				t.Errorf("%d %s", result.FileID, result.JSON)
			}
			sent := account.last()
			got := []string{
				sent.Method, sent.Path, sent.Query, sent.Body,
				sent.header("Authorization"), sent.header("Content-Type"), sent.header("User-Agent"),
			}
			want := []string{
				"POST", "/v1/files/delete", "", `{"file_id":176844028768320,"purpose":"voice_clone"}`,
				"Bearer " + server.Key, "application/json", "libmmx/" + mmx.LibraryVersion(),
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%q, not %q", got[i], want[i])
				}
			}
			if performed := account.number("count?performed=1"); performed != 1 {
				t.Errorf("%d deletes were carried out", performed)
			}
		})
	}
}

func TestUnknownFieldsAreKept(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"shape": "unknown_fields"}, fault{"shape": "id_missing"}, fault{"shape": "id_as_string"})
	account.addFiles(3)
	client := account.client()
	for id := int64(1); id <= 3; id++ {
		result, err := client.Files.Delete(background, id, mmx.PurposeVoiceClone)
		must(t, err)
		var fields map[string]json.RawMessage
		must(t, json.Unmarshal(result.JSON, &fields))
		if result.FileID != id || id == 1 && len(fields) < 3 {
			t.Errorf("%d %s", result.FileID, result.JSON)
		}
	}
}

func TestPurposesAreSentAsTheyAre(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	account.script(fault{"times": -1, "body": `{"base_resp":{"status_code":0,"status_msg":"success"}}`})
	purposes := map[string]string{
		mmx.PurposeVoiceClone: "voice_clone", mmx.PurposePromptAudio: "prompt_audio",
		mmx.PurposeT2AAsyncInput: "t2a_async_input", mmx.PurposeT2AAsync: "t2a_async",
		mmx.PurposeVideoGeneration: "video_generation", mmx.PurposeVideoUnderstanding: "video_understanding",
		mmx.PurposeVideoGenerationInput: "video_generation_input", "new_in_2027": "new_in_2027",
	}
	for purpose, word := range purposes {
		_, err := client.Files.Delete(background, 1, purpose)
		must(t, err)
		if body := account.last().Body; body != fmt.Sprintf(`{"file_id":1,"purpose":"%s"}`, word) {
			t.Errorf("%s: %s", purpose, body)
		}
	}
}

func TestIDsKeepEveryDigit(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for _, id := range []int64{0, -1, math.MinInt64, -seeded} {
		_, err := client.Files.Delete(background, id, mmx.PurposeVoiceClone)
		if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "file_id" || failure.Ambiguous {
			t.Errorf("%d: %+v", id, failure)
		}
	}
	account.sent(0)
	for id, purpose := range map[int64]string{math.MaxInt64: mmx.PurposeVoiceClone, 1<<53 + 1: mmx.PurposeT2AAsyncInput} {
		result, err := client.Files.Delete(background, id, purpose)
		must(t, err)
		if result.FileID != id || !strings.Contains(account.last().Body, fmt.Sprint(id)) {
			t.Errorf("%d became %d, sent as %s", id, result.FileID, account.last().Body)
		}
	}
	account.sent(2)
}

func TestTextWithNULIsRefused(t *testing.T) {
	account := newAccount(t)
	client := account.client()
	for _, purpose := range []string{"\x00", "voice_clone\x00", "voice_clone\x00x"} {
		_, err := client.Files.Delete(background, seeded, purpose)
		failure := is(t, err, mmx.ErrInvalidArgument)
		if failure.Parameter != "purpose" || failure.Error() != "delete_file: purpose must not hold a NUL byte" {
			t.Errorf("%q: %+v", purpose, failure)
		}
	}
	account.sent(0)
	for parameter, option := range map[string]mmx.Option{
		"api_key": mmx.WithAPIKey("k\x00"), "base_url": mmx.WithBaseURL("http://127.0.0.1\x00.example"),
		"pem_path": mmx.WithCAFile("a\x00"), "user_agent": mmx.WithUserAgent("a\x00"),
	} {
		client, err := mmx.New(option)
		if failure := is(t, err, mmx.ErrInvalidArgument); client != nil || failure.Parameter != parameter {
			t.Errorf("%s: %+v", parameter, failure)
		}
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	_, err := newAccount(t).client().Files.Delete(background, seeded, "voice_\xff")
	if failure := is(t, err, mmx.ErrInvalidArgument); failure.Parameter != "purpose" {
		t.Errorf("%+v", failure)
	}
}

func TestTraceIDIsTheService(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"code": 1004})
	_, err := account.client().Files.Delete(background, seeded, mmx.PurposeVoiceClone)
	if failure := is(t, err, mmx.ErrAuthentication); failure.TraceID == "" || failure.TraceID != account.last().TraceID {
		t.Errorf("%q, not %q", failure.TraceID, account.last().TraceID)
	}
}

func Example() {
	client, err := mmx.New() // the key is in MINIMAX_API_KEY
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	result, err := client.Files.Delete(context.Background(), 176844028768320, mmx.PurposeVoiceClone)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("deleted", result.FileID)
	// Output: deleted 176844028768320
}
