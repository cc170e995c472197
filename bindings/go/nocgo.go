//go:build !cgo

package mmx

// Without cgo every other file is left out, so this one fails the build with the reason: set CGO_ENABLED=1 and install a
// C compiler.
const _ = mmx_requires_cgo_set_CGO_ENABLED_1
