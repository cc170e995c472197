package mmx

import "time"

// MaxThreads and Slots let tests fill the queue.
const MaxThreads = maxThreads

var Slots = slots

// ParseError lets tests read errors that they write themselves.
var ParseError = parseError

// TemporaryTimeout sets the time limit of the delete of a temporary file, and returns what it was.
func TemporaryTimeout(limit time.Duration) time.Duration {
	before := temporaryTimeout
	temporaryTimeout = limit
	return before
}
