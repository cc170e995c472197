package mmx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/libmmx/mmx"
)

// A file's whole life.
func ExampleFiles_Upload() {
	client, err := mmx.New() // the key is in MINIMAX_API_KEY
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	voice := strings.NewReader("bytes of a recording")
	file, err := client.Files.Upload(ctx, voice, mmx.UploadParams{Purpose: mmx.PurposeVoiceClone, Filename: "voice.mp3"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.Filename, file.Bytes, file.Purpose)

	var back bytes.Buffer
	done, err := client.Files.Download(ctx, file.FileID, &back)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(done.Bytes, back.String())

	if _, err := client.Files.Delete(ctx, file.FileID, file.Purpose); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("deleted")
	// Output:
	// voice.mp3 20 voice_clone
	// 20 bytes of a recording
	// deleted
}

// A delete of an id whose purpose isn't known, and what to say to the service's support about it.
func ExampleFiles_Delete() {
	client, err := mmx.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx := context.Background()
	file, err := client.Files.Upload(ctx, strings.NewReader("x"), mmx.UploadParams{Purpose: "prompt_audio", Filename: "a.mp3"})
	if err != nil {
		fmt.Println(err)
		return
	}

	result, err := client.Files.Delete(ctx, file.FileID, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("deleted: attempts", result.Attempts, "evidence", result.Evidence, "trace id", result.TraceID != "")

	_, err = client.Files.Delete(ctx, file.FileID, "")
	fmt.Println("again:", errors.Is(err, mmx.ErrNotFound))
	// Output:
	// deleted: attempts 1 evidence answer trace id true
	// again: true
}

// Waits for a file whose id was handed out before it exists, for ten minutes at most.
func ExampleFiles_Wait() {
	client, err := mmx.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	file, err := client.Files.Wait(ctx, 176844028768322, mmx.WithCallTimeout(mmx.NoTimeout))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.FileID, file.Purpose)
	// Output: 176844028768322 t2a_async
}

func ExampleFiles_List() {
	client, err := mmx.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	files, err := client.Files.List(context.Background(), mmx.PurposeT2AAsync)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, file := range files {
		fmt.Println(file.FileID, file.Filename)
	}
	// Output: 176844028768322 176844028768322.tar
}

// The facts of a call that failed.
func ExampleWithCallInfo() {
	client, err := mmx.New(mmx.WithMaxAttempts(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	var info mmx.CallInfo
	_, err = client.Files.Retrieve(context.Background(), 999, mmx.WithCallInfo(&info))
	fmt.Println(errors.Is(err, mmx.ErrInvalidRequest), info.HTTPStatus, info.Attempts, info.TraceID != "")
	// Output: true 200 1 true
}

// What a failure says.
func ExampleError() {
	client, err := mmx.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	_, err = client.Files.UploadFile(context.Background(), "no/such/voice.mp3", mmx.PurposeVoiceClone)
	var failure *mmx.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.StatusName, failure.Call, failure.Attempts, failure.Ambiguous)
	}
	fmt.Println(errors.Is(err, mmx.ErrFile), errors.Is(err, fs.ErrNotExist))
	// Output:
	// MMX_ERROR_FILE upload_file 0 false
	// true true
}

// A file that is there for as long as it is needed, whatever happens meanwhile.
func ExampleFiles_WithTemporary() {
	client, err := mmx.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx := context.Background()

	voice := strings.NewReader("bytes of a recording")
	params := mmx.UploadParams{Purpose: mmx.PurposeVoiceClone, Filename: "voice.mp3"}
	err = client.Files.WithTemporary(ctx, voice, params, func(ctx context.Context, file mmx.File) error {
		fmt.Println("clones a voice from", file.Filename)
		return errors.New("no such voice")
	})
	var left *mmx.NotDeletedError
	if errors.As(err, &left) {
		fmt.Println("delete it by hand:", left.File.FileID)
	}
	fmt.Println(err)
	// Output:
	// clones a voice from voice.mp3
	// no such voice
}

// A sweep when a service starts: it deletes what a process that was killed has left.
func ExampleClient_Sweep() {
	client, err := mmx.New(mmx.WithLedger(filepath.Join(os.TempDir(), fmt.Sprintf("ledger-%d.jsonl", os.Getpid()))))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	result, err := client.Sweep(context.Background())
	for _, outcome := range result.Outcomes {
		if outcome.Err != nil {
			fmt.Println("not deleted:", outcome.FileID, outcome.Err)
		}
	}
	for _, upload := range result.Unsettled {
		fmt.Println("look at", upload.Filename, upload.FileIDs, upload.Why)
	}
	fmt.Println(result.Deleted, "deleted;", err)
	// Output: 0 deleted; <nil>
}
