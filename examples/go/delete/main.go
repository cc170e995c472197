// Deletes one file: delete FILE_ID PURPOSE, with the key in MINIMAX_API_KEY.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"strconv"

	"example.com/libmmx/mmx"
)

func main() {
	flag.Parse()
	client, err := mmx.New() // settings from the environment
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	id, err := strconv.ParseInt(flag.Arg(0), 10, 64)
	if err == nil {
		_, err = client.Files.Delete(context.Background(), id, flag.Arg(1))
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("deleted", id)
}
