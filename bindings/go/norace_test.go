//go:build !race

package mmx_test

const crowd = 20_000
