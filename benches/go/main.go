// The contestants in Go: bench libmmx|net/http FIRST_ID GOROUTINES WARM_UP CALLS. The last two are for each goroutine.
//
// Server, key and roots are in MINIMAX_BASE_URL, MINIMAX_API_KEY and SSL_CERT_FILE. Prints one line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// contestant makes what deletes a file that is there, from any number of goroutines at once, and says what it is.
type contestant func(goroutines int) (remove func(id int64) error, about string)

var contestants = map[string]contestant{"libmmx": libmmx, "net/http": netHTTP}

type result struct {
	About   string          `json:"about"`
	Wall    time.Duration   `json:"wall_ns"`
	CPU     time.Duration   `json:"cpu_ns"`
	PeakRSS int64           `json:"peak_rss_kib"`
	Calls   []time.Duration `json:"call_ns"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 6 || contestants[os.Args[1]] == nil {
		log.Fatalf("usage: %s libmmx|net/http FIRST_ID GOROUTINES WARM_UP CALLS", os.Args[0])
	}
	firstID, goroutines, warmUp, calls := number(2), int(number(3)), int(number(4)), int(number(5))
	remove, about := contestants[os.Args[1]](goroutines)
	result := run(remove, firstID, goroutines, warmUp, calls)
	result.About = about
	check(json.NewEncoder(os.Stdout).Encode(result))
}

func run(remove func(id int64) error, firstID int64, goroutines, warmUp, calls int) result {
	result := result{Calls: make([]time.Duration, goroutines*calls)}
	var warm, done sync.WaitGroup
	warm.Add(goroutines)
	done.Add(goroutines)
	start := make(chan struct{})
	for i := range goroutines {
		go func() {
			defer done.Done()
			id := firstID + int64(i*(warmUp+calls))
			for range warmUp {
				check(remove(id))
				id++
			}
			warm.Done()
			<-start
			for j := range calls {
				began := time.Now()
				check(remove(id))
				result.Calls[i*calls+j] = time.Since(began)
				id++
			}
		}()
	}
	warm.Wait()
	cpu, began := usage().cpu, time.Now()
	close(start)
	done.Wait()
	result.Wall = time.Since(began)
	after := usage()
	result.CPU, result.PeakRSS = after.cpu-cpu, after.peakRSS
	return result
}

type used struct {
	cpu     time.Duration
	peakRSS int64
}

func usage() used {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return used{time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), usage.Maxrss}
}

func number(at int) int64 {
	value, err := strconv.ParseInt(os.Args[at], 10, 64)
	check(err)
	return value
}

func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		check(fmt.Errorf("%s is not set", name))
	}
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
