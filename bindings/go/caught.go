package mmx

import "runtime"

// caught is how code of the caller's ended that didn't return: it must not unwind the library's frames, so it goes on
// once nothing of the library is on the stack.
type caught struct {
	panicked *any
	exited   bool
}

// catch runs code of the caller's.
func (c *caught) catch(code func()) {
	c.exited = true
	defer func() {
		if value := recover(); value != nil {
			*c = caught{panicked: &value}
		}
	}()
	code()
	c.exited = false
}

func (c *caught) is() bool {
	return c.panicked != nil || c.exited
}

func (c *caught) rethrow() {
	switch {
	case c.panicked != nil:
		panic(*c.panicked)
	case c.exited:
		runtime.Goexit()
	}
}
