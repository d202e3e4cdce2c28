//! Metrics as pure functions: AUROC, average precision, F1-max, AUPRO.
