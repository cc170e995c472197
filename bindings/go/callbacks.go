package mmx

// #include <mmx.h>
import "C"

import (
	"io"
	"runtime/cgo"
	"unsafe"
)

func transferFor(handle uintptr) *transfer {
	return cgo.Handle(handle).Value().(*transfer)
}

//export mmxGoRead
func mmxGoRead(handle uintptr, buffer *C.uint8_t, capacity C.size_t) C.int64_t {
	t := transferFor(handle)
	into := unsafe.Slice((*byte)(buffer), int(capacity))
	if t.neverBlocks {
		count, ok := t.callback(true, func() (int, error) { return t.read(into) })
		return countOrError(count, ok)
	}
	// Go's memory: a Read that was abandoned may still write to it.
	if len(t.buffer) < len(into) {
		t.buffer = make([]byte, len(into))
	}
	own := t.buffer[:len(into)]
	count, ok := t.callback(false, func() (int, error) { return t.read(own) })
	copy(into, own[:count])
	return countOrError(count, ok)
}

func countOrError(count int, ok bool) C.int64_t {
	if !ok {
		return -1
	}
	return C.int64_t(count)
}

// read reads at least one byte; 0 is the end.
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
	t := transferFor(handle)
	from := unsafe.Slice((*byte)(data), int(length))
	if !t.neverBlocks {
		t.buffer = append(t.buffer[:0], from...)
		from = t.buffer
	}
	_, ok := t.callback(t.neverBlocks, func() (int, error) { return t.write(from) })
	return resultCode(ok)
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
	t := transferFor(handle)
	_, ok := t.callback(t.neverBlocks, func() (int, error) {
		t.pending = nil
		return 0, t.rewind()
	})
	return resultCode(ok)
}

//export mmxGoRestart
func mmxGoRestart(handle uintptr) C.int32_t {
	t := transferFor(handle)
	_, ok := t.callback(t.neverBlocks, func() (int, error) { return 0, t.rewind() })
	return resultCode(ok)
}

//export mmxGoProgress
func mmxGoProgress(handle uintptr, done, total C.int64_t) C.int32_t {
	t := transferFor(handle)
	_, ok := t.callback(false, func() (int, error) {
		t.progress(int64(done), int64(total))
		return 0, nil
	})
	return resultCode(ok)
}

func resultCode(ok bool) C.int32_t {
	if ok {
		return 0
	}
	return 1
}

//export mmxGoLog
func mmxGoLog(handle uintptr, level C.int32_t, line *C.char) {
	cgo.Handle(handle).Value().(*callLogger).log(int(level), C.GoString(line))
}

func runFor(handle uintptr) *run {
	return cgo.Handle(handle).Value().(*run)
}

//export mmxGoOutcome
func mmxGoOutcome(handle uintptr, outcome *C.mmx_outcome) C.int32_t {
	return resultCode(runFor(handle).settled(outcome))
}

//export mmxGoSettled
func mmxGoSettled(handle uintptr, done, total C.int64_t) C.int32_t {
	return resultCode(runFor(handle).progressed(int64(done), int64(total)))
}
