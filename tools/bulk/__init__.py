"""Many photos → parquet files, a shard each."""
