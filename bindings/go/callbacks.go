package mmx

// #include <mmx.h>
import "C"

import (
	"io"
	"runtime/cgo"
	"unsafe"
)

func transferOf(handle uintptr) *transfer {
	return cgo.Handle(handle).Value().(*transfer)
}

//export mmxGoRead
func mmxGoRead(handle uintptr, buffer *C.uint8_t, capacity C.size_t) C.int64_t {
	t := transferOf(handle)
	into := unsafe.Slice((*byte)(buffer), int(capacity))
	if t.direct {
		count, ok := t.run(true, func() (int, error) { return t.read(into) })
		return counted(count, ok)
	}
	// Memory of Go's own: a Read that is left behind may still write to it.
	if len(t.buffer) < len(into) {
		t.buffer = make([]byte, len(into))
	}
	own := t.buffer[:len(into)]
	count, ok := t.run(false, func() (int, error) { return t.read(own) })
	copy(into, own[:count])
	return counted(count, ok)
}

func counted(count int, ok bool) C.int64_t {
	if !ok {
		return -1
	}
	return C.int64_t(count)
}

// read returns 0 at the end only.
func (t *transfer) read(into []byte) (int, error) {
	for range 100 {
		if t.pending == io.EOF {
			return 0, nil
		}
		if t.pending != nil {
			return 0, t.pending
		}
		count, err := t.reader.Read(into)
		if count < 0 || count > len(into) {
			return 0, errCount
		}
		t.pending = err
		if count > 0 {
			return count, nil
		}
	}
	return 0, io.ErrNoProgress
}

//export mmxGoWrite
func mmxGoWrite(handle uintptr, data *C.uint8_t, length C.size_t) C.int32_t {
	t := transferOf(handle)
	from := unsafe.Slice((*byte)(data), int(length))
	if !t.direct {
		t.buffer = append(t.buffer[:0], from...)
		from = t.buffer
	}
	_, ok := t.run(t.direct, func() (int, error) { return t.write(from) })
	return refusedUnless(ok)
}

func (t *transfer) write(from []byte) (int, error) {
	count, err := t.writer.Write(from)
	switch {
	case count < 0 || count > len(from):
		return 0, errCount
	case err == nil && count < len(from):
		return count, io.ErrShortWrite
	}
	return count, err
}

//export mmxGoRewind
func mmxGoRewind(handle uintptr) C.int32_t {
	t := transferOf(handle)
	_, ok := t.run(t.direct, func() (int, error) {
		t.pending = nil
		return 0, t.again()
	})
	return refusedUnless(ok)
}

//export mmxGoRestart
func mmxGoRestart(handle uintptr) C.int32_t {
	t := transferOf(handle)
	_, ok := t.run(t.direct, func() (int, error) { return 0, t.again() })
	return refusedUnless(ok)
}

//export mmxGoProgress
func mmxGoProgress(handle uintptr, done, total C.int64_t) C.int32_t {
	t := transferOf(handle)
	_, ok := t.run(false, func() (int, error) {
		t.progress(int64(done), int64(total))
		return 0, nil
	})
	return refusedUnless(ok)
}

func refusedUnless(ok bool) C.int32_t {
	if ok {
		return 0
	}
	return 1
}

//export mmxGoLog
func mmxGoLog(handle uintptr, level C.int32_t, line *C.char) {
	cgo.Handle(handle).Value().(*listener).tell(int(level), C.GoString(line))
}

func runOf(handle uintptr) *run {
	return cgo.Handle(handle).Value().(*run)
}

//export mmxGoOutcome
func mmxGoOutcome(handle uintptr, outcome *C.mmx_outcome) C.int32_t {
	return refusedUnless(runOf(handle).settled(outcome))
}

//export mmxGoSettled
func mmxGoSettled(handle uintptr, done, total C.int64_t) C.int32_t {
	return refusedUnless(runOf(handle).progressed(int64(done), int64(total)))
}
