module example.com/libmmx/bench

go 1.24

require example.com/libmmx/mmx v0.0.0

replace example.com/libmmx/mmx => ../../bindings/go
