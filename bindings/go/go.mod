module example.com/libmmx/mmx

go 1.24
