package mmx

// MaxThreads and Slots let tests fill the queue.
const MaxThreads = maxThreads

var Slots = slots
