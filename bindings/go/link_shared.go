//go:build !mmx_static

package mmx

// Links libmmx.so. In a file for each, because Go's build cache tells files apart, but not what pkg-config answers.

// #cgo pkg-config: mmx
import "C"
