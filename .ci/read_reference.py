"""Opens a saved model of the original as the original does, with FAISS and pickle, and searches its banks.

    python read_reference.py FOLDER FOUND ...    FOLDER: what `patchcore export` wrote
                                                 FOUND: for each member what `patchcore bench search --save` wrote
"""
import pickle
import sys
from pathlib import Path

import faiss
import numpy as np
from safetensors.numpy import load_file

folder, found = Path(sys.argv[1]), sys.argv[2:]
members = sum(".faiss" in path.name for path in folder.iterdir())
assert members == len(found) >= 1, (members, found)
for i, file in enumerate(found, start=1):
    prefix = "" if members == 1 else f"Ensemble-{i}-{members}_"
    index = faiss.read_index(str(folder / f"{prefix}nnscorer_search_index.faiss"))
    params = pickle.loads((folder / f"{prefix}patchcore_params.pkl").read_bytes())
    ours = load_file(file)
    queries, squared, rows = (ours[name] for name in ("queries", "squared", "indices"))
    assert type(index) is faiss.IndexFlatL2 and index.d == params["target_embed_dimension"], (index, params)
    assert list(params)[0] == "backbone.name" and type(params["input_shape"]) is tuple, params
    vectors = index.reconstruct_n(0, index.ntotal)
    assert np.array_equal(vectors, ours["bank"])
    theirs, ids = index.search(queries, rows.shape[1])
    # FAISS subtracts products of whole vectors, so its error grows with their lengths.
    length = (queries ** 2).sum(1).max() + (vectors ** 2).sum(1).max()
    assert np.abs(theirs - squared).max() <= 1e-5 * length, np.abs(theirs - squared).max()
    exact = ((queries[:, None] - vectors[ids]) ** 2).sum(-1)
    same = (ids == rows) | (np.abs(exact - squared) <= 1e-5 * length)
    assert same.all() and (ids == rows).mean() > 0.9, (ids == rows).mean()
    print(f"{prefix}{params['backbone.name']}: {index.ntotal} vectors of {index.d}, {len(queries)} searches agree")
