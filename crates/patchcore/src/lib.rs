//! PatchCore: patch embeddings, coreset, memory bank, nearest-neighbour scores and anomaly maps.
