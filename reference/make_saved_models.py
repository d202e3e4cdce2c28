"""Writes testdata/saved_models.safetensors: files that the original PatchCore would save, byte by byte, as u8 tensors.

    python make_saved_models.py                      needs faiss-cpu, numpy, safetensors

The files come from the two libraries that the original saves with, FAISS and Python's pickle, on small made-up banks.
"""
import pickle
from pathlib import Path

import faiss
import numpy as np
from safetensors.numpy import save_file

SEED = 11
# Layers as the program keeps them; numbers of every width that the pickler knows.
PARAMS = {
    "tuple1": ("resnet18", ("layer2",), 224, 1, 255),
    "tuple2": ("wideresnet50", ("layer2", "layer3"), 224, 1024, 1024),
    "tuple3": ("resnet18", ("layer1", "layer2", "layer3"), 256, 256, 65535),
    "tuple4": ("resnet18", ("layer1", "layer2", "layer3", "layer4"), 320, 2147483647, 65536),
    "list1": ("resnet18", ["layer2"], 255, 300, 8),
    "list2": ("densenet201", ["features.denseblock2", "features.denseblock3"], 320, 1024, 384),
    "long": ("n" * 300, ["layer2", "Schicht-ß"], 224, 1024, 1024),
}


def params(backbone, layers, side, pretrain, target):
    return {"backbone.name": backbone, "layers_to_extract_from": layers, "input_shape": (3, side, side),
            "pretrain_embed_dimension": pretrain, "target_embed_dimension": target, "patchsize": 3, "patchstride": 1,
            "anomaly_scorer_num_nn": 5}


def bank(rows, width, rng):
    return rng.normal(size=(rows, width)).astype(np.float32)


def flat(vectors, kind=faiss.IndexFlatL2):
    index = kind(vectors.shape[1])
    index.add(vectors)
    return index


def other_indexes(vectors):
    """Indexes that no PatchCore search uses."""
    d = vectors.shape[1]
    yield "inner_product", flat(vectors, faiss.IndexFlatIP)
    yield "other_metric", faiss.IndexFlat(d, faiss.METRIC_L1)
    for name, recipe in [("inverted", "IVF2,Flat"), ("inverted_product", "IVF2,PQ2x2"), ("product", "PQ2x2"),
                         ("scalar", "SQ8"), ("graph", "HNSW4,Flat"), ("ids", "IDMap,Flat"), ("transform", "PCA2,Flat"),
                         ("hashed", "LSH")]:
        index = faiss.index_factory(d, recipe)
        index.train(vectors)
        if name == "ids":
            index.add_with_ids(vectors, np.arange(len(vectors)))
        else:
            index.add(vectors)
        yield name, index
    yield "empty", faiss.IndexFlatL2(d)


def main():
    rng = np.random.default_rng(SEED)
    tensors = {}
    for name, values in PARAMS.items():
        for protocol in (2, 3, 4, 5):
            tensors[f"params/{name}/{protocol}"] = pickle.dumps(params(*values), protocol)
    tensors["params/single"] = pickle.dumps(params("resnet18", ("layer2", "layer3"), 64, 32, 12), 5)
    single, first, second = bank(37, 12, rng), bank(9, 6, rng), bank(5, 8, rng)
    tensors["index/single"] = faiss.serialize_index(flat(single)).tobytes()
    for i, (vectors, network) in enumerate([(first, "resnet18"), (second, "densenet121")], start=1):
        prefix = f"Ensemble-{i}-2"
        tensors[f"params/{prefix}"] = pickle.dumps(params(network, ["a", "b"], 64, 16, vectors.shape[1]), 5)
        tensors[f"index/{prefix}"] = faiss.serialize_index(flat(vectors)).tobytes()
    for name, index in other_indexes(bank(64, 4, rng)):
        tensors[f"other/{name}"] = faiss.serialize_index(index).tobytes()
    tensors = {name: np.frombuffer(data, np.uint8) for name, data in tensors.items()}
    tensors["vectors/single"], tensors["vectors/Ensemble-1-2"], tensors["vectors/Ensemble-2-2"] = single, first, second
    out = Path(__file__).parent.parent / "testdata" / "saved_models.safetensors"
    save_file(tensors, out)
    print(out.stat().st_size, {name: bytes(data[:4]) for name, data in tensors.items() if name.startswith("other")})


if __name__ == "__main__":
    main()
