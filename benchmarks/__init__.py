"""`netgrowth bench`: the worker beside its peers, on one workload, judged by one reference. docs/benchmarks.md."""
