package mmx_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	mmx "example.com/libmmx/go"
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

// Other errors have none.
func TestErrorsWithoutErrno(t *testing.T) {
	for _, given := range []struct {
		status int
		text   string
	}{
		{errorFile, `{"message": "m"}`}, {errorFile, `{"message": "m", "errno": 0}`},
		{errorFile, `{"message": "m", "errno": null}`}, {3, `{"message": "m", "errno": 2}`},
	} {
		failure, err := mmx.ParseError(given.status, []byte(given.text))
		must(t, err)
		if errors.Unwrap(failure) != nil || failure.Message != "m" {
			t.Errorf("%v: %#v", given, failure)
		}
	}
}
