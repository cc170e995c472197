package mmx

// #include <mmx.h>
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// File is a file, as the service describes it.
type File struct {
	FileID int64
	// Bytes is the size; 0 for generated files, so don't rely on it.
	Bytes int64
	// CreatedAt is zero if unknown.
	CreatedAt time.Time
	// Filename is the name at the service: check it before it becomes a path or goes to a terminal.
	Filename string
	Purpose  string
	// DownloadURL is a link to the content, from [Files.Retrieve]. Anybody who has it can fetch the file: keep it, and
	// Raw, out of logs.
	DownloadURL string
	// Extra has the fields that this version doesn't know, or nil.
	Extra map[string]json.RawMessage
	// Raw is the file's part of the response, as it came.
	Raw json.RawMessage
	// Call has the facts of the call that returned the file.
	Call CallInfo `json:"-"`
}

// UnmarshalJSON reads a file of a response. The id is an integer or a decimal string; other fields of a wrong type
// count as missing.
func (f *File) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	id, ok := parseInteger(fields["file_id"])
	if !ok {
		return errors.New("a file_id is not a whole number of 64 bits")
	}
	*f = File{
		FileID: id, Filename: parseText(fields["filename"]), Purpose: parseText(fields["purpose"]),
		DownloadURL: parseText(fields["download_url"]), Raw: append(json.RawMessage(nil), data...),
	}
	f.Bytes, _ = parseInteger(fields["bytes"])
	if seconds, _ := parseInteger(fields["created_at"]); seconds != 0 {
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

// parseInteger reads an integer or a decimal string, exactly.
func parseInteger(value json.RawMessage) (int64, bool) {
	digits := string(value)
	if len(value) > 0 && value[0] == '"' {
		digits = parseText(value)
		for _, digit := range []byte(digits) {
			if digit < '0' || digit > '9' {
				return 0, false
			}
		}
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	return number, err == nil
}

func parseText(value json.RawMessage) (text string) {
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}

// parseField reads one field of a response; if it is missing or null, into is unchanged.
func parseField(call string, response []byte, field string, into any) *Error {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(response, &fields)
	if err != nil {
		err = json.Unmarshal(escapeControls(response), &fields)
	}
	if value := fields[field]; err == nil && value != nil {
		err = json.Unmarshal(value, into)
	}
	if err != nil {
		return newError(call, C.MMX_ERROR_PROTOCOL, "the response can't be read: "+err.Error())
	}
	return nil
}

// escapeControls escapes the control characters in strings, which the service may have left as they are.
func escapeControls(response []byte) []byte {
	escaped := make([]byte, 0, len(response)+64)
	inText, isEscape := false, false
	for _, char := range response {
		switch {
		case inText && char < ' ':
			escaped = fmt.Appendf(escaped, "\\u%04x", char)
			isEscape = false
			continue
		case isEscape:
			isEscape = false
		case inText && char == '\\':
			isEscape = true
		case char == '"':
			inText = !inText
		}
		escaped = append(escaped, char)
	}
	return escaped
}

// parseFiles reads the files in a response, without entries that are none.
func parseFiles(call string, response []byte) ([]File, *Error) {
	files := []File{}
	var list json.RawMessage
	if failure := parseField(call, response, "files", &list); failure != nil {
		return nil, failure
	}
	if len(list) == 0 || list[0] != '[' {
		// null, or {} for an empty list: the library lets nothing else through.
		return files, nil
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(list, &entries); err != nil {
		return nil, newError(call, C.MMX_ERROR_PROTOCOL, "the response can't be read: "+err.Error())
	}
	for _, entry := range entries {
		var file File
		if json.Unmarshal(entry, &file) == nil {
			files = append(files, file)
		}
	}
	return files, nil
}

// parseFile reads the file in a response.
func parseFile(call string, response []byte, info CallInfo) (File, *Error) {
	var file *File
	if failure := parseField(call, response, "file", &file); failure != nil {
		return File{}, failure
	}
	if file == nil {
		return File{}, newError(call, C.MMX_ERROR_PROTOCOL, "the response has no file")
	}
	file.Call = info
	return *file, nil
}
