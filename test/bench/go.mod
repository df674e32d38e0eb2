module sluice.dev/sluice/test/bench

go 1.25
