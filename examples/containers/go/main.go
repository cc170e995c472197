// Deletes files: reads lines of "FILE_ID PURPOSE" and prints what became of each, until the input ends or SIGTERM comes.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"example.com/libmmx/mmx"
)

func main() {
	// The first process of a container gets no signal that it has no handler for. The context cancels the call.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	client, err := mmx.New() // Key and base URL from the environment.
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	lines := make(chan string)
	go read(lines)
	for {
		select {
		case <-ctx.Done():
			return
		case line, open := <-lines:
			if !open {
				return
			}
			fmt.Println(remove(ctx, client, line))
		}
	}
}

func read(lines chan<- string) {
	defer close(lines)
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		lines <- input.Text()
	}
}

func remove(ctx context.Context, client *mmx.Client, line string) string {
	var id int64
	var purpose string
	if _, err := fmt.Sscan(line, &id, &purpose); err != nil {
		return fmt.Sprintf("%q: not a FILE_ID and a PURPOSE", line)
	}
	_, err := client.Files.Delete(ctx, id, purpose)
	var failure *mmx.Error
	switch {
	case err == nil:
		return fmt.Sprintf("%d deleted", id)
	case errors.As(err, &failure) && failure.Ambiguous:
		return fmt.Sprintf("%d unknown: %v", id, err)
	default:
		return fmt.Sprintf("%d failed: %v", id, err)
	}
}
