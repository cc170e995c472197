package mmx_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"example.com/libmmx/mmx"
)

const errorFile = 2

// The error of a local file is also that of its errno.
func TestErrnoOfAFileError(t *testing.T) {
	for number, kind := range map[syscall.Errno]error{
		syscall.ENOENT: fs.ErrNotExist, syscall.EACCES: fs.ErrPermission, syscall.EPERM: fs.ErrPermission,
		syscall.EEXIST: fs.ErrExist, syscall.EISDIR: syscall.EISDIR, syscall.ENOSPC: syscall.ENOSPC,
	} {
		text := fmt.Sprintf(`{"call": "upload_file", "message": "upload_file: no", "attempts": 1, "errno": %d}`, number)
		failure, err := mmx.ParseError(errorFile, []byte(text))
		must(t, err)
		is(t, failure, mmx.ErrFile, kind, number)
		var path *fs.PathError
		if !errors.As(failure, &path) || path.Op != "upload_file" {
			t.Errorf("%v: %#v", number, path)
		}
		if failure.Error() != "upload_file: no" || failure.Attempts != 1 {
			t.Errorf("%v: %#v", number, failure)
		}
	}
}

// The library says what this machine refused.
func TestErrnoOfWhatTheMachineRefused(t *testing.T) {
	const errorConnect = 3
	text := fmt.Sprintf(`{"call": "list_files", "message": "list_files: no", "attempts": 1, "errno": %d}`, syscall.EMFILE)
	failure, err := mmx.ParseError(errorConnect, []byte(text))
	must(t, err)
	is(t, failure, mmx.ErrConnect, syscall.EMFILE)
	if failure.Error() != "list_files: no" {
		t.Error(failure)
	}
}

// The library says which error a local file had.
func TestErrorsOfLocalFiles(t *testing.T) {
	account := newAccount(t)
	files, ctx := account.client().Files, t.Context()
	folder := t.TempDir()
	missing := filepath.Join(folder, "none.mp3")
	_, upload := files.UploadFile(ctx, missing, mmx.PurposeVoiceClone)
	_, isFolder := files.UploadFile(ctx, folder, mmx.PurposeVoiceClone)
	_, download := files.DownloadFile(ctx, seeded, filepath.Join(missing, "a"))
	_, ca := mmx.New(mmx.WithAPIKey("k"), mmx.WithCAFile(missing))
	for _, given := range []struct {
		err, kind error
		path      string
	}{
		{upload, fs.ErrNotExist, missing},
		{isFolder, syscall.EISDIR, folder},
		{download, fs.ErrNotExist, filepath.Join(missing, "a")},
		{ca, fs.ErrNotExist, missing},
	} {
		is(t, given.err, mmx.ErrFile, given.kind)
		var path *fs.PathError
		if !errors.As(given.err, &path) || path.Path != given.path {
			t.Errorf("%v: %#v", given.err, path)
		}
	}
}

// Other errors have none.
func TestErrorsWithoutErrno(t *testing.T) {
	for _, given := range []struct {
		status int
		text   string
	}{
		{errorFile, `{"message": "m"}`}, {errorFile, `{"message": "m", "errno": 0}`},
		{errorFile, `{"message": "m", "errno": null}`}, {3, `{"message": "m", "errno": 0}`},
	} {
		failure, err := mmx.ParseError(given.status, []byte(given.text))
		must(t, err)
		if errors.Unwrap(failure) != nil || failure.Message != "m" {
			t.Errorf("%v: %#v", given, failure)
		}
	}
}
