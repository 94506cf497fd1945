"""Programs that do the worker's work by other means, each a process of its own that needs no part of netgrowth."""
