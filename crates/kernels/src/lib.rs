//! The only unsafe code: numeric kernels, slices in and slices out, chosen at run time for the processor.
#![allow(unsafe_code, reason = "SIMD loads and calls into functions compiled for a detected instruction set")]
