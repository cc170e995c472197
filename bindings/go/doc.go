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
//		fmt.Println("it may have been deleted:", failure)
//	default:
//		fmt.Println(err)
//	}
//
// # Purposes and facts
//
// A delete needs the file's purpose; with "" the library finds it out by a retrieve. [Files.Wait] waits for a file whose
// id was handed out before it exists. Results have the facts of their call: [DeleteResult] and [Download] the fields of
// [CallInfo], such as TraceID, which the service's support asks for, and [File] the field Call. [WithCallInfo] also has
// those of a call that fails.
//
// # Uploads and downloads
//
// [Files.Upload] reads from an [io.Reader] and [Files.Download] writes to an [io.Writer], piece by piece: memory use
// doesn't grow with the file. [Files.UploadFile] and [Files.DownloadFile] take paths. A Reader, a Writer and a progress
// function are used by one goroutine at a time, not always the caller's, and not after the call. The call returns their
// errors, and panics with their panics. They may call the client.
//
// # Many files
//
// [Files.DeleteFiles] deletes any number of files, several at a time, and yields an outcome for each as it settles:
//
//	for outcome, err := range client.Files.DeleteFiles(ctx, refs, mmx.WithConcurrency(64)) {
//		if err != nil {
//			fmt.Println(outcome.FileID, outcome.Kind, err) // it failed, or is unknown
//		}
//	}
//
// [Files.Prune] lists files and deletes those that match a filter, such as an age, unless they are more than a limit
// allows. With either, no error means that every file has been deleted.
//
// # Files that must not be left behind
//
// [Files.WithTemporary] uploads a file, calls a function, and deletes the file, whatever the function comes to. [Files.Take]
// downloads a file and deletes it once it is whole on the disk. [WithLedger] has a file on this machine know every upload
// until its delete; [Client.Sweep] then settles what processes that were killed have left. With it, [WithReuse] uploads the
// same bytes once, [WithExpiresAfter] gives a file a time, and [Client.Keep] strikes a file out.
//
//	err := client.Files.WithTemporary(ctx, voice, params, func(ctx context.Context, file mmx.File) error {
//		return clone(ctx, file.FileID)
//	})
//
// # Logs
//
// [WithLogger] logs the requests, responses and retries of calls to a [log/slog.Logger].
//
// # Keys and headers
//
// The key is that of [WithAPIKey] or in the file of [WithAPIKeyFile], which may rotate; else it comes from MINIMAX_API_KEY
// or the file that MINIMAX_API_KEY_FILE names. [WithHeader] adds headers for a gateway.
//
// # Contexts and threads
//
// The end of a context ends its call, wherever it waits; the error is an [*Error] that unwraps to ctx.Err(). A deadline
// is also passed to the library as the call's time limit. A context that can't end costs nothing. A Read, a Write or a
// progress function that blocks when the context or a time limit ends has 100 ms to return, and is then abandoned in
// its goroutine.
//
// A call blocks a thread. At most 500 calls of a process are in the library at a time; the others wait in a queue,
// where contexts and time limits apply as well. An upload whose Reader waits for another call, as with [io.Pipe], takes
// two slots, and so does a loop over [Files.DeleteFiles] whose body makes calls: if you make hundreds of those at once,
// give them a context that ends. The calls of a log handler don't wait in that queue.
//
// # Building
//
// The package needs cgo: without it the build fails with mmx_requires_cgo_set_CGO_ENABLED_1. pkg-config finds mmx.h and
// the library, under the name mmx. A header of another binary interface fails the build; such a library is an error of
// [New]. The build tag mmx_static links the static library.
package mmx
