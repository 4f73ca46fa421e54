"""One record per deploy, proof and rollback, chained by hash, verified offline."""
