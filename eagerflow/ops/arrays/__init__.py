"""Making tensors, and moving elements: shapes, joins, indexing, sorting."""
