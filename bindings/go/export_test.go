package mmx

// MaxThreads and Slots let tests fill the queue.
const MaxThreads = maxThreads

var Slots = slots

// ParseError lets tests read errors that they write themselves.
var ParseError = parseError
