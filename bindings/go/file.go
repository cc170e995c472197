package mmx

// #include <mmx.h>
import "C"

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// File is a file as the service tells of it.
type File struct {
	FileID int64
	// Bytes is 0 for generated files: not a length to rely on.
	Bytes int64
	// CreatedAt is zero where the service doesn't say: then the file isn't known to be old.
	CreatedAt time.Time
	// Filename is a name of the service's: check it before it becomes a path or goes to a terminal.
	Filename string
	Purpose  string
	// DownloadURL is what [Files.Retrieve] may give. Whoever has it can fetch the file: keep it, and Raw, out of logs.
	DownloadURL string
	// Extra has the fields that this version doesn't know, or nil.
	Extra map[string]json.RawMessage
	// Raw is the file's part of the answer as it came.
	Raw json.RawMessage
}

// UnmarshalJSON reads a file of an answer. An id is an integer or a decimal string; other fields that are not what they
// should be count as not said.
func (f *File) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	id, ok := wholeNumber(fields["file_id"])
	if !ok {
		return errors.New("a file_id is not a whole number of 64 bits")
	}
	*f = File{
		FileID: id, Filename: text(fields["filename"]), Purpose: text(fields["purpose"]),
		DownloadURL: text(fields["download_url"]), Raw: append(json.RawMessage(nil), data...),
	}
	f.Bytes, _ = wholeNumber(fields["bytes"])
	if seconds, _ := wholeNumber(fields["created_at"]); seconds != 0 {
		f.CreatedAt = time.Unix(seconds, 0).UTC()
	}
	for _, known := range []string{"file_id", "bytes", "created_at", "filename", "purpose", "download_url"} {
		delete(fields, known)
	}
	if len(fields) > 0 {
		f.Extra = fields
	}
	return nil
}

// wholeNumber reads an integer or a decimal string, never by way of a floating point number.
func wholeNumber(value json.RawMessage) (int64, bool) {
	digits := string(value)
	if len(value) > 0 && value[0] == '"' {
		digits = text(value)
		for _, digit := range []byte(digits) {
			if digit < '0' || digit > '9' {
				return 0, false
			}
		}
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	return number, err == nil
}

func text(value json.RawMessage) (text string) {
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}

// part reads one field of an answer; a missing one or null leaves into as it is.
func part(call string, answer []byte, field string, into any) *Error {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(answer, &fields)
	if value := fields[field]; err == nil && value != nil {
		err = json.Unmarshal(value, into)
	}
	if err != nil {
		return refusal(call, C.MMX_ERROR_PROTOCOL, "the answer can't be read: "+err.Error())
	}
	return nil
}

// theFile reads the one file of an answer.
func theFile(call string, answer []byte) (File, *Error) {
	var file *File
	if failure := part(call, answer, "file", &file); failure != nil {
		return File{}, failure
	}
	if file == nil {
		return File{}, refusal(call, C.MMX_ERROR_PROTOCOL, "the answer tells of no file")
	}
	return *file, nil
}
