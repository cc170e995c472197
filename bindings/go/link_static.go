//go:build mmx_static

package mmx

// Links libmmx.a. In a file for each, because Go's build cache tells files apart, but not what pkg-config answers.

// #cgo pkg-config: mmx-static
import "C"
