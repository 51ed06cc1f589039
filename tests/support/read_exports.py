"""Reads exported data sets with pyarrow, pandas and numpy; prints the rows, element type and a hash of each as JSON."""
import hashlib
import json
import sys

import numpy as np
import pandas as pd
import pyarrow.feather as feather
import pyarrow.parquet as pq


def arrays(path):
    if path.endswith(".npz"):
        with np.load(path) as file:
            return file["article_indices"], file["chunk_indices"], file["vectors"]
    if path.endswith(".jsonl"):
        table = pd.read_json(path, lines=True, precise_float=True)
        vectors = np.array(table["vectors"].tolist(), dtype=np.float32)
    elif path.endswith(".arrow"):
        table = feather.read_feather(path)
        vectors = np.stack(table["vectors"])
    else:
        table = pd.read_parquet(path)
        assert pq.read_table(path).num_rows == len(table)
        vectors = np.stack(table["vectors"])
    return table["article_indices"].to_numpy(), table["chunk_indices"].to_numpy(), vectors


found = []
for path in sys.argv[1:]:
    articles, chunks, vectors = arrays(path)
    sha256 = hashlib.sha256()
    for array in (articles.astype("<i8"), chunks.astype("<i8"), vectors):
        sha256.update(np.ascontiguousarray(array).tobytes())
    found.append({"rows": len(vectors), "dtype": str(vectors.dtype), "sha256": sha256.hexdigest()})
print(json.dumps(found))
