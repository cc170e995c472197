package mmx_test

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// A call blocks a thread, and the runtime ends a process with 10,000.
func TestACrowdWaitsInLine(t *testing.T) {
	account := newAccount(t)
	account.script(fault{"times": -1, "delay_ms": 2000})
	client := account.client()
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	together(crowd, func(int) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		is(t, remove(ctx, client), context.DeadlineExceeded, mmx.ErrTimeout)
	})
	goroutinesBackTo(t, before)
	if threads := threads(t); threads > 500+4*runtime.NumCPU()+50 {
		t.Errorf("%d threads", threads)
	}
	if sent := account.number("count"); sent < 100 {
		t.Errorf("only %d calls came as far as the server", sent)
	}
	account.control("POST", "reset", nil)
	must(t, remove(background, client))
}

func threads(t *testing.T) int {
	tasks, err := os.ReadDir("/proc/self/task")
	must(t, err)
	return len(tasks)
}

func TestCallsLeaveNoDescriptors(t *testing.T) {
	const calls = 200
	account := newAccount(t)
	account.addFiles(calls)
	client := account.client()
	// Those of earlier tests may be closed meanwhile, so there may be fewer afterwards.
	before := descriptors(t, "anon_inode:[event")
	for id := range int64(calls) {
		ctx, cancel := context.WithCancel(background)
		_, err := client.Files.Delete(ctx, id+1, mmx.PurposeVoiceClone)
		must(t, err)
		cancel()
	}
	eventually(t, "no more descriptors than before", func() bool {
		runtime.GC()
		return descriptors(t, "anon_inode:[event") <= before+8
	})
}

// descriptors counts the descriptors whose target contains part.
func descriptors(t *testing.T, part string) (count int) {
	names, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, name := range names {
		// One may be closed by now.
		if target, err := os.Readlink("/proc/self/fd/" + name.Name()); err == nil && strings.Contains(target, part) {
			count++
		}
	}
	return count
}
