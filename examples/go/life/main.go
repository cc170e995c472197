// Uploads, lists, retrieves, downloads and deletes a file: life PATH PURPOSE, with the key in MINIMAX_API_KEY.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"example.com/libmmx/mmx"
)

func main() {
	flag.Parse()
	client, err := mmx.New() // settings from the environment
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := life(context.Background(), client.Files, flag.Arg(0), flag.Arg(1)); err != nil {
		log.Fatal(err)
	}
}

func life(ctx context.Context, files mmx.Files, path, purpose string) error {
	uploaded, err := files.UploadFile(ctx, path, purpose, mmx.WithProgress(func(done, total int64) {
		fmt.Printf("%d of %d bytes are sent\n", done, total)
	}))
	if err != nil {
		return err
	}
	id := uploaded.FileID
	defer func() {
		if _, err := files.Delete(ctx, id, purpose); err != nil {
			log.Fatal(err)
		}
		fmt.Println("deleted", id)
	}()
	all, err := files.List(ctx, purpose)
	if err != nil {
		return err
	}
	fmt.Printf("one of %d files of %s\n", len(all), purpose)
	file, err := files.Retrieve(ctx, id)
	if err != nil {
		return err
	}
	fmt.Printf("%d %q, made at %v\n", id, file.Filename, file.CreatedAt)
	var back bytes.Buffer
	if _, err := files.Download(ctx, id, &back); err != nil {
		return err
	}
	original, err := os.ReadFile(path)
	fmt.Println("the same bytes:", bytes.Equal(original, back.Bytes()))
	return err
}
