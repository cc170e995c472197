module service

go 1.24

require example.com/libmmx/mmx v1.0.0

// In this checkout; without the line Go fetches the published module.
replace example.com/libmmx/mmx => ../../../bindings/go
