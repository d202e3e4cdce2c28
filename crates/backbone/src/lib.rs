//! The frozen network: weights, layers, and feature maps tapped by layer name.
