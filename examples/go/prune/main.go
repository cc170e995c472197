// Deletes old files: prune --delete PURPOSE DAYS, with the key in MINIMAX_API_KEY. Without --delete it only lists them.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"time"

	"example.com/libmmx/mmx"
)

func main() {
	really := flag.Bool("delete", false, "delete what is shown")
	flag.Parse()
	days, err := strconv.ParseUint(flag.Arg(1), 10, 16)
	if err != nil || days == 0 {
		log.Fatal("how many days old, at least one? ", err)
	}
	// Retries and failures are printed to stderr.
	warnings := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	client, err := mmx.New(mmx.WithLogger(warnings)) // settings from the environment
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	filter := mmx.PruneFilter{Purpose: flag.Arg(0), OlderThan: time.Duration(days) * 24 * time.Hour}
	plan, err := list(ctx, client.Files, filter)
	if err == nil && *really {
		err = deleteListed(ctx, client.Files, plan)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// list prints the old files, and deletes nothing.
func list(ctx context.Context, files mmx.Files, filter mmx.PruneFilter) (*mmx.Plan, error) {
	result, err := files.Prune(ctx, filter, mmx.WithDryRun())
	if err != nil {
		return nil, err
	}
	plan := result.Plan
	for _, file := range plan.Files {
		// Quoted, because a name may contain control characters.
		fmt.Printf("%d %q of %s\n", file.FileID, file.Filename, file.CreatedAt.Format(time.DateOnly))
	}
	fmt.Printf("%d of %d files at %s, at least %d bytes\n", plan.Matched, plan.Listed, plan.Host, plan.BytesAtLeast)
	return plan, nil
}

// deleteListed deletes the files that were listed, and no others.
func deleteListed(ctx context.Context, files mmx.Files, plan *mmx.Plan) (last error) {
	refs := func(yield func(mmx.FileRef) bool) {
		for _, file := range plan.Files {
			if !yield(mmx.FileRef{FileID: file.FileID, Purpose: file.Purpose}) {
				return
			}
		}
	}
	var summary mmx.Summary
	for outcome, err := range files.DeleteFiles(ctx, refs, mmx.WithSummary(&summary)) {
		if err != nil {
			last = err
		}
		if outcome.Kind != 0 {
			fmt.Println(outcome.FileID, outcome.Kind)
		}
	}
	fmt.Printf("%d of %d are gone\n", summary.Deleted+summary.AlreadyAbsent, summary.Total)
	return last
}
