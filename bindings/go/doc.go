// Package mmx is a client for the MiniMax file API, over the native library libmmx.
//
//	client, err := mmx.New() // the key is in MINIMAX_API_KEY
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer client.Close()
//
//	_, err = client.Files.Delete(ctx, 176844028768320, mmx.PurposeVoiceClone)
//	var failure *mmx.Error
//	switch {
//	case err == nil:
//		fmt.Println("deleted")
//	case errors.Is(err, mmx.ErrAuthentication):
//		fmt.Println("check the key and its region")
//	case errors.As(err, &failure) && failure.Ambiguous:
//		fmt.Println("it may be gone all the same:", failure)
//	default:
//		fmt.Println(err)
//	}
//
// # Uploads and downloads
//
// [Files.Upload] reads from an [io.Reader] and [Files.Download] writes to an [io.Writer], piece by piece: memory use
// doesn't grow with the file. [Files.UploadFile] and [Files.DownloadFile] take paths. A Reader, a Writer and a progress
// function are used by one goroutine at a time, not always the caller's, and not after the call; what they fail or
// panic with comes out of the call. They may call the client.
//
// # Many files
//
// [Files.DeleteAll] deletes any number of files, several at a time, and tells what became of each as it settles:
//
//	for outcome, err := range client.Files.DeleteAll(ctx, refs, mmx.WithConcurrency(64)) {
//		if err != nil {
//			fmt.Println(outcome.FileID, outcome.Kind, err) // it is left, or nobody knows
//		}
//	}
//
// [Files.Prune] lists, filters, and deletes what is older than a week, say, unless a guard stops it. With either, no
// error means that no file is left that was to go.
//
// # Logs
//
// [WithLogger] has what happens in the calls told to a [log/slog.Logger].
//
// # Contexts and threads
//
// The end of a context ends its call, wherever that waits; the error is an [*Error] that unwraps to ctx.Err(). A
// deadline is also handed to the library as the call's time limit. A context that can't end costs nothing. Where a
// Read, a Write or a progress function is stuck as the context or a time limit ends, it is given 100 ms and then left
// behind in its goroutine.
//
// A call blocks the thread that it runs on. At most 500 calls of a process are in the library at a time, however many
// goroutines make calls; the others wait in a queue, where contexts and time limits hold as well. An upload whose
// Reader waits for another call, as with [io.Pipe], takes two places, and so does a loop over [Files.DeleteAll] whose
// body makes calls: give crowds of those a context. The calls of a log's handler don't wait in that queue.
//
// # Building
//
// The package reads mmx.h through cgo and finds it and the library with pkg-config, under the name mmx. A header of
// another binary interface fails the build; such a library is an error of [New].
package mmx
