package mmx

import "runtime"

// recovered is the panic or Goexit of code of the caller. It must not unwind the library's frames, so it is recovered
// and continued when none is on the stack.
type recovered struct {
	panicked *any
	exited   bool
}

// run runs code of the caller.
func (r *recovered) run(code func()) {
	r.exited = true
	defer func() {
		if value := recover(); value != nil {
			*r = recovered{panicked: &value}
		}
	}()
	code()
	r.exited = false
}

// any tells whether there is a panic or Goexit to continue.
func (r *recovered) any() bool {
	return r.panicked != nil || r.exited
}

// resume continues the panic or Goexit, if there is one.
func (r *recovered) resume() {
	switch {
	case r.panicked != nil:
		panic(*r.panicked)
	case r.exited:
		runtime.Goexit()
	}
}
