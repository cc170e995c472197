//go:build race

package mmx_test

// The race detector follows at most 8,128 goroutines.
const crowd = 5_000
