"""Many customers: cells, buckets, calendar, watermark, windows, rows, and their merge over partitions."""
