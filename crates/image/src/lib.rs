//! From files to tensors: decoding, preprocessing, masks and data set layouts.
