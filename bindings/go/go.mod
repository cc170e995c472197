module example.com/libmmx/go

go 1.24
